// Several roles: whose offers a job's tasks take, and what is said to the master in each.
#include "play.h"

namespace mimas::engine {
namespace {

Policy two_roles() {
  Policy policy;
  policy.roles = {"prod", "dev"};
  return policy;
}

std::shared_ptr<JobSpec> in_role(const std::string& role) {
  auto spec = batch_spec();
  if (!role.empty()) spec->labels["mesos.role"] = role;
  return spec;
}

TEST_CASE("a job takes offers of the role its label names, or else of the first") {
  Play play(two_roles());
  play.subscribe();
  JobId dev = play.submit(in_role("dev"));
  JobId prod = play.submit(in_role(""));
  play.settle();
  play.feed(OffersReceived{
      {play.offer("p1", "a1", 1'000, 1'024, "prod"), play.offer("d1", "a1", 1'000, 1'024, "dev")}});
  play.settle();
  auto calls = play.all<AcceptOffers>();
  REQUIRE(calls.size() == 2);
  CHECK(calls[0]->offers == std::vector{OfferId("d1")});
  CHECK(calls[0]->launches[0].task->job == dev);
  CHECK(calls[1]->offers == std::vector{OfferId("p1")});
  CHECK(calls[1]->launches[0].task->job == prod);
}

TEST_CASE("what fits only in another role's offer waits, and says why") {
  Play play(two_roles());
  play.subscribe();
  JobId job = play.submit(in_role("dev"));
  play.settle();
  play.feed(OffersReceived{{play.offer("p1", "a1", 1'000, 1'024, "prod")}});
  play.settle();
  CHECK(play.none<AcceptOffers>());
  CHECK(play.shortfalls[job.value].find("no offers") != std::string::npos);
}

TEST_CASE("a role that is not ours any more is not asked for: it would void the whole call") {
  Play play(two_roles());
  play.subscribe();
  JobId job = play.submit(in_role("gone"));
  play.submit(in_role("dev"));
  play.settle();
  CHECK(play.only<ReviveOffers>()->roles == std::vector<std::string>{"dev"});
  CHECK(play.shortfalls[job.value] == "the role gone is not one of this scheduler's");
}

TEST_CASE("an idle role is suppressed while another one works, and revived alone") {
  Play play(two_roles());
  play.subscribe();
  play.submit(in_role("dev"));
  play.settle();
  play.feed(OffersReceived{
      {play.offer("p1", "a1", 1'000, 1'024, "prod"), play.offer("d1", "a2", 100, 1'024, "dev")}});
  play.settle();
  CHECK(play.only<SuppressOffers>()->roles == std::vector<std::string>{"prod"});
  CHECK(play.only<DeclineOffers>()->offers == std::vector{OfferId("p1")});
  CHECK(play.only<DeclineOffers>()->refuse_ms == play.policy.idle_refuse_ms);
  play.after(1'000);
  play.submit(in_role("prod"));
  play.settle();
  CHECK(play.only<ReviveOffers>()->roles == std::vector<std::string>{"prod"});
}

TEST_CASE("revives of several roles leave together") {
  Play play(two_roles());
  play.submit(in_role("dev"));
  play.submit(in_role("prod"));
  play.settle();
  play.subscribe();
  play.settle();
  CHECK(play.only<ReviveOffers>()->roles == std::vector<std::string>{"dev", "prod"});
}

}  // namespace
}  // namespace mimas::engine
