// What a task has used, as its executor counts it and its server reads it: the shape and the names of a
// measurement on the wire (schema/executor/message.json), once for both.
#pragma once

#include <cstdint>

namespace mimas {

// Since the task's start, 0 or more; -1: not known.
struct UsageCounts {
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
  bool operator==(const UsageCounts&) const = default;
};

struct UsageField {
  const char* name;  // in the message
  std::int64_t UsageCounts::*count;
};
inline constexpr UsageField kUsageFields[] = {
    {"cpuMs", &UsageCounts::cpu_ms},
    {"cpuThrottledMs", &UsageCounts::throttled_ms},
    {"memoryBytes", &UsageCounts::memory_bytes},
    {"rssBytes", &UsageCounts::rss_bytes},
    {"memoryPeakBytes", &UsageCounts::peak_bytes},
    {"readBytes", &UsageCounts::read_bytes},
    {"writeBytes", &UsageCounts::write_bytes},
    {"netInBytes", &UsageCounts::net_in_bytes},
    {"netOutBytes", &UsageCounts::net_out_bytes},
    {"processes", &UsageCounts::processes},
    {"logBytes", &UsageCounts::log_bytes},
};

}  // namespace mimas
