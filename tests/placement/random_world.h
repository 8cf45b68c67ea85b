// Small random worlds in which everything that placement knows of comes up, and comes up together.
#pragma once

#include <numeric>

#include "base/prng.h"
#include "world.h"

namespace mimas::placement {

class WorldMaker {
 public:
  explicit WorldMaker(std::uint64_t seed) : random_(seed) {}

  World make() {
    World world;
    add_rules(world.rules);
    const std::size_t groups = 1 + below(3);
    for (std::size_t i = 0; i < groups; ++i) world.queue.groups.push_back(group(i));
    const std::size_t demands = 1 + below(6);
    for (std::size_t i = 0; i < demands; ++i) world.queue.demands.push_back(demand(i, demands, groups));
    // A job's tasks may wait as two demands: in the executor that they share, and in their own.
    if (one_in(4)) {
      Demand twin = world.queue.demands.back();
      twin.executor = twin.executor.empty() ? "e1" : "";
      world.queue.demands.push_back(std::move(twin));
    }
    make_apart_mutual(world.queue);
    const std::size_t hosts = one_in(12) ? 0 : 2 + below(5);
    for (std::size_t i = 0; i < hosts; ++i) world.hosts.push_back(host(i, world.queue));
    return world;
  }

  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  std::int64_t amount(std::size_t most) { return static_cast<std::int64_t>(below(most + 1)); }
  template <typename T = std::string>
  T any(const std::vector<T>& of) {
    return of[below(of.size())];
  }
  const Demand& any(const std::deque<Demand>& of) { return of[below(of.size())]; }
  std::vector<std::size_t> shuffled(std::size_t n) {
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[below(i)]);
    return order;
  }

  Work work(const Queue& queue) {
    if (one_in(2)) {
      const Work stranger{100 + amount(2), one_in(2) ? JobType::batch : JobType::service,
                          any<std::string>({"i1", "i2", "i3"}), one_in(3) ? "e1" : "", one_in(8)};
      return stranger;
    }
    return work_of(any(queue.demands));
  }

  WorldHost host(std::size_t number, const Queue& queue) {
    WorldHost host;
    host.facts.agent = AgentId("agent-" + std::to_string(number));
    host.facts.hostname = "host-" + std::to_string(number);
    Attributes& attributes = host.facts.attributes;
    if (!one_in(5)) attributes["zone"] = any<std::string>({"z1", "z2", "z3"});
    if (!one_in(3)) attributes["arch"] = any<std::string>({"arm", "amd64"});
    if (one_in(3)) attributes["rack"] = std::to_string(1 + below(2));
    if (one_in(3)) attributes["gen"] = std::to_string(below(4));
    if (one_in(4)) attributes["cost"] = std::to_string(100 * below(10));
    Resources& total = host.facts.total;
    total = {1'000 + 500 * amount(6), 512 + 256 * amount(6), 1'000 * amount(3), amount(1), {}, {}};
    if (one_in(3)) total.scalars.emplace_back("fpga", 1'000 * (1 + amount(2)));
    if (one_in(3)) total.scalars.emplace_back("network", 1'000 * (50 + 50 * amount(4)));
    if (!one_in(3))
      total.ports = *Ports::from_ranges({{31'000, 31'001}, {31'005, 31'005 + static_cast<int>(below(4))}});
    host.free = total;
    if (one_in(2)) {
      host.free.cpu_milli = total.cpu_milli * amount(4) / 4;
      host.free.mem_mib = total.mem_mib * amount(4) / 4;
      if (one_in(3)) host.free.gpus = 0;
      if (one_in(3)) host.free.scalars.clear();
      if (one_in(3)) host.free.ports.subtract(*Ports::from_ranges({{31'001, 31'005}}));
    }
    host.offered = !one_in(6);
    if (one_in(6)) host.standing = static_cast<Standing>(1 + below(5));
    for (std::size_t n = one_in(2) ? below(4) : 0; n > 0; --n) host.work.push_back(work(queue));
    if (one_in(4)) host.holds = holds(queue);
    if (one_in(4)) host.avoided = *Ports::from_ranges({{31'000, 31'001}});
    return host;
  }

  std::vector<Hold> holds(const Queue& queue) {
    std::map<JobNumber, Hold> by_job;
    for (std::size_t n = 1 + below(2); n > 0; --n) {
      Hold hold;
      const Demand& demand = any(queue.demands);
      const bool strange = one_in(3);
      hold.job = strange ? 100 : demand.job;
      hold.exclusive = strange ? one_in(6) : asks_exclusive(*demand.spec);
      hold.amounts = {250 * (1 + amount(5)), 128 * amount(5), 500 * amount(2), amount(1), amount(2), {}};
      if (one_in(4)) hold.amounts.scalars = {{"fpga", 1'000}};
      by_job[hold.job] = hold;
    }
    std::vector<Hold> all;
    for (auto& [job, hold] : by_job) all.push_back(std::move(hold));
    return all;
  }

 private:
  void add_rules(Rules& rules) {
    if (one_in(3)) rules.dedicated.insert("arch");
    if (one_in(4)) rules.dedicated.insert("gen");
    if (one_in(2)) return;
    rules.fitness.terms.clear();
    for (std::size_t i = 0; i < 16; ++i) {
      if (one_in(4)) rules.fitness.terms.push_back({static_cast<Term>(i), 1 + amount(99)});
    }
    if (rules.fitness.terms.empty()) rules.fitness.terms.push_back({Term::spread, 1});
  }

  ResourceRequest portion() {
    ResourceRequest part{500 * amount(8), 256 * amount(8), one_in(3) ? 500 * amount(4) : 0, 0, 0, {}};
    if (one_in(5)) part.gpus = amount(2);
    if (one_in(5)) part.scalars = {{"fpga", 1'000 * (1 + amount(3))}};
    return part;
  }

  Group group(std::size_t number) {
    Group group;
    group.name = "group-" + std::to_string(number);
    if (one_in(3)) group.tier = Tier::critical;
    group.weight = 1 + amount(3);
    if (one_in(3)) group.guarantee = portion();
    if (one_in(3)) group.quota = portion();
    if (one_in(2)) group.used = portion();
    return group;
  }

  Constraint constraint(bool soft) {
    static const std::vector<std::string> kTexts{"zone=z1",
                                                 "zone!=z2",
                                                 "zone in (z1, z3)",
                                                 "zone not in (z1, z2)",
                                                 "arch like a.*",
                                                 "arch not like arm.*",
                                                 "gen<2",
                                                 "gen<=1",
                                                 "gen>1",
                                                 "gen>=1",
                                                 "rack",
                                                 "!rack",
                                                 "UniqueHost",
                                                 "UniqueHost",
                                                 "ExclusiveHost",
                                                 "ZoneBalance",
                                                 "ZoneBalance",
                                                 "GroupBy(rack)",
                                                 "MaxPer(zone, 1)",
                                                 "MaxPer(rack, 2)",
                                                 "MaxPer(hostname, 2)",
                                                 "with(job:other)",
                                                 "apart(job:other)",
                                                 "hostname=host-1",
                                                 "agentId!=agent-0",
                                                 "arch=arm"};
    std::string text = any(kTexts);
    if (soft && one_in(2)) text += " weight " + std::to_string(1 + below(5));
    Result<Constraint> parsed = parse_constraint(text);
    ASSERT(static_cast<bool>(parsed));
    return *parsed;
  }

  Demand demand(std::size_t number, std::size_t demands, std::size_t groups) {
    auto spec = std::make_shared<JobSpec>();
    if (one_in(2)) spec->type = JobType::service;
    spec->application_name = any<std::string>({"i1", "i2"});
    spec->request = {250 * (1 + amount(5)), 128 * (1 + amount(5)), one_in(4) ? 500 * amount(3) : 0, 0, 0, {}};
    if (one_in(6)) spec->request.gpus = 1;
    if (one_in(3)) spec->request.ports = amount(3);
    if (one_in(5)) spec->request.scalars = {{"fpga", 1'000}};
    if (one_in(4)) spec->network_mbps = 64;
    for (std::size_t n = one_in(3) ? 0 : below(3); n > 0; --n)
      spec->hard_constraints.push_back(constraint(false));
    for (std::size_t n = one_in(2) ? 0 : below(3); n > 0; --n)
      spec->soft_constraints.push_back(constraint(true));
    Demand demand;
    demand.job = 1 + static_cast<JobNumber>(number);
    demand.count = 1 + amount(3);
    if (!one_in(4)) demand.share = {kExecutorCpuMilli, kExecutorMemMib, 0, 0, 0, {}};
    if (one_in(3)) demand.executor = any<std::string>({"e1", "e2"});
    auto other = [&] {
      const auto job = 1 + static_cast<JobNumber>(below(demands));
      return job == demand.job ? JobNumber{100} : job;
    };
    for (const Constraint& one : spec->hard_constraints) {
      if (one.kind == Constraint::Kind::with_job) demand.with.push_back(other());
      if (one.kind == kApart) demand.apart.push_back(other());
    }
    for (const Constraint& one : spec->soft_constraints) {
      if (one.kind == Constraint::Kind::with_job) demand.with_soft.push_back(other());
      if (one.kind == kApart) demand.apart_soft.push_back(other());
    }
    if (one_in(4)) demand.avoid.emplace_back("agent-" + std::to_string(below(4)));
    demand.group = below(groups);
    demand.priority = amount(2);
    demand.since = Instant{amount(2)};
    demand.spec = std::move(spec);
    return demand;
  }

  static constexpr auto kApart = Constraint::Kind::apart_from_job;
  static void make_apart_mutual(Queue& queue) {
    for (std::size_t i = 0; i < queue.demands.size(); ++i) {
      if (!has_kind(queue.demands[i].spec->hard_constraints, kApart)) continue;
      for (JobNumber job : std::vector<JobNumber>(queue.demands[i].apart)) {
        if (job >= 100) continue;
        for (Demand& other : queue.demands) {
          if (other.job == job) other.apart.push_back(queue.demands[i].job);
        }
      }
    }
  }

  Prng random_;
};

}  // namespace mimas::placement
