// Which tasks have to end so that a more important one fits that would fit no other way: as few as possible,
// the least important, the youngest. Pure.
//
// A task may be ended for a demand whose tier is its own and whose priority is higher, or for one of a
// critical group if its own is flex; never one whose job is production, or the same. Each agent's smallest
// sets of such tasks are compared by: how few; then the importance (tier, priority) of the most important
// one, and so on; then the start of the oldest one, and so on, the later the better; then the agent's id.
// Where an agent has so many tasks that looking at every set of that size would take more than kSetsMax
// looks, the sets tried there are those of the least important tasks, without the ones that turn out not to
// be needed. Tested in tests/placement/preemption_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "placement/cluster.h"

namespace mimas::placement {

inline constexpr std::int64_t kSetsMax = 5'000;  // looked at on one agent for one task

// A live task as it stands on an agent.
struct Victim {
  TaskId task;
  Work work;  // as the cluster was told of it
  std::int64_t priority = 0;
  bool production = false;
  Tier tier = Tier::flex;
  Instant started;
  Resources allocated;  // what its end gives back
};

// All live tasks on an agent, any order; those that are ending already have no place here.
using VictimsOn = std::function<std::vector<Victim>(HostIndex)>;

struct Eviction {
  std::size_t demand = 0;  // one for each of its tasks that is helped
  HostIndex host = 0;
  std::vector<TaskId> victims;  // never more than needed: without any one of them it would not fit
};

// For what the plan left unplaced of demands whose spec is production, at most `most` evictions. Free amounts
// and constraints are those of the cluster, with the plan's assignments counted, and what is held for others
// is not free; an agent that offers nothing has nothing free; where one has never been described, no task
// ends for a constraint that only its description could answer, nor where some agents are dedicated. The
// demands are served in the order of placement/order.h, quotas included. A task that fits once victims of the
// same answer are gone needs no eviction of its own.
std::vector<Eviction> preempt(const Cluster& cluster, const Queue& queue, const Plan& plan,
                              const VictimsOn& victims, std::size_t most);

}  // namespace mimas::placement
