#include "cli/command_line.h"

#include <algorithm>
#include <sstream>
#include <string_view>

#include "base/spelling.h"
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

// The client's flags that take a value: what follows one of them before the command is no command.
bool takes_the_next_word(const std::string& word) {
  static constexpr std::string_view kFlags[] = {
      "--server",      "--token",      "--token-file", "--login-file", "--ca",
      "--client-cert", "--client-key", "--color",      "--output",     "-o"};
  return std::ranges::find(kFlags, std::string_view(word)) != std::end(kFlags);
}

// `mimas --server h:1 jobs` is `mimas jobs --server h:1`, `mimas help jobs` is `mimas jobs --help`, `mimas
// --version` is `mimas version`.
std::vector<std::string> command_first(std::vector<std::string> words) {
  if (words.empty()) return words;
  if (words[0] == "--version" || words[0] == "-V") words[0] = "version";
  if (words[0] == "help") {
    words.erase(words.begin());
    words.push_back("--help");
    return words;
  }
  std::size_t at = 0;
  while (at < words.size() && words[at].starts_with('-') && words[at] != "--" && words[at] != "-h" &&
         words[at] != "--help")
    at += takes_the_next_word(words[at]) ? 2 : 1;
  if (at == 0 || at >= words.size() || find_sub_command(words[at]) == nullptr) return words;
  std::rotate(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(at),
              words.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  return words;
}

// The first word, where it is no command: what was meant by it?
std::string unknown_command(const std::string& word) {
  std::vector<std::string_view> names{"help"};
  for (const SubCommand& command : sub_commands()) {
    names.push_back(command.name);
    if (*command.alias != '\0') names.push_back(command.alias);
  }
  const std::string_view meant = nearest_word(word, names);
  return "there is no command '" + word + "'" +
         (meant.empty() ? std::string() : "; did you mean '" + std::string(meant) + "'?");
}

// The flag that CLI11 did not know, with what was meant by it.
std::string unknown_flags(const CLI::App& app, const std::string& otherwise) {
  for (const CLI::App* chosen : app.get_subcommands()) {
    std::vector<std::string> names;
    for (const CLI::Option* option : chosen->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    for (const std::string& word : chosen->remaining()) {
      if (!word.starts_with("--")) continue;
      const std::string name = word.substr(0, word.find('='));
      const std::string_view meant = nearest_word(name, {names.begin(), names.end()});
      if (!meant.empty()) return "there is no flag " + name + "; did you mean " + std::string(meant) + "?";
    }
  }
  return otherwise;
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
      const bool extras = caught.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
      result = wrong_usage(extras ? unknown_flags(app, caught.what()) : caught.what());
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
    std::vector<std::string> rest = command_first(arguments);
    const SubCommand* chosen = find_sub_command(rest.empty() ? "" : rest.front());
    if (chosen == nullptr && !rest.empty() && !rest.front().starts_with('-')) {
      CommandLine result = wrong_usage(unknown_command(rest.front()));
      result.error += "Try: mimas --help\n";
      return result;
    }
    // None of the commands: flags of all of them would be read from the environment.
    static constexpr SubCommand kNone{"", "", "", "", nullptr, nullptr};
    const std::unique_ptr<CLI::App> app = make_app(flags, chosen == nullptr ? &kNone : chosen);
    flags.run.command = cut_tail(rest, chosen);
    return parse_with(*app, flags, std::move(rest));
  } catch (const std::exception& caught) {
    return wrong_usage(caught.what());
  }
}

}  // namespace mimas::cli
