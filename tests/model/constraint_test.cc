#include "model/constraint.h"

#include <doctest/doctest.h>

#include "base/prng.h"
#include "model/pattern.h"

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
  for (const char* text : {"",
                           "  ",
                           "=x",
                           "a=",
                           "a!=",
                           "a==b",
                           "a in",
                           "a in ()",
                           "a in (b",
                           "a in (b,)",
                           "a in b",
                           "a not (b)",
                           "a notin (b)",
                           "a b",
                           "(a)",
                           "a in (b(c))",
                           "a=\x01",
                           "a like",
                           "a like (",
                           "a not like [",
                           "a like (b)\\1",
                           "a<",
                           "a<b",
                           "a<1.2345",
                           "a<1.",
                           "a<.5",
                           "a<1e3",
                           "a>=1234567890123",
                           "!",
                           "!a b",
                           "! =",
                           "GroupBy()",
                           "GroupBy(a",
                           "GroupBy(a, 2)",
                           "MaxPer(a)",
                           "MaxPer(a, 0)",
                           "MaxPer(a, 10001)",
                           "MaxPer(a, 1) b",
                           "with()",
                           "with(x)",
                           "with(job:)",
                           "apart(app)",
                           "apart(job:x",
                           "near(job:x)",
                           "UniqueHost()",
                           "a=b weight 0",
                           "a=b weight 101",
                           "a=b weight 1 weight 2",
                           "weight 5",
                           "a= weight 5"}) {
    CAPTURE(text);
    Result<Constraint> constraint = parse_constraint(text);
    REQUIRE_FALSE(constraint.ok());
    CHECK(constraint.error().code == Code::invalid_argument);
    CHECK_FALSE(constraint.error().hint.empty());
  }
}

TEST_CASE("an error names the column and what was expected there") {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {" a =", "column 5: expected a value"},
      {"a==b", "column 3: expected a value"},
      {"rack near r1", "column 6: expected an operator"},
      {"rack not r1", "column 10: expected 'in' or 'like'"},
      {"zone in (a b", "column 13: expected ',' or ')'"},
      {"zone in (a, )", "column 13: expected a value"},
      {"kernel like 6(", "column 13: expected a regular expression: missing )"},
      {"mem>4G", "column 5: expected a number"},
      {"MaxPer(rack, many)", "column 14: expected a number from 1 to 10000"},
      {"with(batch)", "column 6: expected job:NAME or app:NAME"},
      {"UniqueHost weight 400", "column 19: expected a weight from 1 to 100"},
      {"near(job:x)", "column 5: expected an operator, or one of GroupBy"},
  };
  for (const auto& wanted : cases) {
    CAPTURE(wanted.text);
    const Result<Constraint> constraint = parse_constraint(wanted.text);
    REQUIRE_FALSE(constraint.ok());
    CAPTURE(constraint.error().message);
    CHECK(constraint.error().message.find(wanted.message) != std::string::npos);
  }
}

TEST_CASE("the words and calls: what they ask for") {
  CHECK(parsed("ExclusiveHost").kind == Kind::exclusive_host);
  CHECK(parsed("ZoneBalance").kind == Kind::group_by);
  CHECK(parsed("ZoneBalance").attribute == "zone");
  CHECK(parsed("GroupBy( rack )").attribute == "rack");
  CHECK(parsed("MaxPer(rack , 3)").kind == Kind::max_per);
  CHECK(parsed("MaxPer(rack , 3)").number == 3);
  CHECK(parsed("with(job:shop web)").job == "job:shop web");
  CHECK(parsed("with(job:x)").kind == Kind::with_job);
  CHECK(parsed("apart(app:db)").kind == Kind::apart_from_job);
  CHECK(parsed("apart(app:db)").job == "app:db");
  CHECK(parsed("! gpu").kind == Kind::missing);
  CHECK(parsed("with").kind == Kind::exists);
  CHECK(parsed("with=1").attribute == "with");
}

TEST_CASE("a soft constraint may have a weight, a hard one has none") {
  const Constraint soft = parsed(" rack = r1\t weight  20 ");
  CHECK(soft.weight == 20);
  CHECK(soft.text == "rack = r1");
  CHECK(soft.values == std::vector<std::string>{"r1"});
  CHECK(constraint_text(soft) == "rack = r1 weight 20");
  CHECK(parsed("a=b").weight == 1);
  CHECK(parsed("a=lightweight 5").values == std::vector<std::string>{"lightweight 5"});
  CHECK(parsed("a like x weight 2").pattern->matches("x"));
  CHECK(parse_hard_constraint("a=b").ok());
  const Result<Constraint> hard = parse_hard_constraint("a=b weight 1");
  REQUIRE_FALSE(hard.ok());
  CHECK(hard.error().message.find("no weight") != std::string::npos);
}

TEST_CASE("numbers are compared as numbers of up to three places, expressions match whole values") {
  const Attributes some = {{"cost", "12.5"}, {"kernel", "6.1.0-rpi"}, {"debt", "-3"}};
  CHECK(satisfies(parsed("cost<12.501"), some));
  CHECK_FALSE(satisfies(parsed("cost<12.5"), some));
  CHECK(satisfies(parsed("cost<=12.500"), some));
  CHECK(satisfies(parsed("cost>9"), some));
  CHECK(satisfies(parsed("cost>=12.5"), some));
  CHECK_FALSE(satisfies(parsed("cost>100"), some));
  CHECK(satisfies(parsed("debt<-2.999"), some));
  CHECK_FALSE(satisfies(parsed("kernel>1"), some));
  CHECK_FALSE(satisfies(parsed("none<1"), some));
  CHECK(satisfies(parsed("kernel like 6[.].*"), some));
  CHECK_FALSE(satisfies(parsed("kernel like 6"), some));
  CHECK_FALSE(satisfies(parsed("kernel not like 6[.].*"), some));
  CHECK(satisfies(parsed("kernel not like 5.*"), some));
  CHECK_FALSE(satisfies(parsed("none like .*"), some));
}

TEST_CASE("an expression that would need much memory is refused; only small ones are for masters") {
  CHECK_FALSE(parse_constraint("a like ((x{100}){100}){100}").ok());
  CHECK(parsed("a like r[0-9]+").pattern->is_fit_for_masters());
  const Constraint large = parsed("a like (abcdefghij){20}");
  CHECK_FALSE(large.pattern->is_fit_for_masters());
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
  CHECK(satisfies(parsed("a not like b"), none));
  CHECK(satisfies(parsed("!a"), none));
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
  const std::string_view alphabet = "ab=!(), \tinotUHs<>.1weightlkGrupByMxP:j";
  for (int round = 0; round < 50'000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(14); i > 0; --i) text += alphabet[random.below(alphabet.size())];
    Result<Constraint> constraint = parse_constraint(text);
    if (constraint.ok()) CHECK(parsed(constraint_text(*constraint)) == *constraint);
  }
}

}  // namespace
}  // namespace mimas
