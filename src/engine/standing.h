// Whether an agent may be given new work, and who says so: the master's schedule of maintenance, an
// operator's order, its being about to be removed (scaling), a quarantine, or how much it was just sent. One
// function, so that placement, the records that people read and the explanations never differ. Whatever may
// change an agent's standing, time included, puts it into Data::agents_unpublished. Private to the engine.
// Tested in tests/engine/agent_health_test.cc.
#pragma once

#include "engine/turn.h"

namespace mimas::engine {

// The first that applies, in the order of the enum.
Standing standing_of(const Turn& turn, const AgentEntry& agent);

// How many more tasks may be sent to it now, until their like runs. >= 0; of a job with an image, of one
// without.
std::int64_t launches_left(const State::Data& data, const AgentEntry& agent, bool with_image);

}  // namespace mimas::engine
