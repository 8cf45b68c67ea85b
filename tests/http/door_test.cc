// What a browser may do here for pages of others, by values.
#include "http/door.h"

#include <doctest/doctest.h>

namespace mimas::http {
namespace {

int calls = 0;

Reply ask(const Door& door, const std::string& method, const std::string& origin,
          const std::string& host = "127.0.0.1:7101", std::vector<wire::Header> more = {}) {
  Request request;
  request.method = method;
  request.path = "/v2/jobs";
  if (!host.empty()) request.headers.push_back({"Host", host});
  if (!origin.empty()) request.headers.push_back({"Origin", origin});
  for (wire::Header& header : more) request.headers.push_back(std::move(header));
  calls = 0;
  const Handler handler = behind(door, [](const Request& seen) {
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

const Door kClosed{{}, {}};
const Door kOpen{{"https://console.example", "http://localhost:3000"}, {"mimas.example"}};
const wire::Header kJson{"Content-Type", "application/json; charset=utf-8"};

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
  CHECK(ask(kClosed, "POST", "http://127.0.0.1:7101", "127.0.0.1:7101", {kJson}).status == 204);
  CHECK(ask(kClosed, "POST", "http://LOCALHOST:7101", "localhost:7101", {kJson}).status == 204);
  CHECK(ask(kOpen, "POST", "https://mimas.example", "mimas.example", {kJson}).status == 204);
  CHECK(ask(kOpen, "POST", "https://mimas.example", "", {kJson}).status == 403);
}

TEST_CASE("named origins, these and no others, are answered and asked before") {
  for (const std::string& origin : kOpen.origins) {
    const Reply reply = ask(kOpen, "POST", origin, "mimas.example:7101", {kJson});
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

TEST_CASE(
    "a listener answers to addresses, to this machine and to names that it was given, and to no other") {
  for (const char* host : {"127.0.0.1:7101", "127.9.9.9", "localhost", "LocalHost:1", "[::1]:7101", "[::1]",
                           "", "10.0.0.1", "10.0.0.1:80", "[2001:db8::2]:7101", "0.0.0.0:7101"}) {
    CAPTURE(host);
    CHECK(ask(kClosed, "GET", "", host).status == 204);
  }
  for (const char* host : {"evil.example:7101", "127.0.0.1.evil.example", "localhost.evil.example", "127.1",
                           "0x7f000001", "2130706433", "[", ":", "mimas.example.evil", "local"}) {
    CAPTURE(host);
    for (const Door& door : {kClosed, kOpen}) {
      CHECK(ask(door, "GET", "", host).status == 421);
      CHECK(calls == 0);
    }
  }
  const Door named{{}, {"mimas.lan"}};
  CHECK(ask(named, "GET", "", "MIMAS.lan:7101").status == 204);
  CHECK(ask(named, "GET", "", "mimas.lan.evil").status == 421);
  for (const std::string& own : own_names()) CHECK(ask({{}, own_names()}, "GET", "", own).status == 204);
}

TEST_CASE("where a browser names no origin, what else it says of the page counts") {
  const auto post = [](std::vector<wire::Header> headers) {
    headers.push_back(kJson);
    return ask(kClosed, "POST", "", "127.0.0.1:7101", std::move(headers)).status;
  };
  for (const char* site : {"cross-site", "same-site", "x"}) CHECK(post({{"Sec-Fetch-Site", site}}) == 403);
  for (const char* site : {"same-origin", "none"}) CHECK(post({{"Sec-Fetch-Site", site}}) == 204);
  for (const char* page : {"http://evil.example/a", "http://evil.example", "http://127.0.0.1:7102/",
                           "http://127.0.0.1:7101.evil.example/", "x", "about:blank"})
    CHECK(post({{"Referer", page}}) == 403);
  CHECK(post({{"Referer", "http://127.0.0.1:7101/page?x=http://evil.example/"}}) == 204);
  CHECK(post({{"Sec-Fetch-Site", "same-origin"}, {"Referer", "http://evil.example/"}}) == 204);
  CHECK(ask(kClosed, "GET", "", "127.0.0.1:7101", {{"Sec-Fetch-Site", "cross-site"}}).status == 204);
}

TEST_CASE("a browser says a type that pages cannot send unasked, and programs say what they like") {
  for (const char* type : {"", "text/plain", "Text/Plain; charset=utf-8", "application/x-www-form-urlencoded",
                           "multipart/form-data; boundary=x"}) {
    CAPTURE(type);
    std::vector<wire::Header> headers;
    if (*type != '\0') headers.push_back({"Content-Type", type});
    CHECK(ask(kClosed, "POST", "", "127.0.0.1:7101", headers).status == 204);
    CHECK(ask(kClosed, "GET", "http://127.0.0.1:7101", "127.0.0.1:7101", headers).status == 204);
    CHECK(ask(kClosed, "POST", "http://127.0.0.1:7101", "127.0.0.1:7101", headers).status == 415);
    CHECK(calls == 0);
    CHECK(ask(kOpen, "DELETE", "https://console.example", "mimas.example", headers).status == 415);
    headers.push_back({"Sec-Fetch-Site", "none"});
    CHECK(ask(kClosed, "POST", "", "127.0.0.1:7101", headers).status == 415);
  }
  for (const char* type : {"application/json", "application/x-protobuf", "application/merge-patch+json"})
    CHECK(ask(kClosed, "POST", "http://127.0.0.1:7101", "127.0.0.1:7101", {{"Content-Type", type}}).status ==
          204);
}

TEST_CASE("no answer is wrapped for a script of another page") {
  Request request;
  request.method = "GET";
  request.path = "/state";
  request.query = {{"jsonp", ""}};
  CHECK(behind(kClosed, [](const Request&) { return Reply{}; })(request).status == 400);
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
