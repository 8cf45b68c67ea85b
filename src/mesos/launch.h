// engine::AcceptOffers as an ACCEPT call: operations first, then one LAUNCH. Every task names the executor
// that the engine chose, one of its own or one that it shares (executor_command.h), and has its orders in
// TaskInfo.data (task_data.h). Pure. A task that cannot be launched there is left out and answered with a
// status update of our own, as if the master had dropped it; the others go. Tested in
// tests/mesos/launch_test.cc.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/ids.h"
#include "engine/effect.h"
#include "engine/input.h"
#include "mesos/launch_options.h"
#include "mesos/protos.h"

namespace mimas::mesos {

using OfferBook = std::map<OfferId, pb::Offer>;  // the offers we hold, as they came

struct AcceptCall {
  scheduler::Call call;  // with offer_ids empty there is nothing to send
  std::vector<engine::StatusUpdate> refused;
  std::vector<engine::OperationUpdate> refused_operations;
};

// Takes the offers out of the book. If one of them is not there any more (rescinded, or from before a
// reconnect), no task is launched and the rest are declined: the master would drop the whole call (§2.2).
AcceptCall make_accept(const engine::AcceptOffers& accept, const LaunchOptions& options, OfferBook& book);

}  // namespace mimas::mesos
