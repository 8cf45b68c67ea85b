// Waiting tasks onto held offers: the queue as placement sees it, its plan as ACCEPT calls, its refusals as
// the explanations that people read. Rule 53: offers of one agent are put together per role and never across
// roles.
#include <algorithm>

#include "engine/executors.h"
#include "engine/index.h"
#include "engine/orphans.h"
#include "engine/parts.h"
#include "engine/preemption.h"
#include "engine/queue.h"
#include "engine/reconcile.h"
#include "engine/standing.h"

namespace mimas::engine {
namespace {

constexpr std::size_t kLaunchesPerSettleMax = 20'000;  // the rest follow at once

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

std::string told(const Score& score) {
  std::string text = "score " + std::to_string(score.total) + " of 1000";
  if (score.soft >= 0) {
    text += ": fitness " + std::to_string(score.fitness) + ", soft constraints " + std::to_string(score.soft);
  }
  return text;
}

TaskPtr dispatch(Turn& turn, JobEntry& job, const TaskKey& key, const placement::Assignment& assignment,
                 const std::string& executor, const Agent& agent) {
  turn.change_task(job, key, [&](Task& task) {
    task.state = TaskState::dispatched;
    task.agent = agent.id;
    task.hostname = agent.hostname;
    task.agent_endpoint = agent.endpoint;
    task.region = domain_of(agent, "region");
    task.zone = domain_of(agent, "zone");
    task.allocated = assignment.allocated;
    task.executor = executor;  // empty: its own, under its own id
    task.dispatched_at = turn.now;
    task.message = told(assignment.score);
  });
  const TaskPtr& task = task_at(job, key).record;
  turn.reason("task " + task->id.value + " DISPATCHED to " + agent.hostname);
  return task;
}

AcceptOffers& call_for(std::map<AgentId, AcceptOffers>& calls, const AgentEntry& agent,
                       const std::string& role) {
  auto [at, fresh] = calls.try_emplace(agent.record.id);
  if (fresh) {
    at->second.agent = agent.record.id;
    for (const auto& [id, held] : agent.offers) {
      if (held.offer.role == role) at->second.offers.push_back(id);
    }
  }
  return at->second;
}

// `role` is the one that the offers were made to. How many were launched: an agent is sent no more at a time
// than it may be, and what is over goes elsewhere in the next round, or waits.
std::size_t launch(Turn& turn, RoleEntry& entry, const std::string& role, WaitingRound& round,
                   const std::vector<placement::Assignment>& assignments) {
  State::Data& data = turn.data;
  const placement::Cluster& cluster = data.clusters.at(role);
  std::map<AgentId, AcceptOffers> calls;
  std::size_t launched = 0;
  for (const placement::Assignment& assignment : assignments) {
    AgentEntry& agent = data.agents.at(cluster.facts(assignment.host).agent);
    WaitingTasks& waiting = round.waiting[assignment.demand];
    JobEntry& job = data.jobs.at(round.queue.demands[assignment.demand].job);
    if (launches_left(data, agent, job.record->spec->runtime == Runtime::docker) <= 0) {
      round.cut_short = true;
      continue;
    }
    const TaskKey key = waiting.tasks[waiting.given++];
    const std::string& executor = round.queue.demands[assignment.demand].executor;
    ++launched;
    TaskPtr task = dispatch(turn, job, key, assignment, executor, agent.record);
    const bool shared = is_in_shared_executor(*task);
    call_for(calls, agent, role)
        .launches.push_back(
            {std::move(task), job.record->spec, agent.record.attributes, shared, assignment.charged});
  }
  const bool more = work_waits(turn, entry);
  const Policy& policy = data.policy;
  for (auto& [id, call] : calls) {
    // Without a filter the remainder comes back with the next allocation, for the next job (is_warm).
    call.refuse_ms = more ? policy.busy_refuse_ms : (is_warm(turn, entry) ? 0 : policy.idle_refuse_ms);
    if (call.refuse_ms == policy.idle_refuse_ms) entry.long_filters = true;
    for (const OfferId& offer : call.offers) drop_offer(data, offer);
    tell_agent(turn, data.agents.at(id));
    turn.effect(std::move(call));
  }
  return launched;
}

std::string text_of(const Explanation& why, const State::Data& data) {
  auto silent = why.reasons.find("no offer");
  if (why.group.empty() &&
      (why.agents == 0 || (silent != why.reasons.end() && silent->second == why.agents))) {
    return "no offers from any agent yet (" + std::to_string(data.agents.size()) + " agents known)";
  }
  return why.text();
}

WaitingRound round_of(Turn& turn, const std::vector<std::int64_t>& numbers) {
  State::Data& data = turn.data;
  WaitingRound round;
  for (std::int64_t number : numbers) {
    const std::size_t before = round.queue.demands.size();
    if (add_waiting(data, data.jobs.at(number), round)) {
      for (std::size_t i = before; i < round.queue.demands.size(); ++i) {
        round.queue.demands[i].claims = claims_of(data, number, turn.now);
      }
      continue;
    }
    publish_shortfall(turn, data.jobs.at(number), "an unknown task runs in the slot: see GET /v2/orphans");
  }
  return round;
}

void explain(Turn& turn, const WaitingRound& round, const std::vector<placement::Unplaced>& unplaced) {
  for (const placement::Unplaced& one : unplaced) {
    JobEntry& job = turn.data.jobs.at(round.queue.demands[one.demand].job);
    publish_shortfall(turn, job, text_of(*one.why, turn.data), one.why);
  }
}

void place_role(Turn& turn, const std::string& role, const std::vector<std::int64_t>& numbers) {
  State::Data& data = turn.data;
  if (!is_ours(data.policy, role)) {
    for (std::int64_t number : numbers) {
      publish_shortfall(turn, data.jobs.at(number), "the role " + role + " is not one of this scheduler's");
    }
    return;
  }
  WaitingRound round = round_of(turn, numbers);
  std::size_t launched = 0;
  placement::Plan plan;
  const std::vector<std::string> views = views_of(turn, role);
  for (const std::string& view : views) {
    refresh(data, round);
    const std::size_t most = kLaunchesPerSettleMax - launched;
    plan = data.clusters.at(view).place(round.queue, most);
    launched += launch(turn, role_entry(data, role), view, round, plan.assignments);
    if (plan.assignments.size() == most) round.cut_short = true;
  }
  if (data.clusters.empty()) {
    for (std::int64_t number : numbers) publish_shortfall(turn, data.jobs.at(number), text_of({}, data));
  }
  // What was cut off gets its turn at once, as long as that leads anywhere.
  if (round.cut_short && launched > 0) {
    data.placement_stale = data.place_all = true;
  } else {
    explain(turn, round, plan.unplaced);
    if (launched == 0) make_room(turn, views, round, plan.unplaced);
  }
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
  tell_changed_agents(turn);
  std::map<std::string, std::vector<std::int64_t>> by_role;
  for (std::int64_t number : numbers) by_role[data.jobs.at(number).role].push_back(number);
  for (const auto& [role, jobs] : by_role) place_role(turn, role, jobs);
}

}  // namespace mimas::engine
