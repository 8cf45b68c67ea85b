#include "mesos/resource_pool.h"

#include <algorithm>
#include <string_view>

#include "mesos/translate.h"

namespace mimas::mesos {
namespace {

bool is_of(const pb::Resource& resource, ResourcePool::Kind kind) {
  switch (kind) {
    case ResourcePool::Kind::any: return true;
    case ResourcePool::Kind::unreserved: return !is_reserved(resource);
    case ResourcePool::Kind::reserved: return is_dynamically_reserved(resource);
  }
  return false;
}

}  // namespace

void ResourcePool::add(const List& resources) {
  for (const auto& resource : resources) {
    if (is_volume(resource)) volumes_.push_back(resource);
  }
  for (const bool reserved : {true, false}) {
    for (const auto& resource : resources) {
      if (!is_plain(resource) || is_reserved(resource) != reserved) continue;
      Piece piece;
      piece.resource = resource;
      piece.milli = thousandths(resource.scalar().value());
      List one;
      *one.Add() = resource;
      piece.ports = to_resources(one).ports;
      pieces_.push_back(std::move(piece));
    }
  }
}

std::int64_t ResourcePool::sum(std::string_view name, Kind kind) const {
  std::int64_t milli = 0;
  for (const Piece& piece : pieces_) {
    if (piece.resource.name() == name && is_of(piece.resource, kind)) milli += piece.milli;
  }
  return milli;
}

Ports ResourcePool::ports(Kind kind) const {
  Ports all;
  for (const Piece& piece : pieces_) {
    if (is_of(piece.resource, kind)) all.add(piece.ports);
  }
  return all;
}

bool ResourcePool::take(const Resources& want, List* into, Kind kind) {
  if (want.cpu_milli > sum("cpus", kind) || want.mem_mib * 1000 > sum("mem", kind) ||
      want.disk_mib * 1000 > sum("disk", kind) || want.gpus * 1000 > sum("gpus", kind) ||
      !ports(kind).contains(want.ports)) {
    return false;
  }
  for (const auto& [name, milli] : want.scalars) {
    if (milli > sum(name, kind)) return false;
  }
  take_scalar("cpus", want.cpu_milli, kind, into);
  take_scalar("mem", want.mem_mib * 1000, kind, into);
  take_scalar("disk", want.disk_mib * 1000, kind, into);
  take_scalar("gpus", want.gpus * 1000, kind, into);
  for (const auto& [name, milli] : want.scalars) take_scalar(name, milli, kind, into);
  take_ports(want.ports, kind, into);
  return true;
}

std::optional<pb::Resource> ResourcePool::take_disk(std::int64_t mib) {
  for (Piece& piece : pieces_) {
    if (piece.resource.name() != "disk" || piece.milli < mib * 1000 || !is_of(piece.resource, Kind::reserved))
      continue;
    piece.milli -= mib * 1000;
    pb::Resource cut = piece.resource;
    cut.mutable_scalar()->set_value(static_cast<double>(mib));
    return cut;
  }
  return std::nullopt;
}

std::optional<pb::Resource> ResourcePool::take_volume(const std::string& persistence_id) {
  const auto found = std::find_if(volumes_.begin(), volumes_.end(), [&](const pb::Resource& volume) {
    return volume.disk().persistence().id() == persistence_id;
  });
  if (found == volumes_.end()) return std::nullopt;
  pb::Resource volume = std::move(*found);
  volumes_.erase(found);
  return volume;
}

void ResourcePool::take_scalar(std::string_view name, std::int64_t milli, Kind kind, List* into) {
  for (Piece& piece : pieces_) {
    if (milli <= 0) return;
    if (piece.resource.name() != name || piece.milli == 0 || !is_of(piece.resource, kind)) continue;
    const std::int64_t cut = std::min(milli, piece.milli);
    piece.milli -= cut;
    milli -= cut;
    pb::Resource* resource = into->Add();
    *resource = piece.resource;
    resource->mutable_scalar()->set_value(static_cast<double>(cut) / 1000.0);
  }
}

void ResourcePool::take_ports(Ports want, Kind kind, List* into) {
  for (Piece& piece : pieces_) {
    if (want.empty()) return;
    if (!is_of(piece.resource, kind)) continue;
    Ports rest = want;
    rest.subtract(piece.ports);
    Ports cut = want;
    cut.subtract(rest);
    if (cut.empty()) continue;
    want = rest;
    piece.ports.subtract(cut);
    pb::Resource* resource = into->Add();
    *resource = piece.resource;
    resource->mutable_ranges()->clear_range();
    for (const PortRange& range : cut.ranges()) {
      auto* added = resource->mutable_ranges()->add_range();
      added->set_begin(static_cast<std::uint64_t>(range.first));
      added->set_end(static_cast<std::uint64_t>(range.last));
    }
  }
}

}  // namespace mimas::mesos
