#include "wire/endpoint.h"

#include <doctest/doctest.h>

using namespace mimas;
using namespace mimas::wire;

TEST_CASE("endpoints are read in all the spellings of a master") {
  CHECK(*parse_endpoint("h:5050") == Endpoint{"h", 5050});
  CHECK(*parse_endpoint("[::1]:5050") == Endpoint{"::1", 5050});
  CHECK(*parse_endpoint("[fe80::1%eth0]:1") == Endpoint{"fe80::1%eth0", 1});
  CHECK(*parse_endpoint("http://h:5050") == Endpoint{"h", 5050});
  CHECK(*parse_endpoint("HTTP://h:5050/") == Endpoint{"h", 5050});
  CHECK(*parse_endpoint("master@10.0.0.1:5050") == Endpoint{"10.0.0.1", 5050});
  CHECK(*parse_endpoint("h", 5050) == Endpoint{"h", 5050});
  CHECK(*parse_endpoint("[::1]", 5050) == Endpoint{"::1", 5050});
  CHECK(*parse_endpoint("h:0", 0, true) == Endpoint{"h", 0});
  CHECK(parse_endpoint("https://h:5050").error().code == Code::unsupported);
}

TEST_CASE("what is not an endpoint is refused") {
  const std::string bad[] = {"",
                             ":5050",
                             "h",
                             "h:",
                             "h:0",
                             "h:65536",
                             "h:123456",
                             "h:-1",
                             "h:+1",
                             "h:1x",
                             "h 1:1",
                             " h:1",
                             "h:1 ",
                             "h\n:1",
                             "::1:5050",
                             "[::1",
                             "[]:1",
                             "[h]:1",
                             "[::1]5050",
                             "[::1%]:1",
                             "h/x:1",
                             "http://h:1/path",
                             "a@",
                             "h:1\r\nX: y",
                             std::string("h\0:1", 4),
                             std::string(256, 'h') + ":1",
                             "caf\xC3\xA9:1"};
  for (const std::string& text : bad) {
    CAPTURE(text);
    const auto parsed = parse_endpoint(text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().message.find('\n') == std::string::npos);
  }
}

TEST_CASE("an endpoint's text puts IPv6 into brackets") {
  CHECK(Endpoint{"h", 1}.text() == "h:1");
  CHECK(Endpoint{"::1", 1}.text() == "[::1]:1");
}

TEST_CASE("lists of endpoints keep their order and lose their duplicates") {
  CHECK(*parse_endpoints("b:1, a ,b:1,[::1]:2", 5050) ==
        std::vector<Endpoint>{{"b", 1}, {"a", 5050}, {"::1", 2}});
  for (const char* text : {"", ",", "a,", ",a", "a,,b"}) CHECK_FALSE(parse_endpoints(text, 5050).ok());
}

TEST_CASE("URLs fall into scheme, endpoint and target") {
  const auto url = parse_url("HTTP://h:81/a/b?c=d#e");
  REQUIRE(url.ok());
  CHECK(url->scheme == "http");
  CHECK(url->endpoint == Endpoint{"h", 81});
  CHECK(url->target == "/a/b?c=d");
  CHECK(parse_url("http://h")->target == "/");
  CHECK(parse_url("http://h")->endpoint.port == 80);
  CHECK(parse_url("https://h?x")->target == "/?x");
  CHECK(parse_url("https://h")->endpoint.port == 443);
  for (const char* text : {"h:80/", "://h", "http://", "http:///x", "http://u@h/", "http://h/a b",
                           "http://h/\r\nX:", "ftp://h/", "h p://h:1/"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_url(text).ok());
  }
}

TEST_CASE("a redirect names the leader in all its spellings") {
  for (const char* text :
       {"//b:5050/api/v1/scheduler", "//b:5050", "b:5050", "http://b:5050/api/v1/scheduler", "b:5050/x",
        "//b:5050/master/api/v1/scheduler"}) {
    CAPTURE(text);
    CHECK(*parse_redirect(text) == Endpoint{"b", 5050});
  }
  CHECK(*parse_redirect("//[::1]:5050/api/v1/scheduler") == Endpoint{"::1", 5050});
  CHECK(*parse_redirect("//b/x") == Endpoint{"b", 80});
}

TEST_CASE("a redirect with a line break, no host, a user or https is refused") {
  for (const char* text : {"", "/", "/api/v1", "b", "//", "//:5050", "//u@b:5050/", "https://b:5050/",
                           "//b:5050\r\nX: y", "//b:5050/\r\nX: y", "//b:x/"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_redirect(text).ok());
  }
}

TEST_CASE("percent-encoding is undone by decoding, for every byte") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK(*percent_decode(percent_encode(all), true) == all);
  CHECK(percent_encode("a-b._~ /+%") == "a-b._~%20%2F%2B%25");
  CHECK(*percent_decode("a+b%2b", true) == "a b+");
  CHECK(*percent_decode("a+b%2B", false) == "a+b+");
  for (const char* text : {"%", "%1", "%zz", "a%2", "%%20"}) CHECK_FALSE(percent_decode(text, false).ok());
}
