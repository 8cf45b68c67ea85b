// The flags of the API's listeners and their way to checked values.
#include "cli/access_flags.h"

#include <doctest/doctest.h>

#include "cli/command_line.h"

namespace mimas::cli {
namespace {

using Words = std::vector<std::string>;

server::ServerOptions serve(Words more) {
  Words words{"serve", "--master", "m:1", "--data", "/d"};
  words.insert(words.end(), more.begin(), more.end());
  const CommandLine line = parse_command_line(words);
  INFO(line.error);
  REQUIRE(line.command);
  return std::get<Serve>(*line.command).options;
}

std::string refused(Words more, const char* command = "serve") {
  Words words{command};
  if (std::string(command) == "serve") words.insert(words.end(), {"--master", "m:1", "--data", "/d"});
  words.insert(words.end(), more.begin(), more.end());
  const CommandLine line = parse_command_line(words);
  REQUIRE_FALSE(line.command);
  CHECK(line.exit_code == 2);
  return line.error;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("the API may listen at several addresses, each with its role and scheme") {
  const auto access =
      serve({"--listen", "127.0.0.1:1", "--listen", "10.0.0.5:2=operator", "--listen", "http://[::1]:3=none"})
          .access;
  REQUIRE(access.listen.size() == 3);
  CHECK(access.listen[0] == server::ListenOptions{{"127.0.0.1", 1}, {}, {}});
  CHECK(access.listen[1] == server::ListenOptions{{"10.0.0.5", 2}, server::Role::operator_, {}});
  CHECK(access.listen[2] == server::ListenOptions{{"::1", 3}, server::Role::none, false});
  CHECK(serve({"--listen", "127.0.0.1:1,127.0.0.2:2"}).access.listen.size() == 2);
}

TEST_CASE("an address that others reach takes credentials, a role or --insecure") {
  const std::string why = refused({"--listen", "0.0.0.0:7101"});
  CHECK(contains(why, "--listen"));
  CHECK(contains(why, "--api-credentials"));
  CHECK(contains(why, "--insecure"));
  CHECK(contains(refused({"--listen", "127.0.0.1:1", "--listen", "mimas.lan:1"}), "mimas.lan:1"));
  CHECK(serve({"--listen", "0.0.0.0:7101", "--insecure"}).access.insecure);
  CHECK(serve({"--listen", "0.0.0.0:7101=viewer"}).access.listen[0].role == server::Role::viewer);
  CHECK(serve({"--listen", "0.0.0.0:7101", "--api-credentials", "/f"}).access.credentials_file == "/f");
  for (const char* loopback : {"127.0.0.1:1", "127.1.2.3:1", "localhost:1", "[::1]:1"})
    CHECK(serve({"--listen", loopback}).access.listen.size() == 1);
}

TEST_CASE("what is wrong or does not go together names its flag") {
  CHECK(contains(refused({"--listen", "127.0.0.1:1=root"}), "none, viewer, operator or admin"));
  CHECK(contains(refused({"--listen", "https://127.0.0.1:1"}), "certificate"));
  CHECK(contains(refused({"--tls-cert", "c"}), "--tls-key"));
  CHECK(contains(refused({"--tls-key", "k"}), "--tls-cert"));
  CHECK(contains(refused({"--tls-client-ca", "a"}), "--tls-client-ca"));
  CHECK(
      contains(refused({"--tls-client-ca", "a", "--tls-cert", "c", "--tls-key", "k"}), "--api-credentials"));
  CHECK(contains(refused({"--cors-origin", "*"}), "--cors-origin"));
  CHECK(contains(refused({"--http-connections", "3"}), "--http-connections"));
  CHECK(contains(refused({"--http-connections", "99999999999999"}), "--http-connections"));
  CHECK(contains(refused({"--http-streams", "96"}), "--http-streams"));
  CHECK(contains(refused({"--http-connections-per-address", "0"}), "--http-connections-per-address"));
  CHECK(contains(refused({"--http-body-max", "-1"}), "--http-body-max"));
  CHECK(contains(refused({"--http-body-max", "67108865"}), "--http-body-max"));
  CHECK(contains(refused({"--http-replies-max", "1000"}), "--http-replies-max"));
  CHECK(contains(refused({"--advertise", "ftp://a:1"}), "--advertise"));
}

TEST_CASE("limits, origins and names arrive") {
  const auto options = serve(
      {"--http-connections", "10", "--http-streams", "9", "--http-connections-per-address", "3",
       "--http-body-max", "4096", "--http-replies-max", "2000000", "--cors-origin", "https://a.example",
       "--cors-origin", "https://b.example", "--http-host", "mimas.lan", "--advertise", "https://gate:8443"});
  CHECK(options.access.connections_max == 10);
  CHECK(options.access.streams_max == 9);
  CHECK(options.access.connections_per_address_max == 3);
  CHECK(options.access.body_bytes_max == 4096);
  CHECK(options.access.reply_bytes_max == 2'000'000);
  CHECK(options.access.cors_origins == Words{"https://a.example", "https://b.example"});
  CHECK(options.access.host_names == Words{"mimas.lan", "gate"});
  CHECK(options.advertise == "https://gate:8443");
}

TEST_CASE("dev keeps --tls-cert for its masters; the API's has a prefix everywhere") {
  CHECK(serve({"--tls-cert", "c", "--tls-key", "k"}).access.certificate_file == "c");
  CHECK(serve({"--api-tls-cert", "c", "--api-tls-key", "k"}).access.certificate_file == "c");
  const CommandLine dev =
      parse_command_line({"dev", "--data", "/d", "--api-tls-cert", "c", "--api-tls-key", "k"});
  REQUIRE(dev.command);
  CHECK(std::get<Dev>(*dev.command).server.access.certificate_file == "c");
}

TEST_CASE("token needs a file, and a name where there is one to name") {
  CHECK(contains(refused({"new", "ci"}, "token"), "--file"));
  CHECK(contains(refused({"new", "--file", "/f"}, "token"), "NAME"));
  CHECK(contains(refused({"melt", "--file", "/f"}, "token"), "melt"));
  const CommandLine line = parse_command_line({"token", "new", "--name", "ci", "--role", "operator", "--app",
                                               "shop", "--app", "web", "--file", "/f"});
  REQUIRE(line.command);
  const auto& tokens = std::get<Tokens>(*line.command);
  CHECK(tokens.what == "new");
  CHECK(tokens.name == "ci");
  CHECK(tokens.role == "operator");
  CHECK(tokens.apps == Words{"shop", "web"});
  CHECK(std::get<Tokens>(*parse_command_line({"token", "revoke", "ci", "--file", "/f"}).command).name ==
        "ci");
}

}  // namespace
}  // namespace mimas::cli
