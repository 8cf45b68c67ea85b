#include "placement/preemption.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "placement/order.h"

namespace mimas::placement {
namespace {

using Amounts = std::vector<std::int64_t>;  // of the kinds that the task asks for, in the order of amounts_of
using Chosen = std::vector<const Victim*>;

bool has(const std::vector<JobNumber>& jobs, JobNumber job) {
  return std::find(jobs.begin(), jobs.end(), job) != jobs.end();
}

bool asks(const Demand& demand, Constraint::Kind kind) {
  const auto& constraints = demand.spec->hard_constraints;
  return std::any_of(constraints.begin(), constraints.end(),
                     [&](const Constraint& c) { return c.kind == kind; });
}

Amounts amounts_of(const Resources& have, const Scalars& kinds) {
  Amounts amounts{have.cpu_milli, have.mem_mib, have.disk_mib, have.gpus, have.ports.count()};
  for (const auto& [name, amount] : kinds) amounts.push_back(scalar(have.scalars, name));
  return amounts;
}

Amounts amounts_of(const ResourceRequest& asked, const Scalars& kinds) {
  Amounts amounts{asked.cpu_milli, asked.mem_mib, asked.disk_mib, asked.gpus, asked.ports};
  for (const auto& [name, amount] : kinds) amounts.push_back(scalar(asked.scalars, name));
  return amounts;
}

// How dear a set of victims is: the smaller the better.
struct Price {
  std::size_t tasks = 0;
  std::vector<std::pair<bool, std::int64_t>> importance;  // the most important first
  std::vector<std::int64_t> youth;                        // of the oldest first; less is younger
  auto operator<=>(const Price&) const = default;
};

Price price_of(const Chosen& chosen) {
  Price price{chosen.size(), {}, {}};
  for (const Victim* victim : chosen) {
    price.importance.emplace_back(victim->tier == Tier::critical, victim->priority);
    price.youth.push_back(-victim->started.ms);
  }
  std::sort(price.importance.rbegin(), price.importance.rend());
  std::sort(price.youth.rbegin(), price.youth.rend());
  return price;
}

// One agent as it stands to one demand.
class Site {
 public:
  Site(const Demand& demand, Tier tier, const HostFacts& facts, const Resources& free,
       const ResourceRequest& held, const std::vector<Victim>& tasks, const std::vector<Work>& placed)
      : demand_(&demand), tasks_(&tasks), placed_(&placed), kinds_(demand.spec->request.scalars) {
    const std::int64_t network = demand.spec->network_mbps * 1'000;
    if (network > 0 && scalar(facts.total.scalars, kNetworkScalar) > 0)
      add_scalars(kinds_, {{std::string(kNetworkScalar), network}});
    free_ = amounts_of(free, kinds_);
    const Amounts kept = amounts_of(held, kinds_);
    for (std::size_t kind = 0; kind < free_.size(); ++kind) free_[kind] -= kept[kind];
    sort_out(tier);
  }

  // The cheapest set that makes room there, as far as this can be told without a trial.
  std::optional<Chosen> cheapest() {
    if (is_barred_) return std::nullopt;
    for (std::size_t more = 0; more <= may_.size(); ++more) {
      if (!may_be_enough(more)) continue;
      if (sets_of(more) > kSetsMax) return least_important();
      if (auto chosen = cheapest_of(more)) return chosen;
    }
    return std::nullopt;
  }

 private:
  bool is_fair_game(const Victim& victim, Tier tier) const {
    if (victim.production || victim.work.job == demand_->job) return false;
    if (victim.tier != tier) return tier == Tier::critical;
    return victim.priority < demand_->priority;
  }

  // Who has to go whatever the amounts, who may go, and whether somebody is in the way who has to stay.
  void sort_out(Tier tier) {
    const bool alone = asks(*demand_, Constraint::Kind::exclusive_host);
    for (const Victim& task : *tasks_) {
      const bool is_own = task.work.job == demand_->job;
      const bool in_the_way = !is_own && (alone || task.work.exclusive || has(demand_->apart, task.work.job));
      if (is_fair_game(task, tier)) {
        (in_the_way ? must_ : may_).push_back(&task);
      } else if (in_the_way || (is_own && asks(*demand_, Constraint::Kind::unique_host))) {
        is_barred_ = true;
      }
    }
    std::sort(may_.begin(), may_.end(), [](const Victim* a, const Victim* b) {
      return std::tuple(a->tier == Tier::critical, a->priority, -a->started.ms, a->task) <
             std::tuple(b->tier == Tier::critical, b->priority, -b->started.ms, b->task);
    });
    for (const Victim* victim : may_) gains_.push_back(amounts_of(victim->allocated, kinds_));
  }

  template <typename Test>
  bool stays_any(const Chosen& gone, const Test& test) const {
    return std::any_of(placed_->begin(), placed_->end(), test) ||
           std::any_of(tasks_->begin(), tasks_->end(), [&](const Victim& task) {
             return test(task.work) && std::find(gone.begin(), gone.end(), &task) == gone.end();
           });
  }

  bool pays_share(const Chosen& gone) const {
    return demand_->executor.empty() ||
           !stays_any(gone, [&](const Work& work) { return work.executor == demand_->executor; });
  }

  bool keeps_company(const Chosen& gone) const {
    return !asks(*demand_, Constraint::Kind::with_job) ||
           stays_any(gone, [&](const Work& work) { return has(demand_->with, work.job); });
  }

  Amounts need(bool with_share) const {
    const ResourceRequest& asked = demand_->spec->request;
    Amounts amounts{asked.cpu_milli, asked.mem_mib, asked.disk_mib, asked.gpus, asked.ports};
    if (with_share) {
      amounts[0] += demand_->share.cpu_milli;
      amounts[1] += demand_->share.mem_mib;
    }
    for (const auto& [name, amount] : kinds_) amounts.push_back(amount);
    return amounts;
  }

  bool makes_room(const Chosen& gone) const {
    Amounts have = free_;
    for (const Victim* victim : gone) {
      const Amounts gain = amounts_of(victim->allocated, kinds_);
      for (std::size_t kind = 0; kind < have.size(); ++kind) have[kind] += gain[kind];
    }
    const Amounts needed = need(pays_share(gone));
    for (std::size_t kind = 0; kind < have.size(); ++kind) {
      if (needed[kind] > 0 && needed[kind] > have[kind]) return false;
    }
    return keeps_company(gone);
  }

  // Could `more` of those who may go be enough, were they the largest in every kind?
  bool may_be_enough(std::size_t more) const {
    const Amounts needed = need(false);
    for (std::size_t kind = 0; kind < needed.size(); ++kind) {
      if (needed[kind] <= 0) continue;
      std::int64_t have = free_[kind];
      for (const Victim* victim : must_) have += amounts_of(victim->allocated, kinds_)[kind];
      Amounts gains;
      for (const Amounts& gain : gains_) gains.push_back(gain[kind]);
      std::sort(gains.rbegin(), gains.rend());
      for (std::size_t i = 0; i < more; ++i) have += gains[i];
      if (have < needed[kind]) return false;
    }
    return true;
  }

  std::int64_t sets_of(std::size_t size) const {
    std::int64_t sets = 1;
    for (std::size_t i = 0; i < size && sets <= kSetsMax; ++i) {
      sets = sets * static_cast<std::int64_t>(may_.size() - i) / static_cast<std::int64_t>(i + 1);
    }
    return sets;
  }

  std::optional<Chosen> cheapest_of(std::size_t size) const {
    std::optional<Chosen> best;
    Price price;
    std::vector<std::size_t> at(size);
    for (std::size_t i = 0; i < size; ++i) at[i] = i;
    for (bool more = true; more; more = advance(at)) {
      Chosen chosen = must_;
      for (std::size_t i : at) chosen.push_back(may_[i]);
      if (!makes_room(chosen)) continue;
      Price one = price_of(chosen);
      if (best && !(one < price)) continue;
      best = std::move(chosen);
      price = std::move(one);
    }
    return best;
  }

  // The next set of as many, in lexicographic order; false after the last.
  bool advance(std::vector<std::size_t>& at) const {
    for (std::size_t i = at.size(); i > 0; --i) {
      if (at[i - 1] + 1 + (at.size() - i) >= may_.size()) continue;
      ++at[i - 1];
      for (std::size_t j = i; j < at.size(); ++j) at[j] = at[j - 1] + 1;
      return true;
    }
    return false;
  }

  // One after the other until there is room; then without those that proved to be too many.
  std::optional<Chosen> least_important() const {
    Chosen chosen = must_;
    for (std::size_t i = 0; i < may_.size() && !makes_room(chosen); ++i) chosen.push_back(may_[i]);
    for (std::size_t i = chosen.size(); i > must_.size(); --i) {
      Chosen fewer = chosen;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i - 1));
      if (makes_room(fewer)) chosen = std::move(fewer);
    }
    return makes_room(chosen) ? std::optional(chosen) : std::nullopt;
  }

  const Demand* demand_;
  const std::vector<Victim>* tasks_;
  const std::vector<Work>* placed_;  // there too: by the plan and for earlier evictions
  Scalars kinds_;                    // custom scalars that it would be charged there
  Amounts free_;                     // below zero: less than is held for others
  bool is_barred_ = false;
  Chosen must_, may_;           // the least important of those who may first
  std::vector<Amounts> gains_;  // of those who may
};

// What the plan left of demands that may take another's place, as a queue of its own.
struct Rest {
  Queue queue;
  std::vector<std::size_t> demands;  // their indices in the plan's queue
};

void use(Group& group, const Resources& allocated) {
  group.used.cpu_milli += allocated.cpu_milli;
  group.used.mem_mib += allocated.mem_mib;
  group.used.disk_mib += allocated.disk_mib;
  group.used.gpus += allocated.gpus;
  add_scalars(group.used.scalars, allocated.scalars);
}

// A task of the demand has got its place.
void count(Queue& queue, std::size_t at, const Resources& allocated) {
  Demand& demand = queue.demands[at];
  --demand.count;
  use(queue.groups[demand.group], allocated);
}

Rest rest_of(const Queue& queue, const Plan& plan) {
  Rest rest;
  for (const Unplaced& one : plan.unplaced) {
    const Demand& demand = queue.demands[one.demand];
    if (!demand.spec->production || !one.why->group.empty() || one.why->too_large) continue;
    rest.queue.demands.push_back(demand);
    rest.queue.demands.back().count = one.why->tasks;
    rest.demands.push_back(one.demand);
  }
  if (rest.demands.empty()) return rest;
  rest.queue.groups = queue.groups;
  for (const Assignment& assignment : plan.assignments) {
    use(rest.queue.groups[queue.demands[assignment.demand].group], assignment.allocated);
  }
  return rest;
}

// The cluster as it will be once what was decided has happened.
class Trial {
 public:
  Trial(const Cluster& cluster, const Queue& queue, const Plan& plan, const VictimsOn& victims)
      : cluster_(cluster.copy()), victims_(&victims) {
    for (const Assignment& assignment : plan.assignments) take(queue.demands[assignment.demand], assignment);
  }

  // A place that needs no victim, then the agent whose victims are the cheapest.
  std::optional<Eviction> find(const Queue& queue, std::size_t at, Assignment& taken) {
    const Demand& demand = queue.demands[at];
    if (auto found = try_to_place(demand)) {
      taken = *found;
      take(demand, taken);
      return Eviction{};
    }
    std::optional<Eviction> best;
    Price price;
    for (HostIndex host : cluster_.hosts()) {
      if (!has_attributes(demand, cluster_.facts(host), cluster_.rules())) continue;
      const std::vector<Victim> tasks = those_left(host);
      const Resources free = cluster_.free(host);
      Site site(demand, queue.groups[demand.group].tier, cluster_.facts(host), free,
                cluster_.held_for_others(host, demand.job), tasks, placed_[host]);
      const auto chosen = site.cheapest();
      if (!chosen || chosen->empty()) continue;  // room, and yet no place: victims are no remedy
      Price one = price_of(*chosen);
      if (best && !(one < price)) continue;
      const auto found = try_without(demand, host, free, *chosen);
      if (!found) continue;
      taken = *found;
      price = std::move(one);
      best = Eviction{0, host, {}};
      for (const Victim* victim : *chosen) best->victims.push_back(victim->task);
    }
    if (best) carry_out(demand, *best, taken);
    return best;
  }

 private:
  static bool has_attributes(const Demand& demand, const HostFacts& facts, const Rules& rules) {
    if (!facts.described && !rules.dedicated.empty()) return false;
    Attributes attributes = facts.attributes;
    attributes["hostname"] = facts.hostname;
    attributes["agentId"] = facts.agent.value;
    const auto& constraints = demand.spec->hard_constraints;
    return std::all_of(constraints.begin(), constraints.end(), [&](const Constraint& constraint) {
      if (!is_about_attributes(constraint.kind)) return true;
      const bool is_known = facts.described || attributes.contains(constraint.attribute);
      return is_known && satisfies(constraint, attributes);
    });
  }

  std::vector<Victim> those_left(HostIndex host) const {
    std::vector<Victim> tasks = (*victims_)(host);
    std::erase_if(tasks, [&](const Victim& victim) { return gone_.contains(victim.task); });
    return tasks;
  }

  std::optional<Assignment> try_to_place(const Demand& demand) {
    Queue one{{Group{}}, {demand}};
    one.demands[0].count = 1;
    one.demands[0].group = 0;
    Plan plan = cluster_.place(one, 1);
    if (plan.assignments.empty()) return std::nullopt;
    return plan.assignments[0];
  }

  std::optional<Assignment> try_without(const Demand& demand, HostIndex host, const Resources& free,
                                        const Chosen& gone) {
    Resources more = free;
    for (const Victim* victim : gone) {
      cluster_.end(host, victim->work);
      more += victim->allocated;
    }
    cluster_.offer(host, std::move(more));
    auto found = try_to_place(demand);
    for (const Victim* victim : gone) cluster_.start(host, victim->work);
    free == Resources{} ? cluster_.withdraw(host) : cluster_.offer(host, free);
    if (found && found->host != host) return std::nullopt;
    return found;
  }

  void carry_out(const Demand& demand, const Eviction& eviction, const Assignment& taken) {
    Resources free = cluster_.free(eviction.host);
    for (const Victim& victim : those_left(eviction.host)) {
      if (std::find(eviction.victims.begin(), eviction.victims.end(), victim.task) == eviction.victims.end())
        continue;
      cluster_.end(eviction.host, victim.work);
      free += victim.allocated;
    }
    gone_.insert(eviction.victims.begin(), eviction.victims.end());
    cluster_.offer(eviction.host, std::move(free));
    take(demand, taken);
  }

  void take(const Demand& demand, const Assignment& assignment) {
    Resources free = cluster_.free(assignment.host);
    free -= assignment.allocated;
    cluster_.start(assignment.host, work_of(demand));
    placed_[assignment.host].push_back(work_of(demand));
    cluster_.offer(assignment.host, std::move(free));
    cluster_.use_hold(assignment.host, demand.job, assignment.allocated);
  }

  Cluster cluster_;
  const VictimsOn* victims_;
  std::set<TaskId> gone_;
  std::map<HostIndex, std::vector<Work>> placed_;
};

}  // namespace

std::vector<Eviction> preempt(const Cluster& cluster, const Queue& queue, const Plan& plan,
                              const VictimsOn& victims, std::size_t most) {
  Rest rest = rest_of(queue, plan);
  std::vector<Eviction> evictions;
  if (rest.demands.empty() || most == 0) return evictions;
  Trial trial(cluster, queue, plan, victims);
  const Resources total = cluster.totals().total;
  // What ended for one may leave room beside it for another that had its turn before.
  for (bool more = true; more;) {
    more = false;
    const Queue now = rest.queue;
    Order order(now, total);
    for (auto next = order.next(); next && evictions.size() < most; next = order.next()) {
      Assignment taken;
      auto found = trial.find(now, *next, taken);
      if (!found) {
        order.failed();
        continue;
      }
      order.placed(taken.allocated, taken.charged);
      count(rest.queue, *next, taken.allocated);
      if (found->victims.empty()) continue;
      more = true;
      found->demand = rest.demands[*next];
      evictions.push_back(std::move(*found));
    }
  }
  return evictions;
}

}  // namespace mimas::placement
