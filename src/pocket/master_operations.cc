// RESERVE, UNRESERVE, CREATE and DESTROY: checked here, carried out at once in the master's books, followed
// by the agent (mesos-protocol §2.2, §4.4). With an id the outcome comes back as UPDATE_OPERATION_STATUS
// until it is acknowledged. Resizing volumes and resource providers' disks are not offered.
#include "pocket/master_model.h"

namespace mimas::pocket {
namespace {

using Event = mscheduler::Event;
using Operation = mv1::Offer::Operation;
using Reservation = mv1::Resource::ReservationInfo;

bool final(mv1::OperationState state) {
  switch (state) {
    case mv1::OPERATION_FINISHED:
    case mv1::OPERATION_FAILED:
    case mv1::OPERATION_ERROR:
    case mv1::OPERATION_DROPPED:
    case mv1::OPERATION_GONE_BY_OPERATOR: return true;
    default: return false;
  }
}

// Of one resource to be reserved for the offer's role by this framework; empty: fine.
std::string check_reservation(const mv1::Resource& resource, const std::string& role,
                              const std::string& principal) {
  Reservation last;
  if (resource.reservations_size() > 0) {
    last = resource.reservations(resource.reservations_size() - 1);
  } else {  // the old spelling
    if (resource.has_reservation()) last = resource.reservation();
    last.set_role(resource.role());
    last.set_type(resource.has_reservation() ? Reservation::DYNAMIC : Reservation::STATIC);
  }
  if (last.type() != Reservation::DYNAMIC) return "Resource is not dynamically reserved";
  if (last.role().empty() || last.role() == "*") return "Resource must not be reserved for '*'";
  if (last.role() != role)
    return "A reserve operation was attempted for a resource with role '" + last.role() +
           "', but the resource is allocated to role '" + role + "'";
  if (!principal.empty() && last.principal() != principal)
    return "A reserve operation was attempted by principal '" + principal +
           "', but there is a reserved resource in the request with principal '" + last.principal() + "'";
  return {};
}

std::string check_volume(const mv1::Resource& volume, const std::string& principal) {
  if (volume.name() != "disk") return "Resource is not a disk";
  if (!volume.disk().has_persistence()) return "Resource does not have persistence";
  if (volume.disk().volume().has_host_path())
    return "Expecting 'host_path' to be unset for persistent volume";
  if (volume.disk().volume().mode() == mv1::Volume::RO) return "Read-only persistent volume not supported";
  const std::string& owner = volume.disk().persistence().principal();
  if (!principal.empty() && volume.disk().persistence().has_principal() && owner != principal)
    return "Create volume operation attempted by principal '" + principal +
           "', but there is a volume in the operation with principal '" + owner + "'";
  return {};
}

}  // namespace

std::string MasterModel::check_operation(const MasterFramework& framework, const MasterAgent& agent,
                                         const Pool& pool, const Operation& operation) const {
  const std::string& principal = framework.info.principal();
  switch (operation.type()) {
    case Operation::RESERVE:
      if (operation.reserve().source_size() > 0) return "'source' is not allowed in RESERVE by a scheduler";
      for (const mv1::Resource& one : operation.reserve().resources())
        if (std::string why = check_reservation(one, pool.role, principal); !why.empty()) return why;
      break;
    case Operation::UNRESERVE:
      for (const mv1::Resource& one : operation.unreserve().resources())
        if (one.disk().has_persistence())
          return "A dynamically reserved persistent volume cannot be unreserved directly. Please destroy the "
                 "persistent volume first then unreserve the resource";
      break;
    case Operation::CREATE: {
      std::set<std::string> ids;
      for (const mv1::Resource& one : operation.create().volumes()) {
        if (std::string why = check_volume(one, principal); !why.empty()) return why;
        const std::string& id = one.disk().persistence().id();
        if (!ids.insert(id).second || agent.total.has_volume(pool.role, id))
          return "Persistence ID '" + id + "' is not unique on agent " + agent.id();
      }
      break;
    }
    case Operation::DESTROY: break;
    default: return Operation::Type_Name(operation.type()) + " is not supported by this cluster";
  }
  const Result<Conversion> conversion = conversion_of(operation);
  if (!conversion) return conversion.error().message;
  if (pool.left.contains(conversion->consumed)) return {};
  if (operation.type() == Operation::DESTROY && agent.used.contains(conversion->consumed))
    return "Persistent volumes in use";
  return "Invalid " + Operation::Type_Name(operation.type()) + " Operation: " + pool.left.text(pool.role) +
         " does not contain " + conversion->consumed.text(pool.role);
}

void MasterModel::operate(MasterFramework& framework, MasterAgent& agent, Pool& pool,
                          const Operation& operation) {
  if (const std::string why = check_operation(framework, agent, pool, operation); !why.empty())
    return operation_error(framework, operation, why);
  const Conversion conversion = *conversion_of(operation);
  for (Holdings* books : {&pool.left, &agent.total}) {
    books->subtract(conversion.consumed);
    books->add(conversion.converted);
  }
  pool.converted.subtract(conversion.consumed);
  pool.converted.add(conversion.converted);
  ApplyOperation apply{framework.id(), operation, next_uuid()};
  if (operation.has_id()) {
    MasterOperation record{apply.uuid, agent.id(), {}};
    *record.latest.mutable_operation_id() = operation.id();
    record.latest.set_state(mv1::OPERATION_PENDING);
    *record.latest.mutable_agent_id() = agent.info.id();
    framework.operations[operation.id().value()] = std::move(record);
  }
  command(agent, std::move(apply));
}

void MasterModel::send_operation_status(MasterFramework& framework, const mv1::OperationStatus& status) {
  Event event;
  event.set_type(Event::UPDATE_OPERATION_STATUS);
  *event.mutable_update_operation_status()->mutable_status() = status;
  send(framework, std::move(event));
}

void MasterModel::on_report(MasterAgent& agent, const OperationReport& report) {
  if (report.status.state() == mv1::OPERATION_DROPPED) {
    // It could not follow: what it registers with next is the truth.
    outputs_.emplace_back(EndStream{agent.stream});
  }
  MasterFramework* framework = find_framework(report.framework_id);
  if (!report.status.has_operation_id()) return;
  if (framework == nullptr)  // removed: nobody will acknowledge this one
    return command(agent, AcknowledgeOperation{report.uuid, report.status.uuid().value()});
  framework->operations[report.status.operation_id().value()] =
      MasterOperation{report.uuid, agent.id(), report.status};
  send_operation_status(*framework, report.status);
}

void MasterModel::learn_operations(MasterAgent& agent, const Registration& registration) {
  for (const OperationReport& one : registration.operations) {
    MasterFramework* framework = find_framework(one.framework_id);
    if (framework == nullptr || !one.status.has_operation_id()) continue;
    framework->operations[one.status.operation_id().value()] =
        MasterOperation{one.uuid, agent.id(), one.status};
  }
}

void MasterModel::acknowledge(MasterFramework& framework,
                              const mscheduler::Call::AcknowledgeOperationStatus& acknowledge) {
  const auto found = framework.operations.find(acknowledge.operation_id().value());
  if (found == framework.operations.end()) return;
  const MasterOperation& operation = found->second;
  const auto agent = agents_.find(operation.agent_id);
  if (agent == agents_.end() || !agent->second.connected) return;  // the agent tells it again
  command(agent->second, AcknowledgeOperation{operation.uuid, acknowledge.uuid()});
  if (final(operation.latest.state()) && operation.latest.uuid().value() == acknowledge.uuid())
    framework.operations.erase(found);
}

// Unlike tasks, operations are always answered (mesos-protocol §2.6). None named: all that are known.
void MasterModel::reconcile_operations(MasterFramework& framework,
                                       const mscheduler::Call::ReconcileOperations& reconcile) {
  const auto tell_known = [&](const MasterOperation& operation) {
    mv1::OperationStatus status = operation.latest;
    status.clear_uuid();
    send_operation_status(framework, status);
  };
  if (reconcile.operations().empty())
    for (const auto& [id, operation] : framework.operations) tell_known(operation);
  for (const auto& asked : reconcile.operations()) {
    const auto known = framework.operations.find(asked.operation_id().value());
    if (known != framework.operations.end()) {
      tell_known(known->second);
      continue;
    }
    const std::string& where = asked.agent_id().value();
    mv1::OperationStatus status;
    *status.mutable_operation_id() = asked.operation_id();
    status.set_state(mv1::OPERATION_UNKNOWN);
    status.set_message("Reconciliation: Operation is unknown");
    if (asked.has_agent_id()) *status.mutable_agent_id() = asked.agent_id();
    if (asked.has_agent_id() && recovering_agents_.contains(where)) {
      status.set_state(mv1::OPERATION_RECOVERING);
      status.set_message("Reconciliation: Agent is recovering");
    } else if (unreachable_agents_.contains(where)) {
      status.set_state(mv1::OPERATION_UNREACHABLE);
      status.set_message("Reconciliation: Agent is unreachable");
    } else if (gone_agents_.contains(where)) {
      status.set_state(mv1::OPERATION_GONE_BY_OPERATOR);
      status.set_message("Reconciliation: Agent marked gone by operator");
    }
    send_operation_status(framework, status);
  }
}

}  // namespace mimas::pocket
