// What an agent makes of its own resources at the master's word: reservations and persistent volumes, and the
// reports about them, repeated until acknowledged (mesos-protocol §2.2, §2.6).
#include <algorithm>
#include <utility>

#include "base/uuid.h"
#include "pocket/agent_model.h"

namespace mimas::pocket {
namespace {

using Operation = mv1::Offer::Operation;

constexpr std::size_t kAppliedMax = 1'000;

}  // namespace

void AgentModel::recover_operations(const RecoveredState& recovered) {
  ResourceList list;
  for (const mv1::Resource& one : recovered.resources) *list.Add() = one;
  if (list.empty()) list = options_.info.resources();
  if (Result<Holdings> total = Holdings::read(list); total) total_ = *std::move(total);
  converted_ = !recovered.resources.empty();
  for (const OperationReport& one : recovered.operations) {
    operations_[one.uuid].report = one;
    applied_.push_back(one.uuid);
  }
}

void AgentModel::on_command(const ApplyOperation& apply, Instant now) {
  const auto known = operations_.find(apply.uuid);
  if (known != operations_.end()) return send_operation(known->second, now);
  if (std::find(applied_.begin(), applied_.end(), apply.uuid) != applied_.end()) return;
  applied_.push_back(apply.uuid);
  if (applied_.size() > kAppliedMax) applied_.pop_front();

  AgentOperation operation;
  operation.report.framework_id = apply.framework_id;
  operation.report.uuid = apply.uuid;
  mv1::OperationStatus& status = operation.report.status;
  status.set_state(mv1::OPERATION_FINISHED);
  *status.mutable_agent_id() = options_.info.id();
  if (const std::string why = convert(apply.operation, &status); !why.empty()) {
    status.set_state(mv1::OPERATION_DROPPED);
    status.set_message(why);
  }
  if (!apply.operation.has_id()) {  // nobody waits for it: said once
    outputs_.emplace_back(ToMaster{operation.report});
    return;
  }
  *status.mutable_operation_id() = apply.operation.id();
  status.mutable_uuid()->set_value(next_uuid());
  AgentOperation& kept = operations_[apply.uuid] = std::move(operation);
  checkpoint_operations();
  send_operation(kept, now);
}

// Why not, or nothing.
std::string AgentModel::convert(const Operation& operation, mv1::OperationStatus* status) {
  const Result<Conversion> conversion = conversion_of(operation);
  if (!conversion) return conversion.error().message;
  if (!total_.contains(conversion->consumed)) return "The agent has no such resources";
  total_.subtract(conversion->consumed);
  total_.add(conversion->converted);
  converted_ = true;
  conversion->converted.render(status->mutable_converted_resources());
  mv1::Offer::Operation::Reserve all;
  total_.render(all.mutable_resources());
  outputs_.emplace_back(Checkpoint{RecordKind::resources, {}, "", all.SerializeAsString()});
  if (operation.type() == Operation::CREATE)
    for (const mv1::Resource& volume : operation.create().volumes())
      outputs_.emplace_back(VolumeChange{volume, true});
  if (operation.type() == Operation::DESTROY)
    for (const mv1::Resource& volume : operation.destroy().volumes())
      outputs_.emplace_back(VolumeChange{volume, false});
  return {};
}

void AgentModel::send_operation(AgentOperation& operation, Instant now) {
  operation.retry_at = kNever;
  if (!connected_) return;
  outputs_.emplace_back(ToMaster{operation.report});
  const int shift = std::min(operation.attempt++, 20);
  operation.retry_at = now + std::min(options_.retry_ms_max, options_.retry_ms << shift);
}

void AgentModel::send_operations_again(Instant now) {
  for (auto& [uuid, operation] : operations_) {
    operation.attempt = 0;
    send_operation(operation, now);
  }
}

void AgentModel::on_command(const AcknowledgeOperation& acknowledge, Instant /*now*/) {
  const auto found = operations_.find(acknowledge.uuid);
  if (found == operations_.end()) return;
  if (found->second.report.status.uuid().value() != acknowledge.status_uuid) return;  // stale or foreign
  operations_.erase(found);
  checkpoint_operations();
}

void AgentModel::checkpoint_operations() {
  std::vector<Report> reports;
  for (const auto& [uuid, operation] : operations_) reports.emplace_back(operation.report);
  outputs_.emplace_back(Checkpoint{RecordKind::operations, {}, "", encode_reports(reports)});
}

void AgentModel::tell_operations(Registration& into) const {
  if (converted_) {
    ResourceList list;
    total_.render(&list);
    into.resources.assign(list.begin(), list.end());
  }
  for (const auto& [uuid, operation] : operations_) into.operations.push_back(operation.report);
}

}  // namespace mimas::pocket
