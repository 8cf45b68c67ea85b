// The command line → a checked Command, or what to print and the exit code. The only door to CLI11, whose
// exceptions end here. Flags of serve, dev and pocket may also come from MIMAS_… variables; the flag wins.
// Tested in tests/cli/command_line_test.cc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"

namespace mimas::cli {

struct CommandLine {
  std::optional<Command> command;
  int exit_code = 0;   // when there is no command
  std::string output;  // for stdout: help
  std::string error;   // for stderr: what is wrong with the usage
};

// `arguments` without the program's name. Reads the environment; no other side effects.
CommandLine parse_command_line(const std::vector<std::string>& arguments);

}  // namespace mimas::cli
