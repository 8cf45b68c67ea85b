// The steps of a task's life, as they are kept and as they are told. Tested in
// tests/model/status_history_test.cc.
#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "model/task.h"

namespace mimas {
namespace {

void told_by_times(const Task& task, std::vector<StatusChange>& steps) {
  const auto add = [&](TaskState state, Instant at) {
    if (at.ms != 0) steps.push_back({state, at, {}, {}});
  };
  add(TaskState::dispatched, task.dispatched_at);
  add(TaskState::starting, task.starting_at);
  add(TaskState::running, task.running_at);
  if (task.state == TaskState::unreachable) add(task.state, task.unreachable_since);
  if (is_terminal(task.state)) add(task.state, task.ended_at);
  if (steps.back().state != task.state) return;
  steps.back().reason = task.reason;
  steps.back().message = cut_text(task.message, kStatusMessageBytesMax);
}

}  // namespace

std::vector<StatusChange> status_history(const Task& task) {
  std::vector<StatusChange> steps;
  steps.push_back({TaskState::queued, task.queued_at, {}, {}});
  if (!task.history.empty()) {
    std::vector<StatusChange> kept = task.history.steps();
    std::move(kept.begin(), kept.end(), std::back_inserter(steps));
  } else if (task.state != TaskState::queued) {
    told_by_times(task, steps);
  }
  return steps;
}

void note_status(Task& task, Instant at) {
  constexpr std::size_t kKept = kStatusHistoryMax - 1;  // the first is QUEUED, which is not kept
  while (task.history.size() >= kKept) task.history.drop_oldest();
  task.history.add({task.state, at, task.reason, task.message});
}

const RunFacts& run_facts(const Task& task) {
  static const RunFacts kNone;
  return task.facts ? *task.facts : kNone;
}

}  // namespace mimas
