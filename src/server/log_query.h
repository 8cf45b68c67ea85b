// Which part of a log a request asks for, by its query: ?offset=&length=, ?tail=LINES, ?follow=true. Pure.
// Tested in tests/server/log_query_test.cc.
#pragma once

#include <cstdint>

#include "api/problem.h"
#include "base/result.h"
#include "http/listener.h"
#include "server/log_reader.h"

namespace mimas::server {

inline constexpr std::int64_t kTailLinesMax = 10'000;
inline constexpr std::int64_t kTailBytesMax = 1 << 20;  // looked through for them, from the end

struct LogQuery {
  bool any = false;         // something was asked for, so that a Range header is not looked at
  std::int64_t offset = 0;  // negative: from the end
  std::int64_t length = INT64_MAX;
  std::int64_t tail = 0;  // lines; 0: not asked for
  bool follow = false;
};
api::Checked<LogQuery> parse_log_query(const http::Request& request);

// Where the last so many lines of the first `size` bytes of a file begin; a line without its newline counts.
// At most kTailBytesMax before the end, even if that is within a line.
Result<std::int64_t> find_tail(const LogSource& source, const std::string& file, std::int64_t size,
                               std::int64_t lines);

}  // namespace mimas::server
