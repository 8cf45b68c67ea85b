// Desired against actual, for one job: the one function behind submits, counts, failures, lost agents, kills
// and restarts. Afterwards an active service has exactly `desired` slots with one current task each (besides
// those on their way out), a batch job has a current task in every slot that is not done, and a job with
// nothing wanted and nothing left has ended. Cost: O(log n) per lost task; O(slots) only when counts differ
// or the job ends.
#pragma once

#include <string>

#include "engine/turn.h"

namespace mimas::engine {

// Reconciles every touched job of the turn, until nothing is touched any more.
void reconcile_touched(Turn& turn);

// Ends a task that has not ended yet, in any state; its slot is vacated if it was the current task there.
struct TaskEnd {
  TaskState state = TaskState::crashed;
  Ending ending = Ending::blameless;
  std::string reason, message;
  Exit exit;
};
void end_task(Turn& turn, JobEntry& job, const TaskKey& key, TaskEnd end);

// Asks for the end of a task: queued ones stop at once, live ones are sent KILL until they are gone. `reason`
// and `message` say who wants it; kScaledDown gives the slot up. A second request only ever adds kScaledDown.
void request_kill(Turn& turn, JobEntry& job, const TaskKey& key, std::string_view reason,
                  const std::string& message);

// What the end of a task that was asked to end means for its slot.
Ending ending_of_killed(const Task& task);

// The slot's own again is one that was to be moved: its successor, which is not ready, is withdrawn. Nothing
// happens where the slot is given up.
inline constexpr const char* kWithdrawn = "WITHDRAWN";  // Task::reason of such a successor
void take_back(Turn& turn, JobEntry& job, const TaskKey& key);

// The KILL call itself, as often as it is due.
void send_kill(Turn& turn, const Task& task, const Job& job);

void publish_shortfall(Turn& turn, JobEntry& job, std::string text, ExplanationPtr why = nullptr);
void tell_slots_are_held(Turn& turn, JobEntry& job);  // by orphans, all that it waits for

}  // namespace mimas::engine
