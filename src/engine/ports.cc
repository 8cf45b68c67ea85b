// The out-of-line part of engine's ports (input.h, change.h): names and predicates that other rooms may link
// without linking the engine itself.
#include "engine/change.h"
#include "engine/input.h"

namespace mimas::engine {

std::string_view mesos_state_name(MesosState state) {
  switch (state) {
    case MesosState::staging: return "TASK_STAGING";
    case MesosState::starting: return "TASK_STARTING";
    case MesosState::running: return "TASK_RUNNING";
    case MesosState::killing: return "TASK_KILLING";
    case MesosState::finished: return "TASK_FINISHED";
    case MesosState::failed: return "TASK_FAILED";
    case MesosState::killed: return "TASK_KILLED";
    case MesosState::error: return "TASK_ERROR";
    case MesosState::lost: return "TASK_LOST";
    case MesosState::dropped: return "TASK_DROPPED";
    case MesosState::unreachable: return "TASK_UNREACHABLE";
    case MesosState::gone: return "TASK_GONE";
    case MesosState::gone_by_operator: return "TASK_GONE_BY_OPERATOR";
    case MesosState::unknown: return "TASK_UNKNOWN";
  }
  return "TASK_UNKNOWN";
}

bool is_durable(const Change& change) {
  if (const auto* put = std::get_if<PutOrphan>(&change))
    return put->orphan->decision != OrphanDecision::undecided;
  return std::holds_alternative<PutJob>(change) || std::holds_alternative<PutTask>(change) ||
         std::holds_alternative<RemoveJob>(change) || std::holds_alternative<RemoveTask>(change) ||
         std::holds_alternative<PutFramework>(change) || std::holds_alternative<PutNextJobNumber>(change) ||
         std::holds_alternative<RemoveOrphan>(change) || std::holds_alternative<PutOperation>(change) ||
         std::holds_alternative<RemoveOperation>(change) || std::holds_alternative<PutAudit>(change) ||
         std::holds_alternative<RemoveAudit>(change) || std::holds_alternative<PutJobVersion>(change) ||
         std::holds_alternative<RemoveJobVersion>(change) || std::holds_alternative<PutReceipt>(change) ||
         std::holds_alternative<RemoveReceipt>(change) || std::holds_alternative<PutGroup>(change) ||
         std::holds_alternative<RemoveGroup>(change) || std::holds_alternative<PutAgentOrder>(change) ||
         std::holds_alternative<RemoveAgentOrder>(change);
}

}  // namespace mimas::engine
