#include "executor/process_tree.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include <sys/prctl.h>

namespace mimas::executor {
namespace {

TEST_CASE("a process is read with its family and its start, whatever its name") {
  char name[16] = {};
  ::prctl(PR_GET_NAME, name);
  ::prctl(PR_SET_NAME, "a) Z 1 2 (b");
  ProcStat self;
  const bool found = read_process(::getpid(), self);
  ::prctl(PR_SET_NAME, name);
  REQUIRE(found);
  CHECK(self.pid == ::getpid());
  CHECK(self.parent == ::getppid());
  CHECK(self.group == ::getpgrp());
  CHECK(self.session == ::getsid(0));
  CHECK(self.state == 'R');
  CHECK_FALSE(self.exiting);
  CHECK(self.start > 0);
  CHECK(process_start(::getpid()) == self.start);
}

TEST_CASE("the dead have no start") {
  CHECK(process_start(0) == 0);
  CHECK(process_start(-1) == 0);
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
  ProcStat dead;
  REQUIRE(read_process(pid, dead));
  CHECK(dead.state == 'Z');
  CHECK(dead.exiting);
  CHECK(process_start(pid) == 0);
  ::waitpid(pid, nullptr, 0);
  CHECK_FALSE(read_process(pid, dead));
}

// In a process of its own: the tests' other children are none of its business.
int in_a_child(int (*body)()) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("everyone below is killed, in whatever session, stopped or not") {
  CHECK(in_a_child([] {
          adopt_orphans();
          int ends[2];
          if (::pipe(ends) != 0) return 2;
          for (int i = 0; i < 4; ++i) {
            if (::fork() != 0) continue;
            for (int depth = 0; depth < 4; ++depth) {
              ::setsid();
              ::signal(SIGTERM, SIG_IGN);
              if (::fork() != 0 && depth % 2 == 0) ::_exit(0);
            }
            if (i == 1) ::raise(SIGSTOP);
            for (;;) ::pause();
          }
          ::close(ends[1]);
          if (!kill_descendants(30'000)) return 3;
          char byte;
          return ::read(ends[0], &byte, 1) == 0 ? 0 : 4;  // the end: nobody holds the other side any more
        }) == 0);
}

TEST_CASE("a tree is killed without its neighbour") {
  CHECK(in_a_child([] {
          adopt_orphans();
          pid_t leaders[2];
          for (pid_t& leader : leaders) {
            leader = ::fork();
            if (leader != 0) continue;
            ::setsid();
            if (::fork() == 0) ::setsid();
            for (;;) ::pause();
          }
          ProcStat stat;
          for (const pid_t leader : leaders) {
            while (read_process(leader, stat) && stat.session != leader) ::usleep(1000);
          }
          kill_tree(leaders[0], {leaders[1]});
          ::waitpid(leaders[0], nullptr, 0);
          if (process_start(leaders[1]) == 0) return 2;
          return kill_descendants(30'000) ? 0 : 3;
        }) == 0);
}

}  // namespace
}  // namespace mimas::executor
