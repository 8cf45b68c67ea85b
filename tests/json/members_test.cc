#include "json/members.h"

#include <doctest/doctest.h>

namespace mimas::json {

TEST_CASE("members are found by name as in the text, of doubled ones the last") {
  const auto document = parse(R"({"b":1,"a":2,"b":3,"":4,"c":{"b":5},"b":6})");
  REQUIRE(document.ok());
  const Members members(document->root());
  CHECK(members.find("a")->int64().value() == 2);
  CHECK(members.find("b")->int64().value() == 6);
  CHECK(members.find("")->int64().value() == 4);
  CHECK(members.find("c")->find("b")->int64().value() == 5);
  CHECK_FALSE(members.find("d"));
  CHECK_FALSE(members.find("bb"));
  std::string told;
  for (const Members::Member& one : members.all()) {
    told += std::string(one.name) + "@" + std::to_string(one.place) + (one.doubled ? "!" : "") + " ";
  }
  CHECK(told == "@3 a@1 b@5! c@4 ");
}

TEST_CASE("what is no object has no members") {
  for (const char* text : {"[1,2]", "\"a\"", "7", "null", "{}"}) {
    const auto document = parse(text);
    REQUIRE(document.ok());
    CHECK(Members(document->root()).all().empty());
    CHECK_FALSE(Members(document->root()).find("a"));
  }
}

// Asked one by one, every name of an object and every pointer into a document: twice as much of it costs
// about twice as much.
TEST_CASE("names and pointers of a large document cost no walk each") {
  const auto cost = [](std::size_t names) {
    std::string text = "{\"list\":[";
    for (std::size_t i = 0; i < names; ++i) text += i == 0 ? "{}" : ",[{}]";
    text += "]";
    for (std::size_t i = 0; i < names; ++i) text += ",\"n" + std::to_string(i) + "\":" + std::to_string(i);
    const auto document = parse(text + "}");
    REQUIRE(document.ok());
    const std::uint64_t before = nodes_walked();
    const Members members(document->root());
    for (std::size_t i = 0; i < names; ++i) {
      CHECK(members.find("n" + std::to_string(i))->int64().value() == static_cast<std::int64_t>(i));
      const Value place = members.find("list")->at(i);
      if (place.pointer() != "/list/" + std::to_string(i)) FAIL(place.pointer());
    }
    return nodes_walked() - before;
  };
  const std::uint64_t small = cost(1'000), large = cost(8'000);
  CHECK(large < 12 * small);
}

}  // namespace mimas::json
