// Balances: how even jobs lie over zones, whatever else speaks for one agent or another.
#include <doctest/doctest.h>

#include "base/prng.h"
#include "scene.h"

namespace mimas::placement {
namespace {

// Agents named so that their order is not that of the zones.
Scene zoned(std::int64_t agents, std::int64_t zones, std::int64_t cpu_milli) {
  Scene scene;
  for (std::int64_t i = 0; i < agents; ++i) {
    scene.agent("agent-" + std::to_string(1'000 + i), cpu_milli,
                {{"zone", "z" + std::to_string(i * zones / agents)}}, 1'000'000);
  }
  return scene;
}

// Tasks of the demand by zone.
std::map<std::string, std::int64_t> by_zone(const Scene& scene, std::size_t demand) {
  std::map<std::string, std::int64_t> counts;
  for (const Assignment& one : scene.plan.assignments) {
    if (one.demand == demand) ++counts[scene.cluster.facts(one.host).attributes.at("zone")];
  }
  return counts;
}

std::int64_t skew(const std::map<std::string, std::int64_t>& counts, std::int64_t zones) {
  if (counts.empty()) return 0;
  std::int64_t least = static_cast<std::int64_t>(counts.size()) < zones ? 0 : INT64_MAX;
  std::int64_t most = 0;
  for (const auto& [zone, count] : counts) {
    least = std::min(least, count);
    most = std::max(most, count);
  }
  return most - least;
}

TEST_CASE("ZoneBalance, hard and soft: zones differ by one task at most while they have room") {
  for (const bool hard : {false, true}) {
    for (std::int64_t zones : {3, 5}) {
      for (std::int64_t job : {10, 100, 1'000}) {
        CAPTURE(hard);
        CAPTURE(zones);
        CAPTURE(job);
        Scene scene = zoned(zones * 100, zones, 16'000);
        scene.want(1, 1'000, job, hard ? std::vector<std::string>{"ZoneBalance"} : std::vector<std::string>{},
                   hard ? std::vector<std::string>{} : std::vector<std::string>{"ZoneBalance"});
        scene.places();
        CHECK(static_cast<std::int64_t>(scene.plan.assignments.size()) == job);
        CHECK(skew(by_zone(scene, 0), zones) <= 1);
      }
    }
  }
}

TEST_CASE("… in rounds, beside other jobs, and in any half filled cluster") {
  Prng random(7);
  for (std::int64_t job : {10, 100, 1'000}) {
    Scene scene = zoned(500, 5, 16'000);
    for (JobNumber other = 100; other < 200; ++other) {
      const auto zone = static_cast<std::size_t>(random.below(2));  // two of five are the fuller ones
      scene.queue.demands.clear();
      scene.want(other, 500, 10, {"zone=z" + std::to_string(zone)});
      scene.places();
      scene.tell();
    }
    std::map<std::string, std::int64_t> counts;
    for (std::int64_t left = job; left > 0; left -= 7) {
      scene.queue.demands.clear();
      scene.want(1, 1'000, std::min<std::int64_t>(left, 7), {}, {"ZoneBalance"});
      scene.want(2, 1'000, 3);
      scene.places();
      for (const auto& [zone, count] : by_zone(scene, 0)) counts[zone] += count;
      scene.tell();
      CAPTURE(left);
      REQUIRE(skew(counts, 5) <= 1);
    }
  }
}

TEST_CASE("a hard balance waits for the zone that is full, a soft one does not") {
  Scene scene = zoned(3, 3, 2'000);
  scene.cluster.offer(scene.hosts.at("agent-1002"), {500, 1'000, 0, 0, {}, {}});
  scene.want(1, 1'000, 4, {"ZoneBalance"});
  CHECK(scene.places() == "agent-1000 agent-1001");
  CHECK(scene.why().reasons == std::map<std::string, std::int64_t>{{"GroupBy(zone)", 2}, {"cpu", 1}});
  scene.queue.demands.clear();
  scene.want(2, 1'000, 4, {}, {"ZoneBalance"});
  CHECK(scene.places() == "agent-1000 agent-1001 agent-1000 agent-1001");
}

TEST_CASE("only values that the job may ever have are in the balance") {
  Scene scene = zoned(3, 3, 10'000);
  scene.want(1, 1'000, 4, {"ZoneBalance", "zone!=z2"});
  CHECK(scene.places() == "agent-1000 agent-1001 agent-1000 agent-1001");
  CHECK(scene.plan.unplaced.empty());
}

TEST_CASE("agents without the attribute are excluded by a hard balance, and the last by a soft one") {
  for (const char* text : {"GroupBy(rack)", "MaxPer(rack, 2)"}) {
    CAPTURE(text);
    Scene scene;
    scene.agent("a", 1'000);
    scene.agent("b", 1'000, {{"rack", "1"}});
    scene.want(1, 500, 3, {text});
    CHECK(scene.places() == "b b");
    CHECK(scene.why().reasons.at(std::string("constraint ") + text) == 1);
    scene.queue.demands.clear();
    scene.want(2, 500, 3, {}, {text});
    CHECK(scene.places() == "b b a");
  }
}

TEST_CASE("MaxPer: so many for each value, and better within it") {
  Scene scene = zoned(4, 2, 10'000);
  scene.want(1, 1'000, 9, {"MaxPer(zone, 2)"});
  CHECK(scene.places() == "agent-1000 agent-1000 agent-1002 agent-1002");
  CHECK(scene.why().reasons == std::map<std::string, std::int64_t>{{"MaxPer(zone, 2)", 4}});
  scene.tell();
  CHECK(scene.places() == "");
  scene.queue.demands.clear();
  scene.want(2, 1'000, 5, {}, {"MaxPer(zone, 1)"});
  scene.places();
  CHECK(by_zone(scene, 0).at("z1") >= 1);
  CHECK(scene.plan.assignments[1].score.soft == 1'000);
  CHECK(scene.plan.assignments[2].score.soft == 0);
}

TEST_CASE("two balances at once") {
  Scene scene;
  for (int i = 0; i < 12; ++i) {
    scene.agent("agent-" + std::to_string(100 + i), 10'000,
                {{"zone", "z" + std::to_string(i % 2)}, {"rack", "r" + std::to_string(i % 3)}});
  }
  scene.want(1, 1'000, 12, {"GroupBy(rack)"}, {"ZoneBalance"});
  scene.places();
  std::map<std::string, std::int64_t> racks;
  for (const Assignment& one : scene.plan.assignments)
    ++racks[scene.cluster.facts(one.host).attributes.at("rack")];
  CHECK(racks == std::map<std::string, std::int64_t>{{"r0", 4}, {"r1", 4}, {"r2", 4}});
  CHECK(skew(by_zone(scene, 0), 2) <= 1);
}

TEST_CASE("balances over agents themselves") {
  Scene scene;
  for (const char* id : {"a", "b", "c"}) scene.agent(id, 1'000);
  scene.want(1, 300, 9, {"GroupBy(hostname)"});
  CHECK(scene.places() == "a b c a b c a b c");
  scene.queue.demands.clear();
  scene.want(2, 300, 9, {"MaxPer(agentId, 2)"});
  CHECK(scene.places() == "a a b b c c");
  CHECK(scene.why().reasons == std::map<std::string, std::int64_t>{{"MaxPer(agentId, 2)", 3}});
  scene.queue.demands.clear();
  scene.want(3, 300, 4, {}, {"GroupBy(hostname)"});
  CHECK(scene.places() == "a b c a");
}

TEST_CASE("counts follow agents whose zone changes, and tasks that end") {
  Scene scene = zoned(3, 3, 10'000);
  scene.want(1, 1'000, 3, {"ZoneBalance"});
  CHECK(scene.places() == "agent-1000 agent-1001 agent-1002");
  scene.tell();
  scene.cluster.end(scene.hosts.at("agent-1001"), {1, JobType::batch, "", "", false});
  scene.queue.demands[0].count = 1;
  CHECK(scene.places() == "agent-1001");
  HostFacts facts = scene.cluster.facts(scene.hosts.at("agent-1001"));
  facts.attributes["zone"] = "z0";
  scene.cluster.put(facts);
  scene.queue.demands[0].count = 3;
  CHECK(scene.places() == "agent-1000 agent-1002 agent-1000");  // z1 is no more
}

}  // namespace
}  // namespace mimas::placement
