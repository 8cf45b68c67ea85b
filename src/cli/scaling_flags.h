// The flags that let groups of agents grow and shrink (docs/scaling.md), and their way to checked values.
// Private to the room, as cli/flags.h. Tested in tests/cli/scaling_flags_test.cc.
#pragma once

#include <string>

#include "base/result.h"
#include "server/server.h"

namespace CLI {
class App;
}

namespace mimas::cli {

struct ScalingFlags {
  std::string rules;
  std::string provider;
  std::string token_file;
  std::string deadline = "30secs";
};

void add_scaling_flags(CLI::App& app, ScalingFlags& flags);

// Reads the rules. `has_pocket`: agents of this very process can be added and removed.
Status take_scaling_flags(const ScalingFlags& flags, bool has_pocket, server::ServerOptions& options);

}  // namespace mimas::cli
