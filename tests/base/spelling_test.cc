#include "base/spelling.h"

#include <doctest/doctest.h>

#include <string>

using mimas::nearest_word;

TEST_CASE("the nearest of the known words is meant, and none that is far") {
  const std::vector<std::string_view> known{"jobs", "job", "kill", "logs", "version"};
  CHECK(nearest_word("jbos", known) == "jobs");
  CHECK(nearest_word("KIL", known) == "kill");
  CHECK(nearest_word("verison", known) == "version");
  CHECK(nearest_word("submit", known).empty());
  CHECK(nearest_word("", known).empty());
  CHECK(nearest_word("abc", {"xyz"}).empty());
  CHECK(nearest_word(std::string(1'000'000, 'a'), known).empty());
}
