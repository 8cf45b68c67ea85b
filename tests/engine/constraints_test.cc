// Offer constraints: said only when everything that waits has them, late, and taken back at once.
#include "play.h"

namespace mimas::engine {
namespace {

using Kind = AttributeTest::Kind;

Policy one_role() {
  Policy policy;
  policy.roles = {"*"};
  return policy;
}

std::shared_ptr<JobSpec> with(std::initializer_list<const char*> constraints) {
  auto spec = batch_spec();
  for (const char* text : constraints) spec->hard_constraints.push_back(*parse_constraint(text));
  return spec;
}

// What is said once everything has waited long enough; empty: nothing was.
std::vector<std::vector<AttributeTest>> said(Play& play) {
  play.settle();
  play.after(play.policy.constrain_after_ms);
  play.settle();
  auto calls = play.all<ConstrainOffers>();
  if (calls.empty()) return {};
  REQUIRE(calls.size() == 1);
  return calls[0]->roles.at("*");
}

AttributeTest test(Kind kind, const std::string& name, const std::string& value = {}) {
  return {kind, AttributeTest::Selector::attribute, name, value};
}

TEST_CASE("a list is spelt out as alternatives, an exclusion as one test for each value") {
  Play play(one_role());
  play.subscribe();
  play.submit(with({"arch in (arm, armhf)", "rack not in (r8, r9)", "ssd", "UniqueHost", "agentId!=x"}));
  auto groups = said(play);
  REQUIRE(groups.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<AttributeTest> wanted{test(Kind::text_equals, "arch", i == 0 ? "arm" : "armhf"),
                                      test(Kind::text_not_equals, "rack", "r8"),
                                      test(Kind::text_not_equals, "rack", "r9"), test(Kind::exists, "ssd")};
    CHECK(groups[i] == wanted);
  }
}

TEST_CASE("hostname is the master's own word for it") {
  Play play(one_role());
  play.subscribe();
  play.submit(with({"hostname=pi1"}));
  auto groups = said(play);
  REQUIRE(groups.size() == 1);
  CHECK(groups[0][0].selector == AttributeTest::Selector::hostname);
  CHECK(groups[0][0].attribute.empty());
  CHECK(groups[0][0].value == "pi1");
}

TEST_CASE("groups of several jobs are alternatives, each said once") {
  Play play(one_role());
  play.subscribe();
  play.submit(with({"arch=arm"}));
  play.submit(with({"arch=arm"}));
  play.submit(with({"rack=r1"}));
  CHECK(said(play).size() == 2);
}

TEST_CASE(
    "one job that could run anywhere lets every offer be wanted, and so does a constraint nobody can say") {
  for (auto constraints : {std::initializer_list<const char*>{}, {"UniqueHost"}, {"agentId=a1"}}) {
    Play play(one_role());
    play.subscribe();
    play.submit(with({"arch=arm"}));
    play.submit(with(constraints));
    CHECK(said(play).empty());
  }
}

TEST_CASE("constraints are said late, and taken back as soon as other work or none waits") {
  Play play(one_role());
  play.subscribe();
  play.submit(with({"arch=arm"}));
  play.settle();
  CHECK(play.none<ConstrainOffers>());
  CHECK(play.last.wake_at <= play.now + play.policy.constrain_after_ms);
  play.after(play.policy.constrain_after_ms - 1);
  play.settle();
  CHECK(play.none<ConstrainOffers>());
  play.after(1);
  play.settle();
  CHECK(play.only<ConstrainOffers>()->roles.contains("*"));
  play.settle();
  CHECK(play.none<ConstrainOffers>());  // once

  play.after(5'000);
  JobId free = play.submit(batch_spec());
  play.settle();
  CHECK(play.only<ConstrainOffers>()->roles.empty());
  CHECK(std::holds_alternative<ConstrainOffers>(play.last.effects.front()));  // before the REVIVE
  play.feed(KillJob{0, free, "me"});
  play.settle();
  CHECK(play.none<ConstrainOffers>());  // it has to prove itself again
}

TEST_CASE("other constraints replace those in force, not faster than once a second") {
  Play play(one_role());
  play.subscribe();
  JobId arm = play.submit(with({"arch=arm"}));
  REQUIRE(said(play).size() == 1);
  play.submit(with({"arch=x86"}));
  play.settle();
  CHECK(play.none<ConstrainOffers>());
  CHECK(play.last.wake_at <= play.now + 1'000);
  play.after(1'000);
  play.settle();
  CHECK(play.only<ConstrainOffers>()->roles.at("*").size() == 2);
  play.after(1'000);
  play.feed(KillJob{0, arm, "me"});
  play.settle();
  CHECK(play.only<ConstrainOffers>()->roles.at("*").size() == 1);
}

TEST_CASE("too many alternatives are not worth saying") {
  Play play(one_role());
  play.subscribe();
  for (int i = 0; i < 65; ++i) play.submit(with({("rack=r" + std::to_string(i)).c_str()}));
  CHECK(said(play).empty());
}

}  // namespace
}  // namespace mimas::engine
