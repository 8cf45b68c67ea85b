#include "server/published_view.h"

#include <mutex>
#include <variant>

namespace mimas::server {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

}  // namespace

void PublishedView::put_task(const TaskPtr& task) {
  jobs_[parse_job_number(task->job.value)].tasks[{task->index, task->number}] = task;
}

void PublishedView::remove_task(const TaskId& id) {
  const auto name = parse_task_id(id.value);
  if (!name.ok()) return;
  const auto entry = jobs_.find(parse_job_number(name->job.value));
  if (entry != jobs_.end()) entry->second.tasks.erase({name->index, name->number});
}

void PublishedView::remove_job(const JobId& id) { jobs_.erase(parse_job_number(id.value)); }

void PublishedView::apply(const std::vector<engine::Change>& changes) {
  std::unique_lock hold(mutex_);
  const Overloaded apply_one{
      [this](const engine::PutJob& put) { jobs_[put.job->number].job = put.job; },
      [this](const engine::PutTask& put) { put_task(put.task); },
      [this](const engine::RemoveJob& removed) { remove_job(removed.job); },
      [this](const engine::RemoveTask& removed) { remove_task(removed.task); },
      [this](const engine::PutFramework& put) { connection_.framework = put.framework; },
      [](const engine::PutNextJobNumber&) {},
      [this](const engine::PutOperation& put) { operations_[put.operation->number] = put.operation; },
      [this](const engine::RemoveOperation& removed) {
        operations_.erase(parse_operation_number(removed.operation.value));
      },
      [this](const engine::PutAgent& put) { agents_[put.agent->id] = put.agent; },
      [this](const engine::RemoveAgent& removed) { agents_.erase(removed.agent); },
      [this](const engine::PutShortfall& put) {
        const auto entry = jobs_.find(parse_job_number(put.job.value));
        if (entry != jobs_.end()) entry->second.shortfall = put.text;
      },
      [this](const engine::PutOrphan& put) { orphans_[put.orphan->task] = put.orphan; },
      [this](const engine::RemoveOrphan& removed) { orphans_.erase(removed.task); },
      [this](const engine::PutAlert& put) {
        alerts_[put.name] = put.text;
        if (put.text.empty()) alerts_.erase(put.name);
      },
      [this](const engine::PutConnection& put) {
        connection_.subscribed = put.subscribed;
        connection_.master = put.master;
      },
  };
  for (const engine::Change& change : changes) std::visit(apply_one, change);
}

void PublishedView::set_framework(const FrameworkId& framework) {
  std::unique_lock hold(mutex_);
  connection_.framework = framework;
}

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

std::vector<AgentPtr> PublishedView::agents() const {
  std::shared_lock hold(mutex_);
  std::vector<AgentPtr> all;
  all.reserve(agents_.size());
  for (const auto& [id, agent] : agents_) all.push_back(agent);
  return all;
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

engine::Connection PublishedView::connection() const {
  std::shared_lock hold(mutex_);
  return connection_;
}

}  // namespace mimas::server
