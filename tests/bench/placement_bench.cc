// What decisions cost. The cluster and the load are those of the figures for Fenzo in docs/performance.md:
// hosts of 16 CPUs and 64 GiB in three zones, ten tasks of 1 CPU and 4 GiB for each host, in jobs of 100 or
// 1,000, 200 tasks a round, CPU and memory packed, every agent considered. The facts told back belong to it:
// each task's start, and for each agent that was used the end of its offer and a new one of what is left.
//
//   Fill/HOSTS/JOB/MODE   placements per second; MODE 0: no constraints, 1: soft ZoneBalance, 2: hard
//                         UniqueHost, 3: both
//   IdleRound/HOSTS       no task at all
//   OneTask/HOSTS         one task on a half full cluster, told and taken away again
//   FullCluster/HOSTS     100 pending tasks that fit nowhere, after an offer came and went
//   …Unlike/…             the same where no two agents are alike
//   Groups…/SHAPES        a round of 10,000 jobs of one task in 1,000 groups on 1,000 hosts, which ask for as
//                         many different amounts; NothingFits: the hosts are full, an offer came and went
#include <benchmark/benchmark.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "placement/cluster.h"

namespace mimas::placement {
namespace {

constexpr std::int64_t kTasksPerHost = 10;
constexpr std::int64_t kTasksPerRound = 200;
enum Mode { none = 0, zone_soft = 1, unique_hard = 2, both = 3, service = 4 };

std::shared_ptr<const JobSpec> spec_of(int mode) {
  auto spec = std::make_shared<JobSpec>();
  spec->request.cpu_milli = 1'000;
  spec->request.mem_mib = 4'096;
  if ((mode & zone_soft) != 0) spec->soft_constraints.push_back(*parse_constraint("ZoneBalance"));
  if ((mode & service) != 0) spec->type = JobType::service;
  if ((mode & unique_hard) != 0) spec->hard_constraints.push_back(*parse_constraint("UniqueHost"));
  return spec;
}

class World {
 public:
  World(std::int64_t hosts, bool alike, Rules its_rules = rules()) : cluster_(std::move(its_rules)) {
    for (std::int64_t i = 0; i < hosts; ++i) {
      Resources all{16'000, 65'536, 0, 0, {}, {}};
      if (!alike) all.cpu_milli += i;
      const std::string name = "agent-" + std::to_string(100'000 + i);
      const HostIndex host =
          cluster_.put({AgentId(name), name, {{"zone", "z" + std::to_string(i % 3)}}, all});
      cluster_.offer(host, all);
      hosts_.push_back(host);
    }
    queue_.groups.resize(1);
  }

  // As many tasks as are asked for, in jobs of `job` tasks; answers how many found a place.
  std::int64_t fill(std::int64_t tasks, std::int64_t job, int mode) {
    const auto spec = spec_of(mode);
    std::int64_t placed = 0;
    for (std::int64_t first = 0; first < tasks; first += kTasksPerRound) {
      queue_.demands.clear();
      for (std::int64_t at = first; at < first + kTasksPerRound && at < tasks;) {
        const std::int64_t number = at / job;
        const std::int64_t end = std::min({(number + 1) * job, first + kTasksPerRound, tasks});
        want(number, spec, end - at);
        at = end;
      }
      const Plan plan = cluster_.place(queue_);
      tell(plan);
      placed += static_cast<std::int64_t>(plan.assignments.size());
    }
    return placed;
  }

  void want(JobNumber job, const std::shared_ptr<const JobSpec>& spec, std::int64_t count) {
    Demand demand;
    demand.job = job;
    demand.spec = spec;
    demand.count = count;
    queue_.demands.push_back(std::move(demand));
  }

  void tell(const Plan& plan) {
    std::map<HostIndex, Resources> left;
    for (const Assignment& one : plan.assignments) {
      auto [at, fresh] = left.try_emplace(one.host);
      if (fresh) at->second = cluster_.free(one.host);
      at->second -= one.allocated;
      cluster_.start(one.host, work_of(queue_.demands[one.demand]));
    }
    for (auto& [host, free] : left) {
      cluster_.withdraw(host);
      cluster_.offer(host, std::move(free));
    }
  }

  void take_away(const Plan& plan) {
    for (const Assignment& one : plan.assignments) {
      cluster_.end(one.host, work_of(queue_.demands[one.demand]));
      Resources free = cluster_.free(one.host);
      free += one.allocated;
      cluster_.offer(one.host, std::move(free));
    }
  }

  Cluster& cluster() { return cluster_; }
  Queue& queue() { return queue_; }
  HostIndex host(std::size_t at) const { return hosts_[at % hosts_.size()]; }

 private:
  static Rules rules() {
    Rules rules;
    rules.fitness.terms = {{Term::pack, 1}};
    return rules;
  }

  Cluster cluster_;
  Queue queue_;
  std::vector<HostIndex> hosts_;
};

void fill(benchmark::State& state, bool alike) {
  const std::int64_t hosts = state.range(0);
  std::int64_t placed = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto world = std::make_unique<World>(hosts, alike);
    state.ResumeTiming();
    placed += world->fill(hosts * kTasksPerHost, state.range(1), static_cast<int>(state.range(2)));
    state.PauseTiming();
    world.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(placed);
  const auto wanted =
      static_cast<double>(static_cast<std::int64_t>(state.iterations()) * hosts * kTasksPerHost);
  state.counters["placed"] = static_cast<double>(placed) / wanted;
}

void Fill(benchmark::State& state) { fill(state, true); }
void FillUnlike(benchmark::State& state) { fill(state, false); }

void fills(benchmark::internal::Benchmark* bench) {
  for (std::int64_t hosts : {100, 1'000, 5'000, 10'000}) {
    for (std::int64_t job : {100, 1'000}) {
      if (job > hosts) continue;
      for (int mode : {none, zone_soft, unique_hard, both}) bench->Args({hosts, job, mode});
    }
  }
  bench->Unit(benchmark::kMillisecond);
}
BENCHMARK(Fill)->Apply(fills);
BENCHMARK(FillUnlike)->Apply(fills);

// Services with the default fitness, which spreads them.
void FillServices(benchmark::State& state) {
  std::int64_t placed = 0;
  for (auto _ : state) {
    World world(state.range(0), true, Rules{});
    placed += world.fill(state.range(0) * kTasksPerHost, state.range(1), service);
  }
  state.SetItemsProcessed(placed);
}
BENCHMARK(FillServices)->ArgsProduct({{100, 1'000, 10'000}, {5, 100}})->Unit(benchmark::kMillisecond);

void IdleRound(benchmark::State& state) {
  World world(state.range(0), true);
  for (auto _ : state) benchmark::DoNotOptimize(world.cluster().place(world.queue()));
}
BENCHMARK(IdleRound)->Arg(100)->Arg(1'000)->Arg(5'000)->Arg(10'000);

void one_task(benchmark::State& state, bool alike) {
  World world(state.range(0), alike);
  world.fill(state.range(0) * kTasksPerHost / 2, 100, both);
  const auto spec = spec_of(both);
  JobNumber job = 1'000'000;
  for (auto _ : state) {
    world.queue().demands.clear();
    world.want(++job, spec, 1);
    const Plan plan = world.cluster().place(world.queue());
    world.tell(plan);
    world.take_away(plan);
  }
}
void OneTask(benchmark::State& state) { one_task(state, true); }
void OneTaskUnlike(benchmark::State& state) { one_task(state, false); }
BENCHMARK(OneTask)->Arg(100)->Arg(1'000)->Arg(5'000)->Arg(10'000);
BENCHMARK(OneTaskUnlike)->Arg(100)->Arg(1'000)->Arg(5'000)->Arg(10'000);

void full_cluster(benchmark::State& state, bool alike) {
  World world(state.range(0), alike);
  world.fill(state.range(0) * 16, 100, none);
  world.queue().demands.clear();
  const auto spec = spec_of(both);
  for (JobNumber job = 0; job < 100; ++job) world.want(1'000'000 + job, spec, 1);
  std::size_t at = 0;
  for (auto _ : state) {
    const HostIndex host = world.host(at++);
    Resources free = world.cluster().free(host);
    world.cluster().withdraw(host);
    world.cluster().offer(host, std::move(free));
    benchmark::DoNotOptimize(world.cluster().place(world.queue()));
  }
}
void FullCluster(benchmark::State& state) { full_cluster(state, true); }
void FullClusterUnlike(benchmark::State& state) { full_cluster(state, false); }
BENCHMARK(FullCluster)->Arg(100)->Arg(1'000)->Arg(5'000)->Arg(10'000);
BENCHMARK(FullClusterUnlike)->Arg(100)->Arg(1'000)->Arg(5'000)->Arg(10'000);

// Neighbours in the queue are of different groups.
void want_in_groups(World& world, std::int64_t shapes) {
  constexpr std::int64_t kGroups = 1'000;
  constexpr std::int64_t kDemands = 10'000;
  std::vector<std::shared_ptr<const JobSpec>> specs;
  for (std::int64_t i = 0; i < shapes; ++i) {
    auto spec = std::make_shared<JobSpec>(*spec_of(none));
    spec->request.mem_mib -= i;
    specs.push_back(std::move(spec));
  }
  Queue& queue = world.queue();
  queue.demands.clear();
  queue.groups.assign(kGroups, {});
  for (std::int64_t i = 0; i < kGroups; ++i) {
    queue.groups[static_cast<std::size_t>(i)].name = "group-" + std::to_string(i);
  }
  for (std::int64_t i = 0; i < kDemands; ++i) {
    world.want(1'000'000 + i, specs[static_cast<std::size_t>(i % shapes)], 1);
    queue.demands.back().group = static_cast<std::size_t>(i % kGroups);
  }
}

void groups(benchmark::State& state, bool full) {
  World world(1'000, true);
  if (full) world.fill(16'000, 100, none);
  want_in_groups(world, state.range(0));
  std::size_t at = 0, placed = 0, left = 0;
  for (auto _ : state) {
    const HostIndex host = world.host(at++);
    Resources free = world.cluster().free(host);
    world.cluster().withdraw(host);
    world.cluster().offer(host, std::move(free));
    const Plan plan = world.cluster().place(world.queue());
    placed = plan.assignments.size();
    left = plan.unplaced.size();
  }
  state.counters["placed"] = static_cast<double>(placed);
  state.counters["left"] = static_cast<double>(left);
}
void GroupsNothingFits(benchmark::State& state) { groups(state, true); }
void GroupsAllFit(benchmark::State& state) { groups(state, false); }
BENCHMARK(GroupsNothingFits)->Arg(1)->Arg(1'000)->Unit(benchmark::kMillisecond);
BENCHMARK(GroupsAllFit)->Arg(1)->Arg(1'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mimas::placement

BENCHMARK_MAIN();
