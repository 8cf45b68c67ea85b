// The small parts: amounts, flags, link, environment, foreign programs, checkpoints.
#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "pocket/agent_flags.h"
#include "pocket/checkpoint.h"
#include "pocket/face.h"
#include "pocket/fetcher.h"
#include "pocket/foreign.h"
#include "pocket/launcher.h"
#include "pocket/process.h"
#include "scheduler_client.h"

namespace mimas::pocket {
namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/pocket-parts-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

}  // namespace

TEST_CASE("ten times 0.1 is 1, ranges split and join, and nothing goes below zero") {
  Amounts one = *parse_resources("cpus:1;ports:[1-3,18446744073709551614-18446744073709551615]");
  const Amounts tenth = *parse_resources("cpus:0.1");
  for (int i = 0; i < 10; ++i) {
    CHECK(one.contains(tenth));
    one.subtract(tenth);
  }
  CHECK(!one.contains(tenth));
  one.subtract(*parse_resources("ports:[2-2]"));
  CHECK(one.ranges["ports"] == std::vector<Interval>{{1, 1}, {3, 3}, {UINT64_MAX - 1, UINT64_MAX}});
  one.add(*parse_resources("ports:[2-2]"));
  CHECK(one.ranges["ports"].front() == Interval{1, 3});
  one.subtract(*parse_resources("cpus:5;ports:[0-18446744073709551615]"));
  CHECK(one.empty());
}

TEST_CASE("odd scalars are refused") {
  for (const double value :
       {-1.0, static_cast<double>(NAN), static_cast<double>(INFINITY), 1e308, 1e-320, 0.0004}) {
    const mv1::TaskInfo task = simple_task("t", "A", value);
    CHECK(!read_amounts(task.resources()).ok());
  }
  CHECK(read_amounts(simple_task("t", "A", 0.0005).resources())->scalar("cpus") == 1);
  CHECK(read_amounts(simple_task("t", "A", 2.9999).resources())->scalar("cpus") == 3'000);
}

TEST_CASE("agent flags are Mesos's notations, and what is wrong is named") {
  const auto agent = parse_agent("hostname=pi1;attributes=arch:arm;stack:pi3;resources=cpus:4;mem:900");
  REQUIRE(agent.ok());
  CHECK(agent->hostname == "pi1");
  CHECK(agent->attributes == "arch:arm;stack:pi3");
  CHECK(agent->resources == "cpus:4;mem:900");
  for (const char* text :
       {"cpus:4", "speed=9", "hostname=a;hostname=b", "resources=cpus", "resources=cpus:-1",
        "resources=cpus:x", "resources=ports:[5-1]", "resources=ports:[1-3,2-4]", "resources=cpus(role):4",
        "attributes=nothing", "hostname=a b"}) {
    CAPTURE(text);
    CHECK(!parse_agent(text).ok());
  }
  const auto info = make_agent_info({"arch:arm;n:5;r:[1-2]", "cpus:4", ""}, 1, 2, "/");
  REQUIRE(info.ok());
  CHECK(info->hostname() == "agent1.pocket");
  CHECK(info->attributes(0).text().value() == "arm");
  CHECK(info->attributes(1).scalar().value() == 5);
  CHECK(info->attributes(2).type() == mv1::Value::RANGES);
  CHECK(read_amounts(info->resources())->scalar("cpus") == 4'000);
  CHECK(read_amounts(info->resources())->scalar("mem") > 0);
}

TEST_CASE("commands and reports survive the link, and rubbish does not pass it") {
  RunTasks run;
  run.framework.set_user("u");
  run.framework.set_name("n");
  run.framework.mutable_id()->set_value("F");
  run.tasks.push_back(simple_task("t", "A"));
  const std::vector<Command> commands = {Registered{"A", 5},
                                         run,
                                         KillTask{"F", "t", 7},
                                         ShutdownExecutor{"F", "e"},
                                         ShutdownFramework{"F"},
                                         AcknowledgeUpdate{"F", "t", std::string("\0\xff", 2)},
                                         ToExecutor{"F", "e", "x"},
                                         FrameworkChanged{run.framework},
                                         LeaveCluster{}};
  for (const Command& command : commands) {
    const auto back = decode_command(encode_command(command));
    REQUIRE(back.ok());
    CHECK(back->index() == command.index());
    CHECK(encode_command(*back) == encode_command(command));
  }
  UpdateReport update{"F", {}, mv1::TASK_RUNNING};
  update.status.mutable_task_id()->set_value("t");
  update.status.set_state(mv1::TASK_STARTING);
  const std::vector<Report> reports = {update, ExecutorExited{"F", "e", 768, true},
                                       FromExecutor{"F", "e", "d"}, Ping{}, Unregister{}};
  const auto back = decode_reports(encode_reports(reports));
  REQUIRE(back.ok());
  CHECK(encode_reports(*back) == encode_reports(reports));
  for (const char* text :
       {"", "[]", "{}", R"({"type":"kill"})", R"({"type":"run","framework":{}})", R"({"type":1})"})
    CHECK(!decode_command(text).ok());
  for (const char* text :
       {"", "{}", "[1]", R"([{"type":"update"}])", R"([{"type":"exited","framework_id":"F"}])"})
    CHECK(!decode_reports(text).ok());
  CHECK(!decode_registration("{}").ok());
}

TEST_CASE("Accept is weighed as Mesos does") {
  CHECK(negotiate("") == v1::MediaType::json);
  CHECK(negotiate("*/*") == v1::MediaType::json);
  CHECK(negotiate("application/x-protobuf") == v1::MediaType::protobuf);
  CHECK(negotiate("application/x-protobuf, application/json") == v1::MediaType::json);
  CHECK(negotiate("application/json;q=0, */*") == v1::MediaType::protobuf);
  CHECK(!negotiate("text/plain").has_value());
  CHECK(!negotiate("application/json;q=0.0").has_value());
}

TEST_CASE("an executor's environment has what Mesos gives, and its own settings win") {
  StartContainer start;
  start.container = {"F", "e", "c"};
  start.agent_id = "A";
  start.framework.set_checkpoint(true);
  start.shutdown_grace_ms = 5'000;
  auto* variable = start.executor.mutable_command()->mutable_environment()->add_variables();
  variable->set_name("PATH");
  variable->set_value("/here");
  const auto lines = executor_environment(start, {"/d", "/d", "127.0.0.1", 5051, {}, 2'000, 900'000}, "/box");
  for (const char* line :
       {"MESOS_FRAMEWORK_ID=F", "MESOS_EXECUTOR_ID=e", "MESOS_AGENT_ENDPOINT=127.0.0.1:5051",
        "MESOS_SLAVE_ID=A", "MESOS_SLAVE_PID=slave(1)@127.0.0.1:5051", "MESOS_SANDBOX=/box",
        "MESOS_CHECKPOINT=1", "MESOS_RECOVERY_TIMEOUT=15mins", "MESOS_SUBSCRIPTION_BACKOFF_MAX=2secs",
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD=5secs", "PATH=/here"})
    CHECK_MESSAGE(std::find(lines.begin(), lines.end(), line) != lines.end(), line);
}

TEST_CASE("a program for another machine gets a runner in front of it, a native one or a script does not") {
  const Folder folder;
  const auto elf = [&](const std::string& name, char machine, char elf_class) {
    std::string head(
        "\x7f"
        "ELF",
        4);
    head += elf_class;
    head += '\1';
    head.resize(18, '\0');
    head += machine;
    head += '\0';
    std::ofstream(folder.path + "/" + name, std::ios::binary) << head << std::string(64, '\0');
  };
  elf("arm", 40, 1);
  elf("arm64", static_cast<char>(183), 2);
  std::ofstream(folder.path + "/script") << "#!/bin/sh\n";
  CHECK(elf_machine(folder.path + "/arm") == "arm");
  CHECK(elf_machine(folder.path + "/arm64") == "aarch64");
  CHECK(elf_machine(folder.path + "/script") == "");
  CHECK(elf_machine(folder.path + "/none") == "");
  CHECK(!own_machine().empty());
  const std::string foreign = own_machine() == "arm" ? "arm64" : "arm";
  mv1::CommandInfo command;
  command.set_value("exec ./" + foreign + " --flag");
  CHECK(*command_words(command, folder.path, {"/q", "-x"}) ==
        std::vector<std::string>{"/bin/sh", "-c", "exec '/q' '-x' ./" + foreign + " --flag"});
  CHECK(*command_words(command, folder.path, {"none"}) ==
        std::vector<std::string>{"/bin/sh", "-c", command.value()});
  command.set_value("if true; then :; else exit 96; fi; exec ./" + foreign + " --flag");
  CHECK(command_words(command, folder.path, {"/q"})->back() ==
        "if true; then :; else exit 96; fi; exec '/q' ./" + foreign + " --flag");
  command.set_shell(false);
  command.set_value("./" + foreign);
  command.add_arguments("argv0");
  command.add_arguments("a b");
  CHECK(*command_words(command, folder.path, {"/q"}) ==
        std::vector<std::string>{"/q", folder.path + "/./" + foreign, "a b"});
  command.set_value("./script");
  CHECK(command_words(command, folder.path, {"/q"})->front() == folder.path + "/./script");
  CHECK(!runner_for("machine 999", {}).ok());
}

TEST_CASE(
    "checkpoints come back: ids, tasks, updates, acknowledgements; a torn record and a recycled pid do not") {
  const Folder folder;
  const ContainerRef container{"F", "e", "c"};
  mv1::TaskStatus status;
  status.mutable_task_id()->set_value("t");
  status.set_state(mv1::TASK_RUNNING);
  status.set_uuid("0123456789abcdef");
  {
    CheckpointStore store(folder.path);
    CHECK(!store.load()->agent.has_id());
    mv1::AgentInfo agent;
    agent.set_hostname("h");
    agent.mutable_id()->set_value("A");
    mv1::FrameworkInfo framework;
    framework.set_user("u");
    framework.set_name("n");
    framework.mutable_id()->set_value("F");
    mv1::ExecutorInfo executor;
    executor.mutable_executor_id()->set_value("e");
    REQUIRE(store.write({RecordKind::agent, {}, "", agent.SerializeAsString()}).ok());
    REQUIRE(store.write({RecordKind::framework, {"F", "", ""}, "", framework.SerializeAsString()}).ok());
    REQUIRE(store.write({RecordKind::executor, container, "", executor.SerializeAsString()}).ok());
    REQUIRE(store.write({RecordKind::task, container, "t", simple_task("t", "A").SerializeAsString()}).ok());
    REQUIRE(store.write({RecordKind::update, container, "t", status.SerializeAsString()}).ok());
    REQUIRE(store.write_pid(container, ::getpid()).ok());
    CHECK(!store.write({RecordKind::task, container, "../../x", "x"}).ok());
    CHECK(!store.write({RecordKind::executor, {"..", "e", "c"}, "", "x"}).ok());
  }
  const std::string run = folder.path + "/meta/slaves/A/frameworks/F/executors/e/runs/c";
  std::ofstream(run + "/tasks/t/task.updates", std::ios::app | std::ios::binary)
      << std::string("U\x50\0\0\0ab", 7);
  CheckpointStore again(folder.path);
  auto found = again.load();
  REQUIRE(found.ok());
  CHECK(found->agent.id().value() == "A");
  REQUIRE(found->state.executors.size() == 1);
  CHECK(found->state.executors[0].pid == ::getpid());
  REQUIRE(found->state.executors[0].tasks.size() == 1);
  CHECK(found->state.executors[0].tasks[0].updates.size() == 1);
  std::ofstream(run + "/pids/forked.pid", std::ios::trunc) << ::getpid() << " 1\n";
  CHECK(again.load()->state.executors[0].pid == 0);
  again.forget(container);
  CHECK(again.load()->state.executors.empty());
  again.forget_all();
  CHECK(!again.load()->agent.has_id());
}

TEST_CASE("the fetcher copies, marks executable, unpacks, and names the URI it could not bring") {
  const Folder folder;
  std::filesystem::create_directories(folder.path + "/box");
  std::ofstream(folder.path + "/tool") << "#!/bin/sh\n";
  Fetcher fetcher(folder.path + "/cache");
  mv1::CommandInfo command;
  auto* uri = command.add_uris();
  uri->set_value("file://" + folder.path + "/tool");
  uri->set_executable(true);
  uri->set_output_file("sub/mine");
  REQUIRE(fetcher.fetch(command, folder.path + "/box").ok());
  CHECK(::access((folder.path + "/box/sub/mine").c_str(), X_OK) == 0);
  for (const char* bad : {"/nowhere/at/all", "ftp://x/y", "https://x/y", "http://127.0.0.1:1/x"}) {
    uri->set_value(bad);
    const Status failed = fetcher.fetch(command, folder.path + "/box");
    REQUIRE(!failed.ok());
    CHECK(failed.error().message.find(bad) != std::string::npos);
  }
  for (const char* bad : {"../x", "/x", "a/../../x", ""}) {
    uri->set_output_file(bad);
    CHECK(!fetched_name(*uri).ok());
  }
}

TEST_CASE("a spawned program leads its own session, writes where it should, and its end is noticed") {
  const Folder folder;
  ProcessWatch watch;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<int> statuses;
  REQUIRE(watch
              .start([&](std::uint64_t, int status) {
                const std::lock_guard lock(mutex);
                statuses.push_back(status);
                changed.notify_all();
              })
              .ok());
  Program program;
  program.argv = {"/bin/sh", "-c", "echo $HERE; exit 7"};
  program.environment = {"HERE=yes", "PATH=/bin"};
  program.directory = folder.path;
  const auto inside = files::Folder::at(folder.path);
  REQUIRE(inside.ok());
  const auto written = inside->create("out", files::Use::append, 0600);
  REQUIRE(written.ok());
  program.out = written->descriptor();
  const auto pid = spawn(program);
  REQUIRE(pid.ok());
  watch.watch(1, *pid);
  std::unique_lock lock(mutex);
  REQUIRE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return !statuses.empty(); }));
  CHECK(WEXITSTATUS(statuses[0]) == 7);
  std::ifstream out(folder.path + "/out");
  std::string text;
  out >> text;
  CHECK(text == "yes");
  program.argv = {"/no/such/program"};
  CHECK(!spawn(program).ok());
}

}  // namespace mimas::pocket
