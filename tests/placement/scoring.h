// How good an agent is for a task, computed from the sentences of placement/fitness.h and model/constraint.h
// and not from their code.
#pragma once

#include "world.h"

namespace mimas::placement {

inline std::int64_t filled(std::int64_t total, std::int64_t free, std::int64_t more) {
  if (total <= 0) return 1'000;
  return std::clamp<std::int64_t>((total - free + more) * 1'000 / total, 0, 1'000);
}

struct Fill {
  std::int64_t cpu, mem, disk, network, dominant;
};

inline Fill fill_of(const WorldHost& host, const Demand& demand) {
  const Resources& total = host.facts.total;
  const Resources free = free_there(host, demand.job);
  const ResourceRequest more = charge_there(host, demand);
  Fill fill{};
  fill.cpu = filled(total.cpu_milli, free.cpu_milli, more.cpu_milli);
  fill.mem = filled(total.mem_mib, free.mem_mib, more.mem_mib);
  fill.disk = filled(total.disk_mib, free.disk_mib, more.disk_mib);
  fill.network = filled(scalar(total.scalars, kNetworkScalar), scalar(free.scalars, kNetworkScalar),
                        scalar(more.scalars, kNetworkScalar));
  // A kind of which there is none dominates nothing.
  for (auto [kind, share] : {std::pair{total.cpu_milli, fill.cpu}, std::pair{total.mem_mib, fill.mem},
                             std::pair{total.disk_mib, fill.disk}}) {
    if (kind > 0) fill.dominant = std::max(fill.dominant, share);
  }
  return fill;
}

inline std::int64_t cost_of(const WorldHost& host) {
  const auto cost = value_on(host, "cost");
  return cost ? std::clamp<std::int64_t>(std::stoll(*cost), 0, 1'000) : 0;
}

inline bool is_any(const WorldHost& host, const auto& test) {
  return std::any_of(host.work.begin(), host.work.end(), test);
}

inline std::int64_t term_there(Term term, const WorldHost& host, const Demand& demand) {
  const Fill fill = fill_of(host, demand);
  const Work mine = work_of(demand);
  switch (term) {
    case Term::pack_cpu: return fill.cpu;
    case Term::pack_memory: return fill.mem;
    case Term::pack_disk: return fill.disk;
    case Term::pack_network: return fill.network;
    case Term::pack: return (fill.cpu + fill.mem) / 2;
    case Term::pack_dominant: return fill.dominant;
    case Term::spread_cpu: return 1'000 - fill.cpu;
    case Term::spread_memory: return 1'000 - fill.mem;
    case Term::spread: return 1'000 - (fill.cpu + fill.mem) / 2;
    case Term::worst_fit: return 1'000 - fill.dominant;
    case Term::first_fit: return 1'000;
    case Term::same_type:
      if (host.work.empty()) return 500;
      return is_any(host, [&](const Work& work) { return work.type != mine.type; }) ? 0 : 1'000;
    case Term::same_job: return tasks_of(host, demand.job) > 0 ? 1'000 : 0;
    case Term::spread_services: return 1'000 / (1 + tasks_of(host, demand.job));
    case Term::same_image:
      return is_any(host, [&](const Work& work) { return work.image == mine.image; }) ? 1'000 : 0;
    case Term::cheap: return 1'000 - cost_of(host);
  }
  return 0;
}

// 0..1000: how far the host keeps a soft constraint.
inline std::int64_t preference(const World& world, const WorldHost& host, const Demand& demand,
                               const Constraint& constraint) {
  using Kind = Constraint::Kind;
  if (constraint.kind == Kind::unique_host) return 1'000 / (1 + tasks_of(host, demand.job));
  if (constraint.kind == Kind::with_job) return runs_any(host, demand.with_soft) ? 1'000 : 0;
  if (constraint.kind == Kind::apart_from_job) return runs_any(host, demand.apart_soft) ? 0 : 1'000;
  if (constraint.kind != Kind::group_by) return keeps(world, host, demand, constraint) ? 1'000 : 0;
  const auto value = value_on(host, constraint.attribute);
  if (!value) return 0;
  const Spread spread = spread_of(world, demand, constraint.attribute);
  const std::int64_t above = spread.counts.at(*value) - spread.least;
  return above <= 0 ? 1'000 : 250 / above;
}

// The score, and what agents are ranked by: the same before it is rounded.
struct Merits {
  Score score;
  std::int64_t exact = 0;
};

inline Merits score_there(const World& world, const WorldHost& host, const Demand& demand) {
  Score score;
  std::int64_t weights = 0;
  for (const WeightedTerm& one : world.rules.fitness.terms) {
    if (one.term == Term::spread_services && demand.spec->type == JobType::batch) continue;
    score.fitness += one.weight * term_there(one.term, host, demand);
    weights += one.weight;
  }
  score.fitness = weights == 0 ? 1'000 : score.fitness / weights;
  score.total = score.fitness;
  const auto& soft = demand.spec->soft_constraints;
  if (soft.empty()) return {score, score.fitness};
  std::int64_t sum = 0;
  weights = 0;
  for (const Constraint& constraint : soft) {
    sum += constraint.weight * preference(world, host, demand, constraint);
    weights += constraint.weight;
  }
  score.soft = sum / weights;
  const std::int64_t exact = kSoftPercent * sum + (100 - kSoftPercent) * score.fitness * weights;
  score.total = exact / weights / 100;
  return {score, exact};
}

// The best of the hosts that take it, the first of equals: hosts stand in the order of their agents' ids.
// Those that it avoids come after all others.
inline std::optional<std::size_t> best_host(const World& world, const Demand& demand) {
  std::optional<std::size_t> best;
  std::int64_t highest = INT64_MIN;
  for (std::size_t i = 0; i < world.hosts.size(); ++i) {
    if (!takes(world, i, demand)) continue;
    std::int64_t exact = score_there(world, world.hosts[i], demand).exact;
    const AgentId& agent = world.hosts[i].facts.agent;
    if (std::find(demand.avoid.begin(), demand.avoid.end(), agent) != demand.avoid.end())
      exact -= std::int64_t{1} << 40;
    if (exact <= highest) continue;
    highest = exact;
    best = i;
  }
  return best;
}

}  // namespace mimas::placement
