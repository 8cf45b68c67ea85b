// Children of ours that are no tasks: what would block the loop (compressing, uploading, an operator's
// program) runs in a process of its own, so that no thread and, once it has ended, no memory is spent on it.
// They are no orphans of a task: who kills a task's tree leaves them alone (is_helper). Linux only; one
// thread only. Tested in tests/executor/children_test.cc.
#pragma once

#include <cstdint>
#include <vector>

namespace mimas::executor {

// fork(). In the parent: the pid, or -1 with errno. In the child: 0; it leads a session of its own, dies with
// us (SIGKILL), has every signal at its default and unblocked, /dev/null as input and no other descriptors
// than stdout, stderr and `keep`.
std::int64_t fork_helper(const std::vector<int>& keep);

bool is_helper(std::int64_t pid);
void helper_ended(std::int64_t pid);  // reaped: the number may soon be somebody else's

// For every child of ours, tasks included, between fork and exec: allocate nothing.
void default_signals();
void close_on_exec_from(int first);

}  // namespace mimas::executor
