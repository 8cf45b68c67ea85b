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

}  // namespace
}  // namespace mimas::executor
