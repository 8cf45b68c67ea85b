#include "cli/placement_flags.h"

#include <CLI/CLI.hpp>

#include <charconv>
#include <optional>

#include "cli/usage_error.h"

namespace mimas::cli {
namespace {

// As they stand in constraints; a name with anything else could never be asked for.
bool is_attribute(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ':' || c == '/';
  };
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), fits);
}

}  // namespace

void add_placement_flags(CLI::App& app, PlacementFlags& flags) {
  app.add_option("--fitness", flags.fitness,
                 "what makes an agent a good one: terms and their weights (docs/placement.md)")
      ->type_name("TERM=WEIGHT[, …]")
      ->capture_default_str()
      ->envname("MIMAS_FITNESS");
  app.add_option(
         "--good-enough", flags.good_enough,
         "an agent whose score, 0 to 1000, is at least this is taken without looking for a better one; "
         "1001: never")
      ->type_name("SCORE")
      ->capture_default_str()
      ->envname("MIMAS_GOOD_ENOUGH");
  app.add_option("--dedicated-attributes", flags.dedicated,
                 "agents with one of these attributes take only jobs with a hard constraint that asks for it")
      ->type_name("NAME[,…]")
      ->delimiter(',')
      ->envname("MIMAS_DEDICATED_ATTRIBUTES");
  app.add_option("--preemption", flags.preemption,
                 "may tasks be ended for production jobs that are more important (docs/queue.md)")
      ->type_name("on|off")
      ->capture_default_str()
      ->envname("MIMAS_PREEMPTION");
  app.add_option("--orphans", flags.orphans,
                 "what becomes of tasks that an older database does not know: wait until a person decides, "
                 "be killed after so many seconds, or at once (docs/operations.md)")
      ->type_name("wait|SECS|kill")
      ->capture_default_str()
      ->envname("MIMAS_ORPHANS");
}

namespace {

// "wait", "kill", or seconds to wait; nothing for anything else.
std::optional<std::int64_t> orphan_wait_ms(const std::string& text) {
  if (text == "wait") return engine::kNeverMs;
  if (text == "kill") return 0;
  std::int64_t seconds = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (seconds < 1 || seconds > kOrphanWaitSecsMax) return std::nullopt;
  return seconds * 1'000;
}

}  // namespace

Status take_placement_flags(const PlacementFlags& flags, server::ServerOptions& options) {
  auto terms = placement::parse_fitness(flags.fitness);
  if (!terms.ok()) return usage_error("--fitness", terms.error());
  if (flags.good_enough < 0 || flags.good_enough > 1'001) {
    return usage_error("--good-enough", "must be 0 to 1001");
  }
  if (flags.dedicated.size() > kDedicatedMax) {
    return usage_error("--dedicated-attributes", "must not name more than 64 attributes");
  }
  if (flags.preemption != "on" && flags.preemption != "off") {
    return usage_error("--preemption", "must be on or off, not '" + flags.preemption + "'");
  }
  options.policy.preemption = flags.preemption == "on";
  const std::optional<std::int64_t> orphans = orphan_wait_ms(flags.orphans);
  if (!orphans) {
    return usage_error("--orphans", "must be wait, kill, or 1 to " + std::to_string(kOrphanWaitSecsMax) +
                                        " seconds, not '" + flags.orphans + "'");
  }
  options.policy.orphan_wait_ms = *orphans;
  placement::Rules& rules = options.policy.rules;
  for (std::string name : flags.dedicated) {
    std::erase(name, ' ');
    if (!is_attribute(name)) return usage_error("--dedicated-attributes", "not an attribute's name: " + name);
    rules.dedicated.insert(std::move(name));
  }
  rules.fitness.terms = *std::move(terms);
  rules.fitness.good_enough = flags.good_enough;
  return Done{};
}

}  // namespace mimas::cli
