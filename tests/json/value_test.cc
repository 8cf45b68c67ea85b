#include "json/value.h"

#include <doctest/doctest.h>

using namespace mimas;
using namespace mimas::json;

TEST_CASE("a wrong type is an error with the JSON pointer and both kinds") {
  auto parsed = parse(R"({"tasks":[{"name":5}]})");
  REQUIRE(parsed.ok());
  auto name = parsed->root().find("tasks")->at(0).find("name")->string();
  REQUIRE_FALSE(name.ok());
  CHECK(name.error().code == Code::invalid_argument);
  CHECK(name.error().where == "/tasks/0/name");
  CHECK(name.error().message == "expected a string, found a number");
  CHECK(parsed->root().boolean().error().where.empty());
}

TEST_CASE("pointers escape tilde and slash") {
  auto parsed = parse(R"({"a/b":{"m~n":[0,1]},"":[true]})");
  const Value root = parsed->root();
  CHECK(root.find("a/b")->find("m~n")->at(1).pointer() == "/a~1b/m~0n/1");
  CHECK(root.find("")->at(0).pointer() == "//0");
  CHECK(root.pointer().empty());
}

TEST_CASE("the last of duplicate members wins") {
  auto parsed = parse(R"({"a":1,"b":2,"a":3})");
  CHECK(parsed->root().size() == 3);
  CHECK(parsed->root().int64_or("a", 0) == 3);
  CHECK(parsed->root().name(2) == "a");
}

TEST_CASE("a missing required member is named in the pointer") {
  auto parsed = parse(R"({"a":{}})");
  auto missing = parsed->root().find("a")->member("x/y");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().where == "/a/x~1y");
  CHECK(missing.error().message == "missing required field");
  CHECK(parsed->root().member("a").ok());
  CHECK_FALSE(parse("[]")->root().member("a").ok());
}

TEST_CASE("integers are taken only without loss") {
  const auto doc = parse(
      "[5, 5.0, 5.5, 9223372036854775807, 9223372036854775808, -1, 1e3, -9223372036854775808.0, 1e300, "
      "\"5\", "
      "18446744073709551616]");
  const Value root = doc->root();
  const bool integer[] = {true, true, false, true, false, true, true, true, false, false, false};
  for (std::size_t i = 0; i < root.size(); ++i) {
    CAPTURE(i);
    CHECK(root.at(i).is_integer() == integer[i]);
    CHECK(root.at(i).int64().ok() == integer[i]);
  }
  CHECK(*root.at(1).int64() == 5);
  CHECK(*root.at(7).int64() == INT64_MIN);
  CHECK(root.at(2).int64().error().message == "expected a 64-bit integer, found 5.5");
  CHECK(root.at(9).int64().error().message == "expected a 64-bit integer, found a string");
  CHECK(*root.at(4).uint64() == 9223372036854775808ULL);
  CHECK_FALSE(root.at(5).uint64().ok());
  CHECK_FALSE(root.at(10).uint64().ok());
  CHECK(*root.at(3).number() == 9223372036854775807.0);
}

TEST_CASE("lenient getters answer the default for what is absent, null or of another type") {
  auto parsed = parse(R"({"s":"x","n":null,"i":7,"d":1.5,"b":true})");
  const Value root = parsed->root();
  CHECK(root.string_or("s", "-") == "x");
  CHECK(root.string_or("n", "-") == "-");
  CHECK(root.string_or("i", "-") == "-");
  CHECK(root.string_or("zz", "-") == "-");
  CHECK(root.int64_or("i", 1) == 7);
  CHECK(root.int64_or("d", 1) == 1);
  CHECK(root.number_or("i", 0) == 7.0);
  CHECK(root.number_or("d", 0) == 1.5);
  CHECK(root.number_or("s", 2) == 2.0);
  CHECK(root.bool_or("b", false));
  CHECK_FALSE(root.bool_or("i", false));
  CHECK(root.find("i")->string_or("x", "-") == "-");
}

TEST_CASE("values stay good when their document moves") {
  auto parsed = parse(R"({"a":["x"]})");
  const Value inner = parsed->root().find("a")->at(0);
  Document moved = *std::move(parsed);
  CHECK(*inner.string() == "x");
  CHECK(inner.pointer() == "/a/0");
  CHECK(moved.root().array().error().message == "expected an array, found an object");
}
