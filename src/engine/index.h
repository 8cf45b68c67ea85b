// Keeps placement's view of the cluster in step with the records: what an agent offers, whether new work may
// go there, who runs there. Private to the engine. An agent is told anew when something about it has changed,
// so that a decision costs nothing that grows with the cluster.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/turn.h"

namespace mimas::engine {

// Where the agent is, by the "region" or "zone" of its fault domain, else by its attribute of that name;
// empty: it does not say. The same that constraints are asked about.
std::string domain_of(const Agent& agent, std::string_view level);

// The view of the agents as they stand to one role; made when first asked for.
placement::Cluster& cluster_of(Turn& turn, std::string_view role);

// The views that offers to the role are in. Where all roles are one, whatever its name, each that offers came
// in.
std::vector<std::string> views_of(Turn& turn, const std::string& role);

// One agent, in the view of every role.
void tell_agent(Turn& turn, AgentEntry& agent);

// Every agent that has changed since the last Settle.
void tell_changed_agents(Turn& turn);

// The agent is no more, or cannot be reached: it leaves every view.
void untell_agent(State::Data& data, AgentEntry& agent);

}  // namespace mimas::engine
