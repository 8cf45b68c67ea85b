// The file of sizing rules: what it may say, and that every mistake is named.
#include "server/scaling_rules.h"

#include <doctest/doctest.h>

#include <string>

using namespace mimas;
using namespace mimas::server;

namespace {

std::string one_group(const std::string& members) { return R"({"groups":[{)" + members + "}]}"; }

const std::string kFine =
    R"("name":"small","attribute":"pool","value":"s","maxIdle":2,"maxSize":10,"minSize":1)";

std::string fault_of(const std::string& text) {
  const auto rules = parse_scaling_rules(text);
  REQUIRE_FALSE(rules.ok());
  CHECK(rules.error().code == Code::invalid_argument);
  return rules.error().where + ": " + rules.error().message;
}

}  // namespace

TEST_CASE("a rule with everything is read as it stands") {
  const auto rules = parse_scaling_rules(one_group(
      R"("name":"small","attribute":"pool","value":"s","minIdle":1,"maxIdle":2,"minSize":0,"maxSize":10,
         "coolDown":"90secs","patience":"0secs","arrival":"5mins",
         "agent":{"cpu":1.5,"memory":2048,"disk":9000,"gpu":1,"attributes":{"arch":"arm"}})"));
  REQUIRE(rules.ok());
  REQUIRE(rules->size() == 1);
  const ScalingRule& rule = rules->front();
  CHECK(rule.name == "small");
  CHECK(rule.attribute == "pool");
  CHECK(rule.value == "s");
  CHECK(rule.min_idle == 1);
  CHECK(rule.max_idle == 2);
  CHECK(rule.max_size == 10);
  CHECK(rule.cool_down_ms == 90'000);
  CHECK(rule.patience_ms == 0);
  CHECK(rule.arrival_ms == 300'000);
  REQUIRE(rule.agent);
  CHECK(rule.agent->total.cpu_milli == 1'500);
  CHECK(rule.agent->total.mem_mib == 2'048);
  CHECK(rule.agent->total.disk_mib == 9'000);
  CHECK(rule.agent->total.gpus == 1);
  CHECK(rule.agent->attributes == Attributes{{"arch", "arm"}});
}

TEST_CASE("what is left out has its default, and an empty list is one") {
  const auto rules = parse_scaling_rules(one_group(kFine));
  REQUIRE(rules.ok());
  CHECK(rules->front().cool_down_ms == 300'000);
  CHECK(rules->front().patience_ms == 10'000);
  CHECK(rules->front().arrival_ms == 900'000);
  CHECK_FALSE(rules->front().agent);
  CHECK(parse_scaling_rules(R"({"groups":[]})")->empty());
}

TEST_CASE("every mistake names the group and the field") {
  CHECK(fault_of(one_group(kFine + R"(,"maxSise":3)")) ==
        "group 1 (small), maxSise: is not a member of a rule");
  CHECK(fault_of(one_group(kFine + R"(,"name":"again")")).find("name: stands there twice") !=
        std::string::npos);
  CHECK(fault_of(one_group(kFine + R"(,"minIdle":3)")) ==
        "group 1 (small), minIdle: must not be above maxIdle");
  CHECK(fault_of(one_group(kFine + R"(,"minIdle":-1)")) == "group 1 (small), minIdle: must be 0 to 10000");
  CHECK(fault_of(one_group(kFine + R"(,"minIdle":"2")")).find("/groups/0/minIdle") != std::string::npos);
  CHECK(fault_of(one_group(kFine + R"(,"coolDown":"soon")")).find("coolDown") != std::string::npos);
  CHECK(fault_of(one_group(kFine + R"(,"coolDown":"2days")")) ==
        "group 1 (small), coolDown: must be 0secs to 1days");
  CHECK(fault_of(one_group(kFine + R"(,"arrival":"1ms")")) ==
        "group 1 (small), arrival: must be at least 1secs");
  CHECK(fault_of(one_group(kFine + R"(,"agent":{"cpu":0,"memory":1})")) ==
        "group 1 (small), agent.cpu: must be more than 0 and at most 1000000");
  CHECK(fault_of(one_group(kFine + R"(,"agent":{"cpu":1})")) == "group 1 (small), agent.memory: is missing");
  CHECK(fault_of(one_group(kFine + R"(,"agent":{"cpu":1,"memory":1,"ram":1})")) ==
        "group 1 (small), agent.ram: is not known");
  CHECK(fault_of(one_group(kFine + R"(,"agent":{"cpu":1,"memory":1,"attributes":{"pool":"x"}})")) ==
        "group 1 (small), agent.attributes.pool: must be the group's own value, s");
  CHECK(fault_of(one_group(R"("name":"a","attribute":"pool","value":"s","maxIdle":1)")) ==
        "group 1 (a), maxSize: is missing");
  CHECK(fault_of(R"({"groups":[],"more":1})") == R"(: must hold nothing beside "groups")");
  CHECK(fault_of("[]").find("object") != std::string::npos);
  CHECK(fault_of(R"({"groups":[{)" + kFine + "},{" + kFine + "}]}") ==
        "group 2 (small), name: stands there twice");
}

TEST_CASE("a group that may be empty says what an agent of it is") {
  const std::string empty = R"("name":"a","attribute":"p","value":"s","maxIdle":0,"maxSize":3)";
  CHECK(fault_of(one_group(empty)) ==
        "group 1 (a), agent: is missing: in a group that may be empty there is nobody to learn it from");
  CHECK(parse_scaling_rules(one_group(empty + R"(,"agent":{"cpu":1,"memory":64})")).ok());
}
