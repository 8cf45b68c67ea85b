#include "engine/queue.h"

#include <algorithm>

#include "engine/agent_health.h"
#include "engine/executors.h"
#include "engine/orphans.h"

namespace mimas::engine {
namespace {

constexpr std::size_t kTasksPerDemandMax = 1'000;  // of one job in one settling; the rest follow at once

placement::Group group_named(const State::Data& data, const std::string& name) {
  placement::Group group;
  group.name = name;
  auto described = data.groups_described.find(name);
  if (described != data.groups_described.end()) {
    const CapacityGroup& is = *described->second;
    group.tier = is.tier;
    group.weight = is.weight;
    group.guarantee = is.guarantee;
    group.quota = is.quota;
  }
  return group;
}

std::size_t group_index(const State::Data& data, const std::string& name, WaitingRound& round) {
  auto [at, fresh] = round.groups.try_emplace(name, round.queue.groups.size());
  if (fresh) round.queue.groups.push_back(group_named(data, name));
  return at->second;
}

void add_called(const State::Data& data, const std::string& called, std::vector<placement::JobNumber>& jobs) {
  if (called.starts_with("job:")) {
    const std::int64_t number = parse_job_number(called.substr(4));
    if (number >= 0) jobs.push_back(number);
  }
  auto at = data.jobs_called.find(called);
  if (at != data.jobs_called.end()) jobs.insert(jobs.end(), at->second.begin(), at->second.end());
}

bool is_called(const Job& job, const std::string& called) {
  return called == "job:" + job.id.value || called == "job:" + job.spec->name ||
         called == "app:" + job.spec->app_name;
}

void add_named(const State::Data& data, const std::vector<Constraint>& constraints,
               std::vector<placement::JobNumber>& with, std::vector<placement::JobNumber>& apart) {
  for (const Constraint& constraint : constraints) {
    if (constraint.kind == Constraint::Kind::with_job) add_called(data, constraint.job, with);
    if (constraint.kind == Constraint::Kind::apart_from_job) add_called(data, constraint.job, apart);
  }
}

// Those that this one names, what it insists on apart from what it wishes, and for `apart` those whose hard
// constraints name this one.
void resolve_jobs(const State::Data& data, const Job& job, placement::Demand& demand) {
  add_named(data, job.spec->hard_constraints, demand.with, demand.apart);
  add_named(data, job.spec->soft_constraints, demand.with_soft, demand.apart_soft);
  for (std::int64_t number : data.jobs_apart) {
    for (const Constraint& constraint : data.jobs.at(number).record->spec->hard_constraints) {
      if (constraint.kind == Constraint::Kind::apart_from_job && is_called(job, constraint.job)) {
        demand.apart.push_back(number);
      }
    }
  }
  for (auto* jobs : {&demand.with, &demand.apart, &demand.with_soft, &demand.apart_soft}) {
    std::sort(jobs->begin(), jobs->end());
    jobs->erase(std::unique(jobs->begin(), jobs->end()), jobs->end());
  }
}

// Where one of its tasks runs, another may not go.
bool is_personal(const JobSpec& spec) {
  using Kind = Constraint::Kind;
  return std::any_of(spec.hard_constraints.begin(), spec.hard_constraints.end(), [](const Constraint& c) {
    return c.kind == Kind::unique_host || c.kind == Kind::group_by || c.kind == Kind::max_per;
  });
}

}  // namespace

placement::Demand& add_demand(const State::Data& data, const Job& job, std::string executor,
                              WaitingRound& round) {
  placement::Demand& demand = round.queue.demands.emplace_back();
  round.waiting.emplace_back();
  demand.job = job.number;
  demand.spec = job.spec;
  demand.share.cpu_milli = kExecutorCpuMilli;
  demand.share.mem_mib = kExecutorMemMib;
  demand.executor = std::move(executor);
  demand.group = group_index(data, std::string(group_of(*job.spec)), round);
  demand.priority = job.spec->priority;
  demand.since = job.submitted_at;
  resolve_jobs(data, job, demand);
  demand.personal = is_personal(*job.spec);
  demand.restricted = !demand.with.empty() || !demand.apart.empty();
  return demand;
}

bool add_waiting(const State::Data& data, const JobEntry& job, WaitingRound& round) {
  const std::int64_t number = job.record->number;
  std::map<std::string, std::size_t> demands;  // by executor
  std::map<std::string, Instant> since;        // … as the first of its tasks has waited, held or not
  std::size_t tasks = 0;
  for (const auto& place : data.ready.at(number)) {
    const TaskKey key{number, place.first, place.second};
    const Task& task = *job.tasks.at(place).record;
    std::string executor = shared_executor(data.policy, job, task);
    const Instant waits_since = since.try_emplace(executor, task.queued_at).first->second;
    if (is_slot_held(data, key)) continue;
    if (tasks++ == kTasksPerDemandMax) {
      round.cut_short = true;
      break;
    }
    auto [at, fresh] = demands.try_emplace(executor, round.queue.demands.size());
    placement::Demand& demand =
        fresh ? add_demand(data, *job.record, std::move(executor), round) : round.queue.demands[at->second];
    if (fresh) {
      demand.since = waits_since;
      demand.avoid = avoided_by(data.policy, job, round.now);
      demand.restricted = demand.restricted || (demand.personal && job.open > job.queued);
    }
    round.waiting[at->second].tasks.push_back(key);
    ++demand.count;
  }
  return !demands.empty();
}

void refresh(const State::Data& data, WaitingRound& round) {
  for (std::size_t i = 0; i < round.waiting.size(); ++i) {
    const WaitingTasks& waiting = round.waiting[i];
    placement::Demand& demand = round.queue.demands[i];
    demand.count = static_cast<std::int64_t>(waiting.tasks.size() - waiting.given);
    demand.restricted = demand.restricted || (demand.personal && waiting.given > 0);
  }
  for (placement::Group& group : round.queue.groups) {
    auto used = data.group_use.find(group.name);
    group.used = used == data.group_use.end() ? ResourceRequest{} : used->second;
  }
}

}  // namespace mimas::engine
