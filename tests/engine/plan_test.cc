#include <doctest/doctest.h>

#include "play.h"

using namespace mimas;
using namespace mimas::engine;

namespace {

std::shared_ptr<const JobSpec> wanting(std::int64_t cpu_milli, const std::string& constraint = {}) {
  auto spec = std::make_shared<JobSpec>();
  spec->name = "trial";
  spec->app_name = spec->capacity_group = "trial";
  spec->entry_point = "true";
  spec->request = {.cpu_milli = cpu_milli, .mem_mib = 16};
  if (!constraint.empty()) spec->hard_constraints.push_back(*parse_constraint(constraint));
  return spec;
}

PlacementPlanPtr planned(Play& play, std::shared_ptr<const JobSpec> spec, std::int64_t instances) {
  SubmitJob command;
  command.request = 1;
  command.spec = std::move(spec);
  command.instances_desired = command.instances_max = instances;
  command.dry_run = true;
  const std::string before = play.state.digest();
  play.feed(command);
  CHECK(play.state.digest() == before);
  CHECK(play.last.changes.empty());
  const auto* reply = play.only<Reply>();
  REQUIRE(reply->answer.ok());
  const auto* shown = std::get_if<PlanShown>(&*reply->answer);
  REQUIRE(shown != nullptr);
  return shown->plan;
}

}  // namespace

TEST_CASE("a dry run shows which agents would get how much, and changes nothing") {
  Play play;
  play.subscribe();
  play.feed(OffersReceived{{play.offer("o1", "a1", 1'000), play.offer("o2", "a2", 2'100)}});
  const PlacementPlanPtr plan = planned(play, wanting(1'000), 2);
  REQUIRE(plan->shares.size() == 1);
  CHECK(plan->shares[0].agent == AgentId("a2"));
  CHECK(plan->shares[0].hostname == "host-a2");
  CHECK(plan->shares[0].tasks == 2);
  CHECK(plan->why == nullptr);
}

TEST_CASE("what does not fit is explained as a waiting task would be") {
  Play play;
  play.subscribe();
  play.feed(OffersReceived{{play.offer("o1", "a1", 1'100), play.offer("o2", "a2", 500)}});
  const PlacementPlanPtr plan = planned(play, wanting(1'000), 3);
  REQUIRE(plan->shares.size() == 1);
  CHECK(plan->shares[0].tasks == 1);
  REQUIRE(plan->why != nullptr);
  CHECK(plan->why->tasks == 2);
  CHECK(plan->why->reasons == std::map<std::string, std::int64_t>{{"cpu", 2}});
  const PlacementPlanPtr none = planned(play, wanting(100, "arch=arm"), 1);
  CHECK(none->shares.empty());
  REQUIRE(none->why != nullptr);
  CHECK(none->why->reasons == std::map<std::string, std::int64_t>{{"constraint arch=arm", 2}});
}

TEST_CASE("an agent whose offers went back for want of work counts with what ours leave free") {
  Play play;
  play.running(wanting(500));
  play.after(play.policy.idle_after_ms + 1);
  play.settle();
  play.feed(OffersReceived{{play.offer("later", "a1", 2'000)}});
  play.settle();
  play.after(play.policy.idle_after_ms + 1);
  play.settle();
  REQUIRE(play.agents.at("a1").offered == Resources{});
  const PlacementPlanPtr plan = planned(play, wanting(1'000), 3);
  REQUIRE(plan->shares.size() == 1);
  CHECK(plan->shares[0].tasks == 1);
  REQUIRE(plan->why != nullptr);
  CHECK(plan->why->reasons == std::map<std::string, std::int64_t>{{"cpu", 1}});
}

TEST_CASE("where nobody has offered anything yet, nobody is looked at") {
  Play play;
  play.subscribe();
  const PlacementPlanPtr plan = planned(play, wanting(1'000), 3);
  CHECK(plan->shares.empty());
  REQUIRE(plan->why != nullptr);
  CHECK(plan->why->agents == 0);
  CHECK(plan->why->tasks == 3);
}
