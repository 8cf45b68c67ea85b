#include "pocket/holdings.h"

#include <utility>

namespace mimas::pocket {
namespace {

using Operation = mv1::Offer::Operation;
using Reservation = mv1::Resource::ReservationInfo;

Error invalid(const char* what) { return make_error(Code::invalid_argument, what); }

// Reservations in the one new spelling.
mv1::Resource refined(mv1::Resource resource) {
  if (resource.reservations_size() == 0 && resource.has_role() && resource.role() != "*") {
    Reservation one;
    if (resource.has_reservation()) one = resource.reservation();
    one.set_type(resource.has_reservation() ? Reservation::DYNAMIC : Reservation::STATIC);
    one.set_role(resource.role());
    *resource.add_reservations() = one;
  }
  resource.clear_role();
  resource.clear_reservation();
  resource.clear_allocation_info();
  return resource;
}

mv1::Resource kind_of(mv1::Resource resource) {
  resource.set_name("");
  resource.set_type(mv1::Value::SCALAR);
  resource.clear_scalar();
  resource.clear_ranges();
  resource.clear_set();
  return resource;
}

mv1::Resource value_of(const mv1::Resource& resource) {
  mv1::Resource value;
  value.set_name(resource.name());
  value.set_type(resource.type());
  if (resource.has_scalar()) *value.mutable_scalar() = resource.scalar();
  if (resource.has_ranges()) *value.mutable_ranges() = resource.ranges();
  if (resource.has_set()) *value.mutable_set() = resource.set();
  return value;
}

const ResourceList* resources_of(const Operation& operation) {
  switch (operation.type()) {
    case Operation::RESERVE: return operation.has_reserve() ? &operation.reserve().resources() : nullptr;
    case Operation::UNRESERVE:
      return operation.has_unreserve() ? &operation.unreserve().resources() : nullptr;
    case Operation::CREATE: return operation.has_create() ? &operation.create().volumes() : nullptr;
    case Operation::DESTROY: return operation.has_destroy() ? &operation.destroy().volumes() : nullptr;
    default: return nullptr;
  }
}

// The resource as it was before it was reserved or made a volume.
Result<mv1::Resource> before(mv1::Resource resource, bool volume) {
  if (!volume) {
    if (resource.reservations_size() == 0) return invalid("A resource is not reserved");
    resource.mutable_reservations()->RemoveLast();
    return resource;
  }
  if (!resource.disk().has_persistence()) return invalid("A resource is not a persistent volume");
  resource.mutable_disk()->clear_persistence();
  resource.mutable_disk()->clear_volume();
  if (!resource.disk().has_source()) resource.clear_disk();
  resource.clear_shared();
  return resource;
}

}  // namespace

Result<Holdings> Holdings::read(const ResourceList& list) {
  Holdings holdings;
  for (const mv1::Resource& one : list) {
    const mv1::Resource resource = refined(one);
    ResourceList values;
    *values.Add() = value_of(resource);
    const Result<Amounts> amounts = read_amounts(values);
    if (!amounts) return amounts.error();
    const mv1::Resource kind = kind_of(resource);
    Pile& pile = holdings.piles_[kind.SerializeAsString()];
    pile.kind = kind;
    pile.amounts.add(*amounts);
  }
  std::erase_if(holdings.piles_, [](const auto& one) { return one.second.amounts.empty(); });
  return holdings;
}

bool Holdings::contains(const Holdings& other) const {
  for (const auto& [key, pile] : other.piles_) {
    const auto mine = piles_.find(key);
    if (mine == piles_.end() || !mine->second.amounts.contains(pile.amounts)) return false;
  }
  return true;
}

void Holdings::add(const Holdings& other) {
  for (const auto& [key, pile] : other.piles_) {
    Pile& mine = piles_[key];
    mine.kind = pile.kind;
    mine.amounts.add(pile.amounts);
  }
}

void Holdings::subtract(const Holdings& other) {
  for (const auto& [key, pile] : other.piles_) {
    const auto mine = piles_.find(key);
    if (mine == piles_.end()) continue;
    mine->second.amounts.subtract(pile.amounts);
    if (mine->second.amounts.empty()) piles_.erase(mine);
  }
}

void Holdings::render(ResourceList* into) const {
  for (const auto& [key, pile] : piles_) {
    ResourceList values;
    render_amounts(pile.amounts, Rendering{"*", false, false}, &values);
    for (mv1::Resource& value : values) {
      mv1::Resource* resource = into->Add();
      *resource = pile.kind;
      resource->MergeFrom(value);
    }
  }
}

bool Holdings::operator==(const Holdings& other) const { return contains(other) && other.contains(*this); }

Result<Conversion> conversion_of(const Operation& operation) {
  const ResourceList* list = resources_of(operation);
  if (list == nullptr) return invalid("The operation is none that an agent applies to its own resources");
  const bool volume = operation.type() == Operation::CREATE || operation.type() == Operation::DESTROY;
  ResourceList plainer;
  for (const mv1::Resource& resource : *list) {
    Result<mv1::Resource> one = before(refined(resource), volume);
    if (!one) return one.error();
    *plainer.Add() = *std::move(one);
  }
  Result<Holdings> less = Holdings::read(plainer);
  if (!less) return less.error();
  Result<Holdings> more = Holdings::read(*list);
  if (!more) return more.error();
  Conversion conversion{*std::move(less), *std::move(more)};
  const bool back = operation.type() == Operation::UNRESERVE || operation.type() == Operation::DESTROY;
  if (back) std::swap(conversion.consumed, conversion.converted);
  return conversion;
}

}  // namespace mimas::pocket
