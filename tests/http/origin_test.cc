// What a browser may do here for pages of others, by values.
#include "http/origin.h"

#include <doctest/doctest.h>

namespace mimas::http {
namespace {

int calls = 0;

Reply ask(const OriginPolicy& policy, const std::string& method, const std::string& origin,
          const std::string& host = "127.0.0.1:7101", std::vector<wire::Header> more = {}) {
  Request request;
  request.method = method;
  request.path = "/v2/jobs";
  if (!host.empty()) request.headers.push_back({"Host", host});
  if (!origin.empty()) request.headers.push_back({"Origin", origin});
  for (wire::Header& header : more) request.headers.push_back(std::move(header));
  calls = 0;
  const Handler handler = with_origin_policy(policy, [](const Request& seen) {
    ++calls;
    Reply reply;
    reply.status = seen.method == "OPTIONS" ? 405 : 204;
    return reply;
  });
  return handler(request);
}

std::string header(const Reply& reply, std::string_view name) {
  return std::string(wire::find_header(reply.headers, name));
}
bool says_anything_of_origins(const Reply& reply) {
  for (const wire::Header& one : reply.headers)
    if (one.name.starts_with("Access-Control") || one.name == "Vary") return true;
  return false;
}

const OriginPolicy kClosed{{}, true, {}};
const OriginPolicy kOpen{{"https://console.example", "http://localhost:3000"}, false, {}};

TEST_CASE("programs that are no browsers notice nothing") {
  for (const char* method : {"GET", "HEAD", "POST", "DELETE", "PATCH"}) {
    const Reply reply = ask(kClosed, method, "");
    CHECK(reply.status == 204);
    CHECK_FALSE(says_anything_of_origins(reply));
    CHECK(ask(kOpen, method, "").status == 204);
  }
}

TEST_CASE("without names no origin is told anything, and none may change anything") {
  for (const char* origin : {"https://evil.example", "null", "http://127.0.0.1:7102", "http://127.0.0.1"}) {
    CAPTURE(origin);
    const Reply read = ask(kClosed, "GET", origin);
    CHECK(read.status == 204);  // the browser keeps the answer from the page
    CHECK_FALSE(says_anything_of_origins(read));
    for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
      const Reply change = ask(kClosed, method, origin);
      CHECK(change.status == 403);
      CHECK(calls == 0);
      CHECK_FALSE(says_anything_of_origins(change));
    }
    const Reply before =
        ask(kClosed, "OPTIONS", origin, "127.0.0.1:7101", {{"Access-Control-Request-Method", "POST"}});
    CHECK(before.status == 405);
    CHECK_FALSE(says_anything_of_origins(before));
  }
}

TEST_CASE("a page of our own may do what it likes") {
  CHECK(ask(kClosed, "POST", "http://127.0.0.1:7101").status == 204);
  CHECK(ask(kClosed, "POST", "http://LOCALHOST:7101", "localhost:7101").status == 204);
  CHECK(ask(kOpen, "POST", "https://mimas.example", "mimas.example").status == 204);
  CHECK(ask(kOpen, "POST", "https://mimas.example", "").status == 403);
}

TEST_CASE("named origins, these and no others, are answered and asked before") {
  for (const std::string& origin : kOpen.origins) {
    const Reply reply = ask(kOpen, "POST", origin, "mimas.example:7101");
    CHECK(reply.status == 204);
    CHECK(header(reply, "Access-Control-Allow-Origin") == origin);
    CHECK(header(reply, "Access-Control-Expose-Headers").find("X-Next-Cursor") != std::string::npos);
    CHECK(header(reply, "Vary") == "Origin");
    const Reply before =
        ask(kOpen, "OPTIONS", origin, "mimas.example:7101", {{"Access-Control-Request-Method", "DELETE"}});
    CHECK(before.status == 204);
    CHECK(calls == 0);
    CHECK(header(before, "Access-Control-Allow-Origin") == origin);
    CHECK(header(before, "Access-Control-Allow-Methods").find("DELETE") != std::string::npos);
    CHECK(header(before, "Access-Control-Allow-Headers").find("Authorization") != std::string::npos);
    CHECK(header(before, "Access-Control-Allow-Credentials").empty());  // tokens are sent on purpose
    CHECK(ask(kOpen, "OPTIONS", origin).status == 405);                 // asks for nothing in particular
  }
  for (const char* other : {"https://console.example.evil", "http://console.example",
                            "https://console.example:444", "https://CONSOLE.example", "*"}) {
    CAPTURE(other);
    const Reply reply = ask(kOpen, "GET", other, "mimas.example:7101");
    CHECK(header(reply, "Access-Control-Allow-Origin").empty());
    CHECK(header(reply, "Vary") == "Origin");
    CHECK(ask(kOpen, "POST", other, "mimas.example:7101").status == 403);
  }
}

TEST_CASE("a listener on loopback answers to this machine's names alone") {
  for (const char* host :
       {"127.0.0.1:7101", "127.9.9.9", "localhost", "LocalHost:1", "[::1]:7101", "[::1]", ""}) {
    CAPTURE(host);
    CHECK(ask(kClosed, "GET", "", host).status == 204);
  }
  for (const char* host : {"evil.example:7101", "127.0.0.1.evil.example", "localhost.evil.example",
                           "10.0.0.1", "[::2]", "128.0.0.1", "127.1", "[", ":", "0.0.0.0:7101"}) {
    CAPTURE(host);
    CHECK(ask(kClosed, "GET", "", host).status == 421);
    CHECK(calls == 0);
    CHECK(ask(kOpen, "GET", "", host).status == 204);
  }
  const OriginPolicy named{{}, true, {"mimas.lan"}};
  CHECK(ask(named, "GET", "", "MIMAS.lan:7101").status == 204);
  CHECK(ask(named, "GET", "", "mimas.lan.evil").status == 421);
}

TEST_CASE("an origin is what a browser would send") {
  for (const char* good : {"https://console.example", "http://localhost:3000", "https://[2001:db8::1]:8443"})
    CHECK(check_origin(good).ok());
  for (const char* bad : {"", "*", "null", "console.example", "https://", "https://a/", "https://a/b",
                          "ftp://a", "https://A", "https://a b", "https://:80", "https://u@a"}) {
    CAPTURE(bad);
    CHECK_FALSE(check_origin(bad).ok());
  }
}

}  // namespace
}  // namespace mimas::http
