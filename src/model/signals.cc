#include "model/signals.h"

#include <array>
#include <charconv>
#include <optional>

namespace mimas {
namespace {

constexpr std::int32_t kKill = 9, kStop = 19;
constexpr std::int32_t kRealTimeMin = 34, kMax = 64;  // 32 and 33 are the C library's own

// By number, from 1; tests compare them with this machine's.
constexpr std::array<std::string_view, 31> kNames{
    "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",  "SIGFPE",
    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT",
    "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",  "SIGXCPU",
    "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS"};

std::optional<std::int32_t> whole(std::string_view text) {
  std::int32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::int32_t number_of(std::string name) {
  for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (!name.starts_with("SIG")) name.insert(0, "SIG");
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<std::int32_t>(i) + 1;
  }
  if (name == "SIGRTMIN") return kRealTimeMin;
  if (name == "SIGRTMAX") return kMax;
  const std::string_view behind = std::string_view(name).substr(std::min<std::size_t>(name.size(), 9));
  const auto offset = whole(behind);
  if (!offset || *offset < 0 || *offset > kMax - kRealTimeMin) return 0;
  if (name.starts_with("SIGRTMIN+")) return kRealTimeMin + *offset;
  return name.starts_with("SIGRTMAX-") ? kMax - *offset : 0;
}

}  // namespace

Result<std::int32_t> check_signal(std::int64_t number) {
  const bool named = number >= 1 && number <= static_cast<std::int64_t>(kNames.size());
  if (named || (number >= kRealTimeMin && number <= kMax)) return static_cast<std::int32_t>(number);
  return make_error(Code::invalid_argument, "is the number of no signal: 1 to 31, 34 to 64");
}

Result<std::int32_t> parse_signal(std::string_view text) {
  if (const auto number = whole(text)) return check_signal(*number);
  if (const std::int32_t number = number_of(std::string(text)); number != 0) return number;
  return make_error(Code::invalid_argument,
                    "is no signal: a name such as SIGQUIT or SIGRTMIN+3, or its number");
}

std::string signal_name(std::int32_t number) {
  if (number >= 1 && number <= static_cast<std::int32_t>(kNames.size()))
    return std::string(kNames[static_cast<std::size_t>(number) - 1]);
  if (number == kRealTimeMin) return "SIGRTMIN";
  if (number > kRealTimeMin && number <= kMax) return "SIGRTMIN+" + std::to_string(number - kRealTimeMin);
  return std::to_string(number);
}

std::vector<std::string_view> signal_names() { return {kNames.begin(), kNames.end()}; }

bool is_uncatchable(std::int32_t signal) { return signal == kKill || signal == kStop; }

}  // namespace mimas
