// Whose task is next, found out the slow way: every demand is compared with every other for every task. Holds
// while amounts · totals · weights fit 64 bits.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "placement/queue.h"

namespace mimas::placement {

using Kinds = std::vector<std::pair<std::string, std::int64_t>>;

inline Kinds kinds_of(std::int64_t cpu, std::int64_t mem, std::int64_t disk, std::int64_t gpus,
                      const Scalars& scalars) {
  Kinds kinds{{"cpu", cpu}, {"memory", mem}, {"disk", disk}, {"gpus", gpus}};
  for (const auto& [name, amount] : scalars) kinds.emplace_back("scalar " + name, amount);
  return kinds;
}
inline Kinds kinds_of(const ResourceRequest& of) {
  return kinds_of(of.cpu_milli, of.mem_mib, of.disk_mib, of.gpus, of.scalars);
}
inline Kinds kinds_of(const Resources& of) {
  return kinds_of(of.cpu_milli, of.mem_mib, of.disk_mib, of.gpus, of.scalars);
}
inline std::int64_t amount_of(const Kinds& kinds, const std::string& kind) {
  for (const auto& [name, amount] : kinds) {
    if (name == kind) return amount;
  }
  return 0;
}

struct Fair {
  const Queue& queue;
  Kinds total;
  std::vector<Kinds> used;         // by group
  std::vector<std::int64_t> left;  // by demand
  std::set<std::size_t> aside;     // demands that found no place

  Fair(const Queue& of, const Resources& cluster) : queue(of), total(kinds_of(cluster)) {
    for (const Group& group : queue.groups) used.push_back(kinds_of(group.used));
    for (const Demand& demand : queue.demands) left.push_back(demand.count);
  }

  bool is_promised(std::size_t group) const {
    bool any = false;
    for (const auto& [kind, promise] : kinds_of(queue.groups[group].guarantee)) {
      if (promise > 0 && amount_of(used[group], kind) >= promise) return false;
      any = any || promise > 0;
    }
    return any;
  }
  // Is the dominant share of x smaller than that of y? It is if one of y's shares is above all of x's.
  bool is_smaller(std::size_t x, std::size_t y) const {
    for (const auto& [of_y, total_y] : total) {
      bool above_all = total_y > 0;
      for (const auto& [of_x, total_x] : total) {
        above_all =
            above_all && (total_x == 0 || amount_of(used[x], of_x) * total_y * queue.groups[y].weight <
                                              amount_of(used[y], of_y) * total_x * queue.groups[x].weight);
      }
      if (above_all) return true;
    }
    return false;
  }
  bool is_group_first(std::size_t x, std::size_t y) const {
    const Group& a = queue.groups[x];
    const Group& b = queue.groups[y];
    if (a.tier != b.tier) return a.tier == Tier::critical;
    if (is_promised(x) != is_promised(y)) return is_promised(x);
    if (is_smaller(x, y)) return true;
    if (is_smaller(y, x)) return false;
    return a.name < b.name;
  }
  bool is_first(std::size_t at, std::size_t other) const {
    const Demand& x = queue.demands[at];
    const Demand& y = queue.demands[other];
    if (x.group != y.group) return is_group_first(x.group, y.group);
    if (x.priority != y.priority) return x.priority > y.priority;
    if (x.since != y.since) return x.since < y.since;
    if (x.job != y.job) return x.job < y.job;
    return at < other;
  }
  bool exceeds_quota(std::size_t at) const {
    const Demand& demand = queue.demands[at];
    const Group& group = queue.groups[demand.group];
    if (!group.quota) return false;
    ResourceRequest ask = demand.spec->request;
    ask.cpu_milli += demand.share.cpu_milli;
    ask.mem_mib += demand.share.mem_mib;
    Kinds asked = kinds_of(ask);
    if (demand.spec->network_mbps > 0)
      asked.emplace_back("scalar network", demand.spec->network_mbps * 1'000);
    for (const auto& [kind, limit] : kinds_of(*group.quota)) {
      const std::int64_t more = amount_of(asked, kind);
      if (limit > 0 && more > 0 && more + amount_of(used[demand.group], kind) > limit) return true;
    }
    return false;
  }
  std::optional<std::size_t> next() const {
    std::optional<std::size_t> best;
    for (std::size_t at = 0; at < queue.demands.size(); ++at) {
      if (left[at] == 0 || aside.contains(at) || exceeds_quota(at)) continue;
      if (!best || is_first(at, *best)) best = at;
    }
    return best;
  }
  void placed(std::size_t at, const Resources& allocated) {
    --left[at];
    Kinds& mine = used[queue.demands[at].group];
    for (const auto& [kind, amount] : kinds_of(allocated)) {
      auto found = std::find_if(mine.begin(), mine.end(), [&](const auto& one) { return one.first == kind; });
      if (found == mine.end()) {
        mine.emplace_back(kind, amount);
      } else {
        found->second += amount;
      }
    }
  }
};

}  // namespace mimas::placement
