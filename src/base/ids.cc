#include "base/ids.h"

#include <algorithm>
#include <charconv>

namespace mimas {
namespace {

constexpr std::string_view kJobPrefix = "mimas-";
constexpr std::string_view kWorker = "-worker-";

// A canonical non-negative decimal: no sign, no leading zero, fits in int64. -1 otherwise.
std::int64_t parse_canonical(std::string_view digits) {
  if (digits.empty() || (digits.size() > 1 && digits[0] == '0')) return -1;
  std::int64_t number = 0;
  auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failure != std::errc{} || end != digits.data() + digits.size() || digits[0] == '-') return -1;
  return number;
}

}  // namespace

Status check_mesos_id(std::string_view id, std::string_view what) {
  auto bad = [&](std::string why) {
    return make_error(Code::invalid_argument, std::string(what) + " " + std::move(why), std::string(what));
  };
  if (id.empty()) return bad("must not be empty");
  if (id.size() > 255) return bad("must not be longer than 255 bytes");
  if (id == "." || id == "..") return bad("must not be '.' or '..'");
  for (unsigned char c : id) {
    if (c < 0x20 || c == 0x7f) return bad("must not contain control characters");
    if (c == '/' || c == '\\') return bad("must not contain a slash or a backslash");
  }
  return Done{};
}

Status check_role(std::string_view role) {
  const auto bad = [&](const char* why) {
    return make_error(Code::invalid_argument, "a role " + std::string(why), std::string(role),
                      "as in '*', 'prod' or 'prod/web'");
  };
  if (role == "*") return Done{};
  if (role.empty()) return bad("must not be empty");
  if (role.size() > 255) return bad("must not be longer than 255 bytes");
  for (const unsigned char c : role) {
    if (c <= 0x20 || c == 0x7f) return bad("must not contain blanks or control characters");
  }
  for (std::size_t at = 0; at <= role.size();) {
    const std::size_t end = std::min(role.find('/', at), role.size());
    const std::string_view part = role.substr(at, end - at);
    if (part.empty()) return bad("must not begin or end with a slash, nor have two in a row");
    if (part == "." || part == ".." || part == "*") return bad("must not have '.', '..' or '*' as a part");
    if (part.front() == '-') return bad("must not have a part that begins with '-'");
    at = end + 1;
  }
  return Done{};
}

JobId make_job_id(std::int64_t number) { return JobId(std::string(kJobPrefix) + std::to_string(number)); }

std::int64_t parse_job_number(std::string_view id) {
  if (!id.starts_with(kJobPrefix)) return -1;
  return parse_canonical(id.substr(kJobPrefix.size()));
}

TaskId make_task_id(const JobId& job, std::int64_t index, std::int64_t number) {
  return TaskId(job.value + std::string(kWorker) + std::to_string(index) + "-" + std::to_string(number));
}

Result<TaskName> parse_task_id(std::string_view id) {
  auto bad = make_error(Code::invalid_argument, "not a task id of the form <job>-worker-<index>-<number>");
  auto at = id.find(kWorker);
  if (at == std::string_view::npos) return bad;
  std::string_view job = id.substr(0, at);
  std::string_view rest = id.substr(at + kWorker.size());
  auto dash = rest.find('-');
  if (parse_job_number(job) < 0 || dash == std::string_view::npos) return bad;
  std::int64_t index = parse_canonical(rest.substr(0, dash));
  std::int64_t number = parse_canonical(rest.substr(dash + 1));
  if (index < 0 || number < 0) return bad;
  return TaskName{JobId(std::string(job)), index, number};
}

}  // namespace mimas
