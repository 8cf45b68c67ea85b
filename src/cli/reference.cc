#include "cli/reference.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "cli/command_table.h"
#include "cli/exit.h"

namespace mimas::cli {
namespace {

// What an option is called where it is described: "-o, --output FORM".
std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<const CLI::Option*> options_of(const CLI::App& app, bool positional) {
  std::vector<const CLI::Option*> found;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() == positional && option->get_name() != "--help") found.push_back(option);
  }
  return found;
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

// "JOB", "[N]", "ID…".
std::string argument_text(const CLI::Option& option) {
  std::string text = option.get_name(true);
  if (option.get_items_expected_max() > 1) text += "…";
  return option.get_required() ? text : "[" + text + "]";
}

std::string synopsis(const SubCommand& command, const CLI::App& app) {
  std::string text = std::string("mimas ") + command.name;
  if (!options_of(app, false).empty()) text += " [OPTIONS]";
  for (const CLI::Option* option : options_of(app, true)) text += " " + argument_text(*option);
  if (std::string_view(command.name) == "run") text += " -f FILE | -- COMMAND…";
  return text;
}

std::string default_of(const CLI::Option& option) {
  const std::string value = option.get_default_str();
  return takes_value(option) && !value.empty() && value != "\"\"" && value != "{}" ? value : "";
}

// The flags of every client command, told once.
bool is_shared(const CLI::Option& option) { return option.get_group() == "Connection"; }

// The flags that `serve` and `dev` have alike, told once as well.
constexpr std::string_view kServers[] = {"serve", "dev"};
using Shared = std::set<std::string>;
Shared flags_of_servers(const CLI::App& app) {
  Shared names;
  for (const CLI::Option* option : options_of(*app.get_subcommand("serve"), false)) {
    const CLI::Option* other = app.get_subcommand("dev")->get_option_no_throw(option->get_name());
    if (other != nullptr && other->get_description() == option->get_description() &&
        other->get_default_str() == option->get_default_str())
      names.insert(option->get_name());
  }
  return names;
}

bool is_server(const SubCommand& command) {
  return std::ranges::find(kServers, std::string_view(command.name)) != std::end(kServers);
}

// Is it described elsewhere than at the command?
bool is_told_once(const SubCommand& command, const CLI::Option& option, const Shared& of_servers) {
  return is_shared(option) || (is_server(command) && of_servers.contains(option.get_name()));
}

std::string escaped(std::string_view text, std::string_view special, char escape) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += escape;
    out += c;
  }
  return out;
}

// In roff a backslash, a leading dot or quote, and the hyphen of a flag have meanings.
std::string roff(std::string_view text) {
  constexpr std::string_view kEllipsis = "…";  // the one character of our texts that ASCII lacks
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out += "\\&";
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (text.substr(at).starts_with(kEllipsis)) {
      out += "\\&...";
      at += kEllipsis.size() - 1;
    } else if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string markdown(std::string_view text) { return escaped(text, "|*_<>", '\\'); }

void write_roff_option(std::string& page, const CLI::Option& option) {
  page += ".TP\n";
  std::string head;
  if (option.get_positional()) {
    head = "\\fI" + roff(option.get_name(true)) + "\\fR";
  } else {
    for (const std::string& name : names_of(option))
      head += (head.empty() ? "" : ", ") + ("\\fB" + roff(name) + "\\fR");
    if (takes_value(option)) head += " \\fI" + roff(option.get_type_name()) + "\\fR";
  }
  page += head + "\n" + roff(option.get_description());
  if (const std::string value = default_of(option); !value.empty()) page += " [" + roff(value) + "]";
  page += "\n";
}

void write_markdown_option(std::string& text, const CLI::Option& option) {
  std::string head;
  if (option.get_positional()) {
    head = "`" + argument_text(option) + "`";
  } else {
    for (const std::string& name : names_of(option)) head += (head.empty() ? "" : ", ") + ("`" + name + "`");
    if (takes_value(option)) head += " " + markdown(option.get_type_name());
  }
  text += "| " + head + " | " + markdown(option.get_description());
  if (const std::string value = default_of(option); !value.empty()) text += " [`" + value + "`]";
  if (!option.get_envname().empty()) text += "; `" + option.get_envname() + "`";
  text += " |\n";
}

// Variable → the flags that read it.
std::map<std::string, std::string> variables(const CLI::App& app) {
  std::map<std::string, std::string> found{
      {"MIMAS_TOKEN", "--token"},
      {"MIMAS_TOKEN_FILE", "--token-file"},
      {"MIMAS_LOGIN_FILE", "--login-file"},
  };
  for (const SubCommand& command : sub_commands()) {
    for (const CLI::Option* option : app.get_subcommand(command.name)->get_options()) {
      if (!option->get_envname().empty()) found[option->get_envname()] = names_of(*option).back();
    }
  }
  return found;
}

// The table of codes, of which exit.h has the words.
std::string roff_lines(const std::string& text) {
  std::string out = ".nf\n";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    out += roff(std::string_view(text).substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return out + ".fi\n";
}

void write_roff_command(std::string& page, const SubCommand& command, const CLI::App& app,
                        const Shared& of_servers) {
  page += ".SS " + roff(synopsis(command, app)) + "\n" + roff(command.what) + ".\n";
  if (*command.alias != '\0') page += "Also called \\fB" + roff(command.alias) + "\\fR.\n";
  for (const CLI::Option* option : options_of(app, true)) write_roff_option(page, *option);
  if (is_server(command)) page += "Has the options of serve and dev as well, see below.\n";
  for (const CLI::Option* option : options_of(app, false)) {
    if (!is_told_once(command, *option, of_servers)) write_roff_option(page, *option);
  }
}

}  // namespace

std::string manual_page() {
  Flags flags;
  const std::unique_ptr<CLI::App> app = make_app(flags, nullptr);
  const Shared of_servers = flags_of_servers(*app);
  std::string page = ".TH MIMAS 1 \"\" \"mimas " MIMAS_VERSION "\" \"User Commands\"\n.SH NAME\n";
  page += "mimas \\- a small job scheduler for Apache Mesos\n.SH SYNOPSIS\n";
  page += ".B mimas\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]\n";
  page +=
      ".SH DESCRIPTION\nOne program: the server, a Mesos for one machine to try things out, and a client of "
      "the ";
  page +=
      "server's REST API. Client commands write what was asked for to standard output, and how it goes to ";
  page += "standard error.\n";
  std::string group;
  for (const SubCommand& command : sub_commands()) {
    if (group != command.group) {
      group = command.group;
      page += ".SH " + roff(group) + "\n";
    }
    write_roff_command(page, command, *app->get_subcommand(command.name), of_servers);
  }
  page += ".SH OPTIONS OF SERVE AND DEV\n";
  for (const CLI::Option* option : options_of(*app->get_subcommand("serve"), false)) {
    if (of_servers.contains(option->get_name())) write_roff_option(page, *option);
  }
  page += ".SH OPTIONS OF CLIENT COMMANDS\n";
  for (const CLI::Option* option : options_of(*app->get_subcommand("status"), false)) {
    if (is_shared(*option)) write_roff_option(page, *option);
  }
  page += ".SH ENVIRONMENT\nA flag wins over its variable.\n";
  for (const auto& [name, flag] : variables(*app))
    page += ".TP\n\\fB" + roff(name) + "\\fR\nas \\fB" + roff(flag) + "\\fR\n";
  page +=
      ".TP\n\\fBNO_COLOR\\fR\nif it is set and not empty, there are no colours unless \\fB\\-\\-color\\fR "
      "asks for them\n";
  page += ".SH EXIT STATUS\nOf client commands; 130 when interrupted.\n" + roff_lines(exit_code_table());
  page += ".PP\nOf serve, dev and pocket.\n" + roff_lines(server_exit_code_table());
  return page;
}

std::string reference_markdown() {
  Flags flags;
  const std::unique_ptr<CLI::App> app = make_app(flags, nullptr);
  const Shared of_servers = flags_of_servers(*app);
  std::string text;
  std::string group;
  for (const SubCommand& command : sub_commands()) {
    const CLI::App& sub = *app->get_subcommand(command.name);
    if (group != command.group) {
      group = command.group;
      text += "### " + group + "\n\n";
    }
    text += "**`" + synopsis(command, sub) + "`**\n\n" + markdown(command.what) + ".";
    if (*command.alias != '\0') text += std::string(" Also called `") + command.alias + "`.";
    if (is_server(command)) text += " Has the [flags of serve and dev](#flags-of-serve-and-dev) as well.";
    text += "\n\n";
    std::string rows;
    for (const CLI::Option* option : options_of(sub, true)) write_markdown_option(rows, *option);
    for (const CLI::Option* option : options_of(sub, false)) {
      if (!is_told_once(command, *option, of_servers)) write_markdown_option(rows, *option);
    }
    if (!rows.empty()) text += "| | |\n|---|---|\n" + rows + "\n";
  }
  text += "### Flags of serve and dev\n\n| | |\n|---|---|\n";
  for (const CLI::Option* option : options_of(*app->get_subcommand("serve"), false)) {
    if (of_servers.contains(option->get_name())) write_markdown_option(text, *option);
  }
  text += "\n### Which server, and who asks\n\nEvery client command has these.\n\n| | |\n|---|---|\n";
  for (const CLI::Option* option : options_of(*app->get_subcommand("status"), false)) {
    if (is_shared(*option)) write_markdown_option(text, *option);
  }
  return text;
}

}  // namespace mimas::cli
