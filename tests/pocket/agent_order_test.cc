// What POST /pocket/agents may be asked for.
#include "pocket/agent_order.h"

#include <doctest/doctest.h>

using namespace mimas;
using namespace mimas::pocket;

TEST_CASE("an order to add is read into Mesos's own notations, and back from them") {
  const auto order = parse_agent_order(
      R"({"number":5,"group":"small","add":2,"remove":[],"why":"…",
          "agent":{"cpu":1.5,"memory":512,"disk":2000,"gpu":0,"attributes":{"arch":"arm","pool":"s"}}})");
  REQUIRE(order.ok());
  CHECK(order->add == 2);
  CHECK(order->remove.empty());
  CHECK(order->agent.resources == "cpus:1.500;mem:512.000;disk:2000.000");
  CHECK(order->agent.attributes == "arch:arm;pool:s");
  const auto again = parse_agent(agent_text(order->agent));
  REQUIRE(again.ok());
  CHECK(again->resources == order->agent.resources);
  CHECK(again->attributes == order->agent.attributes);
  CHECK(again->hostname.empty());
}

TEST_CASE("an order to remove names agents by id, or by host name") {
  const auto order =
      parse_agent_order(R"({"add":0,"remove":[{"id":"a-S1","hostname":"h1"},{"hostname":"h2"},"h3"]})");
  REQUIRE(order.ok());
  CHECK(order->add == 0);
  CHECK(order->remove == std::vector<std::string>{"a-S1", "h2", "h3"});
}

TEST_CASE("an order that nobody can follow is refused") {
  for (const char* wrong :
       {"", "[]", "{}", R"({"add":0})", R"({"add":-1})", R"({"add":101})", R"({"add":"1"})",
        R"({"remove":"h"})", R"({"remove":[{}]})", R"({"remove":[3]})", R"({"add":1,"agent":[]})",
        R"({"add":1,"agent":{"cpu":-1}})", R"({"add":1,"agent":{"attributes":{"a":"b;c:d"}}})",
        R"({"add":1,"agent":{"attributes":{"a":1}}})"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_agent_order(wrong).ok());
  }
}
