#include "engine/standing.h"

#include <algorithm>

#include "engine/parts.h"

namespace mimas::engine {

std::int64_t launches_left(const State::Data& data, const AgentEntry& agent, bool with_image) {
  const std::int64_t tasks = data.policy.launches_per_agent_max - agent.record.launching;
  const std::int64_t pulls = data.policy.pulls_per_agent_max - agent.pulling;
  return std::max<std::int64_t>(with_image ? std::min(tasks, pulls) : tasks, 0);
}

Standing standing_of(const Turn& turn, const AgentEntry& agent) {
  const Agent& record = agent.record;
  if (is_leaving_soon(turn, record)) return Standing::maintenance;
  if (record.order != nullptr) {
    return record.order->kind == AgentOrder::Kind::drain ? Standing::drained : Standing::disabled;
  }
  if (turn.data.scaling_leaving.contains(record.id)) return Standing::disabled;
  if (turn.now < record.quarantined_until) return Standing::quarantined;
  // Work without images could still go there; that it waits a moment is simpler than two standings.
  return launches_left(turn.data, agent, true) == 0 ? Standing::launching : Standing::open;
}

}  // namespace mimas::engine
