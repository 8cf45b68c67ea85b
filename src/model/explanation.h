// Why a demand's tasks found no place: every agent counted once, under the first reason that excluded it.
// Tested in tests/placement/explanation_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"

namespace mimas {

// What an agent lacks for one task of the demand.
struct Lack {
  std::string what;  // "cpu", "memory", "disk", "gpus", "ports", or a scalar's name
  std::int64_t asked = 0, free = 0, total = 0;  // cpu and scalars in thousandths, memory and disk in MiB
};

struct NearestMiss {
  AgentId agent;
  std::string hostname;
  std::string reason;       // the one that excluded it
  std::vector<Lack> lacks;  // empty: resources were not the reason
};

// Help, as a person would put it: "without arch=arm 3 agents would fit", "an agent with 2 more CPUs free".
struct Explanation {
  std::int64_t tasks = 0;  // how many were not placed
  std::int64_t agents = 0;
  // "constraint arch=arm", "dedicated arch", "maintenance", "drained", "disabled", "quarantined",
  // "launching", "no offer", "cpu", "memory", "disk", "gpus", "ports", "scalar NAME", "UniqueHost",
  // "ExclusiveHost", "GroupBy(zone)", "MaxPer(rack, 2)", "with job:X", "apart job:X" → agents excluded by it
  std::map<std::string, std::int64_t> reasons;
  std::string group;  // not empty: no agent was looked at, the quota of this group is used up
  // Then of what: what a task asks (the executor's share with it), what the quota has left and what it is.
  std::vector<Lack> quota;
  bool too_large = false;              // no agent that is known could run it, were it empty
  std::optional<NearestMiss> nearest;  // the agent that came nearest: past most reasons, then lacking least
  std::vector<std::string> help;

  // "no agent fits: 2 of 3 fail constraint arch=arm, 1 has too little memory"
  // "the quota of group web is used up: 0.5 of 2 cpu are asked for"
  std::string text() const;
  bool operator==(const Explanation& other) const;  // of all that is shown
};
using ExplanationPtr = std::shared_ptr<const Explanation>;

// Where a task was put, for the person who asks why there.
struct Score {
  std::int64_t total = 0;    // 0..1000
  std::int64_t fitness = 0;  // 0..1000
  std::int64_t soft = -1;    // 0..1000; -1: no soft constraints
};

}  // namespace mimas
