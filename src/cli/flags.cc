#include "cli/flags.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/ids.h"
#include "base/time.h"
#include "cli/usage_error.h"
#include "pocket/agent_ports.h"

namespace mimas::cli {
namespace {

constexpr std::uint16_t kMesosPort = 5050;
constexpr std::int64_t kMastersMax = 9;
constexpr std::uint16_t kApiPort = 7101;
constexpr std::int64_t kAgentsMax = 100;
constexpr std::int64_t kFailoverTimeoutMsMax = 3650LL * 86'400'000;
constexpr std::size_t kRolesMax = 100;

Result<v1::MediaType> parse_codec(const std::string& text) {
  if (text == "protobuf") return v1::MediaType::protobuf;
  if (text == "json") return v1::MediaType::json;
  return usage_error("--mesos-codec", "must be protobuf or json, not '" + text + "'");
}

Result<engine::Sharing> parse_sharing(const std::string& text) {
  if (text == "task") return engine::Sharing::task;
  if (text == "job") return engine::Sharing::job;
  if (text == "agent") return engine::Sharing::agent;
  return usage_error("--executor-sharing", "must be task, job or agent, not '" + text + "'");
}

Status check_log_level(const std::string& text) {
  constexpr std::array<std::string_view, 6> kLevels = {"trace", "debug", "info", "warn", "error", "off"};
  if (std::find(kLevels.begin(), kLevels.end(), text) != kLevels.end()) return Done{};
  return usage_error("--log-level", "must be trace, debug, info, warn, error or off, not '" + text + "'");
}

Result<std::vector<std::string>> parse_roles(const ServerFlags& flags) {
  if (!flags.role.empty() && !flags.roles.empty()) return usage_error("--role", "does not go with --roles");
  const bool many = !flags.roles.empty();
  const std::string text = many ? flags.roles : flags.role.empty() ? "*" : flags.role;
  const char* flag = many ? "--roles" : "--role";
  std::vector<std::string> roles;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = many ? std::min(text.find(',', at), text.size()) : text.size();
    std::string role = text.substr(at, end - at);
    if (const Status fits = check_role(role); !fits.ok()) return usage_error(flag, fits.error());
    if (std::find(roles.begin(), roles.end(), role) != roles.end()) {
      return usage_error(flag, "names the role " + role + " twice");
    }
    roles.push_back(std::move(role));
    at = end + 1;
  }
  if (roles.size() > kRolesMax)
    return usage_error(flag, "must not be more than " + std::to_string(kRolesMax));
  return roles;
}

Result<std::int64_t> parse_failover_timeout(const ServerFlags& flags) {
  Result<std::int64_t> parsed = parse_mesos_duration_ms(flags.failover_timeout);
  if (!parsed.ok()) return usage_error("--failover-timeout", parsed.error());
  if (*parsed < 0 || *parsed > kFailoverTimeoutMsMax)
    return usage_error("--failover-timeout", "must be at most 3650days");
  if (*parsed == 0 && !flags.allow_zero_failover_timeout) {
    return usage_error(
        "--failover-timeout",
        "of 0 would end every task whenever the connection drops; if that is what you want, say "
        "--allow-zero-failover-timeout as well");
  }
  return parsed;
}

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = text.find_first_not_of(' ', at);
    if (start == std::string::npos) break;
    const std::size_t end = std::min(text.find(' ', start), text.size());
    words.push_back(text.substr(start, end - start));
    at = end;
  }
  return words;
}

Result<std::vector<pocket::AgentOptions>> to_agents(const PocketFlags& flags) {
  const std::int64_t counted = flags.agents.value_or(flags.agent.empty() ? 1 : 0);
  if (counted < 0 || counted > kAgentsMax) {
    return usage_error("--agents", "must be 0 to " + std::to_string(kAgentsMax));
  }
  std::vector<pocket::AgentOptions> agents;
  for (const std::string& spec : flags.agent) {
    Result<pocket::AgentOptions> parsed = pocket::parse_agent(spec);
    if (!parsed.ok()) return usage_error("--agent " + spec, parsed.error());
    agents.push_back(*parsed);
  }
  const pocket::AgentOptions same{flags.attributes, flags.resources, {}};
  const Status fits = pocket::check_agent(same);
  if (!fits.ok()) {
    const std::string& named = fits.error().where;
    return usage_error(named.empty() ? "--agent-attributes or --agent-resources" : "--agent-" + named,
                       fits.error());
  }
  const Result<std::vector<pocket::AgentOptions>> counted_ones =
      pocket::alike(same, static_cast<int>(counted));
  if (!counted_ones.ok()) return usage_error("--agent-resources", counted_ones.error());
  agents.insert(agents.end(), counted_ones->begin(), counted_ones->end());
  if (agents.size() > static_cast<std::size_t>(kAgentsMax))
    return usage_error("--agents", "and --agent give too many agents");
  if (const auto shared = pocket::share_ports(agents); !shared.ok())
    return usage_error("--agent", shared.error());
  return agents;
}

}  // namespace

Result<server::ServerOptions> to_server_options(const ServerFlags& flags, bool needs_master) {
  server::ServerOptions options;
  for (const auto& [flag, text] : {std::pair<const char*, const std::string&>{"--data", flags.data},
                                   {"--user", flags.user},
                                   {"--executors", flags.executors}}) {
    if (const Status fits = check_text(flag, text); !fits.ok()) return fits.error();
  }
  std::error_code ignored;
  if (!flags.executors.empty() && !std::filesystem::is_directory(flags.executors, ignored)) {
    return usage_error("--executors", "is not a directory: " + flags.executors);
  }
  if (needs_master) {
    if (Status taken = take_master_flags(flags.master, options); !taken.ok()) return std::move(taken).error();
    if (flags.data.empty()) return usage_error("--data", "is required: the directory for the database");
  }
  if (Status taken = take_access_flags(flags.access, options); !taken.ok()) return std::move(taken).error();
  const Result<v1::MediaType> codec = parse_codec(flags.codec);
  if (!codec.ok()) return codec.error();
  Result<std::vector<std::string>> roles = parse_roles(flags);
  if (!roles.ok()) return roles.error();
  if (const Status fits = check_log_level(flags.log_level); !fits.ok()) return fits.error();
  const Result<std::int64_t> failover = parse_failover_timeout(flags);
  if (!failover.ok()) return failover.error();
  const Result<engine::Sharing> sharing = parse_sharing(flags.executor_sharing);
  if (!sharing.ok()) return sharing.error();
  options.policy.sharing = *sharing;
  if (Status fits = take_placement_flags(flags.placement, options); !fits.ok())
    return std::move(fits).error();
  if (Status fits = take_retention_flags(flags.retention, options); !fits.ok())
    return std::move(fits).error();
  if (Status fits = take_scaling_flags(flags.scaling, !needs_master, options); !fits.ok())
    return std::move(fits).error();
  if (Status fits = take_policy_flags(flags.policy, needs_master, options); !fits.ok())
    return std::move(fits).error();
  options.data_directory = flags.data;
  options.codec = *codec;
  options.roles = std::move(*roles);
  options.user = flags.user;
  options.executors_directory = flags.executors;
  auto executor_arguments = to_executor_arguments(flags.executor);
  if (!executor_arguments.ok()) return std::move(executor_arguments).error();
  options.executor_arguments = *std::move(executor_arguments);
  options.log_level = flags.log_level;
  options.failover_timeout_ms = *failover;
  if (!flags.new_framework.empty()) {
    const Status fits = check_mesos_id(flags.new_framework, "the framework id to give up");
    if (!fits.ok()) return usage_error("--new-framework", fits.error());
    options.abandoned_framework = FrameworkId(flags.new_framework);
  }
  return options;
}

namespace {

// The first one listens where it is told, the others on the ports after it.
Status add_masters(const PocketFlags& flags, pocket::PocketOptions& options) {
  if (flags.masters < 1 || flags.masters > kMastersMax)
    return usage_error("--masters", "must be 1 to " + std::to_string(kMastersMax));
  if (flags.masters > 1 && !options.master) return usage_error("--masters", "does not go with --join");
  for (std::int64_t i = 1; i < flags.masters; ++i) {
    wire::Endpoint at = options.listen;
    if (at.port > UINT16_MAX - i) return usage_error("--masters", "would need ports above 65535");
    if (at.port != 0) at.port = static_cast<std::uint16_t>(at.port + i);
    options.listen_more.push_back(at);
  }
  return Done{};
}

struct Bounds {
  std::int64_t least_ms, most_ms;
  const char* text;
};
constexpr Bounds kWaitBounds{100, 600'000, "must be 100ms to 10mins"};
constexpr Bounds kRecoveryBounds{1'000, 365LL * 86'400'000, "must be 1secs to 365days"};

Result<std::int64_t> executor_period(const char* flag, const std::string& text, const Bounds& bounds) {
  const Result<std::int64_t> ms = parse_mesos_duration_ms(text);
  if (!ms.ok()) return usage_error(flag, ms.error());
  if (*ms < bounds.least_ms || *ms > bounds.most_ms) return usage_error(flag, bounds.text);
  return ms;
}

}  // namespace

Result<pocket::PocketOptions> to_pocket_options(const PocketFlags& flags, bool standalone) {
  pocket::PocketOptions options;
  options.listen = wire::Endpoint{"127.0.0.1", 0};
  if (standalone) {
    Result<wire::Endpoint> listen = wire::parse_endpoint(flags.listen, kMesosPort, true);
    if (!listen.ok()) return usage_error("--listen", listen.error());
    options.listen = *listen;
    if (!flags.join.empty()) {
      options.master = false;
    }
    if (flags.data.empty()) return usage_error("--data", "is required: the directory agents work in");
  }
  if (const Status fits = add_masters(flags, options); !fits.ok()) return fits.error();
  if (Status taken = take_pocket_flags(flags.access, flags.join, options); !taken.ok())
    return std::move(taken).error();
  Result<std::vector<pocket::AgentOptions>> agents = to_agents(flags);
  if (!agents.ok()) return agents.error();
  options.agents = std::move(*agents);
  if (const Status fits = check_text("--agent-ip", flags.agent_ip); !fits.ok()) return fits.error();
  if (flags.agent_ip.empty()) return usage_error("--agent-ip", "must be an address, or auto");
  options.agent_ip = flags.agent_ip;
  options.runner = split_words(flags.runner);
  options.executor_auth = flags.executor_auth;
  options.domain_sockets = flags.executor_domain_sockets;
  const Result<std::int64_t> wait = executor_period("--executor-reregistration-timeout",
                                                    flags.executor_reregistration_timeout, kWaitBounds);
  if (!wait.ok()) return wait.error();
  options.executor_reregistration_ms = *wait;
  const Result<std::int64_t> alone =
      executor_period("--executor-recovery-timeout", flags.executor_recovery_timeout, kRecoveryBounds);
  if (!alone.ok()) return alone.error();
  options.executor_recovery_ms = *alone;
  return options;
}

}  // namespace mimas::cli
