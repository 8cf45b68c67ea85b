// What would become of a job that nobody has submitted: where its tasks would go now, and why the rest would
// wait. A trial on a copy of the cluster; nothing is reserved, so the next moment may be another. Made by the
// engine for a dry run, rendered by api. Rendering tested in
// tests/api/render_why_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "model/explanation.h"

namespace mimas {

struct PlacementPlan {
  // Tasks of the job that one agent would get.
  struct Share {
    AgentId agent;
    std::string hostname;
    std::string zone;  // empty: not known
    std::int64_t tasks = 0;
    Score score;  // of the first of them
  };
  std::int64_t tasks = 0;     // that the job wants
  std::vector<Share> shares;  // by agent id, each agent once
  ExplanationPtr why;         // null: all of them fit
};
using PlacementPlanPtr = std::shared_ptr<const PlacementPlan>;

}  // namespace mimas
