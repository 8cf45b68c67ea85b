#include "cli/reference.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "cli/command_table.h"

namespace mimas::cli {
namespace {

std::string contents(const char* path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("docs/cli.md has the commands and flags that the program has") {
  const std::string document = contents("docs/cli.md");
  const std::string begin = "<!-- written by: mimas man --markdown -->\n";
  const std::size_t at = document.find(begin);
  REQUIRE(at != std::string::npos);
  INFO("another line is there; mend docs/cli.md with scripts/reference");
  std::istringstream written(document.substr(at + begin.size()));
  std::istringstream meant(reference_markdown());
  std::string one;
  std::string other;
  while (std::getline(meant, other)) {
    REQUIRE(std::getline(written, one));
    REQUIRE(one == other);
  }
  CHECK_FALSE(std::getline(written, one));
}

TEST_CASE("every command stands in the manual page, with every flag, and so does every exit code") {
  const std::string page = manual_page();
  Flags flags;
  const auto app = make_app(flags, nullptr);
  for (const SubCommand& command : sub_commands()) {
    CAPTURE(command.name);
    CHECK(contains(page, std::string(".SS mimas ") + command.name));
    for (const CLI::Option* option : app->get_subcommand(command.name)->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        if (name == "help") continue;
        std::string escaped = "\\-\\-";
        for (const char c : name) escaped += c == '-' ? std::string("\\-") : std::string(1, c);
        CAPTURE(name);
        CHECK(contains(page, "\\fB" + escaped + "\\fR"));
      }
    }
  }
  CHECK(contains(page, "10  not authorised"));
  CHECK(contains(page, "\\fBMIMAS_SERVER\\fR"));
}

TEST_CASE("no line of the manual page is a request by accident, and none leaves ASCII hyphens in flags") {
  std::istringstream page(manual_page());
  for (std::string line; std::getline(page, line);) {
    CAPTURE(line);
    if (line.starts_with('.')) {
      const std::string request = line.substr(0, line.find(' '));
      const bool known = request == ".TH" || request == ".SH" || request == ".SS" || request == ".TP" ||
                         request == ".PP" || request == ".B" || request == ".nf" || request == ".fi";
      CHECK(known);
    }
    CHECK_FALSE(line.starts_with('\''));
    CHECK(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    CHECK_FALSE(contains(line, " --"));
  }
}

TEST_CASE("what is written does not depend on who writes it") {
  const std::string before = reference_markdown();
  ::setenv("MIMAS_SERVER", "elsewhere:1", 1);
  ::setenv("HOME", "/somebody", 1);
  CHECK(reference_markdown() == before);
  ::unsetenv("MIMAS_SERVER");
}

TEST_CASE("every command has a description that begins like a sentence and ends without a full stop") {
  for (const SubCommand& command : sub_commands()) {
    const std::string_view what = command.what;
    CAPTURE(command.name);
    REQUIRE(!what.empty());
    CHECK((what.front() >= 'A' && what.front() <= 'Z'));
    CHECK(what.back() != '.');
  }
}

}  // namespace mimas::cli
