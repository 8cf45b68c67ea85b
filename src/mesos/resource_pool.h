// The resources of some offers as Mesos sent them, to cut tasks from. What is cut keeps role, reservations
// and allocation of the piece it came from, because the master compares all of it (mesos-protocol §4.4).
// Reserved pieces go first. Amounts are counted in thousandths. Not thread-safe. Tested in
// tests/mesos/launch_test.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "mesos/protos.h"
#include "model/resources.h"

namespace mimas::mesos {

class ResourcePool {
 public:
  using List = google::protobuf::RepeatedPtrField<pb::Resource>;

  void add(const List& resources);  // pieces no task may have (is_plain()) are left out

  // Cuts all of `want`, or nothing and answers false.
  bool take(const Resources& want, List* into);

 private:
  struct Piece {
    pb::Resource resource;
    std::int64_t milli = 0;  // of a scalar
    Ports ports;
  };
  std::int64_t sum(std::string_view name) const;
  Ports ports() const;
  void take_scalar(std::string_view name, std::int64_t milli, List* into);
  void take_ports(Ports want, List* into);

  std::vector<Piece> pieces_;
};

}  // namespace mimas::mesos
