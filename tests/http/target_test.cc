#include "http/target.h"

#include <doctest/doctest.h>

namespace mimas::http {
namespace {

std::string shown(const Target& target) {
  std::string text = target.path;
  for (const QueryParameter& parameter : target.query)
    text += " " + parameter.name + "=" + parameter.value + ";";
  return text;
}

std::string parsed(std::string_view text) {
  const Result<Target> target = parse_target(text);
  return target ? shown(*target) : "error: " + target.error().message;
}

TEST_CASE("a path is percent-decoded exactly once; what spells a slash in a name stays for the router") {
  CHECK(parsed("/v2/jobs/a%20b") == "/v2/jobs/a b");
  CHECK(parsed("/%61%252520b%20") == "/a%252520b ");
  CHECK(parsed("/a+b") == "/a+b");
  CHECK(parsed("/a%2Fb%2fc%2e") == "/a%2Fb%2fc.");
  CHECK(parsed("/%2F") == "/%2F");
}

TEST_CASE("query parameters keep their order and their repetitions, and are decoded once") {
  CHECK(parsed("/p?b=2&a=1&b=2&b=3") == "/p b=2; a=1; b=2; b=3;");
  CHECK(parsed("/p?q=a+b%2Bc%26d%3De") == "/p q=a b+c&d=e;");
  CHECK(parsed("/p?flag&empty=&=x&&k=v=w") == "/p flag=; empty=; =x; k=v=w;");
  CHECK(parsed("/p?a=%2525") == "/p a=%25;");
  CHECK(parsed("/p?") == "/p");
  CHECK(parsed("/p?a=?b") == "/p a=?b;");
}

TEST_CASE("bad escapes, encoded NULs and too many parameters are refused") {
  CHECK(parsed("/a%zz").starts_with("error"));
  CHECK(parsed("/a%2").starts_with("error"));
  CHECK(parsed("/a?b=%").starts_with("error"));
  CHECK(parsed("/a%00b") == "error: the request target has a NUL in it");
  CHECK(parsed("*") == "*");
  std::string many = "/p?";
  for (std::size_t i = 0; i < kQueryParametersMax; ++i) many += "a&";
  CHECK_FALSE(parsed(many).starts_with("error"));
  CHECK(parsed(many + "a") == "error: too many query parameters");
}

TEST_CASE("a parameter that is empty is told from one that is absent") {
  Request request;
  request.query = {{"a", ""}, {"b", "1"}, {"b", "2"}};
  bool present = false;
  CHECK(request.parameter("a", &present) == "");
  CHECK(present);
  CHECK(request.parameter("c", &present) == "");
  CHECK_FALSE(present);
  CHECK(request.parameter("b") == "1");
}

}  // namespace
}  // namespace mimas::http
