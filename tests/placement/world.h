// A small cluster told as plain lists, and what placement should say of it, found out the slow way: every
// question walks over everything. Nothing here shares code with src/placement.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/assert.h"
#include "placement/cluster.h"

namespace mimas::placement {

struct WorldHost {
  HostFacts facts;
  Resources free;
  bool offered = true;
  Standing standing = Standing::open;
  std::vector<Work> work;
  std::vector<Hold> holds;  // by job
  Ports avoided;
};

struct World {
  Rules rules;
  std::vector<WorldHost> hosts;
  Queue queue;
};

inline Attributes all_attributes(const HostFacts& facts) {
  Attributes all = facts.attributes;
  all["hostname"] = facts.hostname;
  all["agentId"] = facts.agent.value;
  return all;
}

inline std::optional<std::string> value_on(const WorldHost& host, const std::string& attribute) {
  const Attributes all = all_attributes(host.facts);
  auto found = all.find(attribute);
  return found == all.end() ? std::nullopt : std::optional(found->second);
}

inline std::int64_t tasks_of(const WorldHost& host, JobNumber job) {
  return std::count_if(host.work.begin(), host.work.end(), [&](const Work& work) { return work.job == job; });
}

inline bool runs_any(const WorldHost& host, const std::vector<JobNumber>& jobs) {
  return std::any_of(jobs.begin(), jobs.end(), [&](JobNumber job) { return tasks_of(host, job) > 0; });
}

inline bool holds_for(const WorldHost& host, JobNumber job) {
  return std::any_of(host.holds.begin(), host.holds.end(), [&](const Hold& hold) { return hold.job == job; });
}

inline bool holds_for_others(const WorldHost& host, JobNumber job) {
  return std::any_of(host.holds.begin(), host.holds.end(), [&](const Hold& hold) { return hold.job != job; });
}

// What a task of the job may take there: room that is held is for those alone for whom it is held.
inline Resources free_there(const WorldHost& host, JobNumber job) {
  Resources free = host.free;
  for (const Hold& hold : host.holds) {
    if (hold.job == job) continue;
    auto keep = [](std::int64_t& from, std::int64_t amount) {
      from = std::max<std::int64_t>(from - amount, 0);
    };
    keep(free.cpu_milli, hold.amounts.cpu_milli);
    keep(free.mem_mib, hold.amounts.mem_mib);
    keep(free.disk_mib, hold.amounts.disk_mib);
    keep(free.gpus, hold.amounts.gpus);
    for (auto& [name, amount] : free.scalars) keep(amount, scalar(hold.amounts.scalars, name));
    free.ports = free.ports.take_lowest(std::max<std::int64_t>(free.ports.count() - hold.amounts.ports, 0));
  }
  return free;
}

// The lowest of those that are not avoided; then the lowest of the others.
inline Ports ports_there(const WorldHost& host, std::int64_t how_many) {
  std::vector<PortRange> taken;
  for (bool avoided : {false, true}) {
    for (std::int32_t port : host.free.ports.list()) {
      if (static_cast<std::int64_t>(taken.size()) < how_many && host.avoided.contains(port) == avoided)
        taken.push_back({port, port});
    }
  }
  return *Ports::from_ranges(taken);
}

inline bool has_strangers(const WorldHost& host, JobNumber job) {
  return holds_for_others(host, job) ||
         std::any_of(host.work.begin(), host.work.end(), [&](const Work& work) { return work.job != job; });
}

inline bool is_taken_by_other(const WorldHost& host, JobNumber job) {
  const bool held = std::any_of(host.holds.begin(), host.holds.end(),
                                [&](const Hold& hold) { return hold.exclusive && hold.job != job; });
  return held || std::any_of(host.work.begin(), host.work.end(),
                             [&](const Work& work) { return work.exclusive && work.job != job; });
}

inline bool has_kind(const std::vector<Constraint>& constraints, Constraint::Kind kind) {
  return std::any_of(constraints.begin(), constraints.end(),
                     [&](const Constraint& c) { return c.kind == kind; });
}

inline bool asks_exclusive(const JobSpec& spec) {
  return has_kind(spec.hard_constraints, Constraint::Kind::exclusive_host);
}

// A constraint that asks for the attribute rather than against it.
inline bool asks_for(const Constraint& constraint, const std::string& attribute) {
  using Kind = Constraint::Kind;
  switch (constraint.kind) {
    case Kind::equals:
    case Kind::in:
    case Kind::like:
    case Kind::less:
    case Kind::at_most:
    case Kind::greater:
    case Kind::at_least:
    case Kind::exists: return constraint.attribute == attribute;
    default: return false;
  }
}

inline bool is_balance(Constraint::Kind kind) {
  return kind == Constraint::Kind::group_by || kind == Constraint::Kind::max_per;
}

// Could the host take the job if it were another day: by what it is, not by what runs there?
inline bool is_eligible(const World& world, const WorldHost& host, const JobSpec& spec) {
  for (const Constraint& constraint : spec.hard_constraints) {
    if (is_about_attributes(constraint.kind) && !satisfies(constraint, all_attributes(host.facts)))
      return false;
    if (is_balance(constraint.kind) && !value_on(host, constraint.attribute)) return false;
  }
  for (const std::string& name : world.rules.dedicated) {
    if (!value_on(host, name)) continue;
    if (std::none_of(spec.hard_constraints.begin(), spec.hard_constraints.end(),
                     [&](const Constraint& c) { return asks_for(c, name); }))
      return false;
  }
  return true;
}

// How a job's tasks are spread over an attribute's values: how many there are on each, and the least of those
// that an eligible host has.
struct Spread {
  std::map<std::string, std::int64_t> counts;
  std::int64_t least = INT64_MAX;
};

inline Spread spread_of(const World& world, const Demand& demand, const std::string& attribute) {
  Spread spread;
  for (const WorldHost& host : world.hosts) {
    const auto value = value_on(host, attribute);
    if (value) spread.counts[*value] += tasks_of(host, demand.job);
  }
  for (const WorldHost& host : world.hosts) {
    const auto value = value_on(host, attribute);
    if (value && is_eligible(world, host, *demand.spec))
      spread.least = std::min(spread.least, spread.counts[*value]);
  }
  if (spread.least == INT64_MAX) spread.least = 0;
  return spread;
}

inline bool keeps(const World& world, const WorldHost& host, const Demand& demand, const Constraint& c) {
  using Kind = Constraint::Kind;
  if (is_about_attributes(c.kind)) return satisfies(c, all_attributes(host.facts));
  if (c.kind == Kind::unique_host) return tasks_of(host, demand.job) == 0;
  if (c.kind == Kind::exclusive_host) return !has_strangers(host, demand.job);
  if (c.kind == Kind::with_job) return runs_any(host, demand.with);
  if (c.kind == Kind::apart_from_job) {
    return !runs_any(host, demand.apart) && std::none_of(demand.apart.begin(), demand.apart.end(),
                                                         [&](JobNumber job) { return holds_for(host, job); });
  }
  const auto value = value_on(host, c.attribute);
  if (!value) return false;
  const Spread spread = spread_of(world, demand, c.attribute);
  const std::int64_t there = spread.counts.at(*value);
  return c.kind == Kind::max_per ? there < c.number : there <= spread.least;
}

inline bool pays_share(const WorldHost& host, const Demand& demand) {
  return demand.executor.empty() || std::none_of(host.work.begin(), host.work.end(), [&](const Work& work) {
           return work.executor == demand.executor;
         });
}

inline ResourceRequest charge_there(const WorldHost& host, const Demand& demand) {
  ResourceRequest charge = demand.spec->request;
  if (pays_share(host, demand)) {
    charge.cpu_milli += demand.share.cpu_milli;
    charge.mem_mib += demand.share.mem_mib;
  }
  if (demand.spec->network_mbps > 0 && scalar(host.facts.total.scalars, kNetworkScalar) > 0)
    add_scalars(charge.scalars, {{std::string(kNetworkScalar), demand.spec->network_mbps * 1'000}});
  return charge;
}

// The first kind of which there is not enough; empty: it fits.
inline std::string short_of(const ResourceRequest& charge, const Resources& within) {
  if (charge.cpu_milli > within.cpu_milli) return "cpu";
  if (charge.mem_mib > within.mem_mib) return "memory";
  if (charge.disk_mib > within.disk_mib) return "disk";
  if (charge.gpus > within.gpus) return "gpus";
  if (charge.ports > within.ports.count()) return "ports";
  for (const auto& [name, amount] : charge.scalars) {
    if (amount > scalar(within.scalars, name)) return "scalar " + name;
  }
  return {};
}

inline std::string reason_of(const WorldHost& host, const Constraint& constraint) {
  using Kind = Constraint::Kind;
  if (constraint.kind == Kind::with_job) return "with " + constraint.job;
  if (constraint.kind == Kind::apart_from_job) return "apart " + constraint.job;
  if (is_about_attributes(constraint.kind)) return "constraint " + constraint.text;
  if (!is_balance(constraint.kind)) return constraint.text;
  if (!value_on(host, constraint.attribute)) return "constraint " + constraint.text;
  if (constraint.kind == Kind::group_by) return "GroupBy(" + constraint.attribute + ")";
  return "MaxPer(" + constraint.attribute + ", " + std::to_string(constraint.number) + ")";
}

inline std::string standing_reason(Standing standing) {
  switch (standing) {
    case Standing::open: return {};
    case Standing::maintenance: return "maintenance";
    case Standing::drained: return "drained";
    case Standing::disabled: return "disabled";
    case Standing::quarantined: return "quarantined";
    case Standing::launching: return "launching";
  }
  return {};
}

// Every reason why the demand's next task cannot go there; empty: it can.
inline std::vector<std::string> obstacles(const World& world, const WorldHost& host, const Demand& demand) {
  std::vector<std::string> all;
  for (const Constraint& constraint : demand.spec->hard_constraints) {
    if (!keeps(world, host, demand, constraint)) all.push_back(reason_of(host, constraint));
  }
  if (is_taken_by_other(host, demand.job)) all.emplace_back("ExclusiveHost");
  for (JobNumber job : demand.apart) {
    if (tasks_of(host, job) > 0 || holds_for(host, job)) all.push_back("apart job:" + make_job_id(job).value);
  }
  for (const std::string& name : world.rules.dedicated) {
    if (value_on(host, name) &&
        std::none_of(demand.spec->hard_constraints.begin(), demand.spec->hard_constraints.end(),
                     [&](const Constraint& c) { return asks_for(c, name); }))
      all.push_back("dedicated " + name);
  }
  if (host.standing != Standing::open) all.push_back(standing_reason(host.standing));
  if (!host.offered) all.emplace_back("no offer");
  const std::string lack =
      short_of(charge_there(host, demand), host.offered ? free_there(host, demand.job) : Resources{});
  if (!lack.empty() && host.offered) all.push_back(lack);
  return all;
}

inline bool takes(const World& world, std::size_t host, const Demand& demand) {
  return obstacles(world, world.hosts[host], demand).empty();
}

// The world with the assignment told.
inline void apply(World& world, const Assignment& assignment) {
  WorldHost& host = world.hosts[assignment.host];
  host.free -= assignment.allocated;
  const JobNumber job = world.queue.demands[assignment.demand].job;
  for (Hold& hold : host.holds) {
    if (hold.job != job) continue;
    auto use = [](std::int64_t& held, std::int64_t used) { held = std::max<std::int64_t>(held - used, 0); };
    use(hold.amounts.cpu_milli, assignment.allocated.cpu_milli);
    use(hold.amounts.mem_mib, assignment.allocated.mem_mib);
    use(hold.amounts.disk_mib, assignment.allocated.disk_mib);
    use(hold.amounts.gpus, assignment.allocated.gpus);
    use(hold.amounts.ports, assignment.allocated.ports.count());
    for (auto& [name, amount] : hold.amounts.scalars) use(amount, scalar(assignment.allocated.scalars, name));
    std::erase_if(hold.amounts.scalars, [](const auto& named) { return named.second == 0; });
  }
  std::erase_if(host.holds, [](const Hold& hold) { return hold.amounts == ResourceRequest(); });
  host.work.push_back(work_of(world.queue.demands[assignment.demand]));
}

// The same facts, in the order of `order`; answers each host's index there.
inline std::vector<HostIndex> tell(Cluster& cluster, const World& world,
                                   const std::vector<std::size_t>& order) {
  std::vector<HostIndex> at(world.hosts.size());
  for (std::size_t i : order) {
    const WorldHost& host = world.hosts[i];
    at[i] = cluster.put(host.facts);
    for (const Work& work : host.work) cluster.start(at[i], work);
    cluster.stand(at[i], host.standing);
    if (host.offered) cluster.offer(at[i], host.free);
    for (const Hold& hold : host.holds) cluster.hold(at[i], hold);
    cluster.avoid_ports(at[i], host.avoided);
  }
  return at;
}

// The plan with the world's indices of hosts.
inline Plan in_world_terms(Plan plan, const std::vector<HostIndex>& at) {
  for (Assignment& assignment : plan.assignments) {
    const auto found = std::find(at.begin(), at.end(), assignment.host);
    ASSERT(found != at.end());
    assignment.host = static_cast<HostIndex>(found - at.begin());
  }
  return plan;
}

inline Resources total_of(const World& world) {
  Resources total;
  for (const WorldHost& host : world.hosts) total += host.facts.total;
  return total;
}

}  // namespace mimas::placement
