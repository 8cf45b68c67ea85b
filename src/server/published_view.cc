#include "server/published_view.h"

#include <algorithm>
#include <mutex>

namespace mimas::server {

JobPtr PublishedView::job(const JobId& id) const {
  std::shared_lock hold(mutex_);
  const auto entry = jobs_.find(parse_job_number(id.value));
  return entry == jobs_.end() ? nullptr : entry->second.job;
}

std::vector<JobPtr> PublishedView::jobs() const {
  std::shared_lock hold(mutex_);
  std::vector<JobPtr> all;
  all.reserve(jobs_.size());
  for (const auto& [number, entry] : jobs_) {
    if (entry.job) all.push_back(entry.job);
  }
  return all;
}

std::vector<JobPtr> PublishedView::live_named(std::string_view name) const {
  std::shared_lock hold(mutex_);
  std::vector<JobPtr> found;
  const auto named = names_.find(name);
  if (named == names_.end()) return found;
  for (const std::int64_t number : named->second) found.push_back(jobs_.at(number).job);
  return found;
}

std::vector<JobPtr> PublishedView::jobs_after(std::int64_t after, std::size_t most) const {
  std::shared_lock hold(mutex_);
  std::vector<JobPtr> some;
  for (auto at = jobs_.upper_bound(after); at != jobs_.end() && some.size() < most; ++at) {
    if (at->second.job) some.push_back(at->second.job);
  }
  return some;
}

TaskPtr PublishedView::task(const TaskId& id) const {
  const auto name = parse_task_id(id.value);
  if (!name.ok()) return nullptr;
  std::shared_lock hold(mutex_);
  const auto entry = jobs_.find(parse_job_number(name->job.value));
  if (entry == jobs_.end()) return nullptr;
  const auto task = entry->second.tasks.find({name->index, name->number});
  return task == entry->second.tasks.end() ? nullptr : task->second;
}

std::vector<TaskPtr> PublishedView::tasks_of(const JobId& id) const {
  std::shared_lock hold(mutex_);
  std::vector<TaskPtr> all;
  const auto entry = jobs_.find(parse_job_number(id.value));
  if (entry == jobs_.end()) return all;
  all.reserve(entry->second.tasks.size());
  for (const auto& [place, task] : entry->second.tasks) all.push_back(task);
  return all;
}

std::vector<engine::JobCounts> PublishedView::live_jobs() const {
  std::shared_lock hold(mutex_);
  std::vector<engine::JobCounts> all;
  all.reserve(live_.size());
  for (const std::int64_t number : live_) {
    const JobEntry& entry = jobs_.at(number);
    all.push_back({entry.job, entry.by_state, entry.held, entry.ready});
  }
  return all;
}

std::vector<engine::WaitingJob> PublishedView::waiting() const {
  std::shared_lock hold(mutex_);
  std::vector<engine::WaitingJob> all;
  all.reserve(waiting_.size());
  for (const std::int64_t number : waiting_) {
    const JobEntry& entry = jobs_.at(number);
    if (!entry.job || entry.job->state != JobState::active) continue;
    all.push_back({entry.job, {entry.queued.begin(), entry.queued.end()}});
  }
  return all;
}

std::string PublishedView::executor_version(const AgentId& agent) const {
  std::shared_lock hold(mutex_);
  const auto found = executors_.find(agent);
  return found == executors_.end() ? std::string() : found->second.version;
}

std::vector<AgentPtr> PublishedView::agents() const {
  std::shared_lock hold(mutex_);
  std::vector<AgentPtr> all;
  all.reserve(agents_.size());
  for (const auto& [id, agent] : agents_) all.push_back(agent);
  return all;
}

ExplanationPtr PublishedView::explanation(const JobId& id) const {
  std::shared_lock hold(mutex_);
  const auto entry = jobs_.find(parse_job_number(id.value));
  return entry == jobs_.end() ? nullptr : entry->second.why;
}

std::string PublishedView::shortfall(const JobId& id) const {
  std::shared_lock hold(mutex_);
  const auto entry = jobs_.find(parse_job_number(id.value));
  return entry == jobs_.end() ? std::string() : entry->second.shortfall;
}

std::vector<OrphanPtr> PublishedView::orphans() const {
  std::shared_lock hold(mutex_);
  std::vector<OrphanPtr> all;
  all.reserve(orphans_.size());
  for (const auto& [id, orphan] : orphans_) all.push_back(orphan);
  return all;
}

std::map<std::string, std::string> PublishedView::alerts() const {
  std::shared_lock hold(mutex_);
  return alerts_;
}

OperationPtr PublishedView::operation(const OperationId& id) const {
  std::shared_lock hold(mutex_);
  const auto entry = operations_.find(parse_operation_number(id.value));
  return entry == operations_.end() ? nullptr : entry->second;
}

std::vector<OperationPtr> PublishedView::operations() const {
  std::shared_lock hold(mutex_);
  std::vector<OperationPtr> all;
  all.reserve(operations_.size());
  for (const auto& [number, operation] : operations_) all.push_back(operation);
  return all;
}

std::vector<JobVersionPtr> PublishedView::versions_of(const JobId& id) const {
  std::shared_lock hold(mutex_);
  std::vector<JobVersionPtr> all;
  const auto entry = jobs_.find(parse_job_number(id.value));
  if (entry == jobs_.end()) return all;
  for (const auto& [number, version] : entry->second.versions) all.push_back(version);
  return all;
}

std::vector<AuditPtr> PublishedView::audits(const JobId& job, std::int64_t before, std::size_t most) const {
  std::shared_lock hold(mutex_);
  std::vector<AuditPtr> found;
  auto at = before > 0 ? audits_.lower_bound(before) : audits_.end();
  while (at != audits_.begin() && found.size() < most) {
    --at;
    if (job.empty() || at->second->job == job) found.push_back(at->second);
  }
  return found;
}

std::vector<ScalingGroupPtr> PublishedView::scaling() const {
  std::shared_lock hold(mutex_);
  std::vector<ScalingGroupPtr> all;
  for (const auto& [name, group] : scaling_) all.push_back(group);
  return all;
}

std::vector<CapacityGroupPtr> PublishedView::groups() const {
  std::shared_lock hold(mutex_);
  std::vector<CapacityGroupPtr> all;
  all.reserve(groups_.size());
  for (const auto& [name, group] : groups_) all.push_back(group);
  return all;
}

engine::Connection PublishedView::connection() const {
  std::shared_lock hold(mutex_);
  return connection_;
}

TaskLives PublishedView::lives() const {
  std::shared_lock hold(mutex_);
  return lives_;
}

std::map<std::string, bool> PublishedView::alert_states() const {
  std::shared_lock hold(mutex_);
  std::map<std::string, bool> states;
  for (const std::string_view name : engine::kAlertNames) states[std::string(name)] = false;
  for (const std::string& name : alerts_known_) states[name] = false;
  for (const auto& [name, text] : alerts_) states[name] = true;
  return states;
}

ViewTotals PublishedView::totals() const {
  std::shared_lock hold(mutex_);
  return totals_;
}

ViewSnapshot PublishedView::snapshot() const {
  ViewSnapshot all;
  std::shared_lock hold(mutex_);
  all.jobs.reserve(jobs_.size());
  for (const auto& [number, entry] : jobs_) {
    if (!entry.job || entry.job->state == JobState::ended) continue;
    ViewSnapshot::OneJob& one = all.jobs.emplace_back();
    one.job = {entry.job, nullptr, entry.dispatched > 0, entry.ready};
    one.shortfall = entry.shortfall;
    for (const auto& [place, task] : entry.tasks) {
      if (!is_terminal(task->state)) one.tasks.push_back(task);
    }
  }
  all.agents.reserve(agents_.size());
  for (const auto& [id, agent] : agents_) all.agents.push_back(agent);
  all.alerts = alerts_;
  for (const auto& [name, group] : scaling_) all.scaling.push_back(group);
  all.connection = connection_;
  all.last_event = ring_ ? ring_->last() : 0;
  return all;
}

}  // namespace mimas::server
