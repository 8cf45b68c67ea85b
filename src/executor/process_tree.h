// Who descends from whom, by /proc, and how a whole tree is killed. Linux only; one thread. Tested in
// tests/executor/process_tree_test.cc and, as a whole, in tests/executor/guard_test.py.
#pragma once

#include <cstdint>
#include <vector>

namespace mimas::executor {

// Orphans among our descendants become our children (PR_SET_CHILD_SUBREAPER).
void adopt_orphans();

struct ProcStat {
  std::int64_t pid = 0, parent = 0, group = 0, session = 0;
  char state = '?';         // 'Z': dead, its parent has not asked yet
  bool exiting = false;     // it runs no code of its own any more
  std::uint64_t start = 0;  // clock ticks since the machine's start: with the pid, nobody else
};
// /proc/PID/stat; false: there is no such process. Allocates nothing.
bool read_process(std::int64_t pid, ProcStat& into);
// `start` of read_process; 0: there is no such process, or it is dead already.
std::uint64_t process_start(std::int64_t pid);

// SIGKILL to everyone below us, in whatever group or session, until we have no child left (each is waited
// for) or `ms` are over: what sleeps in the kernel cannot be waited for. True: nobody is left. Allocates
// nothing; may be called in a signal handler. The caller must have called adopt_orphans().
bool kill_descendants(std::int64_t ms);

// SIGKILL to the leader's group and session, to all their descendants, and to orphans we adopted that belong
// to none of `others` (leaders of tasks still running). Repeats until /proc shows nobody new. Leader 0:
// orphans alone.
void kill_tree(std::int64_t leader, const std::vector<std::int64_t>& others);

}  // namespace mimas::executor
