// What operators want of agents: no new tasks (disable), that and the services moved away (drain), or neither
// any more (enable). An order is on disk before it is answered and stands until it is taken back: through
// restarts of ours, and while its agent is away. How services are moved, and how many at a time, is the
// business of maintenance.cc; here is what drain adds, a deadline.
#include <algorithm>

#include "engine/agent_health.h"
#include "engine/checks.h"
#include "engine/history.h"
#include "engine/parts.h"
#include "engine/reconcile.h"

namespace mimas::engine {
namespace {

std::string sentence(const std::string& hostname, const std::string& reason) {
  return reason.empty() ? hostname : hostname + ": " + reason;
}

void audit(Turn& turn, const OrderAgent& command, std::string_view action, const std::string& hostname) {
  put_audit(turn, command.user, command.address,
            {action, "agent " + command.agent.value + " " + sentence(hostname, command.reason), {}, {}, {}});
}

Result<Answer> enable(Turn& turn, const OrderAgent& command, AgentEntry* agent) {
  State::Data& data = turn.data;
  const auto held = data.agent_orders.find(command.agent);
  const bool quarantined = agent != nullptr && turn.now < agent->record.quarantined_until;
  if (held == data.agent_orders.end() && !quarantined) return Answer{Done{}};
  const std::string hostname = agent != nullptr ? agent->record.hostname : held->second->hostname;
  if (held != data.agent_orders.end()) {
    data.agent_orders.erase(held);
    turn.change(RemoveAgentOrder{command.agent});
  }
  if (agent != nullptr) {
    set_order(data, *agent, nullptr);
    forgive(turn, *agent);
    if (!is_to_be_empty(turn, command.agent)) take_back_moved(turn, command.agent);
  }
  audit(turn, command, "agent.enable", hostname);
  turn.reason("agent " + command.agent.value + " (" + hostname + ") " + by("enabled", command.user));
  return Answer{Done{}};
}

AgentOrder order_of(const Turn& turn, const OrderAgent& command, const std::string& hostname) {
  AgentOrder order;
  order.agent = command.agent;
  order.hostname = hostname;
  order.kind = *command.order;
  if (command.deadline_ms && order.kind == AgentOrder::Kind::drain) {
    order.deadline = turn.now + *command.deadline_ms;
  }
  order.user = command.user;
  order.at = turn.now;
  order.reason = command.reason;
  return order;
}

bool says_the_same(const AgentOrder& left, const AgentOrder& right) {
  return left.kind == right.kind && left.reason == right.reason && left.deadline == right.deadline;
}

Result<Answer> order_agent(Turn& turn, const OrderAgent& command) {
  State::Data& data = turn.data;
  const auto found = data.agents.find(command.agent);
  const auto held = data.agent_orders.find(command.agent);
  AgentEntry* agent = found == data.agents.end() ? nullptr : &found->second;
  if (agent == nullptr && held == data.agent_orders.end()) {
    return make_error(Code::not_found, "there is no agent " + command.agent.value);
  }
  if (!command.order) return enable(turn, command, agent);
  if (held == data.agent_orders.end() &&
      static_cast<std::int64_t>(data.agent_orders.size()) >= data.policy.agent_orders_max) {
    return make_error(
        Code::resource_exhausted,
        "there are already orders for " + std::to_string(data.policy.agent_orders_max) + " agents", {},
        "enable those that are gone for good");
  }
  const std::string hostname = agent != nullptr ? agent->record.hostname : held->second->hostname;
  auto order = std::make_shared<const AgentOrder>(order_of(turn, command, hostname));
  if (held != data.agent_orders.end() && says_the_same(*held->second, *order)) return Answer{Done{}};
  data.agent_orders[command.agent] = order;
  turn.change(PutAgentOrder{order});
  if (agent != nullptr) set_order(data, *agent, order);
  const bool drain = order->kind == AgentOrder::Kind::drain;
  audit(turn, command, drain ? "agent.drain" : "agent.disable", hostname);
  turn.reason("agent " + command.agent.value + " (" + hostname + ") " +
              by(drain ? "is to be drained" : "disabled", command.user));
  return Answer{Done{}};
}

}  // namespace

void on_input(Turn& turn, const OrderAgent& command) {
  turn.reply(command.request, order_agent(turn, command));
}

void end_drained(Turn& turn) {
  State::Data& data = turn.data;
  for (const auto& [id, order] : data.agent_orders) {
    const auto agent = data.agents.find(id);
    if (agent == data.agents.end() || order->deadline > turn.now) continue;
    const std::set<TaskKey> tasks = agent->second.tasks;
    for (const TaskKey& key : tasks) {
      request_kill(turn, data.jobs.at(key.job), key, kDrained, "its agent is drained, and the time is up");
    }
  }
}

}  // namespace mimas::engine
