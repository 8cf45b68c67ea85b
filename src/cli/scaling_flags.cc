#include "cli/scaling_flags.h"

#include <CLI/CLI.hpp>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/time.h"
#include "cli/usage_error.h"
#include "server/scaling_rules.h"

namespace mimas::cli {
namespace {

constexpr std::int64_t kDeadlineMsMin = 1'000, kDeadlineMsMax = 600'000;

using Kind = server::ScalingProviderOptions::Kind;

Result<std::vector<ScalingRule>> read_rules(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return usage_error("--scaling-rules", "cannot be read: " + path);
  auto rules = server::parse_scaling_rules(text.str());
  if (!rules) return usage_error("--scaling-rules", std::move(rules).error());
  return rules;
}

}  // namespace

void add_scaling_flags(CLI::App& app, ScalingFlags& flags) {
  app.add_option("--scaling-rules", flags.rules,
                 "groups of agents that grow and shrink with the work, in JSON")
      ->type_name("FILE")
      ->envname("MIMAS_SCALING_RULES");
  app.add_option("--scaling-provider", flags.provider,
                 "who adds and removes agents: a web service, a program, or (with dev) this process itself")
      ->type_name("webhook:URL|exec:PATH|pocket")
      ->envname("MIMAS_SCALING_PROVIDER");
  app.add_option("--scaling-token", flags.token_file, "sent to the web service as a bearer token")
      ->type_name("FILE")
      ->envname("MIMAS_SCALING_TOKEN");
  app.add_option("--scaling-deadline", flags.deadline, "how long one call of it may take")
      ->type_name("DURATION")
      ->capture_default_str()
      ->envname("MIMAS_SCALING_DEADLINE");
}

Status take_scaling_flags(const ScalingFlags& flags, bool has_pocket, server::ServerOptions& options) {
  if (flags.rules.empty()) {
    if (!flags.provider.empty()) return usage_error("--scaling-provider", "goes with --scaling-rules");
    if (!flags.token_file.empty()) return usage_error("--scaling-token", "goes with --scaling-rules");
    return Done{};
  }
  if (flags.provider.empty())
    return usage_error("--scaling-provider", "is missing: somebody has to carry out what the rules decide");
  auto rules = read_rules(flags.rules);
  if (!rules) return rules.error();
  auto provider = server::parse_scaling_provider(flags.provider);
  if (!provider) return usage_error("--scaling-provider", std::move(provider).error());
  if (provider->kind == Kind::pocket && !has_pocket)
    return usage_error("--scaling-provider", "pocket goes with `mimas dev`, which has agents of its own");
  if (!flags.token_file.empty() && provider->kind != Kind::webhook)
    return usage_error("--scaling-token", "goes with --scaling-provider webhook:URL");
  const auto deadline = parse_mesos_duration_ms(flags.deadline);
  if (!deadline) return usage_error("--scaling-deadline", deadline.error());
  if (*deadline < kDeadlineMsMin || *deadline > kDeadlineMsMax)
    return usage_error("--scaling-deadline", "must be 1secs to 10mins");
  provider->token_file = flags.token_file;
  provider->deadline_ms = *deadline;
  options.scaling_provider = *std::move(provider);
  options.policy.scaling = *std::move(rules);
  return Done{};
}

}  // namespace mimas::cli
