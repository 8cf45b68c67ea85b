// Where the scheduler's records outlive it: in memory, or in a real store in a directory. Both keep a copy of
// what was committed, to compare with what the engine believes and with what a real store reads back. One
// thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/change.h"
#include "engine/step.h"
#include "store/store.h"

namespace mimas::sim {

class Disk {
 public:
  // Empty: in memory.
  explicit Disk(std::string directory) : directory_(std::move(directory)) {}

  // Opens the store, if it is a real one, and reads everything. Errors: the store's, and a difference between
  // what it reads and what was committed.
  Result<engine::Recovered> open();
  Status commit(const std::vector<engine::Change>& changes);
  void close() { store_.reset(); }  // the process is gone

  const FrameworkId& framework() const { return framework_; }
  TaskPtr task(const std::string& id) const;
  JobPtr job(std::int64_t number) const;
  const std::map<std::int64_t, JobPtr>& jobs() const { return jobs_; }
  const std::map<std::string, TaskPtr>& tasks() const { return tasks_; }
  engine::Recovered recovered() const;

 private:
  void keep(const engine::PutJob& put) { jobs_[put.job->number] = put.job; }
  void keep(const engine::PutTask& put) { tasks_[put.task->id.value] = put.task; }
  void keep(const engine::RemoveJob& gone);
  void keep(const engine::RemoveTask& gone) { tasks_.erase(gone.task.value); }
  void keep(const engine::PutFramework& put) { framework_ = put.framework; }
  void keep(const engine::PutNextJobNumber& put) { next_job_number_ = put.number; }
  void keep(const engine::PutAudit& put) { audits_[put.audit->number] = put.audit; }
  void keep(const engine::RemoveAudit& gone) { audits_.erase(gone.number); }
  void keep(const engine::PutJobVersion& put) {
    versions_[{parse_job_number(put.version->job.value), put.version->version}] = put.version;
  }
  void keep(const engine::RemoveJobVersion& gone) {
    versions_.erase({parse_job_number(gone.job.value), gone.version});
  }
  void keep(const engine::PutGroup& put) { groups_[put.group->name] = put.group; }
  void keep(const engine::RemoveGroup& gone) { groups_.erase(gone.name); }
  void keep(const engine::PutAgentOrder& put) { agent_orders_[put.order->agent] = put.order; }
  void keep(const engine::RemoveAgentOrder& gone) { agent_orders_.erase(gone.agent); }
  void keep(const engine::PutReceipt& put) { receipts_[put.receipt.key] = put.receipt; }
  void keep(const engine::RemoveReceipt& gone) { receipts_.erase(gone.key); }
  template <class Other>
  void keep(const Other&) {}  // published only

  std::string directory_;
  std::unique_ptr<store::Store> store_;
  FrameworkId framework_;
  std::int64_t next_job_number_ = 1;
  std::map<std::int64_t, JobPtr> jobs_;
  std::map<std::string, TaskPtr> tasks_;
  std::map<std::int64_t, AuditPtr> audits_;
  std::map<std::pair<std::int64_t, std::int64_t>, JobVersionPtr> versions_;  // by (job number, version)
  std::map<std::string, Receipt> receipts_;
  std::map<std::string, CapacityGroupPtr> groups_;
  std::map<AgentId, AgentOrderPtr> agent_orders_;
};

}  // namespace mimas::sim
