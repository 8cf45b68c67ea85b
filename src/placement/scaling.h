// When a group of agents should grow or shrink, and by which agents. Pure; time is an argument. Fenzo's rules
// (titus §4.1): up when too few are idle, or when agents that are not there would run what waits; down when
// too many are idle for longer than the cool-down. What keeps it from flapping: agents that were asked for
// count until they come or are given up, a group in which somebody is awaited does not shrink, and whoever
// has just come gets a whole cool-down to be found by work. Tested in tests/placement/scaling_test.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/scaling.h"
#include "placement/cluster.h"

namespace mimas::placement {

inline constexpr std::int64_t kScalingSettleMs =
    120'000;                                              // after a subscription agents have yet to be heard
                                                          // of: for the cool-down, or this where it is longer
inline constexpr std::int64_t kScalingConfirmMs = 1'000;  // from taking no new work to being removed
inline constexpr std::int64_t kScalingRetryFirstMs = 5'000;  // after a failure: 5 s, 10 s, … 5 min
inline constexpr std::int64_t kScalingRetryMaxMs = 300'000;
inline constexpr std::int64_t kTrialAgentsMax = 200;  // imagined for one group at a time
inline constexpr std::size_t kTrialTasksMax = 5'000;  // placed in one trial

// An agent of the group that is there.
struct ScalingMember {
  AgentId agent;
  std::string hostname;
  std::string zone;                        // empty: unknown, a zone of its own
  bool empty = true;                       // nothing of ours runs there
  bool open = true;                        // new work may go there, if it is not leaving
  const Attributes* attributes = nullptr;  // for learn()
  const Resources* total = nullptr;
};

// How the group is seen now.
struct ScalingSight {
  std::vector<ScalingMember> members;  // by agent id
  std::int64_t needed = 0;             // new agents beyond the awaited ones that would help what waits …
  std::int64_t needed_tasks = 0;       // … so many tasks
  Instant since;                       // we hear of agents since
};

// What has to be remembered between two looks. Starts empty.
struct ScalingMemory {
  struct Awaited {
    std::int64_t decision = 0;
    Instant until;
  };
  struct Leaving {
    std::int64_t decision = 0;  // 0: not decided yet, it only takes no new work
    ScalingCause cause = ScalingCause::max_idle;
    Instant until;  // of the next thing: the decision, or to be used again
  };
  std::map<AgentId, Instant> known;  // of the group → when seen last
  std::deque<Awaited> awaited;       // oldest first
  std::map<AgentId, Leaving> leaving;
  Instant calm_until;               // cool-down
  Instant too_many_since = kNever;  // more than max_idle are idle
  std::int64_t failures = 0;        // in a row
  Instant paused_until;
  std::string trouble;
};

struct ScalingLook {
  std::optional<ScalingDecision> decision;  // to be carried out now; its number is the caller's to give
  std::int64_t idle = 0;                    // as counted
  Instant look_at = kNever;                 // no later than that the next one
};

// One look: notes who came and went, decides at most one thing. `number` is that of the decision.
ScalingLook look(const ScalingRule& rule, ScalingMemory& memory, const ScalingSight& sight,
                 std::int64_t number, Instant now);
// What became of a decision. A failed one is forgotten: its agents are no longer awaited, or used again, and
// nothing is asked for until a pause is over that grows with every failure.
void note_report(ScalingMemory& memory, std::int64_t decision, bool ok, const std::string& message,
                 Instant now);

// What another agent of the group would be: the rule's own template, else the smallest member (by cpu,
// memory, disk, then id) with the attributes that all members share. Nothing when there is nobody to learn
// from.
std::optional<ScalingTemplate> learn(const ScalingRule& rule, const std::vector<ScalingMember>& members);

// A group in a trial.
struct TrialGroup {
  ScalingTemplate agent;           // its attributes with the group's own
  std::vector<std::string> zones;  // of the members; those imagined take turns unless the template names one
  std::int64_t coming = 0;         // asked for already
  std::int64_t room = 0;           // how many more there may be
  Instant latest = kNever;         // what waits since later than that asks for none
};
struct TrialResult {
  std::int64_t agents = 0;  // the fewest new ones …
  std::int64_t tasks = 0;   // … that let so many more tasks run, as many as any number of them would
};

// What waits is placed on a copy of the cluster with imagined agents: first those that are coming, then new
// ones group by group. What no new agent would help (too large, excluded by a constraint, over its quota)
// asks for none. `busy` are hosts that take no new work only because they were just sent some: in the trial
// they do. Costs a few times a copy and a placement; nothing when nothing waits.
std::vector<TrialResult> try_new_agents(const Cluster& cluster, const Queue& queue,
                                        const std::vector<TrialGroup>& groups,
                                        const std::vector<HostIndex>& busy = {});

}  // namespace mimas::placement
