// A command that leaves nothing behind: its parent is not the executor but a keeper, a process of ours that
// adopts whatever the command has started, in whatever session, and kills all of it when the command has
// ended or we say so. The executor itself could not: an orphan that it adopts names neither its check nor its
// task. The keeper costs a fork, and a look at /proc only when something is left. Linux only; one thread.
// Tested in tests/executor/process_runtime_test.cc.
#pragma once

#include <cstdint>

#include "executor/process.h"

namespace mimas::executor {

inline constexpr int kKeeperStopped = 126;    // its exit status after end_kept()
inline constexpr int kKeeperCannotRun = 127;  // ...when the command cannot be run; why is written to plan.out

// The keeper's pid, a helper (children.h) that ends when all of the command has ended, as a shell would: with
// its exit status, or 128 + its signal. -1: it cannot be forked (errno).
std::int64_t start_kept(const ProcessPlan& plan);

// Asks the keeper to kill everything and end.
void end_kept(std::int64_t keeper);

}  // namespace mimas::executor
