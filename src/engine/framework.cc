// The end of a framework: what ran under its id is gone, and nothing of it will be heard of again.
#include <vector>

#include "engine/history.h"
#include "engine/orphans.h"
#include "engine/parts.h"
#include "engine/reconcile.h"

namespace mimas::engine {
namespace {

// Whoever was to end has ended; everybody else lost the task through no fault of theirs.
Ending ending_of(const Task& task) {
  return task.kill_requested ? ending_of_killed(task) : Ending::blameless;
}

std::vector<TaskKey> launched(const JobEntry& job) {
  std::vector<TaskKey> keys;
  for (const auto& [place, entry] : job.tasks) {
    const TaskState state = entry.record->state;
    if (state == TaskState::queued || is_terminal(state)) continue;
    keys.push_back({job.record->number, place.first, place.second});
  }
  return keys;
}

}  // namespace

void on_input(Turn& turn, const ForgetFramework& command) {
  State::Data& data = turn.data;
  const std::string id = data.framework.value;
  const std::string why = command.torn_down ? "the framework was torn down" : "its framework was given up";
  on_input(turn, Disconnected{why});
  std::int64_t lost = 0;
  for (auto& [number, job] : data.jobs) {
    for (const TaskKey& key : launched(job)) {
      const Task& task = *task_at(job, key).record;
      const bool wanted_end = command.torn_down || task.kill_requested;
      end_task(turn, job, key,
               {wanted_end ? TaskState::stopped : TaskState::crashed,
                ending_of(task),
                command.torn_down ? "FRAMEWORK_TORN_DOWN" : "FRAMEWORK_REMOVED",
                why,
                {}});
      ++lost;
    }
  }
  data.unanswered.clear();
  forget_all_strays(turn);
  end_operations(turn, why);
  data.framework = {};
  for (auto& [name, role] : data.roles) role.suppressed = false;
  turn.change(PutFramework{});
  put_audit(turn, command.user, command.address,
            {"framework.forget",
             "framework " + id + ": " + why + ", " + std::to_string(lost) + " tasks ended",
             {},
             {},
             {}});
  turn.reason("framework " + id + " is forgotten, " + std::to_string(lost) + " tasks ended with it");
  turn.reply(command.request, Answer(Done{}));
}

}  // namespace mimas::engine
