// The newest moment that the records know of. Time must not begin before it after a restart, or what happened
// then lies in the future, and every wait for it is longer by as much (base/steady_wall.h).
#pragma once

#include "base/time.h"
#include "engine/step.h"

namespace mimas::engine {

// Of what has happened; deadlines may lie in the future. {} where nothing has.
Instant newest_instant(const Recovered& records);

}  // namespace mimas::engine
