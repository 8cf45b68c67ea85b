// One measurement of a task, as its executor sent it (schema/executor/message.json). Plain value. Known
// counts are at most kUsageMax.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "base/usage.h"

namespace mimas {

inline constexpr std::int64_t kUsageMax = std::int64_t{1} << 53;  // so that sums and rates cannot overflow

struct Usage : UsageCounts {
  Instant at;  // by the agent's clock
  bool operator==(const Usage&) const = default;
};

}  // namespace mimas
