#include "executor/cgroup.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

#include "executor/cgroup_tree.h"
#include "executor/process.h"

namespace mimas::executor {
namespace {

// What this machine's hierarchies allow us, found as the executor finds it.
struct Real {
  Cgroups cgroups{"auto"};
  std::vector<std::string> complaints;
  std::optional<Cgroup> group;
  explicit Real(const Limits& limits = {}) { group = cgroups.make("a task", limits, complaints); }
  ~Real() {
    if (group) {
      group->kill();
      while (!group->remove()) ::usleep(1000);
    }
    cgroups.remove();
  }
  bool there() const {
    if (!group) MESSAGE("skipped: no cgroups to be had here");
    return group.has_value();
  }
};

std::int64_t start_in(const Cgroup& group, const char* script) {
  ProcessPlan plan;
  plan.argv = {"sh", "-c", script};
  plan.environment = {"PATH=/usr/bin:/bin"};
  plan.groups = group.entries();
  const auto pid = start_process(plan);
  REQUIRE(pid.ok());
  return *pid;
}

int wait_for(std::int64_t pid) {
  int status = 0;
  while (::waitpid(static_cast<pid_t>(pid), &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

TEST_CASE("a directory that is not there is empty and gone") {
  CHECK(group_empty("/nonexistent/mimas"));
  CHECK(remove_group("/nonexistent/mimas"));
  CHECK(end_group("/nonexistent/mimas", 10));
  kill_group("/nonexistent/mimas");
}

TEST_CASE("switched off there is no group, and nothing is said") {
  Cgroups off("off");
  std::vector<std::string> complaints;
  Limits limits;
  limits.memory_bytes = 1;
  CHECK_FALSE(off.make("t", limits, complaints).has_value());
  CHECK(complaints.empty());
}

TEST_CASE("a process is in its group from its first instruction, in every hierarchy") {
  Real real;
  if (!real.there()) return;
  CHECK(real.group->empty());
  CHECK(real.group->path().starts_with(group_name(own_group_name()) + "/t1-a_task"));
  // As often as there are entries, the process sees a line that ends with the path.
  const std::string script = "[ $(grep -c '" + real.group->path() +
                             "$' /proc/self/cgroup) = " + std::to_string(real.group->entries().size()) + " ]";
  CHECK(wait_for(start_in(*real.group, script.c_str())) == 0);
  CHECK(real.group->empty());
}

TEST_CASE("everyone in it is killed, wherever they have hidden, and it can be removed") {
  Real real;
  if (!real.there()) return;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);  // held by everyone of it
  ProcessPlan plan;
  plan.argv = {"sh", "-c",
               "trap '' TERM; (setsid sh -c 'setsid sleep 1000 & kill -STOP $$' &); sleep 1000 & echo; exec "
               "sleep 1000"};
  plan.environment = {"PATH=/usr/bin:/bin"};
  plan.groups = real.group->entries();
  plan.out = ends[1];
  const auto pid = start_process(plan);
  ::close(ends[1]);
  REQUIRE(pid.ok());
  char byte;
  REQUIRE(::read(ends[0], &byte, 1) == 1);
  CHECK_FALSE(real.group->empty());
  CHECK_FALSE(real.group->remove());
  while (!real.group->empty()) {
    real.group->kill();
    ::usleep(1000);
  }
  CHECK(::read(ends[0], &byte, 1) == 0);  // the end: nobody is left to write
  ::close(ends[0]);
  CHECK(WIFSIGNALED(wait_for(*pid)));
  while (!real.group->remove()) ::usleep(1000);
}

// Whether the limits that were asked for could be had; a machine may offer only some of the controllers.
bool limited(const Real& real) {
  if (!real.there()) return false;
  for (const std::string& complaint : real.complaints) MESSAGE("skipped: " << complaint);
  return real.complaints.empty();
}

TEST_CASE("a fork bomb has only so much room") {
  Limits limits;
  limits.pids = 5;
  Real real(limits);
  if (!limited(real)) return;
  const int bomb = wait_for(start_in(
      *real.group, "exec 2>/dev/null; i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done; exit 9"));
  CHECK(WIFEXITED(bomb));
  CHECK(WEXITSTATUS(bomb) == 2);  // what a shell says that cannot fork
}

TEST_CASE("memory has its limit, its kills are told, and its peak is known") {
  Limits limits;
  limits.memory_bytes = 32 << 20;
  Real real(limits);
  if (!limited(real)) return;
  CHECK(real.group->memory_kills() == 0);
  const int eater = wait_for(start_in(*real.group, "x=$(head -c 100000000 /dev/zero | tr '\\0' x)"));
  CHECK(WIFSIGNALED(eater));
  CHECK(WTERMSIG(eater) == SIGKILL);
  CHECK(real.group->memory_kills() == 1);
  CHECK(real.group->memory_peak_bytes() > (30 << 20));
  CHECK(real.group->memory_peak_bytes() <= (32 << 20));
  std::vector<pollfd> polled;
  real.group->add_to(polled);
  REQUIRE(polled.size() == 1);
  CHECK(::poll(polled.data(), 1, 30'000) == 1);
  real.group->drain();
  CHECK(::poll(polled.data(), 1, 0) == 0);
}

TEST_CASE("a quota is the most it gets, however much it wants") {
  Limits limits;
  limits.cpu_milli = 200;
  limits.cpu_quota = true;
  Real real(limits);
  if (!limited(real)) return;
  // A second of work at a fifth of a core is throttled many times; the kernel counts them.
  const std::int64_t pid = start_in(*real.group, "while :; do :; done");
  const CgroupMap map = parse_cgroup_map(read_text("/proc/" + std::to_string(pid) + "/cgroup"),
                                         read_text("/proc/self/mountinfo"));
  const std::string stat = map.directory("cpu") + "/cpu.stat";
  while (counter_in(read_text(stat), "nr_throttled") < 5) ::usleep(10'000);
  ::kill(static_cast<pid_t>(pid), SIGKILL);
  CHECK(WIFSIGNALED(wait_for(pid)));
}

TEST_CASE("an operator may say where the groups are to be") {
  const std::string place = "mimas-test-" + std::to_string(::getpid());
  Cgroups cgroups(place + "/deeper");
  std::vector<std::string> complaints;
  auto group = cgroups.make("t", {}, complaints);
  if (group) {
    const std::string script = "[ $(grep -c ':/" + place + "/deeper/" + group->path() +
                               "$' /proc/self/cgroup) = " + std::to_string(group->entries().size()) + " ]";
    CHECK(wait_for(start_in(*group, script.c_str())) == 0);
    while (!group->remove()) ::usleep(1000);
  } else {
    CHECK(complaints.size() == 1);
    CHECK_FALSE(cgroups.make("t", {}, complaints).has_value());
    CHECK(complaints.size() == 1);  // said once
  }
  cgroups.remove();
  for (const Hierarchy& hierarchy : read_cgroup_map().hierarchies)
    CHECK(remove_group((hierarchy.mount + "/" + place).c_str()));
}

}  // namespace
}  // namespace mimas::executor
