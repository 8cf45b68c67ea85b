#include "mesos/resource_pool.h"

#include <algorithm>
#include <string_view>

#include "mesos/translate.h"

namespace mimas::mesos {

void ResourcePool::add(const List& resources) {
  for (const bool reserved : {true, false}) {
    for (const auto& resource : resources) {
      if (!is_plain(resource) || (resource.reservations_size() > 0) != reserved) continue;
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

std::int64_t ResourcePool::sum(std::string_view name) const {
  std::int64_t milli = 0;
  for (const Piece& piece : pieces_) {
    if (piece.resource.name() == name) milli += piece.milli;
  }
  return milli;
}

Ports ResourcePool::ports() const {
  Ports all;
  for (const Piece& piece : pieces_) all.add(piece.ports);
  return all;
}

bool ResourcePool::take(const Resources& want, List* into) {
  if (want.cpu_milli > sum("cpus") || want.mem_mib * 1000 > sum("mem") ||
      want.disk_mib * 1000 > sum("disk") || want.gpus * 1000 > sum("gpus") || !ports().contains(want.ports)) {
    return false;
  }
  take_scalar("cpus", want.cpu_milli, into);
  take_scalar("mem", want.mem_mib * 1000, into);
  take_scalar("disk", want.disk_mib * 1000, into);
  take_scalar("gpus", want.gpus * 1000, into);
  take_ports(want.ports, into);
  return true;
}

void ResourcePool::take_scalar(std::string_view name, std::int64_t milli, List* into) {
  for (Piece& piece : pieces_) {
    if (milli <= 0) return;
    if (piece.resource.name() != name || piece.milli == 0) continue;
    const std::int64_t cut = std::min(milli, piece.milli);
    piece.milli -= cut;
    milli -= cut;
    pb::Resource* resource = into->Add();
    *resource = piece.resource;
    resource->mutable_scalar()->set_value(static_cast<double>(cut) / 1000.0);
  }
}

void ResourcePool::take_ports(Ports want, List* into) {
  for (Piece& piece : pieces_) {
    if (want.empty()) return;
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
