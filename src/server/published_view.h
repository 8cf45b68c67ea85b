// What http workers render from: the records as of the last commit. The loop applies changes after the commit
// and before any reply leaves, so a client reads its own writes. Thread-safe: one writer, many readers; a
// reader holds the lock only while it copies pointers, never while it renders.
#pragma once

#include <cstdint>
#include <map>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/change.h"
#include "engine/view.h"

namespace mimas::server {

class PublishedView : public engine::View {
 public:
  void apply(const std::vector<engine::Change>& changes);
  void set_framework(const FrameworkId& framework);  // as recovered, before the first change names it

  JobPtr job(const JobId& id) const override;
  std::vector<JobPtr> jobs() const override;
  TaskPtr task(const TaskId& id) const override;
  std::vector<TaskPtr> tasks_of(const JobId& id) const override;
  std::vector<AgentPtr> agents() const override;
  std::string shortfall(const JobId& id) const override;
  std::vector<OrphanPtr> orphans() const override;
  std::map<std::string, std::string> alerts() const override;
  OperationPtr operation(const OperationId& id) const override;
  std::vector<OperationPtr> operations() const override;
  engine::Connection connection() const override;

 private:
  struct JobEntry {
    JobPtr job;
    std::map<std::pair<std::int64_t, std::int64_t>, TaskPtr> tasks;  // by (index, number)
    std::string shortfall;
  };
  void put_task(const TaskPtr& task);
  void remove_task(const TaskId& id);
  void remove_job(const JobId& id);

  mutable std::shared_mutex mutex_;
  std::map<std::int64_t, JobEntry> jobs_;  // by job number
  std::map<AgentId, AgentPtr> agents_;
  std::map<TaskId, OrphanPtr> orphans_;
  std::map<std::string, std::string> alerts_;
  std::map<std::int64_t, OperationPtr> operations_;  // by number
  engine::Connection connection_;
};

}  // namespace mimas::server
