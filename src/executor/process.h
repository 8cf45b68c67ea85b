// One process, started as a task asks for. It leads its own session and process group, reads /dev/null, has
// no stray descriptors and dies with us (PR_SET_PDEATHSIG). Whatever it is to be (user, limits, cgroups,
// network) it is before its first instruction: the child does it between fork and exec, allocates nothing,
// and says through a pipe what did not work. Linux only; one thread only. Tested in
// tests/executor/process_test.cc and, as a whole, in tests/executor/executor_test.py.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "executor/process_tree.h"
#include "executor/spec.h"
#include "executor/user.h"

namespace mimas::executor {

struct ProcessPlan {
  std::vector<std::string> argv;         // argv[0] is looked up in the PATH of `environment`
  std::vector<std::string> environment;  // whole
  std::string directory;                 // to be in; empty: ours
  int out = -1, err = -1;                // stay the caller's; -1: ours
  bool has_ids = false;                  // false: who we are
  UserIds ids;
  std::vector<ResourceLimit> rlimits;
  std::vector<int> groups;  // open cgroup.procs files to enter by; stay the caller's
  std::string netns;        // to enter, "/proc/PID/ns/net"; empty: ours
};

// Answers the pid once exec has succeeded, or after 2 s if that takes longer. Errors (io) read "cannot run
// 'x': No such file or directory".
Result<std::int64_t> start_process(const ProcessPlan& plan);
// As we are, where we are.
Result<std::int64_t> start_process(const Command& command, const std::vector<std::string>& environment);

struct Reaped {
  std::int64_t pid = 0;
  bool signalled = false;
  int number = 0;  // exit status or signal
};
// The next ended child, orphans included; false when there is none now.
bool reap(Reaped& into);

void signal_group(std::int64_t leader, int signal);
bool group_alive(std::int64_t leader);

// However deep this process hangs by then, it is killed and everything it has: by its guard (guard.h), or,
// where there is none, by a timer that kills its process group; the tasks then die with it
// (PR_SET_PDEATHSIG). Only the first call counts.
void self_destruct_in(std::int64_t ms);

}  // namespace mimas::executor
