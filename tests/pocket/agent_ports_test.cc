#include "pocket/agent_ports.h"

#include <doctest/doctest.h>

namespace mimas::pocket {
namespace {

AgentOptions agent(const std::string& hostname, const std::string& resources = {}) {
  return {{}, resources, hostname};
}

std::vector<std::string> resources_of(const Result<std::vector<AgentOptions>>& agents) {
  std::vector<std::string> texts;
  if (agents)
    for (const AgentOptions& one : *agents) texts.push_back(one.resources);
  return texts;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("agents that name no ports share them") {
  CHECK(resources_of(share_ports({agent("a")})) == Texts{"ports:[31000-31999]"});
  CHECK(resources_of(share_ports({agent("a", "cpus:2"), agent("b")})) ==
        Texts{"cpus:2;ports:[31000-31499]", "ports:[31500-31999]"});
}

TEST_CASE("those that name none get what the others leave") {
  CHECK(resources_of(share_ports({agent("a", "ports:[31100-31899]"), agent("b"), agent("c")})) ==
        Texts{"ports:[31100-31899]", "ports:[31000-31099]", "ports:[31900-31999]"});
  CHECK(resources_of(share_ports({agent("a", "ports:[31000-32000]"), agent("b")})) ==
        Texts{"ports:[31000-32000]", "ports:[32001-32767]"});
  const auto none = share_ports({agent("a", "ports:[31000-32767]"), agent("b")});
  REQUIRE(!none.ok());
  CHECK(none.error().message == "no ports from 31000 to 32767 are left for agent b");
}

TEST_CASE("two agents of one machine do not give out the same port") {
  const auto both =
      share_ports({agent("a", "ports:[31000-31100]"), agent("", "ports:[100-200,31100-31200]")});
  REQUIRE(!both.ok());
  CHECK(both.error().code == Code::conflict);
  CHECK(both.error().message ==
        "agents a and agent1.pocket are on one machine and would both give out the ports [31100-31100]");
  CHECK(share_ports({agent("a", "ports:[31000-31100]"), agent("b", "ports:[31101-31200]")}).ok());
}

TEST_CASE("the ports that are named for all agents are divided among them") {
  const AgentOptions same = agent("", "cpus:4; ports:[1-2,4-7];mem:64");
  CHECK(resources_of(alike(same, 1)) == Texts{same.resources});
  CHECK(resources_of(alike(same, 2)) == Texts{"cpus:4;mem:64;ports:[1-2,4-4]", "cpus:4;mem:64;ports:[5-7]"});
  CHECK(!alike(same, 7).ok());
  CHECK(resources_of(alike(agent("", "cpus:4"), 2)) == Texts{"cpus:4", "cpus:4"});
  CHECK(share_ports(alike(same, 6).value()).ok());
}

TEST_CASE("an agent that is added takes ports that nobody has") {
  const Interval within{30'000, 30'029};
  CHECK(free_ports({}, within, 10) == Interval{30'000, 30'009});
  CHECK(free_ports({agent("a", "ports:[30000-30014]")}, within, 10) == Interval{30'015, 30'024});
  CHECK(!free_ports({agent("a", "ports:[30005-30024]")}, within, 10));
}

}  // namespace mimas::pocket
