// The text forms of the model's enumerations. They are part of the REST contract and of the database: never
// change one.
#include <array>

#include "model/agent.h"
#include "model/group.h"
#include "model/job.h"
#include "model/orphan.h"
#include "model/scaling.h"
#include "model/task.h"

namespace mimas {
namespace {

constexpr std::array<std::string_view, kTaskStates> kTaskStateNames = {
    "QUEUED", "DISPATCHED", "STARTING", "RUNNING", "UNREACHABLE", "FINISHED", "FAILED", "STOPPED", "CRASHED"};

constexpr std::array<std::string_view, 4> kOrphanDecisionNames = {"undecided", "waiting", "leave", "kill"};

bool equal_but_for_case(std::string_view upper, std::string_view text) {
  if (upper.size() != text.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c != upper[i]) return false;
  }
  return true;
}

}  // namespace

std::string_view job_type_name(JobType type) { return type == JobType::batch ? "batch" : "service"; }

std::string_view runtime_name(Runtime runtime) { return runtime == Runtime::process ? "process" : "docker"; }

std::string_view tier_name(Tier tier) { return tier == Tier::critical ? "critical" : "flex"; }

std::optional<Tier> parse_tier(std::string_view text) {
  for (const Tier tier : {Tier::critical, Tier::flex}) {
    std::string upper(tier_name(tier));
    for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
    if (equal_but_for_case(upper, text)) return tier;
  }
  return std::nullopt;
}

std::string_view agent_state_name(AgentState state) {
  switch (state) {
    case AgentState::active: return "active";
    case AgentState::unreachable: return "unreachable";
    case AgentState::gone: return "gone";
  }
  return "active";
}

std::string_view standing_name(Standing standing) {
  switch (standing) {
    case Standing::open: return "open";
    case Standing::maintenance: return "maintenance";
    case Standing::drained: return "drained";
    case Standing::disabled: return "disabled";
    case Standing::quarantined: return "quarantined";
    case Standing::launching: return "launching";
  }
  return "open";
}

std::string_view agent_order_name(AgentOrder::Kind kind) {
  return kind == AgentOrder::Kind::drain ? "drain" : "disable";
}

std::optional<AgentOrder::Kind> parse_agent_order(std::string_view name) {
  if (name == "drain") return AgentOrder::Kind::drain;
  if (name == "disable") return AgentOrder::Kind::disable;
  return std::nullopt;
}

std::string_view scaling_cause_name(ScalingCause cause) {
  switch (cause) {
    case ScalingCause::min_size: return "minSize";
    case ScalingCause::min_idle: return "minIdle";
    case ScalingCause::shortfall: return "shortfall";
    case ScalingCause::max_idle: return "maxIdle";
    case ScalingCause::max_size: return "maxSize";
  }
  return "shortfall";
}

std::string_view scaling_outcome_name(ScalingOutcome outcome) {
  switch (outcome) {
    case ScalingOutcome::asked: return "asked";
    case ScalingOutcome::done: return "done";
    case ScalingOutcome::failed: return "failed";
  }
  return "asked";
}

std::string_view orphan_decision_name(OrphanDecision decision) {
  return kOrphanDecisionNames[static_cast<std::size_t>(decision)];
}

std::optional<OrphanDecision> parse_orphan_decision(std::string_view name) {
  for (std::size_t i = 0; i < kOrphanDecisionNames.size(); ++i) {
    if (kOrphanDecisionNames[i] == name) return static_cast<OrphanDecision>(i);
  }
  return std::nullopt;
}

std::string_view task_state_name(TaskState state) { return kTaskStateNames[static_cast<std::size_t>(state)]; }

std::string_view titus_state_name(TaskState state) {
  return task_state_name(state == TaskState::unreachable ? TaskState::running : state);
}

std::optional<TaskState> parse_task_state(std::string_view name) {
  for (std::size_t i = 0; i < kTaskStateNames.size(); ++i) {
    if (equal_but_for_case(kTaskStateNames[i], name)) return static_cast<TaskState>(i);
  }
  return std::nullopt;
}

bool is_terminal(TaskState state) { return state >= TaskState::finished; }

bool is_live_on_agent(TaskState state) {
  return state >= TaskState::dispatched && state <= TaskState::unreachable;
}

}  // namespace mimas
