// The effects that wait for the driver's writer, in the order in which they leave. What waits already is not
// queued again: of KILLs one a task, of acknowledgements one an update. So the engine, which never waits for
// the writer, cannot fill it without end: KILLs are bounded by the tasks there are, everything else by what
// the reader lets in (driver_reader.cc waits while kAnswersQueuedMax others are queued). Not thread-safe; the
// driver's mutex guards it. Tested in tests/mesos/call_queue_test.cc.
#pragma once

#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <utility>

#include "engine/effect.h"

namespace mimas::mesos {

inline constexpr std::size_t kAnswersQueuedMax = 10'000;

class CallQueue {
 public:
  void push(engine::Effect effect);
  engine::Effect pop();  // the oldest; there must be one
  void clear();
  bool empty() const { return effects_.empty(); }
  std::size_t size() const { return effects_.size(); }
  // All but the KILLs: what the master's events bring about, so that not reading them ends the growth.
  std::size_t answers() const { return effects_.size() - kills_.size(); }

 private:
  std::deque<engine::Effect> effects_;
  std::set<TaskId> kills_;                                     // of these tasks
  std::set<std::pair<TaskId, std::string>> acknowledgements_;  // by task and uuid
  std::set<std::pair<OperationId, std::string>> of_operations_;
};

}  // namespace mimas::mesos
