// What new agents would help: trials on small clusters.
#include <doctest/doctest.h>

#include "placement/scaling.h"

namespace mimas::placement {
namespace {

Resources amounts(std::int64_t cpu_milli, std::int64_t mem_mib) {
  Resources all;
  all.cpu_milli = cpu_milli;
  all.mem_mib = mem_mib;
  all.disk_mib = 10'000;
  return all;
}

void add_agent(Cluster& cluster, const std::string& id, const Resources& free, Attributes attributes = {}) {
  HostFacts facts;
  facts.agent = AgentId(id);
  facts.hostname = "host-" + id;
  facts.attributes = std::move(attributes);
  facts.total = free;
  cluster.offer(cluster.put(std::move(facts)), free);
}

Demand demand(JobNumber job, std::int64_t count, std::int64_t cpu_milli,
              const std::vector<std::string>& constraints = {}) {
  auto spec = std::make_shared<JobSpec>();
  spec->name = "j" + std::to_string(job);
  spec->request.cpu_milli = cpu_milli;
  spec->request.mem_mib = 100;
  for (const std::string& text : constraints) spec->hard_constraints.push_back(*parse_constraint(text));
  Demand one;
  one.job = job;
  one.spec = spec;
  one.count = count;
  return one;
}

TrialGroup group(std::int64_t cpu_milli, std::int64_t room, Attributes attributes = {{"pool", "small"}}) {
  TrialGroup one;
  one.agent.total = amounts(cpu_milli, 4'096);
  one.agent.attributes = std::move(attributes);
  one.room = room;
  return one;
}

std::vector<TrialResult> result_of(const Cluster& cluster, std::deque<Demand> demands,
                                   const std::vector<TrialGroup>& groups) {
  Queue queue;
  queue.groups.push_back(Group{.name = "default"});
  queue.demands = std::move(demands);
  return try_new_agents(cluster, queue, groups);
}

TEST_CASE("As many new agents as the tasks fill, and not one for each task") {
  const Cluster empty;
  const auto found = result_of(empty, {demand(1, 10, 1'000)}, {group(4'000, 50)});
  CHECK(found[0].agents == 3);
  CHECK(found[0].tasks == 10);
}

TEST_CASE("Nothing waits, or what waits fits: nobody new") {
  Cluster cluster;
  add_agent(cluster, "a", amounts(4'000, 4'096));
  CHECK(result_of(cluster, {}, {group(4'000, 50)})[0].agents == 0);
  CHECK(result_of(cluster, {demand(1, 4, 1'000)}, {group(4'000, 50)})[0].agents == 0);
  CHECK(result_of(cluster, {demand(1, 5, 1'000)}, {group(4'000, 50)})[0].agents == 1);
}

TEST_CASE("Never for what is too large for the group's agent, nor for what its constraints exclude") {
  const Cluster empty;
  CHECK(result_of(empty, {demand(1, 3, 5'000)}, {group(4'000, 50)})[0].agents == 0);
  CHECK(result_of(empty, {demand(1, 3, 500, {"pool=large"})}, {group(4'000, 50)})[0].agents == 0);
  const auto mixed = result_of(
      empty, {demand(1, 3, 5'000), demand(2, 1, 500), demand(3, 1, 500, {"pool=large"})}, {group(4'000, 50)});
  CHECK(mixed[0].agents == 1);
  CHECK(mixed[0].tasks == 1);
}

TEST_CASE("Never for a group of jobs that is at its quota") {
  const Cluster empty;
  Queue queue;
  Group bounded{.name = "bounded"};
  bounded.quota = ResourceRequest{.cpu_milli = 2'000};
  bounded.used.cpu_milli = 1'000;
  queue.groups = {bounded};
  queue.demands = {demand(1, 30, 1'000)};
  const auto found = try_new_agents(empty, queue, {group(4'000, 50)});
  CHECK(found[0].agents == 1);
  CHECK(found[0].tasks == 1);
}

TEST_CASE("Whoever is on the way counts, and so does the room that the group has") {
  const Cluster empty;
  TrialGroup awaited = group(4'000, 50);
  awaited.coming = 2;
  CHECK(result_of(empty, {demand(1, 10, 1'000)}, {awaited})[0].agents == 1);
  CHECK(result_of(empty, {demand(1, 8, 1'000)}, {awaited})[0].agents == 0);
  CHECK(result_of(empty, {demand(1, 80, 1'000)}, {group(4'000, 5)})[0].agents == 5);
  CHECK(result_of(empty, {demand(1, 80, 1'000)}, {group(4'000, 0)})[0].agents == 0);
}

TEST_CASE("What one group takes is no reason to grow the next") {
  const Cluster empty;
  const auto found = result_of(empty, {demand(1, 8, 1'000), demand(2, 1, 500, {"pool=large"})},
                               {group(4'000, 50), group(8'000, 50, {{"pool", "large"}})});
  CHECK(found[0].agents == 2);
  CHECK(found[1].agents == 1);
  CHECK(found[1].tasks == 1);
}

TEST_CASE("What has not waited for long asks for nobody, and a busy agent is not a missing one") {
  Cluster cluster;
  Demand fresh = demand(1, 2, 1'000), old = demand(2, 1, 1'000);
  fresh.since = Instant{2'000};
  old.since = Instant{1'000};
  TrialGroup patient = group(1'000, 50);
  patient.latest = Instant{1'500};
  CHECK(result_of(cluster, {fresh, old}, {patient})[0].agents == 1);
  CHECK(result_of(cluster, {fresh}, {patient})[0].agents == 0);
  HostFacts facts;
  facts.agent = AgentId("a");
  facts.total = amounts(4'000, 4'096);
  const HostIndex host = cluster.put(facts);
  cluster.offer(host, facts.total);
  cluster.stand(host, Standing::launching);
  Queue queue;
  queue.groups.push_back(Group{.name = "default"});
  queue.demands = {old};
  CHECK(try_new_agents(cluster, queue, {patient})[0].agents == 1);
  CHECK(try_new_agents(cluster, queue, {patient}, {host})[0].agents == 0);
}

TEST_CASE("A job that wants an agent for each task gets one for each task") {
  const Cluster empty;
  CHECK(result_of(empty, {demand(1, 3, 100, {"UniqueHost"})}, {group(4'000, 50)})[0].agents == 3);
}

TEST_CASE("A job that balances over zones finds them among those imagined") {
  Cluster cluster;
  for (const char* zone : {"a", "b", "c"})
    add_agent(cluster, std::string("x") + zone, amounts(100, 100), {{"zone", zone}});
  TrialGroup three = group(1'000, 50);
  three.zones = {"a", "b", "c"};
  CHECK(result_of(cluster, {demand(1, 3, 1'000, {"ZoneBalance"})}, {three})[0].agents == 3);
}

}  // namespace
}  // namespace mimas::placement
