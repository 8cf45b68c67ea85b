// In which executor a task is to run, and whether that one is there already. Private to the engine. Tested in
// tests/engine/executors_test.cc.
//
// What shares an executor must describe it by the same bytes (mesos-protocol §2.2), so its id names all that
// goes into them: a task whose artifacts would make a difference gets one of its own. So does a task whose
// last start in a shared one came to nothing: whatever was in the way there (it was just leaving, the master
// knew it otherwise) is not in the way twice.
#pragma once

#include <string>

#include "engine/state.h"

namespace mimas::engine {

// ExecutorInfo's id; empty: one of the task's own, under the task's id.
std::string shared_executor(const Policy& policy, const JobEntry& job, const Task& task);

inline bool is_in_shared_executor(const Task& task) {
  return !task.executor.empty() && task.executor != task.id.value;
}

}  // namespace mimas::engine
