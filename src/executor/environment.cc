#include "executor/environment.h"

#include <optional>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"

namespace mimas::executor {
namespace {

// A year: longer waits are mistakes, and sums of a few of them stay far from overflow.
constexpr std::int64_t kDurationMsMax = 31'536'000'000;

std::optional<std::string_view> look_up(const char* const* environment, std::string_view name) {
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    if (entry.size() > name.size() && entry.substr(0, name.size()) == name && entry[name.size()] == '=') {
      return entry.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

Error bad(std::string_view name, std::string what) {
  return make_error(Code::invalid_argument, std::move(what), std::string(name));
}

Result<std::string_view> required(const char* const* environment, std::string_view name) {
  const auto value = look_up(environment, name);
  if (!value) return bad(name, "is not set");
  if (value->empty()) return bad(name, "is empty");
  return *value;
}

Status take_id(const char* const* environment, std::string_view name, std::string& into) {
  const auto value = required(environment, name);
  if (!value.ok()) return value.error();
  const auto checked = check_mesos_id(*value, "the id");
  if (!checked.ok()) return bad(name, checked.error().message);
  into = *value;
  return Done{};
}

// A duration that may be absent unless `needed`.
Status take_duration(const char* const* environment, std::string_view name, bool needed, std::int64_t& into) {
  const auto value = look_up(environment, name);
  if (!value && !needed) return Done{};
  if (!value) return bad(name, "is not set");
  const auto ms = parse_mesos_duration_ms(*value);
  if (!ms.ok()) return bad(name, ms.error().message);
  if (*ms > kDurationMsMax) return bad(name, "is longer than a year");
  into = *ms;
  return Done{};
}

Status take_checkpoint(const char* const* environment, bool& into) {
  constexpr std::string_view kName = "MESOS_CHECKPOINT";
  const auto value = look_up(environment, kName);
  if (!value) return Done{};
  if (*value != "0" && *value != "1") return bad(kName, "must be 0 or 1");
  into = *value == "1";
  return Done{};
}

Status take_domain_socket(const char* const* environment, Settings& into) {
  const auto path = look_up(environment, "MESOS_DOMAIN_SOCKET");
  if (!path || path->empty()) return Done{};
  const auto pid = required(environment, "MESOS_SLAVE_PID");
  if (!pid.ok()) return pid.error();
  const std::size_t at = pid->find('@');
  if (at == 0 || at == std::string_view::npos)
    return bad("MESOS_SLAVE_PID", "is not of the form slave(1)@host:port");
  for (const char c : pid->substr(0, at)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '(' || c == ')' || c == '-' || c == '_';
    if (!plain) return bad("MESOS_SLAVE_PID", "has an odd character before the @");
  }
  into.domain_socket = *path;
  into.domain_target = "/" + std::string(pid->substr(0, at)) + "/api/v1/executor";
  return Done{};
}

Status take_token(const char* const* environment, std::string& into) {
  const auto token = look_up(environment, kTokenVariable);
  if (!token) return Done{};
  for (const char c : *token) {
    if (c <= ' ' || c > '~')
      return bad(kTokenVariable, "has a blank or a control character");  // never the value
  }
  into = *token;
  return Done{};
}

bool is_private(std::string_view entry) {
  return entry.starts_with("MESOS_") || entry.starts_with("LIBPROCESS_") ||
         entry.starts_with("MIMAS_ARCHIVE_");
}

}  // namespace

Result<Settings> parse_environment(const char* const* environment) {
  Settings settings;
  if (auto s = take_id(environment, "MESOS_FRAMEWORK_ID", settings.framework_id); !s.ok()) return s.error();
  if (auto s = take_id(environment, "MESOS_EXECUTOR_ID", settings.executor_id); !s.ok()) return s.error();
  constexpr std::string_view kEndpoint = "MESOS_AGENT_ENDPOINT";
  const auto text = required(environment, kEndpoint);
  if (!text.ok()) return text.error();
  auto endpoint = wire::parse_endpoint(*text);
  if (!endpoint.ok()) return bad(kEndpoint, endpoint.error().message);
  settings.agent = std::move(endpoint).value();
  if (auto s = take_checkpoint(environment, settings.checkpoint); !s.ok()) return s.error();
  if (auto s = take_duration(environment, "MESOS_RECOVERY_TIMEOUT", settings.checkpoint,
                             settings.recovery_timeout_ms);
      !s.ok()) {
    return s.error();
  }
  if (auto s = take_duration(environment, "MESOS_SUBSCRIPTION_BACKOFF_MAX", settings.checkpoint,
                             settings.subscription_backoff_ms_max);
      !s.ok()) {
    return s.error();
  }
  if (auto s = take_duration(environment, "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", false,
                             settings.shutdown_grace_ms);
      !s.ok()) {
    return s.error();
  }
  if (auto s = take_domain_socket(environment, settings); !s.ok()) return s.error();
  if (auto s = take_token(environment, settings.token); !s.ok()) return s.error();
  return settings;
}

std::vector<std::string> task_environment(const char* const* own, const Variables& extra) {
  std::vector<std::string> entries;
  for (; own != nullptr && *own != nullptr; ++own) {
    const std::string_view entry = *own;
    if (is_private(entry)) continue;
    bool replaced = false;
    for (const auto& [name, value] : extra) {
      replaced |= entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=';
    }
    if (!replaced) entries.emplace_back(entry);
  }
  for (std::size_t i = 0; i < extra.size(); ++i) {
    bool later = false;  // of two of one name, the last wins
    for (std::size_t j = i + 1; j < extra.size(); ++j) later |= extra[j].first == extra[i].first;
    if (!later) entries.push_back(extra[i].first + "=" + extra[i].second);
  }
  return entries;
}

}  // namespace mimas::executor
