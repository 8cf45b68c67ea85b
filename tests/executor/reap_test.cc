#include "executor/reap.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "executor/cgroup.h"
#include "executor/cgroup_tree.h"
#include "executor/process.h"

namespace mimas::executor {
namespace {

TEST_CASE("an executor is dead when its number is free or somebody else's, and only where numbers mean it") {
  const GroupName self = own_group_name();
  REQUIRE(self.pid_namespace != 0);
  CHECK_FALSE(is_dead(self, self.pid_namespace));
  GroupName before_us = self;  // who had our number before
  --before_us.start;
  CHECK(is_dead(before_us, self.pid_namespace));
  CHECK_FALSE(is_dead(before_us, self.pid_namespace + 1));
  CHECK_FALSE(is_dead({self.pid, self.start - 1, 0}, 0));
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  const GroupName its{child, process_start(child), self.pid_namespace};
  CHECK_FALSE(is_dead(its, self.pid_namespace));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(is_dead(its, self.pid_namespace));
}

TEST_CASE("the next one beside it removes what a dead executor has left, and nobody else's") {
  const std::string place = "mimas-reap-" + std::to_string(::getpid());
  Cgroups mine(place);
  std::vector<std::string> complaints;
  auto group = mine.make("t", {}, complaints);
  if (!group) {
    MESSAGE("skipped: no cgroups to be had here");
    return;
  }
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t executor = ::fork();
  if (executor == 0) {
    Cgroups its(place);
    auto left = its.make("left", {}, complaints);
    ProcessPlan plan;
    plan.argv = {"sh", "-c", "setsid sh -c 'echo; sleep 1000' & wait"};
    plan.environment = {"PATH=/usr/bin:/bin"};
    plan.out = ends[1];
    if (left) plan.groups = left->entries();
    char byte;
    const bool up = start_process(plan).ok() && ::read(ends[0], &byte, 1) == 1;
    ::_exit(up ? 0 : 1);
  }
  ::close(ends[1]);
  int status = 0;
  while (::waitpid(executor, &status, 0) < 0 && errno == EINTR) {
  }
  CHECK(status == 0);
  const std::vector<std::string> lines = reap_siblings(place);
  CHECK(lines.size() == 1);
  char byte;
  while (::read(ends[0], &byte, 1) > 0) {
  }
  ::close(ends[0]);  // the end: nobody is left to write
  CHECK(group->empty());
  CHECK(reap_siblings(place).empty());
  CHECK(reap_siblings("off").empty());
  while (!group->remove()) ::usleep(1000);
  mine.remove();
  for (const Hierarchy& hierarchy : read_cgroup_map().hierarchies)
    CHECK(remove_group((hierarchy.mount + "/" + place).c_str()));
}

}  // namespace
}  // namespace mimas::executor
