// The clocks of the impure rooms. The pure ones are handed an Instant.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "base/uuid.h"

namespace mimas::net {

Instant wall_now();           // CLOCK_REALTIME: for records and deadlines that outlive the process
std::int64_t monotonic_ms();  // CLOCK_MONOTONIC: for every wait; never for records
RandomBytes random_bytes();   // getrandom(2)
std::uint64_t random_seed();

}  // namespace mimas::net
