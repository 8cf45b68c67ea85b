#include "engine/turn.h"

#include <algorithm>

namespace mimas::engine {
namespace {

int release_rank(const Effect& effect) {
  if (std::holds_alternative<Acknowledge>(effect)) return 1;
  if (std::holds_alternative<AcknowledgeOperation>(effect)) return 1;
  if (std::holds_alternative<ScaleAgents>(effect)) return 2;
  if (std::holds_alternative<Reply>(effect)) return 3;
  return 0;
}

// What a turn changes of a record: a copy that takes its place, one for each turn.
template <class Record, class Entry>
Record& fresh_copy(std::shared_ptr<Record>& copy, Entry& entry) {
  if (!copy) {
    copy = std::make_shared<Record>(*entry.record);
    entry.record = copy;
  }
  return *copy;
}

}  // namespace

Task& Turn::copy_of(const TaskKey& key, TaskEntry& entry) { return fresh_copy(tasks_[key], entry); }

Job& Turn::copy_of(JobEntry& entry) { return fresh_copy(jobs_[entry.record->number], entry); }

void Turn::add_job(Job job) {
  std::int64_t number = job.number;
  auto [at, fresh] = data.jobs.try_emplace(number);
  ASSERT(fresh);
  auto record = std::make_shared<Job>(std::move(job));
  jobs_[number] = record;
  at->second.role = role_of(data.policy, *record->spec);
  at->second.record = record;
  track_job(data, at->second);
}

void Turn::add_task(JobEntry& job, Task task) {
  TaskKey key = key_of(task, *job.record);
  auto [at, fresh] = job.tasks.try_emplace({key.index, key.number});
  ASSERT(fresh);
  if (task.state != TaskState::queued && task.history.empty()) note_status(task, now);  // found running
  auto record = std::make_shared<Task>(std::move(task));
  tasks_[key] = record;
  at->second.record = record;
  track_task(data, job, key, at->second);
}

void Turn::remove_task(JobEntry& job, const TaskKey& key) {
  TaskEntry& entry = task_at(job, key);
  untrack_task(data, job, key, entry);
  removals_.push_back(RemoveTask{entry.record->id});
  tasks_.erase(key);
  job.tasks.erase({key.index, key.number});
  auto slot = job.slots.find(key.index);
  if (slot != job.slots.end() && slot->second.current < 0 && slot->second.ended.empty())
    job.slots.erase(slot);
}

void Turn::remove_job(std::int64_t number) {
  auto at = data.jobs.find(number);
  ASSERT(at != data.jobs.end());
  JobEntry& job = at->second;
  for (auto& [place, entry] : job.tasks) untrack_task(data, job, {number, place.first, place.second}, entry);
  untrack_job(data, job);
  tasks_.erase(tasks_.lower_bound({number, INT64_MIN, INT64_MIN}),
               tasks_.lower_bound({number + 1, INT64_MIN, 0}));
  jobs_.erase(number);
  removals_.push_back(RemoveJob{job.record->id});
  data.jobs.erase(at);
}

void Turn::add_operation(Operation operation) {
  std::int64_t number = operation.number;
  auto [at, fresh] = data.operations.try_emplace(number);
  ASSERT(fresh);
  auto record = std::make_shared<Operation>(std::move(operation));
  operations_[number] = record;
  at->second.record = record;
  track_operation(data, number, at->second);
}

Operation& Turn::copy_of(OperationEntry& entry) {
  return fresh_copy(operations_[entry.record->number], entry);
}

void Turn::remove_operation(std::int64_t number) {
  auto at = data.operations.find(number);
  ASSERT(at != data.operations.end());
  untrack_operation(data, at->second);
  removals_.push_back(RemoveOperation{at->second.record->id});
  operations_.erase(number);
  data.operations.erase(at);
}

void Turn::vacate(const Task& last, const Job& job, Ending ending) {
  vacancies_[job.number].push_back({last, ending});
  touched_.insert(job.number);
}

std::map<std::int64_t, std::vector<Turn::Vacancy>> Turn::take_touched() {
  std::map<std::int64_t, std::vector<Vacancy>> all = std::exchange(vacancies_, {});
  for (std::int64_t number : std::exchange(touched_, {})) all.try_emplace(number);
  return all;
}

void Turn::reply(RequestId request, Result<Answer> answer) {
  if (request != 0) effect(Reply{request, std::move(answer)});
}

void Turn::finish() {
  std::vector<Change>& changes = step_.changes;
  changes.reserve(jobs_.size() + tasks_.size() + operations_.size() + removals_.size() + others_.size());
  auto durable = std::stable_partition(others_.begin(), others_.end(), is_durable);
  std::move(others_.begin(), durable, std::back_inserter(changes));
  for (auto& [number, job] : jobs_) changes.push_back(PutJob{std::move(job)});
  for (auto& [key, task] : tasks_) changes.push_back(PutTask{std::move(task)});
  for (auto& [number, operation] : operations_) changes.push_back(PutOperation{std::move(operation)});
  std::move(removals_.begin(), removals_.end(), std::back_inserter(changes));
  std::move(durable, others_.end(), std::back_inserter(changes));
  std::stable_sort(effects_.begin(), effects_.end(),
                   [](const Effect& a, const Effect& b) { return release_rank(a) < release_rank(b); });
  step_.effects = std::move(effects_);
}

}  // namespace mimas::engine
