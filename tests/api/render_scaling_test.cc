#include "api/render_scaling.h"

#include <doctest/doctest.h>

using namespace mimas;
using namespace mimas::api;

namespace {

constexpr Instant kNoon{1'795'262'400'123};

ScalingGroup pis() {
  ScalingGroup group;
  group.rule.name = "pis";
  group.rule.attribute = "pool";
  group.rule.value = "pi";
  group.rule.max_idle = 1;
  group.rule.max_size = 6;
  group.size = 2;
  group.idle = 1;
  ScalingDecision decision;
  decision.number = 7;
  decision.group = "pis";
  decision.at = kNoon;
  decision.cause = ScalingCause::max_idle;
  decision.remove = {{AgentId("a-2"), "pi2"}};
  decision.why = "2 are idle, 1 may be";
  decision.outcome = ScalingOutcome::failed;
  decision.message = "exit status 3";
  group.decisions.push_back(decision);
  return group;
}

std::string text_of(const ScalingGroup& group) {
  json::Writer out;
  write_scaling_group(out, group);
  return out.take();
}

}  // namespace

TEST_CASE("a group is shown with its rule, how it stands, and its decisions with what became of them") {
  CHECK(
      text_of(pis()) ==
      R"({"name":"pis","attribute":"pool","value":"pi","minIdle":0,"maxIdle":1,"minSize":0,"maxSize":6,)"
      R"("coolDownMs":300000,"patienceMs":10000,"arrivalMs":900000,"agent":null,"size":2,"idle":1,"leaving":0,)"
      R"("awaited":0,"pausedUntil":null,"trouble":null,"decisions":[{"number":7,"group":"pis",)"
      R"("at":"2026-11-21T12:00:00.123Z","cause":"maxIdle","why":"2 are idle, 1 may be","add":0,)"
      R"("remove":[{"id":"a-2","hostname":"pi2"}],"outcome":"failed","message":"exit status 3"}]})");
}

TEST_CASE("what a new agent should be stands in the rule and in what the provider is told") {
  ScalingGroup group = pis();
  group.decisions.clear();
  group.rule.agent =
      ScalingTemplate{{.cpu_milli = 3'500, .mem_mib = 900, .disk_mib = 8'000}, {{"arch", "arm"}}};
  CHECK(text_of(group).find(
            R"("agent":{"cpu":3.5,"memory":900,"disk":8000,"gpu":0,"attributes":{"arch":"arm"}},"size")") !=
        std::string::npos);
  engine::ScaleAgents order;
  order.decision.number = 8;
  order.decision.group = "pis";
  order.decision.at = kNoon;
  order.decision.add = 2;
  order.decision.why = "2 more would run what waits";
  order.agent = *group.rule.agent;
  CHECK(render_scale_agents(order) ==
        R"({"number":8,"group":"pis","at":"2026-11-21T12:00:00.123Z","cause":"shortfall",)"
        R"("why":"2 more would run what waits","add":2,"remove":[],)"
        R"("agent":{"cpu":3.5,"memory":900,"disk":8000,"gpu":0,"attributes":{"arch":"arm"}}})");
}
