// Where the API listens and to whom: the rules by values, and whole listeners over loopback, port 0.
#include "server/listeners.h"

#include <doctest/doctest.h>

#include <mutex>

#include "net/http_client.h"
#include "server/answers.h"

using namespace mimas;
using namespace mimas::server;

namespace {

http::Router whoami(Authenticate authenticate) {
  Routes routes(std::move(authenticate));
  routes.add(Role::viewer, "GET", "/me", [](const Call& call) {
    return json_reply("\"" + std::string(role_name(call.who.role)) + "\"");
  });
  routes.add_bare(Role::none, "GET", "/health", [](const Call&) { return json_reply("1"); });
  return routes.take();
}

std::string ask(const Listeners::At& at, const std::string& path) {
  net::HttpClient client{at.endpoint, {20'000, 20'000}};
  wire::Request request;
  request.method = "GET";
  request.target = path;
  request.host = at.endpoint.text();
  const auto response = client.exchange(std::move(request), false);
  REQUIRE(response.ok());
  return std::to_string(response->head.status) + " " + response->body.substr(0, 20);
}

ListenOptions any_port(std::optional<Role> role = {}) { return {{"127.0.0.1", 0}, role, {}}; }

}  // namespace

TEST_CASE("an address is host, port, and perhaps scheme and role") {
  CHECK(parse_listen("10.0.0.5", 7101).value() == ListenOptions{{"10.0.0.5", 7101}, {}, {}});
  CHECK(parse_listen("10.0.0.5:1=admin", 7101).value() == ListenOptions{{"10.0.0.5", 1}, Role::admin, {}});
  CHECK(parse_listen("https://[::]:2=viewer", 7101).value() == ListenOptions{{"::", 2}, Role::viewer, true});
  for (const char* bad :
       {"", "=admin", "a:1=", "a:1=Admin", "a:1=viewer=viewer", "a:99999", "ftp://a:1", "a b:1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_listen(bad, 7101).ok());
  }
}

TEST_CASE("what is allowed and still worth a word is said") {
  AccessOptions options;
  CHECK(access_warnings(options).empty());
  options.listen = {{{"10.0.0.5", 1}, {}, {}}};
  options.insecure = true;
  REQUIRE(access_warnings(options).size() == 1);
  CHECK(access_warnings(options)[0].find("may do everything") != std::string::npos);
  options.credentials_file = "/f";
  REQUIRE(access_warnings(options).size() == 1);
  CHECK(access_warnings(options)[0].find("can be read") != std::string::npos);
  options.certificate_file = "/c";
  CHECK(access_warnings(options).empty());
  options.listen[0].tls = false;
  CHECK(access_warnings(options).size() == 1);
  options.listen[0].role = Role::none;
  CHECK(access_warnings(options).empty());
}

TEST_CASE("each address has its role, and loopback all of them when nothing is said") {
  AccessOptions options;
  options.listen = {any_port(), any_port(Role::viewer), any_port(Role::none)};
  const auto listeners = Listeners::open(options, whoami, [](const std::string&) {});
  REQUIRE(listeners.ok());
  const auto& at = (*listeners)->addresses();
  REQUIRE(at.size() == 3);
  CHECK(ask(at[0], "/v2/me") == "200 \"admin\"");
  CHECK(ask(at[1], "/v2/me") == "200 \"viewer\"");
  CHECK(ask(at[2], "/v2/me").starts_with("403 "));
  for (const auto& one : at) CHECK(ask(one, "/health") == "200 1");
  (*listeners)->stop();
}

TEST_CASE("a listener that may not be, or cannot be, keeps all of them from opening") {
  AccessOptions options;
  options.listen = {any_port(), {{"192.0.2.1", 0}, {}, {}}};
  const auto open = [&] { return Listeners::open(options, whoami, [](const std::string&) {}); };
  CHECK(open().error().code == Code::invalid_argument);  // nobody would be asked
  options.insecure = true;
  CHECK(open().error().code == Code::io);  // TEST-NET-1 is nobody's
  options.listen = {any_port()};
  options.credentials_file = "/no/such/file";
  CHECK(open().error().where == "/no/such/file");
  options.credentials_file.clear();
  options.certificate_file = options.key_file = "/no/such/file";
  CHECK(open().error().where == "/no/such/file");
}
