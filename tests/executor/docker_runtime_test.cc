// The runtime against the real Docker Engine of this machine. Exits 77 when there is none, or no static
// busybox to make an image of.
#define DOCTEST_CONFIG_IMPLEMENT
#include "executor/docker_runtime.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>

#include "executor/docker_mark.h"
#include "net/clock.h"

namespace mimas::executor {
namespace {

constexpr std::int64_t kPatienceMs = 60'000;
constexpr unsigned kProgramSecs = 270;  // of all cases together; the runner's own limit is 300
constexpr int kTimedOut = 124;          // timeout(1) says so
std::string image;                      // made by main()
std::string directory;                  // of this process

// Docker's client waits for an engine that hangs for ever.
std::string bounded(const std::string& line) { return "docker() { timeout 60 env docker \"$@\"; }; " + line; }

bool shell(const std::string& line) { return std::system(bounded(line).c_str()) == 0; }

void out_of_time(int) {
  constexpr std::string_view text = "FAILED: the cases have taken more than 270 s together\n";
  (void)!::write(STDOUT_FILENO, text.data(), text.size());
  ::_exit(1);
}

std::string output_of(const std::string& line) {
  std::string out;
  FILE* pipe = ::popen(bounded(line).c_str(), "r");
  char buffer[512];
  while (pipe != nullptr && std::fgets(buffer, sizeof buffer, pipe) != nullptr) out += buffer;
  if (pipe != nullptr) ::pclose(pipe);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Yard {
 public:
  explicit Yard(OutputSink* sink = nullptr)
      : runtime_(Config{}, "f-" + std::to_string(::getpid()), "a", sink) {}
  ~Yard() { runtime_.end_all(60'000); }

  DockerRuntime& runtime() { return runtime_; }
  Instant now() const { return Instant{net::monotonic_ms()}; }

  void start(const std::string& id, const std::string& script,
             const std::function<void(TaskSpec&)>& change = nullptr) {
    TaskOrder order;
    order.task_id = id;
    order.sandbox = sandbox(id);
    ::mkdir(order.sandbox.c_str(), 0755);
    order.environment = {"PATH=/bin", "MINE=7"};
    order.spec.runtime = RuntimeKind::docker;
    order.spec.container.image = image;
    order.spec.container.network = "none";
    order.spec.command.argv = {"/bin/sh", "-c", script};
    if (change) change(order.spec);
    runtime_.start(std::move(order), now());
  }
  std::string sandbox(const std::string& id) const { return directory + "/" + id; }
  std::string text(const std::string& id, const char* name) const {
    return read_small_file(sandbox(id) + "/" + name, 1u << 20);
  }

  // Polls until the condition holds.
  void until(const std::function<bool()>& condition) {
    const std::int64_t deadline = net::monotonic_ms() + kPatienceMs;
    std::vector<pollfd> polled;
    while (!condition()) {
      REQUIRE(net::monotonic_ms() < deadline);
      polled.clear();
      runtime_.add_to(polled);
      const std::int64_t wait = std::clamp<std::int64_t>(runtime_.wake_at() - now(), 0, 100);
      (void)::poll(polled.data(), polled.size(), static_cast<int>(wait));
      runtime_.pump(now(), news_);
    }
  }
  template <class News>
  const News& wait(const std::string& id) {
    const News* found = nullptr;
    until([&] {
      found = last<News>(id);
      return found != nullptr;
    });
    return *found;
  }
  template <class News>
  const News* last(const std::string& id) const {
    for (const RuntimeNews& item : news_) {
      const auto* news = std::get_if<News>(&item);
      if (news != nullptr && news->task_id == id) return news;
    }
    return nullptr;
  }
  template <class News>
  int count(const std::string& id) const {
    int out = 0;
    for (const RuntimeNews& item : news_) {
      const auto* news = std::get_if<News>(&item);
      if (news != nullptr && news->task_id == id) ++out;
    }
    return out;
  }
  // Docker has nothing of the task any more.
  bool clean(const std::string& id) const {
    return output_of("docker ps -aq --no-trunc --filter label=mimas.framework=f-" +
                     std::to_string(::getpid()) + " --filter label=mimas.task=" + id)
        .empty();
  }

 private:
  DockerRuntime runtime_;
  std::vector<RuntimeNews> news_;
};

TEST_CASE("a container runs, its output and its end arrive, and it is removed") {
  Yard yard;
  yard.start("plain",
             "echo out $MINE; echo err >&2; echo x > $MESOS_SANDBOX/file; read -t 1 x < /tmp/none; exit 7");
  const Started started = yard.wait<Started>("plain");
  CHECK(started.facts.container_id.size() == 64);
  const TaskEnded ended = yard.wait<TaskEnded>("plain");
  CHECK_FALSE(ended.end.signalled);
  CHECK(ended.end.number == 7);
  CHECK(yard.text("plain", "stdout") == "out 7\n");
  CHECK(yard.text("plain", "stderr").starts_with("err\n"));
  CHECK(yard.text("plain", "file") == "x\n");
  yard.until([&] { return yard.clean("plain"); });
  CHECK(yard.count<Started>("plain") == 1);
  CHECK(yard.count<TaskEnded>("plain") == 1);
}

TEST_CASE("it is seen where it runs") {
  Yard yard;
  yard.start("facts", "sleep 1000", [](TaskSpec& spec) {
    spec.container.network = "bridge";
    spec.limits.memory_bytes = 64 << 20;
  });
  const RunFacts facts = yard.wait<Started>("facts").facts;
  CHECK(facts.pid > 1);
  CHECK(facts.cgroup.find(facts.container_id) != std::string::npos);
  CHECK(facts.ip.find('.') != std::string::npos);
  yard.runtime().kill("facts", yard.now());
  const TaskEnded ended = yard.wait<TaskEnded>("facts");
  CHECK(ended.end.signalled);
  CHECK(ended.end.number == SIGKILL);
  CHECK_FALSE(ended.end.memory_limit);
}

TEST_CASE(
    "signals reach the task, HUP ends nobody who does not want it to, and only a kill kills the stubborn") {
  Yard yard;
  yard.start("stubborn",
             "trap 'echo hup' HUP; trap 'echo term' TERM; echo ready; while :; do sleep 0.1; done");
  yard.wait<Started>("stubborn");
  yard.until([&] { return yard.text("stubborn", "stdout") == "ready\n"; });
  yard.runtime().signal("stubborn", SIGHUP, yard.now());
  yard.until([&] { return yard.text("stubborn", "stdout") == "ready\nhup\n"; });
  yard.runtime().signal("stubborn", SIGTERM, yard.now());
  yard.until([&] { return yard.text("stubborn", "stdout") == "ready\nhup\nterm\n"; });
  CHECK(yard.count<TaskEnded>("stubborn") == 0);
  yard.runtime().kill("stubborn", yard.now());
  CHECK(yard.wait<TaskEnded>("stubborn").end.number == SIGKILL);
  yard.until([&] { return yard.clean("stubborn"); });
}

TEST_CASE("the image's user may write in the sandbox, and is asked to end by the image's signal") {
  Yard yard;
  yard.start("app",
             "trap 'exit 12' USR2; echo x > $MESOS_SANDBOX/file && echo $?; while :; do sleep 0.1; done",
             [](TaskSpec& spec) { spec.container.image = image + "app"; });
  yard.wait<Started>("app");
  yard.until([&] { return !yard.text("app", "stdout").empty(); });
  struct stat file {};
  if (::geteuid() == 0) {
    CHECK(yard.text("app", "stdout") == "0\n");
    REQUIRE(::stat((yard.sandbox("app") + "/file").c_str(), &file) == 0);
    CHECK(file.st_uid == 1234);
  }
  yard.runtime().signal("app", 0, yard.now());
  CHECK(yard.wait<TaskEnded>("app").end.number == 12);
}

TEST_CASE(
    "a user that the job names may write in the sandbox, and a signal that it names goes before the "
    "image's") {
  for (const char* user : {"app", "4321", "1234:99"}) {
    Yard yard;
    const std::string id = "user-" + std::string(user).substr(0, 4);
    yard.start(id, "trap 'exit 3' QUIT; echo x > $MESOS_SANDBOX/file; echo $?; while :; do sleep 0.1; done",
               [&](TaskSpec& spec) {
                 spec.container.image = image + "app";
                 spec.command.user = user;
                 spec.kill_signal = SIGQUIT;
               });
    yard.wait<Started>(id);
    yard.until([&] { return !yard.text(id, "stdout").empty(); });
    if (::geteuid() == 0) CHECK(yard.text(id, "stdout") == "0\n");
    yard.runtime().signal(id, SIGQUIT, yard.now());
    CHECK(yard.wait<TaskEnded>(id).end.number == 3);
  }
}

TEST_CASE("more memory than allowed is said to be the reason") {
  Yard yard;
  const auto limited = [](TaskSpec& spec) { spec.limits.memory_bytes = 16 << 20; };
  yard.start("greedy", "exec /bin/busybox tail /dev/zero", limited);
  const TaskEnded greedy = yard.wait<TaskEnded>("greedy");
  CHECK(greedy.end.memory_limit);
  CHECK(greedy.end.memory_peak_bytes == 16 << 20);
  yard.start("parent", "/bin/busybox tail /dev/zero; echo went on; exit 3",
             limited);  // only a child is killed
  const TaskEnded parent = yard.wait<TaskEnded>("parent");
  CHECK_FALSE(parent.end.memory_limit);
  CHECK(parent.end.number == 3);
  CHECK(yard.text("parent", "stdout") == "went on\n");
}

TEST_CASE("what cannot start says why, once, and leaves nothing") {
  Yard yard;
  yard.start("nothing", "", [](TaskSpec& spec) {
    spec.command.argv = {"/no/such/program"};
    spec.container.init = false;
  });
  const StartFailed nothing = yard.wait<StartFailed>("nothing");
  CHECK(nothing.final);
  // With an init process it is that which does not find the program, and says so as its status.
  yard.start("init", "", [](TaskSpec& spec) { spec.command.argv = {"/no/such/program"}; });
  CHECK(yard.wait<TaskEnded>("init").end.number == 127);
  yard.start("never", "", [](TaskSpec& spec) {
    spec.container.image = "no-such-image-" + std::to_string(::getpid());
    spec.container.pull = Container::Pull::never;
  });
  const StartFailed never = yard.wait<StartFailed>("never");
  CHECK(never.final);
  CHECK(never.message.find("never to be pulled") != std::string::npos);
  CHECK(yard.count<Started>("never") + yard.count<Started>("nothing") == 0);
  yard.until([&] { return yard.clean("nothing"); });
}

TEST_CASE("a command beside the task answers with its status and its last words, or is stopped") {
  Yard yard;
  yard.start("probed", "echo here > /tmp/x; sleep 1000");
  yard.runtime().probe("probed", 1, {"/bin/true"}, 60'000, yard.now());
  CHECK(yard.wait<ProbeEnded>("probed").status == -1);  // it does not run yet
  const RunFacts facts = yard.wait<Started>("probed").facts;
  std::vector<ProbeEnded> ended;
  const auto probe = [&](std::uint64_t number, std::vector<std::string> argv, std::int64_t timeout_ms) {
    std::vector<RuntimeNews> news;
    yard.runtime().probe("probed", number, argv, timeout_ms, yard.now());
    ProbeEnded out;
    const std::int64_t deadline = net::monotonic_ms() + kPatienceMs;
    for (bool done = false; !done;) {
      REQUIRE(net::monotonic_ms() < deadline);
      std::vector<pollfd> polled;
      yard.runtime().add_to(polled);
      (void)::poll(polled.data(), polled.size(), 20);
      yard.runtime().pump(yard.now(), news);
      for (const RuntimeNews& item : news) {
        if (const auto* end = std::get_if<ProbeEnded>(&item); end != nullptr && end->probe == number) {
          out = *end;
          done = true;
        }
      }
    }
    return out;
  };
  const ProbeEnded good = probe(2, {"/bin/sh", "-c", "cat /tmp/x; echo err >&2; exit 4"}, 60'000);
  CHECK(good.status == 4);
  CHECK(good.message.find("here\n") != std::string::npos);
  CHECK(good.message.find("err\n") != std::string::npos);
  CHECK(probe(3, {"/bin/true"}, 60'000).status == 0);
  CHECK(probe(4, {"/no/such/program"}, 60'000).status != 0);
  const ProbeEnded slow = probe(5, {"/bin/sleep", "917"}, 1'000);
  CHECK(slow.status == -1);
  CHECK(slow.message == "no answer within 1000 ms");
  yard.until([&] {
    return output_of("docker top " + facts.container_id + " -eo pid,args").find("sleep 917") ==
           std::string::npos;
  });
}

// Takes only every third offer.
class Reluctant final : public OutputSink {
 public:
  Ends open_pipes(std::string_view) override { return {}; }
  void close_pipes(std::string_view) override {}
  bool write(std::string_view, bool, std::string_view bytes) override {
    if (++offers_ % 3 != 0) return false;
    text.append(bytes);
    return true;
  }
  std::string text;

 private:
  int offers_ = 0;
};

TEST_CASE("a sink that takes its time gets every byte once, in order") {
  Reluctant sink;
  Yard yard(&sink);
  yard.start("flood", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; printf end");
  CHECK(yard.wait<TaskEnded>("flood").end.number == 0);
  std::string expected;
  for (int i = 0; i < 20'000; ++i) expected += "line " + std::to_string(i) + "\n";
  CHECK(sink.text.size() == expected.size() + 3);
  CHECK((sink.text == expected + "end"));
}

TEST_CASE("a kill ends a pull from a registry that says nothing") {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  REQUIRE(::listen(listener, 8) == 0);
  socklen_t size = sizeof at;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size);
  Yard yard;
  yard.start("silent", "", [&](TaskSpec& spec) {
    spec.container.image = "127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "/x:1";
  });
  CHECK(yard.wait<Progress>("silent").text.find("pulling 127.0.0.1:") == 0);
  yard.runtime().kill("silent", yard.now());
  CHECK(yard.wait<StartFailed>("silent").message == "killed before its image was there");
  ::close(listener);
}

TEST_CASE("a Docker that is not there is the world's fault, and said after a while") {
  Config config;
  config.docker = "unix://" + directory + "/none.sock";
  DockerRuntime runtime(config, "f", "a", nullptr);
  TaskOrder order;
  order.task_id = "t";
  order.spec.container.image = "x";
  runtime.start(order, Instant{net::monotonic_ms()});
  order.task_id = "killed";
  runtime.start(order, Instant{net::monotonic_ms()});
  runtime.kill("killed", Instant{net::monotonic_ms()});
  std::vector<RuntimeNews> news;
  const std::int64_t deadline = net::monotonic_ms() + kPatienceMs;
  while (news.size() < 2 && net::monotonic_ms() < deadline) {
    (void)::poll(nullptr, 0, 20);
    runtime.pump(Instant{net::monotonic_ms()}, news);
  }
  REQUIRE(news.size() == 2);
  CHECK(std::get<StartFailed>(news[0]).task_id == "killed");
  const auto& failed = std::get<StartFailed>(news[1]);
  CHECK_FALSE(failed.final);
  CHECK(failed.message.find("Docker does not answer") == 0);
}

TEST_CASE("containers of dead executors are removed, those of living ones and of others are not") {
  const ExecutorMark here = own_mark();
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const std::string start = process_start_text(child);
  const std::string name = "mimas-test-" + std::to_string(::getpid());
  const auto create = [&](const std::string& which, const std::string& started) {
    return shell("docker create --name " + name + which +
                 " --label mimas.executor.pid=" + std::to_string(child) +
                 " --label mimas.executor.start=" + started + " --label mimas.boot=" + here.boot +
                 " --label 'mimas.pidns=" + here.pid_ns + "' " + image + " /bin/true >/dev/null");
  };
  const auto there = [&](const std::string& which) {
    return !output_of("docker ps -aq --filter name='^/" + name + which + "$'").empty();
  };
  REQUIRE(create("-living", start));
  REQUIRE(create("-reused", "1"));  // another process had this pid
  REQUIRE(shell("docker create --name " + name + "-foreign " + image + " /bin/true >/dev/null"));
  const auto dry = reap_containers(Config{}, true);  // other tests' executors may be quicker than a real one
  REQUIRE(dry.ok());
  for (const std::string& line : *dry) CHECK(line.starts_with("would remove container "));
  const auto reaped = reap_containers(Config{}, false);
  REQUIRE(reaped.ok());
  CHECK_FALSE(there("-reused"));
  CHECK(there("-living"));
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(reap_containers(Config{}, false).ok());
  CHECK_FALSE(there("-living"));
  CHECK(there("-foreign"));
  CHECK(shell("docker rm " + name + "-foreign >/dev/null"));
  Config nowhere;
  nowhere.docker = "unix://" + directory + "/none.sock";
  CHECK_FALSE(reap_containers(nowhere, false).ok());
}

bool make_image() {
  const std::string root = directory + "/root";
  return shell("mkdir -p " + root + "/bin " + root + "/tmp && cp " + output_of("command -v busybox") + " " +
               root + "/bin/busybox && for p in sh sleep cat echo true tail printf; do ln -s busybox " +
               root + "/bin/$p; done && mkdir " + root + "/etc && echo app:x:1234:1235::/: > " + root +
               "/etc/passwd && tar -C " + root + " -c . | docker import - " + image + " >/dev/null") &&
         shell("printf 'FROM " + image + "\\nUSER app\\nSTOPSIGNAL SIGUSR2\\n' | docker build -q -t " +
               image + "app - >/dev/null 2>&1");
}

}  // namespace
}  // namespace mimas::executor

int main(int argc, char** argv) {
  using namespace mimas::executor;
  const bool there = ::access("/var/run/docker.sock", R_OK | W_OK) == 0;
  const int answer = there ? std::system(bounded("docker version >/dev/null 2>&1").c_str()) : -1;
  if (there && WIFEXITED(answer) && WEXITSTATUS(answer) == kTimedOut) {
    std::puts("FAILED: the Docker Engine is there, and does not answer");
    return 1;
  }
  if (answer != 0 || !shell("command -v busybox >/dev/null && ! ldd $(command -v busybox) >/dev/null 2>&1")) {
    std::puts("skipped: no Docker Engine to be reached at /var/run/docker.sock, or no static busybox");
    return 77;
  }
  std::signal(SIGALRM, out_of_time);
  ::alarm(kProgramSecs);
  char made[] = "/tmp/mimas-docker-XXXXXX";
  if (::mkdtemp(made) == nullptr) return 1;
  directory = made;
  image = "mimas-test-" + std::to_string(::getpid()) + ":1";
  int result = 1;
  if (make_image()) result = doctest::Context(argc, argv).run();
  shell("docker rmi " + image + "app " + image + " >/dev/null");
  shell("rm -rf " + directory);
  return result;
}
