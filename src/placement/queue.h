// What waits, as placement sees it: demands (tasks that look alike), and the groups that share the cluster.
#pragma once

#include <cstdint>
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
  // For so many of its tasks others were ended (placement/preemption.h): until they have a place, they go
  // before everybody of their tier, or else those would take the room.
  std::int64_t claims = 0;
};

struct Queue {
  std::vector<Group> groups;
  std::vector<Demand> demands;
};

}  // namespace mimas::placement
