// The folders tasks run in. An executor of its own: the executor's sandbox itself, which the agent has made.
// A shared executor: tasks/<task id>/ below it, with links to the artifacts of the task; its owner alone may
// enter when the task has a user of its own. Logs are read after the end, so that folders of ended tasks
// stay: the last 200 of them, the oldest are removed by a helper (children.h). Ids are checked by the core.
// Single thread. Tested in tests/executor/sandbox_test.cc.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "base/result.h"
#include "executor/spec.h"

namespace mimas::executor {

inline constexpr std::size_t kEndedFoldersMax = 200;

class Sandboxes {
 public:
  // `root` is the executor's sandbox, absolute.
  Sandboxes(std::string root, bool shared) : root_(std::move(root)), shared_(shared) {}

  // The folder of a task that is about to start. Errors (io) name the path.
  Result<std::string> make(std::string_view task_id, const TaskSpec& spec);
  void ended(std::string_view task_id);

 private:
  std::string root_;
  bool shared_;
  std::deque<std::string> ended_;  // tasks, the oldest first
};

// Makes what is not there of a folder below the sandbox, through no link: what is there already is the task's
// to enter or to fail at, whatever it is. Errors: io.
Status make_below(const std::string& sandbox, std::string_view path);

}  // namespace mimas::executor
