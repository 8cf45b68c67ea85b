// Time as a value. An Instant is a wall-clock moment in whole milliseconds since 1970-01-01T00:00:00Z:
// deadlines are absolute and survive a restart. Nothing here reads a clock; whoever may (server, net,
// executor, pocket) passes `now` in. Ranges: Instants are clamped to years 0..9999 when printed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mimas {

struct Instant {
  std::int64_t ms = 0;  // milliseconds since the epoch; 0 means "never set" in records
  auto operator<=>(const Instant&) const = default;
};

inline constexpr Instant kNever{INT64_MAX};  // later than everything: "no deadline"

inline Instant operator+(Instant at, std::int64_t add_ms) {
  if (at == kNever || add_ms > INT64_MAX - at.ms) return kNever;
  return Instant{at.ms + add_ms};
}
inline std::int64_t operator-(Instant later, Instant earlier) { return later.ms - earlier.ms; }

// "2026-11-21T07:00:00.123Z": UTC, exactly three fraction digits (titus-api §1, spinnaker §1.4).
std::string format_rfc3339(Instant at);
// The same back; the fraction may be left out. Nothing for any other spelling, and for days there never were.
std::optional<Instant> parse_rfc3339(std::string_view text);

// Mesos's duration grammar, mesos-protocol §3.1: a decimal number directly followed by ns, us, ms, secs,
// mins, hrs, days or weeks ("15mins", "1.5secs"). Answers milliseconds, rounded down.
Result<std::int64_t> parse_mesos_duration_ms(std::string_view text);

}  // namespace mimas
