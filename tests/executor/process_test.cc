#include "executor/process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace mimas::executor {
namespace {

const std::vector<std::string> kEnvironment{"PATH=/usr/bin:/bin"};

// Waits for the child itself; the executor's loop is told by SIGCHLD instead.
int wait_for(std::int64_t pid) {
  int status = 0;
  while (::waitpid(static_cast<pid_t>(pid), &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

Result<std::int64_t> start(const Command& command, const std::vector<std::string>& environment) {
  return start_process(command, environment);
}

TEST_CASE("a program is found in the PATH it will see") {
  const auto pid = start({{"sh", "-c", "exit 7"}, {}, {}}, kEnvironment);
  REQUIRE(pid.ok());
  const int status = wait_for(*pid);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
  const auto lost = start({{"sh", "-c", "exit 7"}, {}, {}}, {"PATH=/nowhere"});
  REQUIRE_FALSE(lost.ok());
  CHECK(lost.error().message == "cannot run 'sh': No such file or directory");
}

TEST_CASE("a program that cannot run is an error that names it") {
  const auto none = start({{"/no/such/program"}, {}, {}}, kEnvironment);
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().message == "cannot run '/no/such/program': No such file or directory");
  const auto directory = start({{"/etc"}, {}, {}}, kEnvironment);
  REQUIRE_FALSE(directory.ok());
  CHECK(directory.error().message == "cannot run '/etc': Permission denied");
  const auto cwd = start({{"true"}, {}, "/no/such/place"}, kEnvironment);
  REQUIRE_FALSE(cwd.ok());
  CHECK(cwd.error().message == "cannot enter '/no/such/place': No such file or directory");
}

TEST_CASE("a process leads its group and its session, and has no stray descriptors") {
  const char* script =
      "set -- $(cat /proc/$$/stat); [ $1 = $5 ] && [ $1 = $6 ] || exit 1;"  // pid, group, session
      "[ \"$(readlink /proc/$$/fd/0)\" = /dev/null ] || exit 2;"
      "for fd in 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$fd ] || exit 3; done";
  int stray[2];
  REQUIRE(::pipe(stray) == 0);  // without CLOEXEC
  const auto pid = start({{"sh", "-c", script}, {}, {}}, kEnvironment);
  ::close(stray[0]);
  ::close(stray[1]);
  REQUIRE(pid.ok());
  const int status = wait_for(*pid);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

ProcessPlan plan_of(const char* script) {
  ProcessPlan plan;
  plan.argv = {"sh", "-c", script};
  plan.environment = kEnvironment;
  return plan;
}

int status_of(const ProcessPlan& plan) {
  const auto pid = start_process(plan);
  if (!pid.ok()) {
    MESSAGE(pid.error().message);
    return -1;
  }
  const int status = wait_for(*pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

TEST_CASE("limits hold from the first instruction, and one that cannot be had is an error that names it") {
  ProcessPlan plan = plan_of(
      "[ $(ulimit -Sn) = 64 ] && [ $(ulimit -Hn) = 65 ] && [ $(ulimit -c) = 0 ] && [ $(ulimit -t) = "
      "unlimited ]");
  plan.rlimits = {{"nofile", 64, 65}, {"core", 0, 0}, {"cpu", -1, -1}};
  CHECK(status_of(plan) == 0);
  plan.rlimits = {{"core", 0, 0}, {"nofile", 65, 64}};
  const auto refused = start_process(plan);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.starts_with("cannot set the limit nofile to 65:64 (the executor's own is "));
  CHECK(refused.error().message.ends_with("): Invalid argument"));
}

TEST_CASE("output goes where it is told, each stream to its own") {
  int out[2], err[2];
  REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(err, O_CLOEXEC) == 0);
  ProcessPlan plan = plan_of("echo one; echo two >&2; pwd");
  plan.out = out[1];
  plan.err = err[1];
  plan.directory = "/usr";
  CHECK(status_of(plan) == 0);
  ::close(out[1]);
  ::close(err[1]);
  char text[64] = {};
  CHECK(::read(out[0], text, sizeof text - 1) == 9);
  CHECK(std::string(text) == "one\n/usr\n");
  char errors[64] = {};
  CHECK(::read(err[0], errors, sizeof errors - 1) == 4);
  CHECK(std::string(errors) == "two\n");
  ::close(out[0]);
  ::close(err[0]);
}

TEST_CASE("another user is taken with its groups and nothing else, and dies with us all the same") {
  if (::geteuid() != 0) return;  // only root can
  ProcessPlan plan = plan_of(
      "[ \"$(id -u):$(id -g)\" = 54321:54322 ] || exit 1; [ \"$(id -G)\" = '54322 7 8' ] || exit 2;"
      "grep -q '^CapEff:[[:space:]]*0*$' /proc/self/status || exit 3");
  plan.has_ids = true;
  plan.ids = {54321, 54322, {7, 8}, "", ""};
  CHECK(status_of(plan) == 0);
  ProcessPlan inside = plan_of("exit 0");
  inside.has_ids = true;
  inside.ids = plan.ids;
  char closed[] = "/tmp/mimas-process-XXXXXX";
  REQUIRE(::mkdtemp(closed) != nullptr);  // 0700, ours
  inside.directory = closed;
  const auto refused = start_process(inside);
  REQUIRE_FALSE(refused.ok());
  const std::string why = "': Permission denied, user 54321 may not pass '" + std::string(closed) + "'";
  CHECK(refused.error().message == "cannot enter '" + std::string(closed) + why);
  inside.directory = std::string(closed) + "/below";
  REQUIRE(::mkdir(inside.directory.c_str(), 0755) == 0);
  CHECK(start_process(inside).error().message == "cannot enter '" + inside.directory + why);
  ::rmdir(inside.directory.c_str());
  ::rmdir(closed);
}

TEST_CASE("a namespace or group that cannot be entered is an error, and nothing ran") {
  ProcessPlan plan = plan_of("exit 0");
  plan.netns = "/no/such/ns";
  CHECK(start_process(plan).error().message ==
        "cannot enter the network namespace /no/such/ns: No such file or directory");
  plan.netns.clear();
  const int read_only = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  plan.groups = {read_only};
  CHECK(start_process(plan).error().message == "cannot enter its cgroup: Bad file descriptor");
  ::close(read_only);
}

}  // namespace
}  // namespace mimas::executor
