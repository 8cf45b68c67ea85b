#include "pocket/holdings.h"

#include <algorithm>
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

Status check_kind(const mv1::Resource& resource) {
  if (resource.has_shared() || resource.has_revocable())
    return invalid("Shared and revocable resources are not supported");
  if (!resource.has_disk()) return Done{};
  const auto& disk = resource.disk();
  if (!disk.has_persistence() && !disk.has_volume() && !disk.has_source())
    return invalid("DiskInfo is set but empty");
  if (disk.has_persistence() && resource.reservations_size() == 0)
    return invalid("Persistent volumes cannot be created from unreserved resources.");
  if (disk.has_persistence() && !disk.has_volume())
    return invalid("Expecting 'volume' to be set for persistent volume");
  return Done{};
}

std::string role_of(const mv1::Resource& kind) {
  const int count = kind.reservations_size();
  return count == 0 ? "*" : kind.reservations(count - 1).role();
}

std::string reservations_text(const mv1::Resource& kind) {
  std::string list;
  for (const Reservation& one : kind.reservations()) {
    list += (list.empty() ? "(" : ",(") + Reservation::Type_Name(one.type()) + "," + one.role();
    if (one.has_principal()) list += "," + one.principal();
    list += ")";
  }
  return list.empty() ? "" : ")(reservations: [" + list + "]";
}

// The old spelling, for those who know no other.
void unrefine(mv1::Resource* resource) {
  resource->set_role(role_of(*resource));
  const int count = resource->reservations_size();
  if (count > 0 && resource->reservations(count - 1).type() == Reservation::DYNAMIC) {
    const Reservation& last = resource->reservations(count - 1);
    if (last.has_principal()) resource->mutable_reservation()->set_principal(last.principal());
    if (last.has_labels()) *resource->mutable_reservation()->mutable_labels() = last.labels();
    resource->mutable_reservation();
  }
  resource->clear_reservations();
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
    if (const Status sound = check_kind(resource); !sound) return sound.error();
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
    if (pile.kind.disk().has_persistence() && mine->second.amounts != pile.amounts) return false;
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

void Holdings::render(ResourceList* into) const { render(Rendering{"*", false, false}, into); }

void Holdings::render(const Rendering& how, ResourceList* into) const {
  for (const auto& [key, pile] : piles_) {
    ResourceList values;
    render_amounts(pile.amounts, Rendering{how.role, how.allocation_info, false}, &values);
    for (mv1::Resource& value : values) {
      mv1::Resource* resource = into->Add();
      *resource = pile.kind;
      resource->MergeFrom(value);
      if (how.role_field) unrefine(resource);
    }
  }
}

std::int64_t Holdings::scalar(const std::string& name) const {
  std::int64_t sum = 0;
  for (const auto& [key, pile] : piles_) sum += pile.amounts.scalar(name);
  return sum;
}

Amounts Holdings::sum() const {
  Amounts all;
  for (const auto& [key, pile] : piles_) all.add(pile.amounts);
  return all;
}

Amounts Holdings::sum_for(const std::string& role) const {
  Amounts all;
  for (const auto& [key, pile] : piles_)
    if (role_of(pile.kind) == role) all.add(pile.amounts);
  return all;
}

std::set<std::string> Holdings::roles() const {
  std::set<std::string> roles;
  for (const auto& [key, pile] : piles_)
    if (pile.kind.reservations_size() > 0) roles.insert(role_of(pile.kind));
  return roles;
}

Holdings Holdings::for_role(const std::string& role, bool refinement) const {
  Holdings mine;
  for (const auto& [key, pile] : piles_) {
    const std::string owner = role_of(pile.kind);
    if (owner != "*" && owner != role && !role.starts_with(owner + "/")) continue;
    if (pile.kind.reservations_size() > 1 && !refinement) continue;
    mine.piles_[key] = pile;
  }
  return mine;
}

bool Holdings::has_volume(const std::string& role, const std::string& persistence_id) const {
  return std::any_of(piles_.begin(), piles_.end(), [&](const auto& one) {
    const mv1::Resource& kind = one.second.kind;
    return kind.disk().has_persistence() && kind.disk().persistence().id() == persistence_id &&
           role_of(kind) == role;
  });
}

std::string Holdings::text(const std::string& allocated_to) const {
  std::string text;
  for (const auto& [key, pile] : piles_)
    text +=
        (text.empty() ? "" : "; ") + amounts_text(pile.amounts, allocated_to + reservations_text(pile.kind));
  return text.empty() ? "{}" : text;
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
