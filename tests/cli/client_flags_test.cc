#include "cli/client_flags.h"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/client_commands.h"
#include "cli/command_line.h"
#include "cli/secret_file.h"

namespace mimas::cli {
namespace {

Result<Client> client(const std::vector<std::string>& flags) {
  for (const char* name : {"MIMAS_SERVER", "MIMAS_TOKEN", "MIMAS_TOKEN_FILE", "MIMAS_LOGIN_FILE", "MIMAS_CA",
                           "MIMAS_CLIENT_CERT", "MIMAS_CLIENT_KEY"})
    ::unsetenv(name);
  std::vector<std::string> words{"jobs"};
  words.insert(words.end(), flags.begin(), flags.end());
  const CommandLine line = parse_command_line(words);
  if (!line.command) return make_error(Code::invalid_argument, line.error);
  return std::get<ListJobs>(*line.command).client;
}

std::string why_not(const std::vector<std::string>& flags) {
  const Result<Client> made = client(flags);
  return made.ok() ? "" : made.error().message;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string written(const std::string& text, mode_t mode) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("mimas-secret-" + std::to_string(::getpid()));
  std::ofstream(path) << text;
  ::chmod(path.c_str(), mode);
  return path;
}

}  // namespace

TEST_CASE("a server is HOST:PORT or a URL, and https means TLS") {
  CHECK(client({})->server == wire::Endpoint{"127.0.0.1", 7101});
  CHECK_FALSE(client({"--server", "http://h:1/"})->tls);
  CHECK(client({"--server", "http://h:1"})->server == wire::Endpoint{"h", 1});
  CHECK(client({"--server", "https://h"})->tls);
  CHECK(client({"--server", "https://h"})->server == wire::Endpoint{"h", 7101});
  CHECK(contains(why_not({"--server", "ftp://h"}), "--server"));
  CHECK(contains(why_not({"--server", "https://h/path"}), "--server"));
}

TEST_CASE("a flag for who asks wins over every variable") {
  REQUIRE(client({}).ok());
  ::setenv("MIMAS_TOKEN", "from-the-environment", 1);
  ClientFlags flags;
  CHECK(to_client(flags)->token == "from-the-environment");
  flags.token_file = "/t";
  CHECK(to_client(flags)->token.empty());
  CHECK(to_client(flags)->token_file == "/t");
  ::unsetenv("MIMAS_TOKEN");
  ::setenv("MIMAS_LOGIN_FILE", "/l", 1);
  CHECK(to_client(ClientFlags{})->login_file == "/l");
  ::unsetenv("MIMAS_LOGIN_FILE");
}

TEST_CASE("what contradicts itself is refused by the flag's name, and a secret is never repeated") {
  CHECK(contains(why_not({"--token", "a", "--token-file", "b"}), "--token-file"));
  CHECK(contains(why_not({"--ca", "x"}), "https"));
  CHECK(contains(why_not({"--server", "https://h", "--client-cert", "x"}), "--client-key"));
  CHECK(contains(why_not({"--json", "-q"}), "--quiet"));
  CHECK(contains(why_not({"--color", "sometimes"}), "--color"));
  CHECK(contains(why_not({"-o", "yaml"}), "--output"));
  const std::string refused = why_not({"--token", "se cret"});
  CHECK(contains(refused, "--token"));
  CHECK_FALSE(contains(refused, "cret"));
}

TEST_CASE("the forms of output exclude one another") {
  CHECK(client({})->output == Output::table);
  CHECK(client({"-q"})->output == Output::name);
  CHECK(client({"-o", "wide"})->output == Output::wide);
  CHECK(client({"-o", "json"})->json);
  CHECK(client({"--json"})->output == Output::json);
  CHECK(client({"--color", "always"})->colour == Colour::always);
}

TEST_CASE("a secret is the first line of a file that others cannot read") {
  const std::string path = written("  mimas_ci_abc \nsecond line\n", 0600);
  CHECK(*read_secret(path) == "mimas_ci_abc");
  ::chmod(path.c_str(), 0644);
  REQUIRE_FALSE(read_secret(path).ok());
  CHECK_FALSE(contains(read_secret(path).error().text(), "mimas_ci"));
  CHECK_FALSE(read_secret(written("\n", 0600)).ok());
  CHECK_FALSE(read_secret(written("a\tb\x01", 0600)).ok());
  CHECK_FALSE(read_secret(path + ".none").ok());
  std::filesystem::remove(path);
}

TEST_CASE("a name and password become the header, and anything else does not") {
  CHECK(*basic_login("ann:a:b") == "Basic YW5uOmE6Yg==");
  CHECK_FALSE(basic_login("ann").ok());
  CHECK_FALSE(basic_login(":x").ok());
}

TEST_CASE("members by their dotted names become a merge patch") {
  CHECK(*merge_patch({"retries=3", "labels.team=web", "labels.tier=\"1\"", "labels.old=null"}) ==
        R"({"retries":3,"labels":{"team":"web","tier":"1","old":null}})");
  CHECK(*merge_patch({"entryPoint=a=b", "env={\"A\":\"1\"}", "user="}) ==
        R"({"entryPoint":"a=b","env":{"A":"1"},"user":""})");
  for (const char* wrong : {"retries", "=3", "a..b=1", ".a=1"}) {
    CAPTURE(wrong);
    CHECK_FALSE(merge_patch({wrong}).ok());
  }
  CHECK_FALSE(merge_patch({"a=1", "a=2"}).ok());
  CHECK_FALSE(merge_patch({"a=1", "a.b=2"}).ok());
  CHECK_FALSE(merge_patch({"a.b=2", "a=1"}).ok());
}

}  // namespace mimas::cli
