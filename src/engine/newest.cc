#include "engine/newest.h"

#include <algorithm>
#include <initializer_list>

namespace mimas::engine {

Instant newest_instant(const Recovered& records) {
  Instant newest;
  const auto look = [&](std::initializer_list<Instant> instants) {
    newest = std::max(newest, std::max(instants));
  };
  for (const Job& job : records.jobs) look({job.submitted_at, job.ended_at});
  for (const Task& task : records.tasks) {
    look({task.queued_at, task.dispatched_at, task.starting_at, task.running_at, task.ended_at,
          task.unreachable_since, task.healthy_at, task.unhealthy_since});
  }
  for (const Orphan& orphan : records.orphans) look({orphan.first_seen});
  for (const Operation& operation : records.operations) {
    look({operation.created_at, operation.sent_at, operation.updated_at});
  }
  for (const Audit& audit : records.audits) look({audit.at});
  for (const JobVersion& version : records.versions) look({version.at});
  for (const Receipt& receipt : records.receipts) look({receipt.at});
  for (const AgentOrder& order : records.agent_orders) look({order.at});
  for (const CapacityGroup& group : records.groups) look({group.updated_at});
  return newest;
}

}  // namespace mimas::engine
