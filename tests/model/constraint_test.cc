#include "model/constraint.h"

#include <doctest/doctest.h>

#include "base/prng.h"

namespace mimas {
namespace {

using Kind = Constraint::Kind;

Constraint parsed(std::string_view text) {
  Result<Constraint> constraint = parse_constraint(text);
  REQUIRE(constraint.ok());
  return *constraint;
}

TEST_CASE("each form of the grammar is read, with blanks where one likes") {
  CHECK(parsed("arch=arm").kind == Kind::equals);
  CHECK(parsed("  rack != r 9 ").values == std::vector<std::string>{"r 9"});
  CHECK(parsed("rack!=r9").kind == Kind::not_equals);
  CHECK(parsed("zone in(a,b )").values == std::vector<std::string>{"a", "b"});
  CHECK(parsed("zone not  in ( a )").kind == Kind::not_in);
  CHECK(parsed("ssd").kind == Kind::exists);
  CHECK(parsed(" UniqueHost ").kind == Kind::unique_host);
  CHECK(parsed(" UniqueHost ").attribute.empty());
  CHECK(parsed(" a =\tb ").text == "a =\tb");
  CHECK(parsed("in=1").attribute == "in");
  CHECK(parsed("index=1").attribute == "index");
}

TEST_CASE("what is not of the grammar is refused with a hint") {
  for (const char* text :
       {"", "  ", "=x", "a=", "a!=", "a==b", "a in", "a in ()", "a in (b", "a in (b,)", "a in b", "a not (b)",
        "a notin (b)", "a like b", "a b", "(a)", "a in (b(c))", "a=\x01"}) {
    CAPTURE(text);
    Result<Constraint> constraint = parse_constraint(text);
    REQUIRE_FALSE(constraint.ok());
    CHECK(constraint.error().code == Code::invalid_argument);
    CHECK_FALSE(constraint.error().hint.empty());
  }
}

TEST_CASE("limits: 256 bytes a constraint, 64 values a list") {
  CHECK(parse_constraint("a=" + std::string(254, 'x')).ok());
  CHECK_FALSE(parse_constraint("a=" + std::string(255, 'x')).ok());
  std::string list = "a in (v";
  for (int i = 1; i < 64; ++i) list += ",v";
  CHECK(parse_constraint(list + ")").ok());
  CHECK_FALSE(parse_constraint(list + ",v)").ok());
}

TEST_CASE("a missing attribute satisfies != and not in, and nothing else") {
  Attributes none;
  CHECK(satisfies(parsed("a!=b"), none));
  CHECK(satisfies(parsed("a not in (b)"), none));
  CHECK_FALSE(satisfies(parsed("a=b"), none));
  CHECK_FALSE(satisfies(parsed("a in (b)"), none));
  CHECK_FALSE(satisfies(parsed("a"), none));
}

TEST_CASE("values are compared as text, exactly") {
  Attributes some = {{"arch", "arm"}, {"n", "1"}};
  CHECK(satisfies(parsed("arch=arm"), some));
  CHECK_FALSE(satisfies(parsed("arch=ARM"), some));
  CHECK_FALSE(satisfies(parsed("n=1.0"), some));
  CHECK_FALSE(satisfies(parsed("arch!=arm"), some));
  CHECK(satisfies(parsed("arch in (x86, arm)"), some));
  CHECK_FALSE(satisfies(parsed("arch not in (x86, arm)"), some));
  CHECK(satisfies(parsed("arch"), some));
}

TEST_CASE("no text breaks the parser, and what it accepts it accepts again") {
  Prng random(11);
  const std::string_view alphabet = "ab=!(), \tinotUHs";
  for (int round = 0; round < 50'000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(14); i > 0; --i) text += alphabet[random.below(alphabet.size())];
    Result<Constraint> constraint = parse_constraint(text);
    if (constraint.ok()) CHECK(parsed(constraint->text) == *constraint);
  }
}

}  // namespace
}  // namespace mimas
