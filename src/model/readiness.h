// When an instance does its work, as far as its checks can tell: what counts as ready in answers, and what a
// moved instance's successor has to be before the old one ends. Pure.
#pragma once

#include <algorithm>

#include "model/job.h"
#include "model/task.h"

namespace mimas {

inline bool is_ready(const Task& task, const JobSpec& spec) {
  const bool judged = std::any_of(spec.health_checks.begin(), spec.health_checks.end(),
                                  [](const HealthCheck& check) { return !check.informational; });
  return task.state == TaskState::running && !task.kill_requested && (!judged || task.healthy == true) &&
         (!spec.readiness || task.ready == true);
}

}  // namespace mimas
