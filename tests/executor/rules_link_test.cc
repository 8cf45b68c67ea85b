// The executor's rules about connections and about the whole program (77, 78, 90, 91, 93 and 94 of the
// conformance list): real sockets and processes, virtual time.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "executor/agent_link.h"
#include "executor/bench.h"
#include "executor/process.h"
#include "executor/tiny_agent.h"

namespace mimas::executor {
namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/executor-rules-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

// The program itself, in an environment of exactly these variables.
struct Program {
  std::string stderr_text;
  int code = -1;
};
Program run(const std::vector<std::string>& variables, const std::string& prefix = "") {
  std::string line = prefix + "exec env -i PATH=/usr/bin:/bin";
  for (const std::string& variable : variables) line += " '" + variable + "'";
  line += std::string(" ") + EXECUTOR_PROGRAM + " 2>&1";
  FILE* pipe = ::popen(line.c_str(), "re");
  REQUIRE(pipe != nullptr);
  Program program;
  char buffer[512];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) program.stderr_text += buffer;
  const int status = ::pclose(pipe);
  program.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return program;
}

std::vector<std::string> environment(std::uint16_t port = 1) {
  return {"MESOS_FRAMEWORK_ID=f",
          "MESOS_EXECUTOR_ID=e",
          "MESOS_AGENT_ENDPOINT=127.0.0.1:" + std::to_string(port),
          "MESOS_SLAVE_PID=slave(1)@127.0.0.1:5051",
          "MESOS_CHECKPOINT=1",
          "MESOS_RECOVERY_TIMEOUT=15mins",
          "MESOS_SUBSCRIPTION_BACKOFF_MAX=2secs",
          "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD=1.5secs"};
}

std::vector<std::string> with(std::vector<std::string> variables, const std::string& name,
                              const std::optional<std::string>& value) {
  std::erase_if(variables, [&](const std::string& one) { return one.starts_with(name + "="); });
  if (value) variables.push_back(name + "=" + *value);
  return variables;
}

Settings over(const TinyAgent& agent) {
  Settings settings = checkpointing();
  settings.agent = {"127.0.0.1", agent.port()};
  return settings;
}

// Lets the link move bytes until it has something to say.
std::vector<LinkNews> news_of(AgentLink& link, Instant now) {
  std::vector<LinkNews> news;
  for (int i = 0; i < 300 && news.empty(); ++i) {
    std::vector<pollfd> polled;
    link.add_to(polled);
    ::poll(polled.data(), polled.size(), 100);
    link.pump(now, news);
  }
  return news;
}

std::string slurp(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("rule 77: a variable that is missing, empty or garbled ends the program and is named on stderr") {
  const std::vector<std::pair<std::string, std::string>> required = {
      {"MESOS_FRAMEWORK_ID", "a/b"},
      {"MESOS_EXECUTOR_ID", ".."},
      {"MESOS_AGENT_ENDPOINT", "127.0.0.1:70000"},
      {"MESOS_RECOVERY_TIMEOUT", "2 secs"},
      {"MESOS_SUBSCRIPTION_BACKOFF_MAX", "-1secs"}};
  for (const auto& [name, garbled] : required) {
    for (const std::optional<std::string>& value : {std::optional<std::string>{}, {""}, {garbled}}) {
      CAPTURE(name);
      CAPTURE(value.value_or("missing"));
      const Program program = run(with(environment(), name, value));
      CHECK(program.code == 2);
      CHECK(program.stderr_text.find(name) != std::string::npos);
    }
  }
  const auto recovery_ms = [](const char* text) {
    const std::string entry = std::string("MESOS_RECOVERY_TIMEOUT=") + text;
    const char* list[] = {"MESOS_FRAMEWORK_ID=f",
                          "MESOS_EXECUTOR_ID=e",
                          "MESOS_AGENT_ENDPOINT=h:1",
                          "MESOS_CHECKPOINT=1",
                          entry.c_str(),
                          "MESOS_SUBSCRIPTION_BACKOFF_MAX=2secs",
                          nullptr};
    const auto settings = parse_environment(list);
    return settings.ok() ? settings->recovery_timeout_ms : -1;
  };
  CHECK(recovery_ms("15mins") == 900'000);
  CHECK(recovery_ms("1.5secs") == 1'500);
  CHECK(recovery_ms("2secs") == 2'000);
  CHECK(recovery_ms("2 secs") == -1);
  CHECK(recovery_ms("-1secs") == -1);
}

TEST_CASE("rule 78: SUBSCRIBE is empty, without stream id, with the token, which tasks and logs never see") {
  const Folder sandbox;
  TinyAgent agent;
  Program program;
  const std::string secret = "aaa.bbb.ccc";
  const std::vector<std::string> variables =
      with(environment(agent.port()), "MESOS_RECOVERY_TIMEOUT", "10secs");  // a failed test leaves nobody
  std::jthread runs(
      [&] { program = run(with(variables, kTokenVariable, secret), "cd " + sandbox.path + "; "); });
  agent.accept();
  const std::string subscribe = agent.request();
  CHECK(subscribe.find("Authorization: Bearer " + secret + "\r\n") != std::string::npos);
  CHECK(subscribe.find("Mesos-Stream-Id") == std::string::npos);
  CHECK(subscribe.ends_with(R"("type":"SUBSCRIBE","subscribe":{}})"));
  agent.begin_stream();
  agent.event(R"({"type":"SUBSCRIBED","subscribed":{"framework_info":{}}})");
  const std::string command = R"({"v":1,"shell":"(env; cat /proc/$PPID/environ) > new; mv new seen"})";
  agent.event(R"({"type":"LAUNCH","launch":{"task":{"name":"t","task_id":{"value":"t"},"data":")" +
              base64_encode(command) + "\"}}}");
  agent.accept();  // its calls
  const std::string running = agent.request();
  CHECK(running.find("Authorization: Bearer " + secret + "\r\n") != std::string::npos);
  agent.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");  // and something goes wrong
  agent.accept();
  agent.request();
  agent.begin_stream();
  for (int i = 0; i < kPatienceMs / 10 && !std::filesystem::exists(sandbox.path + "/seen"); ++i)
    ::usleep(10'000);
  agent.event(R"({"type":"SHUTDOWN"})");
  runs.join();
  const std::string seen = slurp(sandbox.path + "/seen");
  CHECK(seen.find("PATH=") != std::string::npos);
  CHECK(seen.find(secret) == std::string::npos);
  CHECK(seen.find("MESOS_AGENT_ENDPOINT") != std::string::npos);  // of the executor itself, in /proc
  CHECK(program.stderr_text.find("401") != std::string::npos);
  CHECK(program.stderr_text.find(secret) == std::string::npos);
}

TEST_CASE(
    "rule 90: exit 0 after KILL is TASK_KILLED, and a grandchild in its own session goes with SIGKILL") {
  int alive[2];  // its end is held by everyone in the tree: end of file means that all are gone
  REQUIRE(::pipe2(alive, O_CLOEXEC) == 0);
  const int saved = ::fcntl(1, F_DUPFD_CLOEXEC, 3);
  REQUIRE(::dup2(alive[1], 1) == 1);
  const char* script =
      "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo up; while :; do sleep 1000; done' & wait";
  const Command tree{{"sh", "-c", script}, {}, {}, {}};
  const std::vector<std::string> path{"PATH=/usr/bin:/bin"};
  const auto pid = start_process(tree, path);
  REQUIRE(::dup2(saved, 1) == 1);
  ::close(saved);
  ::close(alive[1]);
  REQUIRE(pid.ok());
  char up[3];
  REQUIRE(::read(alive[0], up, sizeof up) == 3);
  signal_group(*pid, SIGTERM);
  CHECK(group_alive(*pid));
  kill_tree(*pid, {1});
  char rest;
  CHECK(::read(alive[0], &rest, 1) == 0);
  ::close(alive[0]);
  ::waitpid(static_cast<pid_t>(*pid), nullptr, 0);

  Bench b;
  b.subscribed();
  b.launch("polite");
  b.launch("stubborn");
  b.event(Kill{"polite", {}});
  b.event(Kill{"stubborn", {}});
  b.exit(100, 0);
  b.pass(kKillGraceMs);
  b.die(101, SIGKILL);
  CHECK(b.count<KillTask>() == 3);  // of the polite one too: what it left behind
  CHECK(b.states() == "polite:TASK_RUNNING stubborn:TASK_RUNNING polite:TASK_KILLED stubborn:TASK_KILLED");
}

TEST_CASE(
    "rule 91: SHUTDOWN kills every task, says so and waits for acknowledgements, at most for the grace") {
  Bench b;
  b.subscribed(true);
  for (const char* id : {"a", "b", "c"}) b.launch(id, 60'000);
  b.acknowledge_all();
  b.seen.clear();
  b.event(ShutdownOrder{});
  CHECK(b.count<SignalTask>() == 3);
  REQUIRE(b.count<SelfDestruct>() == 1);
  CHECK(b.all<SelfDestruct>()[0].in_ms <= checkpointing().shutdown_grace_ms + kSelfDestructSlackMs);
  b.die(100, SIGTERM);
  b.die(101, SIGTERM);
  b.pass(3'500);
  REQUIRE(b.count<KillTask>() == 3);
  SUBCASE("all end") {
    b.die(102, SIGKILL);
    CHECK(b.states() == "a:TASK_KILLED b:TASK_KILLED c:TASK_KILLED");
    CHECK(b.count<Exit>() == 0);
    b.acknowledge_all();
    CHECK(b.exit_code() == 0);
  }
  SUBCASE("one is stuck") {
    b.pass(1'499);
    CHECK(b.count<Exit>() == 0);
    b.pass(1);
    CHECK(b.exit_code() == 1);
  }
  SUBCASE("the executor itself is stuck") {
    const pid_t stuck = ::fork();
    REQUIRE(stuck >= 0);
    if (stuck == 0) {
      ::setpgid(0, 0);
      self_destruct_in(20);
      for (;;) ::pause();
    }
    int status = 0;
    REQUIRE(::waitpid(stuck, &status, 0) == stuck);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGKILL);
  }
}

TEST_CASE(
    "rule 93: an agent that is there and says nothing is found by a call within 40 s, a dead one by "
    "keepalive") {
  TinyAgent agent;
  AgentLink link(over(agent));
  Bench b;  // decides; the link carries out
  const auto at = [&] { return Instant{b.ms}; };
  link.subscribe(b.all<Subscribe>().back().body, at());
  agent.accept();
  news_of(link, at());
  agent.request();
  agent.begin_stream();
  agent.event(R"({"type":"SUBSCRIBED","subscribed":{"framework_info":{}}})");
  REQUIRE(std::holds_alternative<Record>(news_of(link, at()).at(0)));
  b.subscribed();
  b.launch("t");
  b.acknowledge_all();
  b.seen.clear();

  std::vector<pollfd> polled;
  link.add_to(polled);
  REQUIRE(polled.size() == 1);
  int alive = 0;
  int idle_seconds = 0;
  socklen_t size = sizeof(int);
  ::getsockopt(polled[0].fd, SOL_SOCKET, SO_KEEPALIVE, &alive, &size);
  ::getsockopt(polled[0].fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, &size);
  CHECK(alive == 1);
  CHECK(idle_seconds <= 30);

  // From here on the agent's kernel takes bytes and nobody reads them. Nothing is to be reported, either.
  b.pass(kHeartbeatMs);
  REQUIRE(b.count<Post>() == 1);
  CHECK((b.all<Post>()[0].kind == CallKind::heartbeat));
  link.post(b.all<Post>()[0].body, CallKind::heartbeat, at());
  std::vector<LinkNews> news;
  link.pump(at(), news);
  b.ms += kAnswerMs - 1;
  link.pump(at(), news);
  CHECK(news.empty());
  b.ms += 1;
  link.pump(at(), news);
  REQUIRE(news.size() == 1);
  REQUIRE(std::holds_alternative<Lost>(news[0]));
  b.add(b.core.lost(std::get<Lost>(news[0]).why, b.now()));
  CHECK((b.count<SignalTask>() + b.count<KillTask>() + b.count<Exit>()) == 0);  // the task goes on
  REQUIRE(b.count<Subscribe>() == 1);                                           // at once
  link.subscribe(b.all<Subscribe>().back().body, at());
  agent.accept();  // the heartbeat's connection
  agent.accept();
  news.clear();
  link.pump(at(), news);
  CHECK(agent.request().find("SUBSCRIBE") != std::string::npos);
}

TEST_CASE(
    "rule 94: the domain socket is asked for /slave(N), at any length of its path; without it there is TCP") {
  const Folder folder;
  for (const std::string& inner : {std::string("short"), std::string(90, 'd') + "/" + std::string(90, 'e')}) {
    CAPTURE(inner);
    std::filesystem::create_directories(folder.path + "/" + inner);
    const std::string path = folder.path + "/" + inner + "/" + std::string(inner.size() > 100 ? 100 : 4, 's');
    TinyAgent agent(path);
    Settings settings = checkpointing();
    settings.agent = {"127.0.0.1", 1};
    settings.domain_socket = path;
    settings.domain_target = "/slave(3)/api/v1/executor";
    AgentLink link(settings);
    link.subscribe("{}", Instant{0});
    agent.accept();
    std::vector<LinkNews> news;
    link.pump(Instant{0}, news);
    CHECK(news.empty());
    CHECK(agent.request().starts_with("POST /slave(3)/api/v1/executor HTTP/1.1\r\n"));
  }
  TinyAgent agent;
  Settings settings = over(agent);
  settings.domain_socket = folder.path + "/none";
  settings.domain_target = "/slave(3)/api/v1/executor";
  AgentLink link(settings);
  link.subscribe("{}", Instant{0});
  agent.accept();
  std::vector<LinkNews> news;
  link.pump(Instant{0}, news);
  CHECK(agent.request().starts_with("POST /api/v1/executor HTTP/1.1\r\n"));
}

}  // namespace mimas::executor
