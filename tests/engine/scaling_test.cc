// Groups of agents through the engine: what is asked for, what is shown, and what becomes of the answer.
#include <doctest/doctest.h>

#include "play.h"

namespace mimas::engine {
namespace {

constexpr std::int64_t kMinute = 60'000;

Policy with_rule(std::int64_t min_size, std::int64_t max_idle) {
  ScalingRule rule;
  rule.name = "small";
  rule.attribute = "pool";
  rule.value = "s";
  rule.min_size = min_size;
  rule.max_size = 5;
  rule.max_idle = max_idle;
  rule.cool_down_ms = kMinute;
  rule.arrival_ms = 10 * kMinute;
  Policy policy;
  policy.scaling = {rule};
  return policy;
}

struct Cluster {
  Play play;
  int offers = 0;
  explicit Cluster(Policy policy) : play(std::move(policy)) { play.subscribe(); }

  const Step& offer(const std::string& agent, const std::string& pool = "s") {
    Offer one = play.offer("o" + std::to_string(++offers), agent);
    if (!pool.empty()) one.attributes["pool"] = pool;
    play.feed(OffersReceived{{one}});
    return play.settle();
  }
  const Step& after(std::int64_t ms) {
    play.after(ms);
    return play.settle();
  }
};

TEST_CASE("Without rules nothing is shown, asked for or waited for") {
  Cluster cluster{Policy{}};
  cluster.offer("a1");
  CHECK(cluster.play.scaling.empty());
  cluster.after(10 * kMinute);
  CHECK(cluster.play.none<ScaleAgents>());
  CHECK(cluster.play.scaling.empty());
  cluster.play.feed(ScalingReport{"small", 1, false, "who?"});
  CHECK(cluster.play.last.changes.empty());
}

TEST_CASE("A group that is too small asks, once it can be known, and what it is told is shown") {
  Cluster cluster{with_rule(2, 5)};
  cluster.offer("a1");
  cluster.offer("b1", "another");
  CHECK(cluster.play.scaling.at("small").size == 1);
  CHECK(cluster.play.none<ScaleAgents>());
  CHECK(cluster.play.last.wake_at <= cluster.play.now + kMinute);
  cluster.after(kMinute);
  const auto* asked = cluster.play.only<ScaleAgents>();
  CHECK(asked->decision.add == 1);
  CHECK(asked->decision.group == "small");
  CHECK(asked->decision.number == cluster.play.now.ms);
  CHECK(asked->agent.attributes == Attributes{{"pool", "s"}});
  CHECK(cluster.play.scaling.at("small").awaited == 1);
  REQUIRE(cluster.play.scaling.at("small").decisions.size() == 1);
  CHECK(cluster.play.scaling.at("small").decisions[0].outcome == ScalingOutcome::asked);
  const std::int64_t number = asked->decision.number;

  cluster.play.feed(ScalingReport{"small", number, false, "no machines"});
  cluster.after(1'000);
  CHECK(cluster.play.none<ScaleAgents>());
  CHECK(cluster.play.alerts.at("scaling") == "small: no machines");
  CHECK(cluster.play.scaling.at("small").awaited == 0);
  CHECK(cluster.play.scaling.at("small").decisions[0].outcome == ScalingOutcome::failed);
  CHECK(cluster.play.scaling.at("small").decisions[0].message == "no machines");
  cluster.after(4'000);
  const auto* again = cluster.play.only<ScaleAgents>();
  CHECK(again->decision.number > number);
  cluster.play.feed(ScalingReport{"small", again->decision.number, true, ""});
  cluster.after(1'000);
  CHECK(cluster.play.alerts.at("scaling").empty());
  cluster.offer("a2");
  cluster.after(1'000);
  CHECK(cluster.play.scaling.at("small").awaited == 0);
  CHECK(cluster.play.scaling.at("small").size == 2);
}

TEST_CASE("An idle agent takes no new work before it is removed, and is forgotten once it is lost") {
  Cluster cluster{with_rule(1, 1)};
  cluster.offer("a1");
  cluster.offer("a2");
  cluster.after(kMinute);  // known now
  cluster.after(kMinute);  // … and idle for a cool-down
  cluster.after(1'000);
  CHECK(cluster.play.agents.at("a2").standing == Standing::disabled);
  CHECK(cluster.play.agents.at("a1").standing == Standing::open);
  const auto* asked = cluster.play.only<ScaleAgents>();
  CHECK(asked->decision.remove == std::vector<ScalingAgent>{{AgentId("a2"), "host-a2"}});
  CHECK(cluster.play.scaling.at("small").leaving == 1);
  cluster.play.feed(AgentLost{AgentId("a2")});
  cluster.after(1'000);
  CHECK(cluster.play.scaling.at("small").size == 1);
  CHECK(cluster.play.scaling.at("small").leaving == 0);
}

TEST_CASE("What has waited long enough asks for the agents that would run it, once") {
  Cluster cluster{with_rule(1, 5)};
  cluster.play.submit(batch_spec(), 6);  // two of them fill an agent
  cluster.play.settle();
  cluster.offer("a1");
  CHECK(cluster.play.none<ScaleAgents>());
  const std::int64_t patience_ms = cluster.play.policy.scaling[0].patience_ms;
  CHECK(cluster.play.last.wake_at <= cluster.play.now + patience_ms);
  cluster.after(patience_ms - 1);
  CHECK(cluster.play.none<ScaleAgents>());
  cluster.after(1'000);
  const auto* asked = cluster.play.only<ScaleAgents>();
  CHECK(asked->decision.add == 2);
  CHECK(asked->decision.cause == ScalingCause::shortfall);
  CHECK(asked->decision.why == "4 tasks wait that 2 more of these agents would run");
  for (int i = 0; i < 10; ++i) {
    cluster.after(1'000);
    CHECK(cluster.play.none<ScaleAgents>());
  }
  cluster.offer("a2");
  cluster.after(1'000);
  cluster.offer("a3");
  cluster.after(1'000);
  CHECK(cluster.play.none<ScaleAgents>());
  CHECK(cluster.play.scaling.at("small").awaited == 0);
  CHECK(cluster.play.scaling.at("small").size == 3);
}

TEST_CASE("With rules the master is not asked to be silent: agents that come have to be heard of") {
  Cluster cluster{with_rule(1, 5)};
  cluster.offer("a1");
  for (int i = 0; i < 20; ++i) {
    cluster.after(kMinute);
    CHECK(cluster.play.none<SuppressOffers>());
  }
}

TEST_CASE("Nothing changes: after a while nobody is woken for the sake of sizes") {
  Cluster cluster{with_rule(1, 5)};
  cluster.offer("a1");
  int settles = 0;
  const Instant end = cluster.play.now + 60 * kMinute;
  while (cluster.play.last.wake_at < end && settles < 10'000) {
    cluster.play.now = std::max(cluster.play.now, cluster.play.last.wake_at);
    cluster.play.settle();
    ++settles;
  }
  CHECK(settles < 150);  // this master never answers, and is asked about its agent every minute
}

}  // namespace
}  // namespace mimas::engine
