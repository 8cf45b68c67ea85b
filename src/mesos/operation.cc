#include "mesos/operation.h"

#include <utility>

namespace mimas::mesos {
namespace {

using Proto = pb::Offer::Operation;
using List = ResourcePool::List;

Error missing(const Operation& operation) {
  return make_error(Code::invalid_argument,
                    "the offers do not hold what the operation " + operation.id.value + " needs");
}

bool reserve(const Operation& operation, const std::string& principal, ResourcePool& pool, List* into) {
  if (!pool.take(operation.amounts, into, ResourcePool::Kind::unreserved)) return false;
  for (pb::Resource& resource : *into) {
    auto* reservation = resource.add_reservations();
    reservation->set_type(pb::Resource::ReservationInfo::DYNAMIC);
    reservation->set_role(operation.role);
    if (!principal.empty()) reservation->set_principal(principal);
  }
  return true;
}

bool create(const Operation& operation, const std::string& principal, ResourcePool& pool, List* into) {
  auto disk = pool.take_disk(operation.amounts.disk_mib);
  if (!disk) return false;
  auto* info = disk->mutable_disk();
  info->mutable_persistence()->set_id(operation.volume);
  if (!principal.empty()) info->mutable_persistence()->set_principal(principal);
  info->mutable_volume()->set_container_path(operation.path);
  info->mutable_volume()->set_mode(pb::Volume::RW);
  *into->Add() = std::move(*disk);
  return true;
}

bool destroy(const Operation& operation, ResourcePool& pool, List* into) {
  auto volume = pool.take_volume(operation.volume);
  if (!volume) return false;
  *into->Add() = std::move(*volume);
  return true;
}

}  // namespace

Result<Proto> make_operation(const Operation& operation, const std::string& principal, ResourcePool& pool) {
  Proto made;
  if (operation.feedback) made.mutable_id()->set_value(wire_operation_id(operation).value);
  bool done = false;
  switch (operation.type) {
    case OperationType::reserve:
      made.set_type(Proto::RESERVE);
      done = reserve(operation, principal, pool, made.mutable_reserve()->mutable_resources());
      break;
    case OperationType::unreserve:
      made.set_type(Proto::UNRESERVE);
      done = pool.take(operation.amounts, made.mutable_unreserve()->mutable_resources(),
                       ResourcePool::Kind::reserved);
      break;
    case OperationType::create:
      made.set_type(Proto::CREATE);
      done = create(operation, principal, pool, made.mutable_create()->mutable_volumes());
      break;
    case OperationType::destroy:
      made.set_type(Proto::DESTROY);
      done = destroy(operation, pool, made.mutable_destroy()->mutable_volumes());
      break;
  }
  if (!done) return missing(operation);
  return made;
}

engine::OperationUpdate refuse_operation(const Operation& operation, std::string message) {
  engine::OperationUpdate update;
  update.operation = wire_operation_id(operation);
  update.state = engine::MesosOperationState::error;
  update.message = std::move(message);
  return update;
}

}  // namespace mimas::mesos
