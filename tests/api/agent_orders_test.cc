// Bodies of orders to agents.
#include "api/agent_orders.h"

#include <doctest/doctest.h>

namespace mimas::api {

TEST_CASE("an order may have a reason, and drain a deadline; an empty body is no wish") {
  const auto bare = parse_agent_order("", AgentOrder::Kind::disable);
  REQUIRE(bare.ok());
  CHECK(bare.value.order == AgentOrder::Kind::disable);
  CHECK_FALSE(bare.value.deadline_ms);
  const auto drain =
      parse_agent_order(R"({"reason":"new disk","user":"ann","deadlineSecs":60})", AgentOrder::Kind::drain);
  REQUIRE(drain.ok());
  CHECK(drain.value.reason == "new disk");
  CHECK(drain.value.user == "ann");
  CHECK(drain.value.deadline_ms == 60'000);
  CHECK(parse_agent_order(R"({"deadlineSecs":0})", AgentOrder::Kind::drain).value.deadline_ms == 0);
}

TEST_CASE("what does not belong to an order is refused") {
  CHECK(parse_agent_order(R"({"deadlineSecs":60})", AgentOrder::Kind::disable).faults.size() == 1);
  CHECK(parse_agent_order(R"({"resaon":"x"})", std::nullopt).faults.size() == 1);
  CHECK(parse_agent_order(R"({"deadlineSecs":2592001})", AgentOrder::Kind::drain).faults.size() == 1);
  CHECK(parse_agent_order("[", AgentOrder::Kind::drain).faults.size() == 1);
}

}  // namespace mimas::api
