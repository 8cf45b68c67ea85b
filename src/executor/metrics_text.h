// What a task uses, out of the kernel's texts (cgroups v1 and v2, /proc), and as the text of a MESSAGE call
// (schema/executor/message.json). Pure. A text may be cut at its end or be of another kernel: what is not
// found is -1, "not known". Tested in tests/executor/metrics_text_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/usage.h"

namespace mimas::executor {

inline constexpr std::size_t kMessageBytesMax = 64u << 10;

using Usage = UsageCounts;

// The number a text begins with, blanks before it allowed; what does not fit int64 (the "max" of v2, the
// 2^63-ish of v1 fits) is -1.
std::int64_t leading_number(std::string_view text);
struct Transfer {
  std::int64_t in = -1;   // read, received
  std::int64_t out = -1;  // written, sent
  bool operator==(const Transfer&) const = default;
};
// blkio.throttle.io_service_bytes of v1 ("8:0 Read 123") and io.stat of v2 ("8:0 rbytes=123 wbytes=4 …"), all
// devices together. An empty text means that nothing was transferred: 0, 0.
Transfer block_transfer(std::string_view text);
// /proc/PID/net/dev, all interfaces but the loopback.
Transfer network_transfer(std::string_view text);

// /proc/PID/stat; pid 0 when it is not one.
struct ProcessStat {
  std::int64_t pid = 0;
  std::int64_t session = 0;
  std::int64_t ticks = 0;  // of the processor, with the ended children it waited for
  std::int64_t rss_pages = 0;
};
ProcessStat process_stat(std::string_view text);

struct TaskUsage {
  std::string task_id;
  Instant at;  // wall time
  Usage usage;
};
// One text or more, each of at most kMessageBytesMax; unknown counts are left out.
std::vector<std::string> stats_messages(const std::vector<TaskUsage>& all);

}  // namespace mimas::executor
