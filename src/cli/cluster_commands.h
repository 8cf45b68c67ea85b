// The long-running commands: serve, dev and pocket. They end on SIGINT or SIGTERM, at once on a second one,
// and answer the process's exit code.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands.h"

namespace mimas::cli {

Result<int> serve(const Serve& command);
Result<int> dev(const Dev& command);
Result<int> pocket_only(const PocketOnly& command);

// --agent-ip auto: the first address that is not loopback among those of the machine's own name.
Result<std::string> pick_own_address(const std::vector<std::string>& addresses);

}  // namespace mimas::cli
