// try_new_agents: what waits, on a copy of the cluster with agents that are not there.
#include <algorithm>

#include "placement/scaling.h"

namespace mimas::placement {
namespace {

// '~' comes after every character of a real id: where an agent that is there does as well, it is taken.
constexpr const char* kImagined = "~imagined-";
// Where nothing says what ports an agent has: the agent's own default in Mesos.
constexpr PortRange kPortsDefault{31'000, 32'000};

class Trial {
 public:
  Trial(const Cluster& cluster, const std::vector<HostIndex>& busy) : base_(cluster.copy()) {
    for (const HostIndex host : busy) base_.stand(host, Standing::open);
  }

  // Adds agents for good: they are there in everything that follows.
  void add(const TrialGroup& group, std::int64_t how_many) { add_to(base_, group, how_many, next_); }

  std::int64_t placed(const Queue& queue) { return placed_on(base_, queue); }
  std::int64_t placed_with(const Queue& queue, const TrialGroup& group, std::int64_t how_many) const {
    Cluster copy = base_.copy();
    std::int64_t next = next_;
    add_to(copy, group, how_many, next);
    return placed_on(copy, queue);
  }

 private:
  static void add_to(Cluster& cluster, const TrialGroup& group, std::int64_t how_many, std::int64_t& next) {
    Resources total = group.agent.total;
    if (total.ports.empty()) total.ports = *Ports::from_ranges({kPortsDefault});
    const bool has_zone = group.agent.attributes.contains("zone");
    for (std::int64_t i = 0; i < how_many; ++i, ++next) {
      HostFacts facts;
      facts.agent = AgentId(kImagined + std::to_string(1'000'000 + next));
      facts.hostname = facts.agent.value;
      facts.attributes = group.agent.attributes;
      if (!has_zone && !group.zones.empty()) {
        const std::string& zone = group.zones[static_cast<std::size_t>(next) % group.zones.size()];
        if (!zone.empty()) facts.attributes["zone"] = zone;
      }
      facts.total = total;
      cluster.offer(cluster.put(std::move(facts)), total);
    }
  }
  static std::int64_t placed_on(Cluster& cluster, const Queue& queue) {
    return static_cast<std::int64_t>(cluster.place(queue, kTrialTasksMax).assignments.size());
  }

  Cluster base_;
  std::int64_t next_ = 0;
};

// The fewest that place as many as `most` of them do.
std::int64_t fewest(const Trial& trial, const Queue& queue, const TrialGroup& group, std::int64_t most,
                    std::int64_t goal) {
  std::int64_t low = 1, high = most;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (trial.placed_with(queue, group, middle) >= goal) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return high;
}

Queue waiting_since(const Queue& queue, Instant latest) {
  Queue some{queue.groups, {}};
  for (const Demand& demand : queue.demands) {
    if (demand.since <= latest) some.demands.push_back(demand);
  }
  return some;
}

std::int64_t tasks_of(const Queue& queue) {
  std::int64_t tasks = 0;
  for (const Demand& demand : queue.demands) tasks += demand.count;
  return tasks;
}

}  // namespace

std::vector<TrialResult> try_new_agents(const Cluster& cluster, const Queue& queue,
                                        const std::vector<TrialGroup>& groups,
                                        const std::vector<HostIndex>& busy) {
  std::vector<TrialResult> results(groups.size());
  if (queue.demands.empty()) return results;
  Trial trial(cluster, busy);
  for (const TrialGroup& group : groups) trial.add(group, group.coming);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Queue waiting = waiting_since(queue, groups[i].latest);
    const std::int64_t tasks = tasks_of(waiting);
    if (tasks == 0 || groups[i].room <= 0) continue;
    const std::int64_t placed = trial.placed(waiting);
    // One agent may be needed for every task, never more.
    const std::int64_t most = std::min({groups[i].room, kTrialAgentsMax, tasks - placed});
    if (most <= 0) continue;
    const std::int64_t goal = trial.placed_with(waiting, groups[i], most);
    if (goal <= placed) continue;
    const std::int64_t needed = fewest(trial, waiting, groups[i], most, goal);
    results[i] = {needed, goal - placed};
    trial.add(groups[i], needed);
  }
  return results;
}

}  // namespace mimas::placement
