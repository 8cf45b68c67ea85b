#include "cli/exit.h"
#include "cli/command_line.h"
#include "cli/usage_error.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

namespace mimas::cli {

TEST_CASE("every kind of error has its documented exit code") {
  CHECK(exit_code(Code::invalid_argument) == 3);
  CHECK(exit_code(Code::too_large) == 3);
  CHECK(exit_code(Code::unsupported) == 3);
  CHECK(exit_code(Code::not_found) == 4);
  CHECK(exit_code(Code::conflict) == 5);
  CHECK(exit_code(Code::unavailable) == 6);
  CHECK(exit_code(Code::timeout) == 7);
  CHECK(exit_code(Code::unauthenticated) == 10);
  CHECK(exit_code(Code::permission_denied) == 10);
  CHECK(exit_code(Code::resource_exhausted) == 1);
  CHECK(exit_code(Code::protocol) == 1);
  CHECK(exit_code(Code::io) == 1);
  CHECK(exit_code(Code::internal) == 1);
}

TEST_CASE("the table for people names every exit code") {
  const std::string table = exit_code_table();
  for (int code = 0; code <= 10; ++code) {
    CAPTURE(code);
    const std::string number = std::to_string(code);
    CHECK(table.find("\n" + std::string(4 - number.size(), ' ') + number + "  ") != std::string::npos);
  }
}

TEST_CASE("serve and dev print the codes of the server, as documented") {
  std::ifstream file("docs/mesos.md");
  const std::string documented{std::istreambuf_iterator<char>(file), {}};
  REQUIRE_MESSAGE(!documented.empty(), "run this test in the root of the sources");
  const std::string table = server_exit_code_table();
  for (int code = 0; code <= 6; ++code) {
    CAPTURE(code);
    CHECK(table.find("\n   " + std::to_string(code) + "  ") != std::string::npos);
    CHECK(documented.find("\n| " + std::to_string(code) + " | ") != std::string::npos);
  }
  for (const char* command : {"serve", "dev"}) {
    CHECK(parse_command_line({command, "--help"}).output.find(table) != std::string::npos);
  }
}

TEST_CASE("what is wrong with a flag names the flag, and a file behind it") {
  const Error plain = usage_error("--cpu", "must be a number");
  CHECK(plain.code == Code::invalid_argument);
  CHECK(plain.text() == "--cpu: must be a number");
  const Error file = usage_error("--credentials", make_error(Code::internal, "others may read it", "/etc/x"));
  CHECK(file.code == Code::invalid_argument);
  CHECK(file.text() == "--credentials /etc/x: others may read it");
}

}  // namespace mimas::cli
