#include "world.h"

#include <utility>

namespace mimas::sim {

World::World(const Options& options)
    : options_(options),
      ground_(options.seed),
      changes_(options.seed),
      masters_(ground_),
      disk_(options.directory) {
  ledger_.crash_at = options.crash_at;
  const auto is_service = [this](const std::string& task_id) {
    const TaskPtr task = disk_.task(task_id);
    const auto name = parse_task_id(task_id);
    const JobPtr job = name.ok() ? disk_.job(parse_job_number(name->job.value)) : nullptr;
    return job != nullptr && job->spec->type == JobType::service;
  };
  for (std::int64_t i = 0; i < options.agents; ++i) {
    agents_.push_back(std::make_unique<Agent>(ground_, masters_, "h" + std::to_string(i), 16, is_service));
  }
  scheduler_starts();
}

void World::scheduler_starts() {
  auto recovered = disk_.open();
  if (!recovered.ok()) {
    ground_.broken("the scheduler does not start: " + recovered.error().text());
    return;
  }
  ground_.note("scheduler starts");
  Scheduler::Setup setup;
  setup.planted = options_.planted;
  setup.wall_offset_ms = wall_offset_ms_;
  scheduler_ = std::make_shared<Scheduler>(ground_, masters_, disk_, ledger_, setup, std::move(*recovered));
  scheduler_->start();
}

void World::scheduler_dies() {
  if (scheduler_ == nullptr) return;
  ground_.note("scheduler dies");
  ground_.hit("scheduler crashed");
  scheduler_.reset();
  disk_.close();
  if (ground_.fault(100)) {
    ground_.hit("clock jumped between two lives");
    wall_offset_ms_ += ground_.between(-86'400'000, 86'400'000);
  }
  ground_.time.after(ground_.between(50, ground_.fault(200) ? 120'000 : 3'000), [this] {
    if (scheduler_ == nullptr) scheduler_starts();
  });
}

bool World::step() {
  ++ground_.steps;
  bool more = true;
  try {
    more = ground_.time.run_one();
  } catch (const Crash&) {
    scheduler_dies();
  }
  check();
  return more;
}

void World::run(std::int64_t steps) {
  for (std::int64_t i = 0; i < steps && ground_.violations.empty(); ++i) {
    if (ground_.chance(40)) {
      ++ground_.steps;
      interfere();
      check();
    } else if (!step()) {
      return;
    }
  }
}

void World::pass(std::int64_t ms) {
  const Instant until = ground_.now() + ms;
  while (ground_.time.next() <= until && ground_.violations.empty()) step();
}

void World::turn_faults(bool on) {
  ground_.faults = on;
  ground_.faults_off = on ? 0 : ground_.now().ms;
  unacknowledged_.clear();
}

void World::calm() {
  turn_faults(false);
  for (const auto& agent : agents_) agent->heal();
  const Instant until = ground_.now() + kCalmMs;
  Instant look = ground_.now() + 30'000;
  while (ground_.violations.empty() && ground_.time.next() <= until) {
    step();
    if (ground_.now() < look) continue;
    look = ground_.now() + 30'000;
    check_unacknowledged();
    if (disagreement().empty()) return;
  }
  if (ground_.violations.empty()) ground_.broken("no convergence: " + disagreement());
}

}  // namespace mimas::sim
