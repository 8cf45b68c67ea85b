// One measurement of a task, as its executor sent it (schema/executor/message.json). Plain value. Counts are
// since the task's start and 0 to kUsageMax; -1: not known.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace mimas {

inline constexpr std::int64_t kUsageMax = std::int64_t{1} << 53;  // so that sums and rates cannot overflow

struct Usage {
  Instant at;  // by the agent's clock
  std::int64_t cpu_ms = -1;
  std::int64_t throttled_ms = -1;
  std::int64_t memory_bytes = -1;  // charged to its cgroup, page cache included
  std::int64_t rss_bytes = -1;
  std::int64_t peak_bytes = -1;
  std::int64_t read_bytes = -1;  // from block devices
  std::int64_t write_bytes = -1;
  std::int64_t net_in_bytes = -1;
  std::int64_t net_out_bytes = -1;
  std::int64_t processes = -1;
  std::int64_t log_bytes = -1;  // on stdout and stderr
  bool operator==(const Usage&) const = default;
};

}  // namespace mimas
