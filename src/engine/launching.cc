// Waiting tasks onto held offers: demands and hosts for placement, its plan as ACCEPT calls, its refusals as
// the explanations that people read. Rule 53: offers of one agent are put together per role and never across
// roles.
#include <algorithm>

#include "engine/executors.h"
#include "engine/orphans.h"
#include "engine/parts.h"
#include "engine/reconcile.h"
#include "placement/place.h"

namespace mimas::engine {
namespace {

namespace placement = mimas::placement::first_fit;

constexpr std::size_t kTasksPerDemandMax = 1'000;  // of one job in one settling; the rest follow at once

struct Board {
  std::vector<placement::Host> hosts;
  std::vector<std::vector<OfferId>> offers;  // by host
  std::vector<placement::Demand> demands;
  bool cut_short = false;  // a job has more waiting tasks than stand in its demand
};

placement::Demand demand_of(const JobEntry& job, std::string executor) {
  const JobSpec& spec = *job.record->spec;
  placement::Demand demand;
  demand.job = job.record->id;
  demand.request = spec.request;
  demand.share.cpu_milli = kExecutorCpuMilli;
  demand.share.mem_mib = kExecutorMemMib;
  demand.executor = std::move(executor);
  demand.constraints = spec.hard_constraints;
  return demand;
}

// One demand, or two: of tasks in the executor that they share, and of those that get their own all the same.
// False when every slot is held by an orphan.
bool add_demands(const State::Data& data, const JobEntry& job,
                 const std::set<std::pair<std::int64_t, std::int64_t>>& places, Board& board) {
  std::map<std::string, placement::Demand> demands;  // by executor
  std::size_t tasks = 0;
  for (const auto& place : places) {
    if (is_slot_held(data, {job.record->number, place.first, place.second})) continue;
    if (tasks++ == kTasksPerDemandMax) {
      board.cut_short = true;
      break;
    }
    const Task& task = *job.tasks.at(place).record;
    std::string executor = shared_executor(data.policy, job, task);
    auto [at, fresh] = demands.try_emplace(executor);
    if (fresh) at->second = demand_of(job, std::move(executor));
    at->second.tasks.push_back(task.id);
  }
  for (auto& [executor, demand] : demands) board.demands.push_back(std::move(demand));
  return !demands.empty();
}

// The jobs to look at. What found no place stays so until an offer comes or a task ends, for launches only
// take room away; so in between only newly ready work is tried, and a long queue costs nothing.
std::vector<std::int64_t> jobs_to_place(State::Data& data) {
  const std::set<std::int64_t> fresh = std::exchange(data.to_place, {});
  std::vector<std::int64_t> numbers;
  if (std::exchange(data.place_all, false)) {
    for (const auto& [number, places] : data.ready) numbers.push_back(number);
    return numbers;
  }
  for (std::int64_t number : fresh) {
    if (data.ready.contains(number)) numbers.push_back(number);
  }
  return numbers;
}

// Only jobs that ask for UniqueHost need to know where they run already.
std::vector<const Job*> unique_jobs(const State::Data& data, const Board& board) {
  std::vector<const Job*> jobs;
  for (const placement::Demand& demand : board.demands) {
    const Job& job = *data.jobs.at(parse_job_number(demand.job.value)).record;
    bool unique = std::any_of(job.spec->hard_constraints.begin(), job.spec->hard_constraints.end(),
                              [](const Constraint& c) { return c.kind == Constraint::Kind::unique_host; });
    if (unique) jobs.push_back(&job);
  }
  return jobs;
}

// A host for each agent as it stands to one role: with what it offers to that role, or with nothing, for the
// explanation. Where all roles are one, an agent is there once per role it offers to.
void add_hosts(const Turn& turn, std::string_view wanted, Board& board) {
  const State::Data& data = turn.data;
  std::vector<const Job*> unique = unique_jobs(data, board);
  for (const auto& [id, agent] : data.agents) {
    if (agent.offers.empty() && agent.record.state != AgentState::active) continue;
    placement::Host host{id, agent.record.hostname, agent.record.attributes, {}, {}, {}, false, false};
    host.leaving = is_leaving_soon(turn, agent.record);
    for (const auto& [executor, tasks] : agent.executors) host.executors.insert(executor);
    for (const Job* job : unique) {
      auto running = agent.running.find(job->number);
      if (running != agent.running.end()) host.running[job->id] = running->second;
    }
    std::map<std::string, std::vector<const Offer*>> by_role;
    for (const auto& [offer_id, held] : agent.offers) {
      if (data.policy.roles.empty() || held.offer.role == wanted) {
        by_role[held.offer.role].push_back(&held.offer);
      }
    }
    if (by_role.empty()) {
      board.hosts.push_back(std::move(host));
      board.offers.emplace_back();
      continue;
    }
    host.offered = true;
    for (const auto& [role, offers] : by_role) {
      placement::Host one = host;
      std::vector<OfferId> ids;
      for (const Offer* offer : offers) {
        one.free += offer->resources;
        ids.push_back(offer->id);
      }
      board.hosts.push_back(std::move(one));
      board.offers.push_back(std::move(ids));
    }
  }
}

TaskPtr dispatch(Turn& turn, const placement::Assignment& assignment, const Agent& agent) {
  FoundTask found = find_task(turn.data, assignment.task);
  ASSERT(found.task != nullptr);
  std::string executor = shared_executor(turn.data.policy, *found.job, *found.task->record);
  turn.change_task(*found.job, found.key, [&](Task& task) {
    task.state = TaskState::dispatched;
    task.agent = agent.id;
    task.hostname = agent.hostname;
    task.agent_endpoint = agent.endpoint;
    task.region = agent.region;
    task.zone = agent.zone;
    task.allocated = assignment.allocated;
    task.executor = executor.empty() ? task.id.value : std::move(executor);
    task.dispatched_at = turn.now;
  });
  turn.reason("task " + assignment.task.value + " DISPATCHED to " + agent.hostname);
  return task_at(*found.job, found.key).record;
}

void launch(Turn& turn, RoleEntry& role, const Board& board,
            const std::vector<placement::Assignment>& assignments) {
  std::map<std::size_t, AcceptOffers> calls;
  for (const placement::Assignment& assignment : assignments) {
    AgentEntry& agent = turn.data.agents.at(board.hosts[assignment.host].agent);
    AcceptOffers& call = calls[assignment.host];
    call.agent = agent.record.id;
    TaskPtr task = dispatch(turn, assignment, agent.record);
    const Job& job = *find_job(turn.data, task->job)->record;
    const bool shared = is_in_shared_executor(*task);
    call.launches.push_back({std::move(task), job.spec, agent.record.attributes, shared, assignment.charged});
  }
  bool more = work_waits(turn, role);
  for (auto& [host, call] : calls) {
    call.offers = board.offers[host];
    // Without a filter the remainder comes back with the next allocation, for the next job (is_warm).
    const Policy& policy = turn.data.policy;
    call.refuse_ms = more ? policy.busy_refuse_ms : (is_warm(turn, role) ? 0 : policy.idle_refuse_ms);
    if (call.refuse_ms == policy.idle_refuse_ms) role.long_filters = true;
    for (const OfferId& id : call.offers) drop_offer(turn.data, id);
    turn.effect(std::move(call));
  }
}

std::string why(const placement::Shortfall& shortfall, const State::Data& data) {
  auto silent = shortfall.reasons.find("no offer");
  if (shortfall.hosts == 0 || (silent != shortfall.reasons.end() && silent->second == shortfall.hosts)) {
    return "no offers from any agent yet (" + std::to_string(data.agents.size()) + " agents known)";
  }
  return shortfall.text();
}

void place_role(Turn& turn, const std::string& role, const std::vector<std::int64_t>& numbers) {
  State::Data& data = turn.data;
  if (!is_ours(data.policy, role)) {
    for (std::int64_t number : numbers) {
      publish_shortfall(turn, data.jobs.at(number), "the role " + role + " is not one of this scheduler's");
    }
    return;
  }
  Board board;
  for (std::int64_t number : numbers) {
    if (add_demands(data, data.jobs.at(number), data.ready.at(number), board)) continue;
    publish_shortfall(turn, data.jobs.at(number),
                      "an unknown task runs in the slot: see `mimas orphans list`");
  }
  add_hosts(turn, role, board);
  placement::Plan plan = placement::place(board.hosts, board.demands);
  launch(turn, role_entry(data, role), board, plan.assignments);
  for (const placement::Shortfall& shortfall : plan.shortfalls) {
    publish_shortfall(turn, *find_job(data, shortfall.job), why(shortfall, data));
  }
  // What was cut off gets its turn at once, as long as that leads anywhere.
  if (board.cut_short && !plan.assignments.empty()) data.placement_stale = data.place_all = true;
}

}  // namespace

void place_waiting(Turn& turn) {
  State::Data& data = turn.data;
  if (!data.placement_stale) return;
  data.placement_stale = false;
  if (data.ready.empty()) return;
  const std::vector<std::int64_t> numbers = jobs_to_place(data);
  if (!data.subscribed) {
    for (std::int64_t number : numbers) {
      publish_shortfall(turn, data.jobs.at(number), "not subscribed to a Mesos master");
    }
    return;
  }
  if (data.restarted) {  // what is about to be started may be running
    for (std::int64_t number : numbers) {
      publish_shortfall(turn, data.jobs.at(number), "waiting for the master to show what runs already");
    }
    return;
  }
  std::map<std::string, std::vector<std::int64_t>> by_role;
  for (std::int64_t number : numbers) by_role[data.jobs.at(number).role].push_back(number);
  for (const auto& [role, jobs] : by_role) place_role(turn, role, jobs);
}

}  // namespace mimas::engine
