#include "executor/process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

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

TEST_CASE("a program is found in the PATH it will see") {
  const auto pid = start_process({{"sh", "-c", "exit 7"}, {}, {}}, kEnvironment);
  REQUIRE(pid.ok());
  const int status = wait_for(*pid);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
  const auto lost = start_process({{"sh", "-c", "exit 7"}, {}, {}}, {"PATH=/nowhere"});
  REQUIRE_FALSE(lost.ok());
  CHECK(lost.error().message == "cannot run 'sh': No such file or directory");
}

TEST_CASE("a program that cannot run is an error that names it") {
  const auto none = start_process({{"/no/such/program"}, {}, {}}, kEnvironment);
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().message == "cannot run '/no/such/program': No such file or directory");
  const auto directory = start_process({{"/etc"}, {}, {}}, kEnvironment);
  REQUIRE_FALSE(directory.ok());
  CHECK(directory.error().message == "cannot run '/etc': Permission denied");
  const auto cwd = start_process({{"true"}, {}, "/no/such/place"}, kEnvironment);
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
  const auto pid = start_process({{"sh", "-c", script}, {}, {}}, kEnvironment);
  ::close(stray[0]);
  ::close(stray[1]);
  REQUIRE(pid.ok());
  const int status = wait_for(*pid);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("killing a tree takes the grandchild in a session of its own") {
  int alive[2];  // its end is held by everyone in the tree: end of file means that all are gone
  REQUIRE(::pipe2(alive, O_CLOEXEC) == 0);
  const int saved = ::fcntl(1, F_DUPFD_CLOEXEC, 3);
  REQUIRE(::dup2(alive[1], 1) == 1);
  const char* script = "trap '' TERM; setsid sh -c 'echo up; exec sleep 1000' & wait";
  const auto pid = start_process({{"sh", "-c", script}, {}, {}}, kEnvironment);
  REQUIRE(::dup2(saved, 1) == 1);
  ::close(saved);
  ::close(alive[1]);
  REQUIRE(pid.ok());
  char up[3];
  REQUIRE(::read(alive[0], up, sizeof up) == 3);
  kill_tree(*pid, {1});
  char rest;
  CHECK(::read(alive[0], &rest, 1) == 0);
  ::close(alive[0]);
  CHECK(WTERMSIG(wait_for(*pid)) == 9);
  CHECK_FALSE(group_alive(*pid));
}

}  // namespace
}  // namespace mimas::executor
