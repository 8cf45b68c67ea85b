// Groups of agents that grow and shrink with the work: what the operator's rules say, what was decided, and
// how a group stands. Whoever really adds and removes machines stands behind a provider
// (server/scaling_provider.h); nothing here knows of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "model/constraint.h"
#include "model/resources.h"

namespace mimas {

inline constexpr std::int64_t kScalingSizeMax = 10'000;        // agents of one group
inline constexpr std::int64_t kScalingGroupsMax = 64;          // rules
inline constexpr std::int64_t kScalingWaitMsMax = 86'400'000;  // any of a rule's waits: a day
inline constexpr std::size_t kScalingDecisionsKept = 20;       // of each group, the newest

// What one more agent of the group would be. The group's own attribute need not be among the attributes.
struct ScalingTemplate {
  Resources total;
  Attributes attributes;
  bool operator==(const ScalingTemplate&) const = default;
};

// An agent is idle when nothing of ours runs there and new work may go there.
struct ScalingRule {
  std::string name;                         // of the group
  std::string attribute, value;             // agents with attribute=value belong to it
  std::int64_t min_idle = 0, max_idle = 0;  // 0..kScalingSizeMax, min ≤ max
  std::int64_t min_size = 0, max_size = 0;  // 0..kScalingSizeMax, min ≤ max
  std::int64_t cool_down_ms = 300'000;      // between two decisions about idle agents, and how long
                                            // too many have to be idle before some go
  std::int64_t patience_ms = 10'000;        // a task that waits for less asks for no agent
  std::int64_t arrival_ms = 900'000;        // an agent asked for that has not come by then is given
                                            // up, one that should have gone by then is used again
  std::optional<ScalingTemplate> agent;     // none: learned from the agents of the group
};

// An agent that goes.
struct ScalingAgent {
  AgentId id;
  std::string hostname;
  bool operator==(const ScalingAgent&) const = default;
};

enum class ScalingCause { min_size, min_idle, shortfall, max_idle, max_size };
std::string_view scaling_cause_name(ScalingCause cause);  // "minSize", "shortfall", …

enum class ScalingOutcome { asked, done, failed };
std::string_view scaling_outcome_name(ScalingOutcome outcome);  // "asked", "done", "failed"

// Either `add` or `remove`, never both. `asked`: the provider has not answered yet.
struct ScalingDecision {
  std::int64_t number = 0;  // grows over all groups, across restarts too
  std::string group;
  Instant at;
  ScalingCause cause = ScalingCause::shortfall;
  std::int64_t add = 0;
  std::vector<ScalingAgent> remove;
  std::string why;  // a sentence for people
  ScalingOutcome outcome = ScalingOutcome::asked;
  std::string message;  // what the provider said, or that nobody came
};

// A group as it stands.
struct ScalingGroup {
  ScalingRule rule;
  std::int64_t size = 0;                   // agents that we know and that are there
  std::int64_t idle = 0;                   // … of them, without those that are leaving
  std::int64_t leaving = 0;                // take no new work any more, and go
  std::int64_t awaited = 0;                // asked for, not there yet
  Instant paused_until;                    // after a failure nothing is asked for before it; 0: no failure
  std::string trouble;                     // what failed last; empty: all is well
  std::vector<ScalingDecision> decisions;  // newest first
};
using ScalingGroupPtr = std::shared_ptr<const ScalingGroup>;

}  // namespace mimas
