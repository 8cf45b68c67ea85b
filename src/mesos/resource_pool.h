// The resources of some offers as Mesos sent them, to cut tasks from. What is cut keeps role, reservations
// and allocation of the piece it came from, because the master compares all of it (mesos-protocol §4.4).
// Reserved pieces go first. Amounts are counted in thousandths. Not thread-safe. Tested in
// tests/mesos/launch_test.cc and tests/mesos/operation_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesos/protos.h"
#include "model/resources.h"

namespace mimas::mesos {

class ResourcePool {
 public:
  using List = google::protobuf::RepeatedPtrField<pb::Resource>;

  void add(const List& resources);  // pieces no task may have (is_plain()) are left out

  // Which pieces may be cut from.
  enum class Kind {
    any,
    unreserved,  // without any reservation
    reserved,    // reserved dynamically: what UNRESERVE takes, and CREATE makes volumes of
  };

  // Cuts all of `want`, or nothing and answers false.
  bool take(const Resources& want, List* into, Kind kind = Kind::any);

  // A whole piece of disk for a volume, which cannot be put together from several.
  std::optional<pb::Resource> take_disk(std::int64_t mib);
  // The volume as it was offered, with all that belongs to it.
  std::optional<pb::Resource> take_volume(const std::string& persistence_id);

 private:
  struct Piece {
    pb::Resource resource;
    std::int64_t milli = 0;  // of a scalar
    Ports ports;
  };
  std::int64_t sum(std::string_view name, Kind kind) const;
  Ports ports(Kind kind) const;
  void take_scalar(std::string_view name, std::int64_t milli, Kind kind, List* into);
  void take_ports(Ports want, Kind kind, List* into);

  std::vector<Piece> pieces_;
  std::vector<pb::Resource> volumes_;
};

}  // namespace mimas::mesos
