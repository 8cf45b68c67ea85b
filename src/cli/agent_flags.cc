// Flags of `mimas agents`: a list, or an order to some of them.
#include <CLI/CLI.hpp>

#include "cli/command_table.h"
#include "cli/usage_error.h"

namespace mimas::cli {
namespace {

constexpr std::int64_t kDeadlineSecsMax = 30 * 86'400;
constexpr std::int64_t kTimeoutSecsMax = 30 * 86'400;

}  // namespace

void add_agents(CLI::App& app, Flags& flags) {
  OrderAgents& order = flags.agent_orders;
  one_of(app.add_option("WHAT", order.what, "list, drain, disable or enable")
             ->type_name("")
             ->capture_default_str(),
         {"list", "drain", "disable", "enable"}, flags.hints);
  id_of(app.add_option("AGENT", order.ids, "ids or hostnames of agents")->type_name(""), Subject::agents,
        flags.hints);
  app.add_option("--reason", order.reason, "why, for others to read")->type_name("TEXT");
  within(app.add_option("--deadline", order.deadline_secs,
                        "drain: what still runs after so many seconds is ended, and started elsewhere")
             ->type_name("SECS"),
         0, kDeadlineSecsMax);
  app.add_flag("--wait", order.wait, "drain: until nothing of ours is left there");
  within(
      app.add_option("--timeout", order.timeout_secs, "with --wait: for so many seconds")->type_name("SECS"),
      1, kTimeoutSecsMax);
  app.add_flag("-w,--watch", flags.agents.watch, "again whenever something changes, until interrupted");
  add_output_flags(app, flags.client, flags.hints);
  add_client_flags(app, flags.client, flags.hints);
}

Result<Command> make_agents(Flags& flags) {
  const OrderAgents& order = flags.agent_orders;
  const bool drain = order.what == "drain";
  if (order.wait && !drain) return usage_error("--wait", "goes with drain");
  if (order.deadline_secs && !drain) return usage_error("--deadline", "goes with drain");
  if (order.timeout_secs != 0 && !order.wait) return usage_error("--timeout", "goes with --wait");
  if (order.what == "list") {
    if (!order.ids.empty()) return usage_error("agents list", "takes no agents; `mimas agent` shows one");
    if (!order.reason.empty()) return usage_error("--reason", "goes with drain, disable and enable");
    return with_client(flags.agents, flags);
  }
  if (order.ids.empty()) return usage_error("agents " + order.what, "needs the agents' ids or hostnames");
  if (flags.agents.watch) return usage_error("--watch", "goes with the list");
  return with_client(order, flags);
}

}  // namespace mimas::cli
