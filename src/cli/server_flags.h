// The flags of the long-running commands: serve, dev and pocket. Their way to checked values is in
// cli/flags.h. Private to the room. Tested in tests/cli/command_line_test.cc.
#pragma once

#include "cli/flags.h"

namespace CLI {
class App;
}

namespace mimas::cli {

void add_serve_flags(CLI::App& app, ServerFlags& server);
void add_dev_flags(CLI::App& app, ServerFlags& server, PocketFlags& pocket);
void add_pocket_command_flags(CLI::App& app, PocketFlags& pocket);

}  // namespace mimas::cli
