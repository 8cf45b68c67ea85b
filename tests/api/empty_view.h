// A view of nothing, for tests that show a little of something: they say what differs. What a real one keeps
// up to date is counted here, from the jobs and tasks that are shown.
#pragma once

#include <algorithm>

#include "engine/view.h"
#include "model/group.h"
#include "model/readiness.h"

namespace mimas::api {

class EmptyView : public engine::View {
 public:
  JobPtr job(const JobId&) const override { return nullptr; }
  std::vector<JobPtr> jobs() const override { return {}; }
  TaskPtr task(const TaskId&) const override { return nullptr; }
  std::vector<TaskPtr> tasks_of(const JobId&) const override { return {}; }
  std::vector<engine::JobCounts> live_jobs() const override {
    std::vector<engine::JobCounts> all;
    for (const JobPtr& job : jobs()) {
      if (job->state == JobState::ended) continue;
      engine::JobCounts& counts = all.emplace_back(engine::JobCounts{job, {}, {}, 0});
      for (const TaskPtr& task : tasks_of(job->id)) {
        ++counts.tasks[static_cast<std::size_t>(task->state)];
        if (is_live_on_agent(task->state)) add_amounts(counts.held, held_by(*task));
        if (is_ready(*task, *job->spec)) ++counts.ready;
      }
    }
    return all;
  }
  std::vector<engine::WaitingJob> waiting() const override {
    std::vector<engine::WaitingJob> all;
    for (const JobPtr& job : jobs()) {
      engine::WaitingJob waiting{job, {}};
      for (const TaskPtr& task : tasks_of(job->id)) {
        if (task->state == TaskState::queued && !is_backing_off(*task))
          waiting.tasks.push_back({task->queued_at, task->index, task->number});
      }
      std::ranges::sort(waiting.tasks);
      if (job->state == JobState::active && !waiting.tasks.empty()) all.push_back(std::move(waiting));
    }
    return all;
  }
  std::string executor_version(const AgentId& agent) const override {
    TaskPtr newest;
    for (const JobPtr& job : jobs()) {
      for (const TaskPtr& task : tasks_of(job->id)) {
        if (task->agent != agent || run_facts(*task).executor_version.empty()) continue;
        if (newest == nullptr || newest->running_at < task->running_at) newest = task;
      }
    }
    return newest == nullptr ? std::string() : run_facts(*newest).executor_version;
  }
  std::vector<AgentPtr> agents() const override { return {}; }
  std::string shortfall(const JobId&) const override { return {}; }
  ExplanationPtr explanation(const JobId&) const override { return nullptr; }
  std::vector<OrphanPtr> orphans() const override { return {}; }
  std::vector<ScalingGroupPtr> scaling() const override { return {}; }
  std::vector<CapacityGroupPtr> groups() const override { return {}; }
  std::map<std::string, std::string> alerts() const override { return {}; }
  OperationPtr operation(const OperationId&) const override { return nullptr; }
  std::vector<OperationPtr> operations() const override { return {}; }
  std::vector<JobVersionPtr> versions_of(const JobId&) const override { return {}; }
  std::vector<AuditPtr> audits(const JobId&, std::int64_t, std::size_t) const override { return {}; }
  engine::Connection connection() const override { return {}; }
};

}  // namespace mimas::api
