#include "executor/children.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "executor/process.h"

namespace {

using namespace mimas::executor;

// What the child writes to `end` until it closes it.
std::string all_of(int end) {
  std::string text;
  char bytes[256];
  for (ssize_t got; (got = ::read(end, bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<std::size_t>(got));
  return text;
}

TEST_CASE("a helper has the descriptors it was promised, signals at rest, and a session of its own") {
  int kept[2];
  int other[2];
  REQUIRE(::pipe(kept) == 0);
  REQUIRE(::pipe(other) == 0);
  ::signal(SIGUSR1, SIG_IGN);
  const std::int64_t pid = fork_helper({kept[1]});
  if (pid == 0) {
    std::string seen;
    seen += ::fcntl(kept[0], F_GETFD) < 0 ? "closed " : "open ";
    seen += ::fcntl(other[0], F_GETFD) < 0 ? "closed " : "open ";
    seen += ::fcntl(other[1], F_GETFD) < 0 ? "closed " : "open ";
    struct sigaction action {};
    ::sigaction(SIGUSR1, nullptr, &action);
    seen += action.sa_handler == SIG_DFL ? "default " : "changed ";
    seen += ::getsid(0) == ::getpid() ? "own " : "shared ";
    char byte;
    seen += ::read(STDIN_FILENO, &byte, 1) == 0 ? "null" : "input";
    ::_exit(::write(kept[1], seen.data(), seen.size()) == static_cast<ssize_t>(seen.size()) ? 0 : 1);
  }
  REQUIRE(pid > 0);
  ::close(kept[1]);
  CHECK(all_of(kept[0]) == "closed closed closed default own null");
  ::signal(SIGUSR1, SIG_DFL);
  int status = -1;
  REQUIRE(::waitpid(static_cast<pid_t>(pid), &status, 0) == pid);
  CHECK(status == 0);
  CHECK(is_helper(pid));
  helper_ended(pid);
  CHECK_FALSE(is_helper(pid));
  for (const int end : {kept[0], other[0], other[1]}) ::close(end);
}

TEST_CASE("who kills the last task's orphans leaves helpers alone") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const std::int64_t pid = fork_helper({ends[0]});
  if (pid == 0) {
    char byte;
    ::_exit(::read(ends[0], &byte, 1) == 1 ? 7 : 1);
  }
  REQUIRE(pid > 0);
  kill_tree(0, {});
  REQUIRE(::write(ends[1], "x", 1) == 1);
  int status = -1;
  REQUIRE(::waitpid(static_cast<pid_t>(pid), &status, 0) == pid);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
  helper_ended(pid);
  for (const int end : ends) ::close(end);
}

}  // namespace
