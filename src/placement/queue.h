// What waits, as placement sees it: demands (tasks that look alike), and the groups that share the cluster.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "model/group.h"
#include "model/job.h"
#include "model/resources.h"

namespace mimas::placement {

using JobNumber = std::int64_t;

// A capacity group, as it stands when the round begins. Amounts' ports are not looked at.
struct Group {
  std::string name;
  Tier tier = Tier::flex;
  std::int64_t weight =
      kGroupWeightDefault;    // of its dominant share against the others' (weighted DRF), 1..10,000
  ResourceRequest guarantee;  // while it uses less than this in every kind, it goes before those that do not
  std::optional<ResourceRequest> quota;  // never above; a kind that is 0 here is not bounded
  ResourceRequest used;                  // by its live tasks, the executors' shares included
};

// The tasks of one job version that wait in one role: they look alike.
struct Demand {
  JobNumber job = 0;
  std::shared_ptr<const JobSpec> spec;  // request, constraints, type, image
  std::int64_t count = 0;               // how many wait
  ResourceRequest share;                // of the executor: cpu_milli, mem_mib; paid once for each
  std::string executor;          // shared by all tasks that name it on one agent; empty: one for each task
  std::vector<JobNumber> with;   // jobs meant by its hard with(…); one of them has to run there
  std::vector<JobNumber> apart;  // … by its hard apart(…); and those whose hard apart(…) means this job
  std::vector<JobNumber> with_soft, apart_soft;  // … by its soft ones
  std::size_t group = 0;                         // index into Queue::groups
  std::int64_t priority = 0;                     // higher goes first within its group
  Instant since;                                 // … then who waits longest, then the lower job number
  std::vector<AgentId> avoid;  // where its starts came to nothing: taken only when no other agent takes it
  // Of a line (Successor): something about its own job keeps it from agents that take others of its likeness;
  // `personal`: that is so as soon as one of its tasks has a place.
  bool restricted = false, personal = false;
};

struct Queue {
  std::vector<Group> groups;
  std::deque<Demand> demands;  // they stay where they are while it grows
};

// Demands that are alike (the same group and likeness()) may wait in a line of which only the first stands in
// the queue. This appends the one behind a demand to the queue and answers true; false: nobody is behind it.
// It is called when the demand has got all it wants, or when no agent takes it though one might take the
// next. A line stands in the order in which a group's demands wait, without anybody in it that could be
// placed where the likeness alone finds no place: who has room held for it, or an executor or an agent of its
// own.
using Successor = std::function<bool(std::size_t demand)>;

// All that decides where a demand without peculiarities may go: equal texts, equal answers.
std::string likeness(const Demand& demand);

}  // namespace mimas::placement
