// The Mesos v1 names the pocket's parts talk in, under short spellings. No code.
#pragma once

#include "mesos/v1/agent.pb.h"
#include "mesos/v1/executor.pb.h"
#include "mesos/v1/maintenance.pb.h"
#include "mesos/v1/master.pb.h"
#include "mesos/v1/mesos.pb.h"
#include "mesos/v1/scheduler.pb.h"

namespace mimas::pocket {

namespace mv1 = ::mesos::v1;
namespace mscheduler = ::mesos::v1::scheduler;
namespace mexecutor = ::mesos::v1::executor;
namespace mmaster = ::mesos::v1::master;
namespace magent = ::mesos::v1::agent;
namespace mmaintenance = ::mesos::v1::maintenance;

}  // namespace mimas::pocket
