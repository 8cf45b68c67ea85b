// Processes of tasks. Each leads its own session and process group, inherits our stdout and stderr (which the
// agent has opened as files in the sandbox), reads /dev/null and dies with us (PR_SET_PDEATHSIG). We adopt
// orphaned descendants (PR_SET_CHILD_SUBREAPER), so that a tree can be killed to its last leaf
// (mesos-protocol §3.6). Linux only; one thread only: fork happens here, and between fork and exec nothing is
// allocated. Tested in tests/executor/process_test.cc and, as a whole, in tests/executor/executor_test.py.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "executor/messages.h"
#include "executor/process_tree.h"

namespace mimas::executor {

// Starts argv[0], looked up in the PATH of `environment`; answers its pid once exec has succeeded. Errors
// (io) read "cannot run 'x': No such file or directory".
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
