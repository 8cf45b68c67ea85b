// When an instance does its work, as far as its checks can tell: what counts as ready in answers, and what a
// moved instance's successor has to be before the old one ends. And when one that waits does not wait for a
// place. Pure.
#pragma once

#include <algorithm>
#include <string_view>

#include "model/job.h"
#include "model/task.h"

namespace mimas {

inline bool is_ready(const Task& task, const JobSpec& spec) {
  const bool judged = std::any_of(spec.health_checks.begin(), spec.health_checks.end(),
                                  [](const HealthCheck& check) { return !check.informational; });
  return task.state == TaskState::running && !task.kill_requested && (!judged || task.healthy == true) &&
         (!spec.readiness || task.ready == true);
}

// Task::reason of one that is queued and waits for its not_before. The engine takes it away when that has
// come, so that nobody needs a clock to tell this from waiting for a place.
inline constexpr std::string_view kBackoff = "BACKOFF";

inline bool is_backing_off(const Task& task) {
  return task.state == TaskState::queued && task.reason == kBackoff;
}

}  // namespace mimas
