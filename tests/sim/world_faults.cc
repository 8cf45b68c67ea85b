// What befalls the world: the network, the cluster, the scheduler's process, and people.
#include <iterator>
#include <utility>

#include "world.h"

namespace mimas::sim {

Agent& World::any_agent() { return *agents_[ground_.random.below(agents_.size())]; }

void World::interfere() {
  switch (ground_.random.below(8)) {
    case 0:
    case 1: return disturb_network();
    case 2:
    case 3: return disturb_cluster();
    case 4: return disturb_scheduler();
    default: return command();
  }
}

void World::disturb_network() {
  switch (ground_.random.below(8)) {
    case 0:
      if (scheduler_ != nullptr) scheduler_->cut_stream();
      return;
    case 1:
      if (scheduler_ != nullptr) scheduler_->cut_calls();
      return;
    case 2:
      if (scheduler_ != nullptr && ground_.chance(300)) scheduler_->half_open_stream();
      return;
    case 3: return any_agent().cut_link();
    case 4: return any_agent().cut_executors();
    case 5: return any_agent().partition(ground_.between(1'000, 300'000));
    case 6: ground_.slow_until = ground_.now() + ground_.between(1'000, 60'000); return;
    default:
      if (scheduler_ != nullptr) scheduler_->pause_reader(ground_.between(1'000, 200'000));
      return;
  }
}

void World::disturb_cluster() {
  Agent& agent = any_agent();
  switch (ground_.random.below(12)) {
    case 0:
    case 1: return masters_.fail_over();
    case 2: return masters_.drop_schedulers();
    case 3: return agent.restart(Restart::keep, ground_.between(20, 10'000));
    case 4: return agent.restart(Restart::reboot, ground_.between(1'000, 200'000));
    case 5: return agent.restart(Restart::wipe, ground_.between(1'000, 100'000));
    case 6: return agent.delay_updates(ground_.chance(500) ? 0 : ground_.between(1, 60'000));
    case 7: return agent.repeat_updates(static_cast<int>(ground_.random.below(4)));
    case 8:
      if (ground_.chance(300) && masters_.model() != nullptr && !masters_.model()->agents().empty()) {
        ground_.hit("agent marked gone");
        masters_.mark_gone(std::string(masters_.model()->agents().begin()->first));
      }
      return;
    default: return agent.crash_an_executor();
  }
}

void World::disturb_scheduler() {
  if (scheduler_ == nullptr) return;
  if (ground_.chance(500)) {
    ledger_.crash_at = ledger_.boundaries + ground_.between(1, 20);
  } else if (ground_.chance(500)) {
    scheduler_dies();
  }
}

void World::submit(JobType type, std::int64_t instances) {
  if (scheduler_ == nullptr) return;
  auto spec = std::make_shared<JobSpec>();
  spec->type = type;
  spec->name = "sim";
  spec->entry_point = "true";
  spec->request = {ground_.between(50, 500), 64, 0, 0, ground_.between(0, 2)};
  spec->retries = ground_.between(0, 3);
  spec->unreachable_timeout_ms = ground_.between(5'000, 90'000);
  spec->kill_grace_ms = ground_.between(0, 5'000);
  engine::SubmitJob job;
  job.request = ++requests_;
  job.spec = std::move(spec);
  job.instances_desired = instances;
  job.instances_min = 0;
  job.instances_max = 8;
  scheduler_->post(std::move(job));
}

// What a user may change of a job that runs: in place, or refused.
void World::change(const Job& job) {
  const auto chance = [this](std::uint64_t per_mille) { return changes_.below(1'000) < per_mille; };
  if (chance(400)) return scheduler_->post(engine::SetInService{0, job.id, !job.in_service, "somebody"});
  if (chance(100)) {
    return scheduler_->post(engine::SetJobProcesses{0, job.id, chance(300), chance(300), "somebody"});
  }
  auto spec = std::make_shared<JobSpec>(*job.spec);
  spec->labels["turn"] = std::to_string(changes_.below(10));
  if (chance(200)) spec->retries = static_cast<std::int64_t>(changes_.below(4));
  if (chance(100)) spec->unreachable_timeout_ms = 5'000 + static_cast<std::int64_t>(changes_.below(85'000));
  if (chance(100)) spec->request.cpu_milli = 50 + static_cast<std::int64_t>(changes_.below(450));
  scheduler_->post(engine::ChangeJob{0, job.id, std::move(spec), job.instances_desired, job.instances_min,
                                     job.instances_max, job.in_service, false, "somebody"});
}

void World::command() {
  if (scheduler_ == nullptr) return;
  const auto& jobs = disk_.jobs();
  std::vector<JobPtr> active;
  for (const auto& [number, job] : jobs)
    if (job->state == JobState::active) active.push_back(job);
  const bool room = static_cast<std::int64_t>(active.size()) < options_.jobs_max;
  if (active.empty() || (room && ground_.chance(500))) {
    return submit(ground_.chance(500) ? JobType::service : JobType::batch, ground_.between(1, 4));
  }
  const Job& job = *active[ground_.random.below(active.size())];
  if (changes_.below(1'000) < 200) change(job);
  if (ground_.chance(250)) return scheduler_->post(engine::KillJob{0, job.id, "somebody"});
  if (ground_.chance(500)) {
    return scheduler_->post(engine::SetInstanceCounts{0, job.id, ground_.between(0, 5), 0, 8, "somebody"});
  }
  if (disk_.tasks().empty()) return;
  auto at = disk_.tasks().begin();
  std::advance(at, static_cast<std::ptrdiff_t>(ground_.random.below(disk_.tasks().size())));
  scheduler_->post(engine::KillTasks{0, {at->second->id}, ground_.chance(300), false, "somebody"});
}

}  // namespace mimas::sim
