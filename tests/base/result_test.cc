#include "base/result.h"

#include <doctest/doctest.h>
#include <memory>
#include <set>

using namespace mimas;

TEST_CASE("a result holds its value or its error") {
  Result<int> good = 7;
  CHECK(good.ok());
  CHECK(*good == 7);
  Result<int> bad = make_error(Code::not_found, "no such job", "mimas-1");
  CHECK_FALSE(bad);
  CHECK(bad.error().code == Code::not_found);
}

TEST_CASE("a result hands out what can only be moved") {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(5);
  std::unique_ptr<int> taken = *std::move(made);
  CHECK(*taken == 5);
}

TEST_CASE("an error's text names place and remedy only when there are any") {
  CHECK(make_error(Code::io, "no space").text() == "no space");
  CHECK(make_error(Code::io, "no space", "/var").text() == "/var: no space");
  CHECK(make_error(Code::io, "no space", "/var", "delete something").text() ==
        "/var: no space (delete something)");
}

TEST_CASE("every code has a name of its own") {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Code::internal); ++i) names.insert(code_name(static_cast<Code>(i)));
  CHECK(names.size() == static_cast<std::size_t>(Code::internal) + 1);
}
