// The writing half of server/published_view.h: what a change does to the records, to their totals, and what
// readers of events are told of it.
#include <algorithm>
#include <mutex>
#include <utility>
#include <variant>

#include "model/group.h"
#include "model/readiness.h"
#include "server/published_view.h"

namespace mimas::server {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

std::int64_t count_ready(const Job& job, const auto& tasks) {
  return std::ranges::count_if(tasks, [&](const auto& entry) { return is_ready(*entry.second, *job.spec); });
}

}  // namespace

void PublishedView::tell(api::Event event) {
  if (ring_ != nullptr) events_.push_back(std::move(event));
}

void PublishedView::tell_job(JobEntry& entry) {
  const bool changed_description = entry.told != nullptr && entry.told->spec != entry.job->spec;
  tell(api::JobChanged{entry.job, changed_description ? entry.told : nullptr, entry.dispatched > 0,
                       entry.ready});
  entry.told = entry.job;
  entry.told_dispatched = entry.dispatched > 0;
  entry.told_ready = entry.ready;
}

// A new job is told before its tasks; any other change of it once for a whole batch and after its tasks,
// whose states decide whether anything was placed, how many are ready, and that it has ended.
void PublishedView::tell_touched() {
  std::ranges::sort(touched_);
  const auto rest = std::ranges::unique(touched_);
  touched_.erase(rest.begin(), rest.end());
  for (const std::int64_t number : touched_) {
    const auto found = jobs_.find(number);
    if (found == jobs_.end() || !found->second.job || !found->second.told) continue;
    JobEntry& entry = found->second;
    const bool as_told = entry.told_dispatched == (entry.dispatched > 0) && entry.told_ready == entry.ready &&
                         api::shows_the_same(*entry.told, *entry.job);
    if (!as_told) tell_job(entry);
  }
  touched_.clear();
}

void PublishedView::count(std::int64_t number, JobEntry& entry, const Task& task, std::int64_t by) {
  totals_.tasks[static_cast<std::size_t>(task.state)] += by;
  entry.by_state[static_cast<std::size_t>(task.state)] += by;
  if (task.state == TaskState::queued && !is_backing_off(task)) {
    const engine::WaitingTask place{task.queued_at, task.index, task.number};
    if (by > 0) entry.queued.insert(place);
    if (by < 0) entry.queued.erase(place);
    if (entry.queued.empty()) waiting_.erase(number);
    if (!entry.queued.empty()) waiting_.insert(number);
  }
  if (task.state != TaskState::queued) entry.dispatched += by;
  const bool ready = entry.job != nullptr && is_ready(task, *entry.job->spec);
  if (ready) entry.ready += by;
  if (ready) totals_.ready += by;
  if (!is_live_on_agent(task.state)) return;
  if (by > 0) add_amounts(entry.held, held_by(task));
  if (by < 0) subtract_amounts(entry.held, held_by(task));
  if (!task.healthy) {
    totals_.health_unknown += by;
  } else if (*task.healthy) {
    totals_.healthy += by;
  } else {
    totals_.unhealthy += by;
  }
}

// It outlives the task that told it, as long as the agent is known.
void PublishedView::note_executor(const Task& task) {
  if (task.agent.empty() || run_facts(task).executor_version.empty()) return;
  ExecutorSeen& seen = executors_[task.agent];
  if (seen.version.empty() || seen.running_at <= task.running_at)
    seen = {task.running_at, run_facts(task).executor_version};
}

void PublishedView::index_name(const JobPtr& before, const JobPtr& after) {
  const auto is_live = [](const JobPtr& job) { return job != nullptr && job->state != JobState::ended; };
  const bool was = is_live(before), is = is_live(after);
  if (was == is && (!is || before->spec->name == after->spec->name)) return;
  if (was) {
    const auto named = names_.find(before->spec->name);
    named->second.erase(before->number);
    if (named->second.empty()) names_.erase(named);
  }
  if (is) names_[after->spec->name].insert(after->number);
}

void PublishedView::put_job(const JobPtr& job) {
  JobEntry& entry = jobs_[job->number];
  const JobPtr before = std::exchange(entry.job, job);
  index_name(before, job);
  if (before) --totals_.jobs[{before->spec->type, before->state}];
  ++totals_.jobs[{job->spec->type, job->state}];
  if (job->state == JobState::ended) live_.erase(job->number);
  if (job->state != JobState::ended) live_.insert(job->number);
  if (!before || before->spec != job->spec) {  // what is ready may be decided by other checks now
    const std::int64_t ready = count_ready(*job, entry.tasks);
    totals_.ready += ready - entry.ready;
    entry.ready = ready;
  }
  if (ring_ == nullptr) return;
  if (!before) tell_job(entry);
  touched_.push_back(job->number);
}

void PublishedView::put_task(const TaskPtr& task) {
  const std::int64_t number = parse_job_number(task->job.value);
  JobEntry& entry = jobs_[number];
  TaskPtr& held = entry.tasks[{task->index, task->number}];
  lives_.changed(held.get(), *task);
  if (held) count(number, entry, *held, -1);
  held = task;
  count(number, entry, *task, 1);
  note_executor(*task);
  if (!entry.job || ring_ == nullptr) return;
  touched_.push_back(number);
  tell(api::TaskChanged{entry.job, task, task->state == TaskState::queued ? entry.shortfall : std::string()});
}

void PublishedView::remove_task(const TaskId& id) {
  const auto name = parse_task_id(id.value);
  if (!name.ok()) return;
  const std::int64_t number = parse_job_number(name->job.value);
  const auto entry = jobs_.find(number);
  if (entry == jobs_.end()) return;
  const auto task = entry->second.tasks.find({name->index, name->number});
  if (task == entry->second.tasks.end()) return;
  count(number, entry->second, *task->second, -1);
  if (entry->second.job && ring_ != nullptr) {
    touched_.push_back(number);
    tell(api::TaskRemoved{entry->second.job, task->second});
  }
  entry->second.tasks.erase(task);
}

void PublishedView::remove_job(const JobId& id) {
  const std::int64_t number = parse_job_number(id.value);
  const auto found = jobs_.find(number);
  if (found == jobs_.end()) return;
  JobEntry& entry = found->second;
  for (const auto& [place, task] : entry.tasks) count(number, entry, *task, -1);
  live_.erase(number);
  if (entry.job) {
    index_name(entry.job, nullptr);
    --totals_.jobs[{entry.job->spec->type, entry.job->state}];
    tell(api::JobRemoved{entry.job});
  }
  jobs_.erase(found);
}

void PublishedView::put_agent(const AgentPtr& agent) {
  AgentPtr& held = agents_[agent->id];
  const bool differs = held == nullptr || !api::shows_the_same(*held, *agent);
  held = agent;
  if (differs) tell(api::AgentChanged{agent});
}

void PublishedView::remove_agent(const AgentId& id) {
  executors_.erase(id);
  if (agents_.erase(id) > 0) tell(api::AgentRemoved{id});
}

void PublishedView::put_shortfall(const engine::PutShortfall& put) {
  const auto entry = jobs_.find(parse_job_number(put.job.value));
  if (entry == jobs_.end()) return;
  entry->second.why = put.why;
  if (entry->second.shortfall == put.text) return;
  entry->second.shortfall = put.text;
  if (entry->second.job) tell(api::JobWaits{entry->second.job, put.text});
}

void PublishedView::put_audit(const AuditPtr& audit) {
  audits_[audit->number] = audit;
  if (ring_ == nullptr) return;
  const auto entry = audit->job.empty() ? jobs_.end() : jobs_.find(parse_job_number(audit->job.value));
  tell(api::Audited{audit, entry == jobs_.end() ? nullptr : entry->second.job});
}

void PublishedView::put_connection(engine::Connection connection) {
  const bool differs = connection.subscribed != connection_.subscribed ||
                       connection.master != connection_.master ||
                       connection.framework != connection_.framework;
  connection_ = std::move(connection);
  if (differs) tell(api::ConnectionChanged{connection_});
}

void PublishedView::put_alert(const engine::PutAlert& put) {
  const auto held = alerts_.find(put.name);
  const bool differs = put.text != (held == alerts_.end() ? std::string() : held->second);
  alerts_known_.insert(put.name);
  alerts_[put.name] = put.text;
  if (put.text.empty()) alerts_.erase(put.name);
  if (differs) tell(api::AlertChanged{put.name, put.text});
}

void PublishedView::apply(const std::vector<engine::Change>& changes) {
  std::unique_lock hold(mutex_);
  const Overloaded apply_one{
      [this](const engine::PutJob& put) { put_job(put.job); },
      [this](const engine::PutTask& put) { put_task(put.task); },
      [this](const engine::RemoveJob& removed) { remove_job(removed.job); },
      [this](const engine::RemoveTask& removed) { remove_task(removed.task); },
      [this](const engine::PutFramework& put) {
        put_connection({connection_.subscribed, connection_.master, put.framework});
      },
      [](const engine::PutNextJobNumber&) {},
      [this](const engine::PutOperation& put) { operations_[put.operation->number] = put.operation; },
      [this](const engine::RemoveOperation& removed) {
        operations_.erase(parse_operation_number(removed.operation.value));
      },
      [this](const engine::PutAgent& put) { put_agent(put.agent); },
      [this](const engine::RemoveAgent& removed) { remove_agent(removed.agent); },
      [this](const engine::PutShortfall& put) { put_shortfall(put); },
      [this](const engine::PutOrphan& put) { orphans_[put.orphan->task] = put.orphan; },
      [this](const engine::RemoveOrphan& removed) { orphans_.erase(removed.task); },
      [this](const engine::PutAlert& put) { put_alert(put); },
      [this](const engine::PutAudit& put) { put_audit(put.audit); },
      [this](const engine::RemoveAudit& removed) { audits_.erase(removed.number); },
      [this](const engine::PutJobVersion& put) {
        jobs_[parse_job_number(put.version->job.value)].versions[put.version->version] = put.version;
      },
      [this](const engine::RemoveJobVersion& removed) {
        const auto entry = jobs_.find(parse_job_number(removed.job.value));
        if (entry != jobs_.end()) entry->second.versions.erase(removed.version);
      },
      [this](const engine::PutGroup& put) { groups_[put.group->name] = put.group; },
      [this](const engine::RemoveGroup& removed) { groups_.erase(removed.name); },
      [](const engine::PutReceipt&) {},
      [](const engine::RemoveReceipt&) {},
      [](const engine::PutAgentOrder&) {},  // PutAgent shows it
      [](const engine::RemoveAgentOrder&) {},
      [this](const engine::PutScaling& put) {
        scaling_[put.group->rule.name] = put.group;
        tell(api::ScalingChanged{put.group});
      },
      [this](const engine::PutConnection& put) {
        put_connection({put.subscribed, put.master, connection_.framework});
      },
  };
  for (const engine::Change& change : changes) std::visit(apply_one, change);
  if (ring_ == nullptr) return;
  tell_touched();
  if (!events_.empty()) ring_->append(std::exchange(events_, {}));
}

void PublishedView::set_framework(const FrameworkId& framework) {
  std::unique_lock hold(mutex_);
  connection_.framework = framework;
}

void PublishedView::publish_to(EventRing& ring) {
  std::unique_lock hold(mutex_);
  ring_ = &ring;
  for (auto& [number, entry] : jobs_) {
    entry.told = entry.job;
    entry.told_dispatched = entry.dispatched > 0;
    entry.told_ready = entry.ready;
  }
}

}  // namespace mimas::server
