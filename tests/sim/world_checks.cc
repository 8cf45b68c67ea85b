// What must hold after every step, and what must hold once the faults have stopped (rule 131).
#include <algorithm>
#include <set>

#include "engine/state.h"
#include "world.h"

namespace mimas::sim {
namespace {

constexpr std::int64_t kUnacknowledgedMsMax = 600'000;

bool counts_as_running(const Task& task) { return task.state == TaskState::running && !task.kill_requested; }

}  // namespace

void World::check() {
  masters_.check_books();
  for (const auto& agent : agents_) agent->check_room();
}

// A record that has ended stays as it ended.
void World::check_ends() {
  for (const auto& [id, task] : disk_.tasks()) {
    if (!is_terminal(task->state)) continue;
    const auto [at, fresh] = ends_.try_emplace(id, task->state);
    if (!fresh && at->second != task->state) ground_.broken("task " + id + " ended twice, differently");
  }
}

void World::check_unacknowledged() {
  std::map<std::string, Instant> now_open;
  for (const auto& agent : agents_) {
    if (agent->model() == nullptr) continue;
    for (const auto& [framework_id, framework] : agent->model()->frameworks())
      for (const auto& [executor_id, executor] : framework.executors)
        for (const auto& [task_id, task] : executor.tasks)
          for (const auto& status : task.pending) {
            const auto before = unacknowledged_.find(status.uuid());
            const Instant since = before == unacknowledged_.end() ? ground_.now() : before->second;
            if (ground_.now() - since > kUnacknowledgedMsMax) {
              ground_.broken("an update of " + task_id + " is unacknowledged for more than ten minutes");
            }
            now_open[status.uuid()] = since;
          }
  }
  unacknowledged_ = std::move(now_open);
}

std::string World::disagreement() {
  check_ends();
  if (scheduler_ == nullptr || !scheduler_->is_subscribed()) return "the scheduler is not subscribed";
  if (masters_.model() == nullptr) return "no master leads";
  const auto framework = masters_.model()->frameworks().find(disk_.framework().value);
  if (framework == masters_.model()->frameworks().end() || !framework->second.connected)
    return "the master does not know the framework as connected";

  // What people asked for.
  for (const auto& [number, job] : disk_.jobs()) {
    if (job->state == JobState::ended) continue;
    const std::int64_t running = std::count_if(
        disk_.tasks().begin(), disk_.tasks().end(),
        [&](const auto& one) { return one.second->job == job->id && counts_as_running(*one.second); });
    const bool service = job->spec->type == JobType::service && job->state == JobState::active;
    if (!service) return "job " + job->id.value + " has not ended";
    if (running != job->instances_desired)
      return "job " + job->id.value + " has " + std::to_string(running) + " of " +
             std::to_string(job->instances_desired) + " instances running";
  }

  // The engine's, the master's and the machines' tables.
  std::set<std::string> ours, masters_own, executors;
  for (const auto& [id, task] : disk_.tasks()) {
    const bool written_off = task->state == TaskState::unreachable && task->replaced;
    if (is_live_on_agent(task->state) && !written_off) ours.insert(id);
  }
  for (const auto& [id, task] : framework->second.tasks) masters_own.insert(id);
  for (const auto& agent : agents_)
    for (const auto& [container, process] : agent->processes())
      executors.insert(process->container().executor_id);
  for (const std::string& id : ours)
    if (!masters_own.contains(id)) return "task " + id + " is live here and unknown to the master";
  for (const std::string& id : masters_own)
    if (!ours.contains(id)) return "task " + id + " is known to the master and not live here";
  for (const std::string& id : executors)
    if (!ours.contains(id)) return "executor " + id + " runs and nobody wants it";
  for (const std::string& id : ours)
    if (!executors.contains(id)) return "task " + id + " is live and has no process";
  if (!unacknowledged_.empty()) return "updates are unacknowledged";
  return {};
}

}  // namespace mimas::sim
