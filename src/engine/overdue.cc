// What does not end although it was killed. An executor enforces graces and limits, and one that hangs, or
// was stopped by its own task, enforces none: so the engine looks as well. A task that is still there long
// after its grace (is_overdue) has its executor shut down, which the agent does by force; one that outlives
// its runtime limit is killed first. Where the executor runs tasks that nobody wants to end
// (docs/executor.md, sharing), they are not sacrificed: the alert says so, and people decide. Tested in
// tests/engine/overdue_test.cc.
#include <algorithm>

#include "engine/executors.h"
#include "engine/orphans.h"
#include "engine/parts.h"

namespace mimas::engine {
namespace {

const std::string& executor_of(const Task& task) {
  return task.executor.empty() ? task.id.value : task.executor;
}

// Tasks in the same executor that nobody has asked to end.
std::int64_t wanted_beside(const State::Data& data, const Task& task) {
  if (!is_in_shared_executor(task)) return 0;
  const auto agent = data.agents.find(task.agent);
  if (agent == data.agents.end()) return 0;
  return std::ranges::count_if(agent->second.tasks, [&](const TaskKey& key) {
    const Task& other = *data.jobs.at(key.job).tasks.at({key.index, key.number}).record;
    return !other.kill_requested && other.executor == task.executor;
  });
}

std::string what_follows(const State::Data& data, const Task& task) {
  const std::int64_t beside = wanted_beside(data, task);
  if (beside == 0) return "its executor is shut down";
  return "its executor runs " + std::to_string(beside) +
         " tasks that nobody ended, so it is left alone: end them too, or it on the agent";
}

}  // namespace

void shut_down_executor(Turn& turn, const Task& task) {
  if (wanted_beside(turn.data, task) > 0) return;
  turn.effect(ShutDownExecutor{task.agent, executor_of(task)});
  turn.reason("task " + task.id.value + " does not end: shutting down its executor on " + task.hostname);
}

void tell_overdue(Turn& turn) {
  const State::Data& data = turn.data;
  std::string text;
  if (!data.overdue.empty()) {
    const TaskKey& first = *data.overdue.begin();
    const Task& task = *data.jobs.at(first.job).tasks.at({first.index, first.number}).record;
    const std::size_t others = data.overdue.size() - 1;
    text = "task " + task.id.value + " on " + task.hostname +
           (others == 0 ? std::string() : " and " + std::to_string(others) + " others") +
           (others == 0 ? " does" : " do") + " not end long after the kill; " +
           (others == 0 ? std::string() : "of the first: ") + what_follows(data, task);
  }
  set_alert(turn, "overdue", text);
}

}  // namespace mimas::engine
