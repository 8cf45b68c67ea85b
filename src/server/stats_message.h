// The text of an executor's MESSAGE as measurements (schema/executor/message.json). Pure. Anything may come
// in; limits: the driver's 256 KiB, 4096 tasks. Tested in tests/server/stats_test.cc.
#pragma once

#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "model/usage.h"

namespace mimas::server {

struct TaskUsage {
  TaskId task;
  Usage usage;
};
struct StatsMessage {
  std::vector<TaskUsage> tasks;
  std::size_t malformed = 0;  // entries left out: without a task's id or a moment
};
// Counts that are no numbers, negative or beyond kUsageMax are left unknown. Errors (protocol): no JSON
// object, or of a version that we do not know.
Result<StatsMessage> parse_stats_message(std::string_view text);

}  // namespace mimas::server
