#include "server/stats_message.h"

#include <algorithm>
#include <string>

#include "json/value.h"

namespace mimas::server {
namespace {

constexpr std::size_t kBytesMax = 256u << 10;
constexpr std::size_t kTasksMax = 4'096;
constexpr std::int64_t kLastMs = 253'402'300'799'999;  // 9999-12-31

bool parse_entry(const json::Value& entry, TaskUsage& into) {
  into.task = TaskId(std::string(entry.string_or("task", "")));
  into.usage.at = Instant{entry.int64_or("at", 0)};
  if (into.task.empty() || into.usage.at.ms <= 0 || into.usage.at.ms > kLastMs) return false;
  for (const UsageField& field : kUsageFields) {
    const std::int64_t count = entry.int64_or(field.name, -1);
    into.usage.*field.count = count >= 0 && count <= kUsageMax ? count : -1;
  }
  return true;
}

}  // namespace

Result<StatsMessage> parse_stats_message(std::string_view text) {
  json::ParseLimits limits;
  limits.bytes_max = kBytesMax;
  limits.depth_max = 16;
  limits.replace_bad_utf8 = true;
  const Result<json::Document> parsed = json::parse(text, limits);
  if (!parsed.ok()) return make_error(Code::protocol, "no JSON: " + parsed.error().message);
  const json::Value root = parsed->root();
  if (!root.is_object() || root.int64_or("v", 0) != 1)
    return make_error(Code::protocol, "not an object of version 1");
  StatsMessage message;
  const auto stats = root.find("stats");
  if (!stats || !stats->is_array()) return message;  // of something else, by a later version
  const std::size_t count = std::min(stats->size(), kTasksMax);
  message.malformed = stats->size() - count;
  message.tasks.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    TaskUsage one;
    if (parse_entry(stats->at(i), one)) {
      message.tasks.push_back(std::move(one));
    } else {
      ++message.malformed;
    }
  }
  return message;
}

}  // namespace mimas::server
