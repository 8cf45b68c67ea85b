// Wall time that no jump of the wall clock moves by more than a little: what records carry and deadlines are
// made of. It begins at the wall clock, but never below what was seen on disk (a Raspberry Pi has no clock of
// its own, and until it hears of the time it may believe in any day), goes on with a steady clock, and leans
// towards the wall clock by a tenth of the time that passes: so it comes in line with it without a deadline
// being more than a tenth longer or shorter for it, and never goes back. Pure: the readings are handed in.
// Not thread-safe. Tested in tests/base/steady_wall_test.cc.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace mimas {

inline constexpr std::int64_t kLeanPart = 10;  // one of so many milliseconds

class SteadyWall {
 public:
  // `steady_ms`: of a clock that never goes back, with any beginning.
  SteadyWall(Instant newest, Instant wall, std::int64_t steady_ms)
      : now_(std::max(newest, wall)), steady_ms_(steady_ms) {}

  Instant at(Instant wall, std::int64_t steady_ms) {
    const std::int64_t passed = std::max<std::int64_t>(steady_ms - steady_ms_, 0);
    steady_ms_ += passed;
    now_ = now_ + passed;
    unleaned_ms_ += passed;
    const std::int64_t lean = unleaned_ms_ / kLeanPart;
    unleaned_ms_ %= kLeanPart;
    if (now_ < wall) now_ = now_ + std::min(lean, wall - now_);
    // At most the tenth that lies before `steady_ms`: what was told already is not undone.
    if (now_ > wall) now_ = std::max({told_, wall, Instant{now_.ms - lean}});
    told_ = now_;
    return now_;
  }

 private:
  Instant now_;
  Instant told_;
  std::int64_t steady_ms_;
  std::int64_t unleaned_ms_ = 0;  // passed since the last whole millisecond of leaning
};

}  // namespace mimas
