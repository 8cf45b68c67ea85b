#include "cli/command_line.h"

#include <algorithm>
#include <sstream>

#include "cli/command_table.h"
#include "cli/exit.h"
#include "cli/table.h"

namespace mimas::cli {
namespace {

CommandLine wrong_usage(const std::string& why) {
  CommandLine result;
  result.exit_code = kExitUsage;
  result.error = "mimas: " + printable(why) + "\n";
  return result;
}

// The words after the first "--" of `mimas run` are the job's, to the letter: CLI11 would take a "[a,b]"
// apart.
std::vector<std::string> cut_tail(std::vector<std::string>& arguments, const SubCommand* chosen) {
  if (chosen == nullptr || std::string_view(chosen->name) != "run") return {};
  const auto mark = std::find(arguments.begin(), arguments.end(), "--");
  if (mark == arguments.end()) return {};
  std::vector<std::string> tail(mark + 1, arguments.end());
  arguments.erase(mark, arguments.end());
  return tail;
}

CommandLine parse_with(CLI::App& app, Flags& flags, std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& caught) {
    std::ostringstream out;
    std::ostringstream err;
    CommandLine result;
    result.exit_code = app.exit(caught, out, err) == 0 ? 0 : kExitUsage;
    result.output = out.str();
    if (result.exit_code != 0) {
      result = wrong_usage(caught.what());
      const auto chosen = app.get_subcommands();
      result.error += "Try: mimas " + (chosen.empty() ? "" : chosen.front()->get_name() + " ") + "--help\n";
    }
    return result;
  }
  CommandLine result;
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) {
    result = wrong_usage("which command?");
    result.error += "Try: mimas --help\n";
    return result;
  }
  Result<Command> command = find_sub_command(chosen.front()->get_name())->make(flags);
  if (!command.ok()) return wrong_usage(command.error().text());
  result.command = *std::move(command);
  return result;
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
  // What the completion scripts call: the words of an unfinished command line, never parsed.
  if (!arguments.empty() && arguments.front() == "__complete") {
    CommandLine result;
    result.command = Complete{{arguments.begin() + 1, arguments.end()}};
    return result;
  }
  try {
    Flags flags;
    const SubCommand* chosen = find_sub_command(arguments.empty() ? "" : arguments.front());
    // None of the commands: flags of all of them would be read from the environment.
    static constexpr SubCommand kNone{"", "", "", "", nullptr, nullptr};
    const std::unique_ptr<CLI::App> app = make_app(flags, chosen == nullptr ? &kNone : chosen);
    std::vector<std::string> rest = arguments;
    flags.run.command = cut_tail(rest, chosen);
    return parse_with(*app, flags, std::move(rest));
  } catch (const std::exception& caught) {
    return wrong_usage(caught.what());
  }
}

}  // namespace mimas::cli
