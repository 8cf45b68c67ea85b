// What would become of a job that nobody has submitted (model/placement_plan.h). Private to the engine.
#pragma once

#include "engine/turn.h"
#include "model/placement_plan.h"

namespace mimas::engine {

// A trial beside what runs; what waits is not in its way. An agent that offers nothing at the moment, because
// nothing was asked of it, counts with what it is known to have and ours do not use.
PlacementPlanPtr plan_of(Turn& turn, const SubmitJob& command);

}  // namespace mimas::engine
