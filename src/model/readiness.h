// When an instance does its work, as far as its checks can tell: what counts as ready in answers, and what a
// moved instance's successor has to be before the old one ends. Pure.
#pragma once

#include "model/job.h"
#include "model/task.h"

namespace mimas {

inline bool is_ready(const Task& task, const JobSpec& spec) {
  return task.state == TaskState::running && !task.kill_requested &&
         (spec.health_checks.empty() || task.healthy == true) && (!spec.readiness || task.ready == true);
}

}  // namespace mimas
