// Exponential back-off with full jitter (mesos-protocol §1.8): the n-th wait is uniform in [floor, base·2ⁿ],
// capped.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/prng.h"

namespace mimas::wire {

struct Backoff {
  std::int64_t base_ms = 500;
  std::int64_t cap_ms = 15'000;
  std::int64_t floor_ms = 50;
  int attempt = 0;

  std::int64_t next_ms(Prng& prng) {
    const int shift = std::min(attempt, 30);
    ++attempt;
    const std::int64_t top = std::min(cap_ms, base_ms << shift);
    const std::int64_t room = std::max<std::int64_t>(1, top - floor_ms + 1);
    return std::min(top, floor_ms + static_cast<std::int64_t>(prng.below(static_cast<std::uint64_t>(room))));
  }
  void reset() { attempt = 0; }
};

}  // namespace mimas::wire
