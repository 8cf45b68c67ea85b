// Bodies of POST /v2/agents/{id}/drain, disable and enable → the engine's command, or all their faults; and
// which agent a path means. Pure. Tested in tests/api/agent_orders_test.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/problem.h"
#include "engine/input.h"
#include "engine/view.h"

namespace mimas::api {

inline constexpr std::int64_t kDrainDeadlineSecsMax = 30 * 86'400;

// An empty body is no wish. The agent and the request id are left empty.
Checked<engine::OrderAgent> parse_agent_order(std::string_view body, std::optional<AgentOrder::Kind> order);

// By id, or by the name of its host. Errors: not_found; conflict (several agents have this name).
Result<AgentPtr> find_agent(const engine::View& view, const std::string& id_or_hostname);

}  // namespace mimas::api
