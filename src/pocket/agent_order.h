// What POST /pocket/agents is asked for: more agents in this process, or fewer. The text is what `mimas`
// tells a scaling provider (docs/scaling.md); members that are of no use here are let pass. Pure. Bounds:
// kPocketAgentsMax agents altogether. Tested in tests/pocket/agent_order_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pocket/pocket.h"

namespace mimas::pocket {

inline constexpr int kPocketAgentsMax = 100;

struct AgentOrder {
  int add = 0;
  AgentOptions agent;               // of those added: no hostname, and no ports among the resources
  std::vector<std::string> remove;  // ids or host names
};

// {"add": 1, "agent": {"cpu": 4, "memory": 4096, "disk": 20000, "gpu": 0, "attributes": {"arch": "arm"}}} or
// {"remove": [{"id": "…", "hostname": "…"}, "agent3.pocket"]}. Amounts that are left out have the defaults of
// every agent here. Errors: invalid_argument, with a JSON pointer.
Result<AgentOrder> parse_agent_order(std::string_view text);

// As parse_agent() reads it.
std::string agent_text(const AgentOptions& options);

}  // namespace mimas::pocket
