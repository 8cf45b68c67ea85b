// What a step wants done after its changes are on disk, in the fixed order of release: master calls,
// acknowledgements, sizes of agent groups, replies. An effect that is lost (no connection, process killed) is
// made up for by reconciliation; no effect is needed for correctness of the records.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engine/input.h"
#include "model/job.h"
#include "model/operation.h"
#include "model/placement_plan.h"
#include "model/scaling.h"
#include "model/task.h"

namespace mimas::engine {

// --- master calls
struct Launch {
  TaskPtr task;
  std::shared_ptr<const JobSpec> spec;
  Attributes attributes;  // of the agent: the executor is chosen by `arch`
  bool shared = false;    // the executor is there for other tasks too: Task::executor is not the task's id
  bool charged = true;    // Task::allocated holds the executor's share
};
struct AcceptOffers {
  std::vector<OfferId> offers;  // all of one agent and one role
  AgentId agent;
  std::vector<Launch> launches;
  std::int64_t refuse_ms = 0;            // filter on the untouched remainder
  std::vector<OperationPtr> operations;  // carried out in order, before the launches
};
struct DeclineOffers {
  std::vector<OfferId> offers;
  std::int64_t refuse_ms = 0;
};
struct ReviveOffers {
  std::vector<std::string> roles;  // empty: all of ours
};
struct SuppressOffers {
  std::vector<std::string> roles;  // empty: all of ours
};
// What the master can judge of an agent before it offers it (mesos-protocol §2.2 "Offer constraints").
struct AttributeTest {
  enum class Kind { exists, not_exists, text_equals, text_not_equals, text_matches, text_not_matches };
  enum class Selector { attribute, hostname, region, zone };
  Kind kind = Kind::exists;
  Selector selector = Selector::attribute;
  std::string attribute;  // its name, with Selector::attribute
  std::string value;      // the text or the RE2 expression; unused by (not_)exists
  bool operator==(const AttributeTest&) const = default;
};
// Which offers are worth sending: for a role, those of agents that pass every test of at least one group. It
// replaces what was wanted before; a role without an entry takes everything, so an empty map takes the
// constraints away. No empty lists within.
struct ConstrainOffers {
  std::map<std::string, std::vector<std::vector<AttributeTest>>> roles;
  bool operator==(const ConstrainOffers&) const = default;
};
struct AcceptInverseOffers {
  std::vector<OfferId> offers;
};
struct DeclineInverseOffers {
  std::vector<OfferId> offers;
  std::int64_t refuse_ms = 0;
};
struct KillOnAgent {
  TaskId task;
  AgentId agent;  // may be empty when unknown
  std::int64_t grace_ms = 0;
};
// The agent ends the executor, and with it every task that it runs, whether it answers or not.
struct ShutDownExecutor {
  AgentId agent;
  std::string executor;  // ExecutorInfo's id
};
struct Reconcile {  // explicit; empty list: implicit
  struct Item {
    TaskId task;
    AgentId agent;
  };
  std::vector<Item> tasks;
};

struct ReconcileOperations {
  struct Item {
    OperationId operation;  // as on the wire
    AgentId agent;
  };
  std::vector<Item> operations;
};

// --- acknowledgements
struct Acknowledge {
  AgentId agent;
  TaskId task;
  std::string uuid;
};
struct AcknowledgeOperation {
  AgentId agent;
  OperationId operation;  // as on the wire
  std::string uuid;       // 16 raw bytes
};

// Names no task: asked for after an implicit reconciliation, its answer says that all others came before
// (mesos-protocol §2.6).
inline constexpr std::string_view kListingEnd = "mimas-end-of-listing";
// Nor does this: it is asked for with an agent's id, and the answer says what the master knows of the agent.
inline constexpr std::string_view kAgentProbe = "mimas-agent-probe";

// --- the cluster's size: for the scaling provider, answered by ScalingReport
struct ScaleAgents {
  ScalingDecision decision;
  ScalingTemplate agent;  // what an added one should be; empty amounts: nobody knows yet
};

// --- replies
struct JobAccepted {
  JobId job;
  bool again = false;  // it was there already: the same request was answered before
};
struct OperationAccepted {
  OperationId operation;
  bool again = false;
};
struct OrphansDecided {
  std::vector<TaskId> done;  // adopted, or being killed
  struct Left {
    TaskId task;
    std::string why;
  };
  std::vector<Left> left;  // not adopted; left alone from now on
};
struct PlanShown {
  PlacementPlanPtr plan;  // of a dry run; nothing has changed
};
using Answer = std::variant<Done, JobAccepted, OperationAccepted, OrphansDecided, PlanShown>;
struct Reply {
  RequestId request = 0;
  Result<Answer> answer;
};

using Effect =
    std::variant<AcceptOffers, DeclineOffers, ReviveOffers, SuppressOffers, ConstrainOffers,
                 AcceptInverseOffers, DeclineInverseOffers, KillOnAgent, ShutDownExecutor, Reconcile,
                 ReconcileOperations, Acknowledge, AcknowledgeOperation, ScaleAgents, Reply>;

}  // namespace mimas::engine
