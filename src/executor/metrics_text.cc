#include "executor/metrics_text.h"

#include "json/writer.h"

namespace mimas::executor {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Cuts the first line off; a last one without its newline may be cut short and does not count.
bool next_line(std::string_view& text, std::string_view& line) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return false;
  line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

std::string_view next_word(std::string_view& line) {
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  std::size_t end = 0;
  while (end < line.size() && !is_blank(line[end])) ++end;
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

std::string_view nth_word(std::string_view line, int n) {
  std::string_view word;
  for (int i = 0; i <= n; ++i) word = next_word(line);
  return word;
}

void add(std::int64_t& sum, std::int64_t number) {
  if (number < 0) return;
  if (sum < 0) sum = 0;
  if (__builtin_add_overflow(sum, number, &sum)) sum = INT64_MAX;
}

std::string task_text(const TaskUsage& one) {
  json::Writer out;
  out.begin_object().member("task", one.task_id).member("at", one.at.ms);
  for (const UsageField& field : kUsageFields) {
    if (one.usage.*field.count >= 0) out.member(field.name, one.usage.*field.count);
  }
  out.end_object();
  return out.take();
}

constexpr std::string_view kOpening = "{\"v\":1,\"stats\":[";
constexpr std::string_view kClosing = "]}";

}  // namespace

std::int64_t leading_number(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  if (text.empty() || !is_digit(text.front())) return -1;
  std::int64_t number = 0;
  for (const char c : text) {
    if (!is_digit(c)) break;
    if (__builtin_mul_overflow(number, std::int64_t{10}, &number) ||
        __builtin_add_overflow(number, std::int64_t{c - '0'}, &number)) {
      return -1;
    }
  }
  return number;
}

Transfer block_transfer(std::string_view text) {
  Transfer sum{0, 0};
  std::string_view line;
  while (next_line(text, line)) {
    next_word(line);  // the device, or "Total"
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
      if (word == "Read") add(sum.in, leading_number(line));
      if (word == "Write") add(sum.out, leading_number(line));
      if (word.starts_with("rbytes=")) add(sum.in, leading_number(word.substr(7)));
      if (word.starts_with("wbytes=")) add(sum.out, leading_number(word.substr(7)));
    }
  }
  return sum;
}

Transfer network_transfer(std::string_view text) {
  Transfer sum;
  std::string_view line;
  while (next_line(text, line)) {
    const std::size_t colon = line.find(':');  // two lines of headings have none
    if (colon == std::string_view::npos) continue;
    std::string_view name = line.substr(0, colon);
    if (next_word(name) == "lo") continue;
    line.remove_prefix(colon + 1);
    add(sum.in, leading_number(line));
    add(sum.out, leading_number(nth_word(line, 8)));
  }
  return sum;
}

// proc(5): the name may hold blanks and brackets; what follows it is counted from the last bracket.
ProcessStat process_stat(std::string_view text) {
  const std::size_t name_end = text.rfind(')');
  ProcessStat stat;
  if (name_end == std::string_view::npos) return stat;
  std::string_view rest = text.substr(name_end + 1);
  constexpr int kSession = 3, kUserTicks = 11, kWaitedSystemTicks = 14, kRssPages = 21;
  std::int64_t rss = -1;
  for (int i = 0; i <= kRssPages; ++i) {
    const std::int64_t number = leading_number(next_word(rest));
    if (i == kSession) stat.session = number;
    if (i >= kUserTicks && i <= kWaitedSystemTicks) add(stat.ticks, number);
    if (i == kRssPages) rss = number;
  }
  if (rss < 0) return {};
  stat.rss_pages = rss;
  stat.pid = leading_number(text);
  if (stat.pid < 0) stat.pid = 0;
  return stat;
}

std::vector<std::string> stats_messages(const std::vector<TaskUsage>& all) {
  std::vector<std::string> messages;
  for (const TaskUsage& one : all) {
    const std::string text = task_text(one);
    if (messages.empty() || messages.back().size() + 1 + text.size() + kClosing.size() > kMessageBytesMax) {
      if (!messages.empty()) messages.back().append(kClosing);
      messages.emplace_back(kOpening);
    } else {
      messages.back() += ',';
    }
    messages.back() += text;
  }
  if (!messages.empty()) messages.back().append(kClosing);
  return messages;
}

}  // namespace mimas::executor
