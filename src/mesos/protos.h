// The Mesos v1 classes under a short name: inside mimas::mesos a plain `mesos::v1` would look in the wrong
// namespace.
#pragma once

#include "mesos/v1/mesos.pb.h"
#include "mesos/v1/scheduler.pb.h"

namespace mimas::mesos {
namespace pb = ::mesos::v1;
namespace scheduler = ::mesos::v1::scheduler;
}  // namespace mimas::mesos
