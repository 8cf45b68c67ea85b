#include "base/steady_wall.h"

#include <doctest/doctest.h>

using namespace mimas;

namespace {

constexpr std::int64_t kHour = 3'600'000;
constexpr Instant kNoon{1'795'262'400'000};

// Both clocks as they are so long after the start, and what is made of them when somebody looks every 7 ms.
Instant after(SteadyWall& clock, Instant& wall, std::int64_t& steady_ms, std::int64_t ms) {
  Instant now{};
  for (; ms > 0; ms -= 7) {
    const std::int64_t passed = std::min<std::int64_t>(ms, 7);
    wall = wall + passed;
    steady_ms += passed;
    const Instant before = now;
    now = clock.at(wall, steady_ms);
    REQUIRE(before <= now);
  }
  return now;
}

}  // namespace

TEST_CASE("it is the wall clock while that is as steady") {
  Instant wall = kNoon;
  std::int64_t steady_ms = 5;
  SteadyWall clock({}, wall, steady_ms);
  CHECK(clock.at(wall, steady_ms) == kNoon);
  CHECK(after(clock, wall, steady_ms, kHour) == kNoon + kHour);
}

TEST_CASE("it never begins below what is on disk, and waits there for a wall clock that is behind") {
  Instant wall{kNoon.ms - 1'000 * kHour};
  std::int64_t steady_ms = 0;
  SteadyWall clock(kNoon, wall, steady_ms);
  CHECK(clock.at(wall, steady_ms) == kNoon);
  const Instant later = after(clock, wall, steady_ms, kHour);
  CHECK(later >= kNoon + kHour * 9 / 10);
  CHECK(later <= kNoon + kHour);
}

TEST_CASE("a jump forward is caught up with by a tenth, and then it is the wall clock") {
  Instant wall = kNoon;
  std::int64_t steady_ms = 0;
  SteadyWall clock({}, wall, steady_ms);
  wall = wall + kHour;
  CHECK(clock.at(wall, steady_ms) == kNoon);  // not at once
  const Instant later = after(clock, wall, steady_ms, kHour);
  CHECK(later > kNoon + kHour);
  CHECK(later <= kNoon + kHour + kHour / 10);
  CHECK(after(clock, wall, steady_ms, 10 * kHour) == wall);
}

TEST_CASE("a jump back is waited for by a tenth, without ever going back") {
  Instant wall = kNoon;
  std::int64_t steady_ms = 0;
  SteadyWall clock({}, wall, steady_ms);
  wall.ms -= kHour;
  CHECK(clock.at(wall, steady_ms) == kNoon);
  const Instant later = after(clock, wall, steady_ms, kHour);
  CHECK(later >= kNoon + kHour * 9 / 10);
  CHECK(later < kNoon + kHour);
  CHECK(after(clock, wall, steady_ms, 10 * kHour) == wall);
}
