// Where an agent keeps what: <agent dir>/meta and /fetch are its own, slaves/ has the sandboxes and volumes/
// the persistent volumes. These two must be reachable for the users that tasks run as. An agent that is root
// opens the way through its own folders; where one above it is closed (/root, somebody's home), slaves/ and
// volumes/ are links to a place below kElsewhere, chosen when the agent's directory is made. One thread at a
// time. Tested in tests/pocket/agent_folders_test.cc and tests/e2e/restart_test.py.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace mimas::pocket {

inline constexpr const char* kElsewhere = "/var/lib/mimas/sandboxes";

// Makes them, or narrows what an earlier version made. Answers the directory that has slaves/ and volumes/.
// When there is no better place than a closed one, `log` is told and it stays there.
Result<std::string> make_agent_folders(const std::string& agent_dir, const std::string& elsewhere,
                                       const std::function<void(const std::string&)>& log);

// All of it, wherever it is.
Status remove_agent_folders(const std::string& agent_dir);

}  // namespace mimas::pocket
