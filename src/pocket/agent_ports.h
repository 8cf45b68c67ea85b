// Which ports each agent of one machine gives out. A port of the machine is there once, whatever the agents
// are called: two that both gave it out would send a task to where another one listens. Pure. Tested in
// tests/pocket/agent_ports_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "pocket/amounts.h"
#include "pocket/pocket.h"

namespace mimas::pocket {

// Agents that name no ports share what the others leave of kPorts, or, if that is too little, of kMorePorts,
// too: below the ports that the kernel hands out to clients.
inline constexpr Interval kPorts{31'000, 31'999};
inline constexpr Interval kMorePorts{32'000, 32'767};

// `count` agents; the ports of `same`, if it names some, are divided among them. Errors: invalid_argument,
// when there are fewer ports than agents.
Result<std::vector<AgentOptions>> alike(const AgentOptions& same, int count);

// Each with its ports named. Errors: conflict, naming the two that would give out the same; invalid_argument,
// when nothing is left for one that names none.
Result<std::vector<AgentOptions>> share_ports(std::vector<AgentOptions> agents);

// The lowest `count` in a row within `within` that none of the agents gives out; their ports are named.
std::optional<Interval> free_ports(const std::vector<AgentOptions>& agents, Interval within,
                                   std::uint64_t count);

}  // namespace mimas::pocket
