// What viewers read of an agent: "/state" with every executor's sandbox, and "/containers" with what they use
// (mesos-protocol §5.6). Pure: the model and measurements in, JSON out. Tested in
// tests/pocket/agent_view_test.cc.
#pragma once

#include <map>
#include <string>

#include "pocket/agent_model.h"
#include "pocket/process.h"

namespace mimas::pocket {

// `agent_dir` is where sandboxes are (pocket/checkpoint.h).
std::string agent_state_json(const AgentModel& model, const std::string& agent_dir);

// An array. `used` by container id; a container without an entry is listed without statistics.
std::string containers_json(const AgentModel& model, const std::map<std::string, SessionUse>& used,
                            Instant now);

}  // namespace mimas::pocket
