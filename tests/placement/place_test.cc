// Placement by examples, and against a brute-force oracle on thousands of small worlds.
#include "placement/place.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "base/prng.h"

namespace mimas::placement::first_fit {
namespace {

Host host(const std::string& agent, std::int64_t cpu_milli, std::int64_t mem_mib = 1'000) {
  Host one;
  one.agent = AgentId(agent);
  one.hostname = "host-" + agent;
  one.free.cpu_milli = cpu_milli;
  one.free.mem_mib = mem_mib;
  return one;
}

Demand demand(const std::string& job, std::int64_t cpu_milli, int tasks) {
  Demand one;
  one.job = JobId(job);
  one.request.cpu_milli = cpu_milli;
  one.request.mem_mib = 10;
  for (int i = 0; i < tasks; ++i) one.tasks.emplace_back(job + "-" + std::to_string(i));
  return one;
}

TEST_CASE("tasks go to the first agent by id that fits, whatever the order of the hosts") {
  Plan plan = place({host("b", 1'000), host("a", 250)}, {demand("j", 100, 4)});
  REQUIRE(plan.assignments.size() == 4);
  CHECK(plan.assignments[0].host == 1);
  CHECK(plan.assignments[1].host == 1);
  CHECK(plan.assignments[2].host == 0);
  CHECK(plan.shortfalls.empty());
}

TEST_CASE("a demand that does not fit does not block the next one") {
  Plan plan = place({host("a", 500)}, {demand("big", 600, 1), demand("small", 500, 1)});
  REQUIRE(plan.assignments.size() == 1);
  CHECK(plan.assignments[0].task.value == "small-0");
  REQUIRE(plan.shortfalls.size() == 1);
  CHECK(plan.shortfalls[0].job.value == "big");
}

TEST_CASE("every host is counted once, under the first reason that excludes it") {
  Demand arm = demand("j", 100, 2);
  arm.constraints = {*parse_constraint("arch=arm"), *parse_constraint("UniqueHost")};
  arm.request.mem_mib = 500;
  Host c = host("c", 1'000, 100);
  c.attributes["arch"] = "arm";
  Host d = c;
  d.agent = AgentId("d");
  d.running[JobId("j")] = 1;
  Host e = c;
  e.agent = AgentId("e");
  e.offered = false;
  Plan plan = place({host("a", 1'000), host("b", 1), c, d, e}, {arm});
  REQUIRE(plan.shortfalls.size() == 1);
  const Shortfall& shortfall = plan.shortfalls[0];
  CHECK(shortfall.tasks == 2);
  CHECK(shortfall.hosts == 5);
  CHECK(shortfall.reasons ==
        std::map<std::string, std::int64_t>{
            {"constraint arch=arm", 2}, {"UniqueHost", 1}, {"memory", 1}, {"no offer", 1}});
  CHECK(
      shortfall.text() ==
      "no agent fits: 2 of 5 fail constraint arch=arm, 1 runs the job already (UniqueHost), 1 has too little "
      "memory, 1 makes no offer now");
}

TEST_CASE("every resource has its own name when it is short") {
  auto reason = [](auto change) {
    Demand one = demand("j", 1, 1);
    change(one.request);
    Plan plan = place({host("a", 1'000)}, {one});
    REQUIRE(plan.shortfalls.size() == 1);
    return plan.shortfalls[0].text();
  };
  CHECK(reason([](ResourceRequest& r) { r.cpu_milli = 1'001; }) ==
        "no agent fits: 1 of 1 has too little cpu");
  CHECK(reason([](ResourceRequest& r) { r.mem_mib = 1'001; }) ==
        "no agent fits: 1 of 1 has too little memory");
  CHECK(reason([](ResourceRequest& r) { r.disk_mib = 1; }) == "no agent fits: 1 of 1 has too little disk");
  CHECK(reason([](ResourceRequest& r) { r.gpus = 1; }) == "no agent fits: 1 of 1 has too few gpus");
  CHECK(reason([](ResourceRequest& r) { r.ports = 1; }) == "no agent fits: 1 of 1 has too few ports");
  Shortfall nobody;
  CHECK(nobody.text() == "no agent offers anything");
}

TEST_CASE("hostname and agentId are attributes like others") {
  for (const char* text : {"hostname=host-b", "agentId=b"}) {
    Demand one = demand("j", 100, 1);
    one.constraints = {*parse_constraint(text)};
    Plan plan = place({host("a", 1'000), host("b", 1'000)}, {one});
    REQUIRE(plan.assignments.size() == 1);
    CHECK(plan.assignments[0].host == 1);
  }
}

TEST_CASE("UniqueHost is about the agent, not about one role's share of it") {
  Demand one = demand("j", 100, 2);
  one.constraints = {*parse_constraint("UniqueHost")};
  Plan plan = place({host("a", 1'000), host("a", 1'000)}, {one});
  CHECK(plan.assignments.size() == 1);
}

TEST_CASE("host ports are the lowest free ones, and never given twice") {
  Host a = host("a", 1'000);
  a.free.ports = *Ports::from_ranges({{31'005, 31'006}, {31'000, 31'001}});
  Demand one = demand("j", 100, 2);
  one.request.ports = 2;
  Plan plan = place({a}, {one});
  REQUIRE(plan.assignments.size() == 2);
  CHECK(plan.assignments[0].allocated.ports.text() == "[31000-31001]");
  CHECK(plan.assignments[1].allocated.ports.text() == "[31005-31006]");
}

TEST_CASE("an executor's share is paid by each task, or once on each agent by those who share it") {
  Demand own = demand("j", 100, 3);
  own.share.cpu_milli = 10;
  own.share.mem_mib = 4;
  Plan plan = place({host("a", 330)}, {own});
  REQUIRE(plan.assignments.size() == 3);
  CHECK(plan.assignments[2].allocated.cpu_milli == 110);
  CHECK(plan.assignments[2].allocated.mem_mib == 14);
  CHECK(plan.assignments[2].charged);
  CHECK(place({host("a", 329)}, {own}).assignments.size() == 2);

  Demand shared = own;
  shared.executor = "x";
  plan = place({host("a", 310)}, {shared});
  REQUIRE(plan.assignments.size() == 3);
  CHECK(plan.assignments[0].allocated.cpu_milli == 110);
  CHECK(plan.assignments[0].charged);
  CHECK(plan.assignments[1].allocated.cpu_milli == 100);
  CHECK_FALSE(plan.assignments[1].charged);

  Host there = host("a", 300);
  there.executors = {"x"};
  plan = place({there}, {shared});
  REQUIRE(plan.assignments.size() == 3);
  CHECK_FALSE(plan.assignments[0].charged);
}

// --- the oracle: every task looks at every host, in agent order, with nothing remembered but what was taken

bool oracle_fits(const Host& one, const Resources& free, const Demand& wanted, const ResourceRequest& share,
                 std::int64_t same_job) {
  for (const Constraint& constraint : wanted.constraints) {
    if (constraint.kind == Constraint::Kind::unique_host) {
      if (same_job > 0) return false;
    } else if (!satisfies(constraint, one.attributes)) {
      return false;
    }
  }
  const ResourceRequest& r = wanted.request;
  return one.offered && r.cpu_milli + share.cpu_milli <= free.cpu_milli &&
         r.mem_mib + share.mem_mib <= free.mem_mib && r.ports <= free.ports.count();
}

struct SmallWorld {
  std::vector<Host> hosts;
  std::vector<Demand> demands;
};

SmallWorld random_world(Prng& random) {
  SmallWorld world;
  auto number = [&](std::uint64_t bound) { return static_cast<std::int64_t>(random.below(bound)); };
  for (std::int64_t i = number(4); i >= 0; --i) {
    Host one = host(std::string(1, static_cast<char>('a' + number(5))), number(5), number(4) * 10);
    one.attributes["k"] = number(2) == 0 ? "x" : "y";
    one.offered = number(6) != 0;
    if (number(4) == 0) one.running[JobId("j0")] = 1;
    if (number(4) == 0) one.executors.insert("x");
    auto first = static_cast<std::int32_t>(number(4));
    if (number(2) == 0)
      one.free.ports = *Ports::from_ranges({{first, first + static_cast<std::int32_t>(number(3))}});
    world.hosts.push_back(one);
  }
  for (std::int64_t i = 0; i < 1 + number(3); ++i) {
    Demand one = demand("j" + std::to_string(i), number(3), static_cast<int>(number(4)));
    one.request.ports = number(2);
    one.share.cpu_milli = number(2);
    const char* const executors[] = {"", "", "x", "y", "z"};
    one.executor = executors[number(5)];
    if (number(3) == 0) one.constraints.push_back(*parse_constraint("UniqueHost"));
    if (number(3) == 0) one.constraints.push_back(*parse_constraint("k=x"));
    world.demands.push_back(one);
  }
  return world;
}

// What first fit gives each task, in order; nullopt: no place.
std::vector<std::pair<TaskId, std::optional<std::size_t>>> oracle(const SmallWorld& world) {
  std::vector<std::size_t> order(world.hosts.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return world.hosts[a].agent < world.hosts[b].agent; });
  std::vector<Resources> free;
  std::vector<std::set<std::string>> executors;
  for (const Host& one : world.hosts) {
    free.push_back(one.free);
    executors.push_back(one.executors);
  }
  std::multiset<std::pair<AgentId, JobId>> placed;
  std::vector<std::pair<TaskId, std::optional<std::size_t>>> answer;
  for (const Demand& wanted : world.demands) {
    for (const TaskId& task : wanted.tasks) {
      std::optional<std::size_t> found;
      for (std::size_t at : order) {
        const Host& one = world.hosts[at];
        auto before = one.running.find(wanted.job);
        std::int64_t same = static_cast<std::int64_t>(placed.count({one.agent, wanted.job})) +
                            (before == one.running.end() ? 0 : before->second);
        const ResourceRequest share =
            executors[at].contains(wanted.executor) ? ResourceRequest{} : wanted.share;
        if (!oracle_fits(one, free[at], wanted, share, same)) continue;
        free[at].cpu_milli -= wanted.request.cpu_milli + share.cpu_milli;
        free[at].mem_mib -= wanted.request.mem_mib + share.mem_mib;
        if (!wanted.executor.empty()) executors[at].insert(wanted.executor);
        free[at].ports.subtract(free[at].ports.take_lowest(wanted.request.ports));
        placed.insert({one.agent, wanted.job});
        found = at;
        break;
      }
      answer.emplace_back(task, found);
    }
  }
  return answer;
}

void check_feasible(const SmallWorld& world, const Plan& plan) {
  std::vector<Resources> left;
  for (const Host& one : world.hosts) left.push_back(one.free);
  for (const Assignment& one : plan.assignments) {
    CHECK(one.allocated.fits(left[one.host]));  // ports too: distinct, and offered
    left[one.host] -= one.allocated;
  }
}

TEST_CASE("placement agrees with the brute-force oracle on small worlds") {
  Prng random(2'026);
  int unplaced = 0;
  for (int round = 0; round < 20'000; ++round) {
    CAPTURE(round);
    SmallWorld world = random_world(random);
    Plan plan = place(world.hosts, world.demands);
    check_feasible(world, plan);
    std::map<TaskId, std::size_t> got;
    for (const Assignment& one : plan.assignments) CHECK(got.emplace(one.task, one.host).second);
    std::map<JobId, std::int64_t> missing;
    for (const auto& [task, expected] : oracle(world)) {
      auto at = got.find(task);
      CHECK((at != got.end()) == expected.has_value());
      if (at != got.end() && expected) CHECK(at->second == *expected);
      if (!expected) ++unplaced;
    }
    std::int64_t wanted = 0;
    for (const Demand& one : world.demands) wanted += static_cast<std::int64_t>(one.tasks.size());
    for (const Shortfall& one : plan.shortfalls) {
      std::int64_t hosts = 0;
      for (const auto& [reason, count] : one.reasons) {
        CHECK_FALSE(reason.empty());
        hosts += count;
      }
      CHECK(hosts == one.hosts);
      wanted -= one.tasks;
    }
    CHECK(wanted == static_cast<std::int64_t>(plan.assignments.size()));
  }
  CHECK(unplaced > 1'000);
}

}  // namespace
}  // namespace mimas::placement::first_fit
