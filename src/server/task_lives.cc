#include "server/task_lives.h"

#include <algorithm>

namespace mimas::server {

void Durations::add(std::int64_t ms) {
  const double secs = static_cast<double>(std::max<std::int64_t>(ms, 0)) / 1'000;
  const auto bucket = std::ranges::lower_bound(kBounds, secs) - kBounds.begin();
  ++counts[static_cast<std::size_t>(bucket)];
  sum_secs += secs;
}

void TaskLives::changed(const Task* before, const Task& after) {
  if (before == nullptr) {
    if (after.state == TaskState::queued) ++queued;
    return;
  }
  if (before->state == after.state) return;
  if (before->state == TaskState::queued && is_live_on_agent(after.state)) {
    ++dispatched;
    waiting.add(after.dispatched_at - std::max(after.queued_at, after.not_before));
  }
  if (after.state == TaskState::running && before->running_at.ms == 0) {
    ++started;
    if (after.dispatched_at.ms != 0) starting.add(after.running_at - after.dispatched_at);
  }
  if (!is_terminal(after.state) || is_terminal(before->state)) return;
  const auto found = endings.try_emplace({after.state, after.reason}, 0);
  if (endings.size() <= kEndingsMax) {
    ++found.first->second;
    return;
  }
  endings.erase(found.first);
  ++endings[{after.state, "OTHER"}];
}

}  // namespace mimas::server
