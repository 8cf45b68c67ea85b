// Which tasks have to end so that a more important one fits that would fit no other way: as few as possible,
// the youngest, the least important. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "placement/cluster.h"

namespace mimas::placement {

// A task that could be ended for another: below the demand in priority, or of a flex group where the demand's
// is critical; never of a job that is production.
struct Victim {
  TaskId task;
  JobNumber job = 0;
  std::int64_t priority = 0;
  bool production = false;
  Tier tier = Tier::flex;
  Instant started;      // younger ones go first
  Resources allocated;  // what its end gives back
};

// The live tasks on an agent, any order.
using VictimsOn = std::function<std::vector<Victim>(HostIndex)>;

struct Eviction {
  std::size_t demand = 0;
  HostIndex host = 0;
  std::vector<TaskId> victims;  // never more than needed: without any one of them it would not fit
};

// For what the plan left unplaced of demands whose spec is production, at most `most` evictions. Free amounts
// and constraints are those of the cluster, with the plan's assignments counted. A demand that fits once
// victims of the same answer are gone is not given another agent.
std::vector<Eviction> preempt(const Cluster& cluster, const Queue& queue, const Plan& plan,
                              const VictimsOn& victims, std::size_t most);

}  // namespace mimas::placement
