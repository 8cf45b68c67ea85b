// Waiting tasks onto held offers: the queue as placement sees it, its plan as ACCEPT calls, its refusals as
// the explanations that people read. Rule 53: offers of one agent are put together per role and never across
// roles.
#include <algorithm>

#include "engine/executors.h"
#include "engine/holds.h"
#include "engine/index.h"
#include "engine/lines.h"
#include "engine/orphans.h"
#include "engine/parts.h"
#include "engine/preemption.h"
#include "engine/queue.h"
#include "engine/reconcile.h"
#include "engine/standing.h"

namespace mimas::engine {
namespace {

constexpr std::size_t kLaunchesPerSettleMax = 20'000;  // the rest follow at once

// Whom to look at: jobs by themselves, and lines from their beginning.
struct Tried {
  std::vector<std::int64_t> jobs;
  std::vector<const WaitingLine*> lines;
};

// What found no place stays so until an offer comes or a task ends, for launches only take room away; so in
// between only newly ready work is tried, and a long queue costs nothing. Nor does it when all may fit: the
// lines are tried then, and newly ready work by itself, so that everybody once hears why it waits.
std::map<std::string, Tried> what_to_place(State::Data& data, bool each) {
  const std::set<std::int64_t> fresh = std::exchange(data.to_place, {});
  const bool all = std::exchange(data.place_all, false);
  each = each || data.ready.size() <= data.tried_singly_max;
  std::map<std::string, Tried> by_role;
  if (all && each) {
    for (const auto& [number, places] : data.ready) by_role[data.jobs.at(number).role].jobs.push_back(number);
    return by_role;
  }
  for (std::int64_t number : fresh) {
    if (data.ready.contains(number)) by_role[data.jobs.at(number).role].jobs.push_back(number);
  }
  if (!all) return by_role;
  line_up(data);
  for (const auto& [key, line] : data.lines) by_role[line.role].lines.push_back(&line);
  data.explain_left = data.ready.size();
  return by_role;
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

WaitingRound round_of(Turn& turn, const Tried& tried) {
  State::Data& data = turn.data;
  WaitingRound round{turn.now};
  round.singly.insert(tried.jobs.begin(), tried.jobs.end());
  for (std::int64_t number : tried.jobs) {
    JobEntry& job = data.jobs.at(number);
    if (!add_waiting(data, job, round)) tell_slots_are_held(turn, job);
  }
  for (const WaitingLine* line : tried.lines) (void)add_next(turn, *line, round);
  return round;
}

void explain(Turn& turn, const WaitingRound& round, const std::vector<placement::Unplaced>& unplaced) {
  for (const placement::Unplaced& one : unplaced) {
    JobEntry& job = turn.data.jobs.at(round.queue.demands[one.demand].job);
    publish_shortfall(turn, job, text_of(*one.why, turn.data), one.why);
    note_waits(turn.data, *job.record);
  }
}

void place_role(Turn& turn, const std::string& role, const Tried& tried) {
  State::Data& data = turn.data;
  if (!is_ours(data.policy, role)) {
    for (std::int64_t number : tried.jobs) {
      publish_shortfall(turn, data.jobs.at(number), "the role " + role + " is not one of this scheduler's");
    }
    return;
  }
  WaitingRound round = round_of(turn, tried);
  const placement::Successor successor = [&](std::size_t demand) {
    return add_successor(turn, demand, round);
  };
  std::size_t launched = 0;
  placement::Plan plan;
  const std::vector<std::string> views = views_of(turn, role);
  for (const std::string& view : views) {
    refresh(data, round);
    const std::size_t most = kLaunchesPerSettleMax - launched;
    plan = data.clusters.at(view).place(round.queue, most, successor);
    launched += launch(turn, role_entry(data, role), view, round, plan.assignments);
    if (plan.assignments.size() == most) round.cut_short = true;
  }
  data.demands_tried += static_cast<std::int64_t>(round.queue.demands.size());
  if (data.clusters.empty()) {
    for (std::int64_t number : tried.jobs) publish_shortfall(turn, data.jobs.at(number), text_of({}, data));
  }
  // What was cut off gets its turn at once, as long as that leads anywhere.
  if (round.cut_short && launched > 0) {
    data.placement_stale = data.place_all = true;
    data.to_place.insert(tried.jobs.begin(), tried.jobs.end());
  } else {
    explain(turn, round, plan.unplaced);
    if (launched == 0) make_room(turn, views, round, plan.unplaced);
  }
  hold_rooms(turn);  // who got a place needs no more room, and whoever others end for needs it from now on
}

// Nobody can be placed now, for a reason that is everybody's.
void tell_all(Turn& turn, const std::map<std::string, Tried>& by_role, const std::string& why) {
  for (const auto& [role, tried] : by_role) {
    for (std::int64_t number : tried.jobs) {
      JobEntry& job = turn.data.jobs.at(number);
      publish_shortfall(turn, job, why);
      note_waits(turn.data, *job.record);
    }
  }
}

}  // namespace

void place_waiting(Turn& turn) {
  State::Data& data = turn.data;
  if (!data.placement_stale) return;
  data.placement_stale = false;
  if (data.ready.empty()) return;
  const bool possible = data.subscribed && !data.restarted;
  const std::map<std::string, Tried> by_role = what_to_place(data, !possible);
  if (!data.subscribed) return tell_all(turn, by_role, "not subscribed to a Mesos master");
  // What is about to be started may be running.
  if (data.restarted) return tell_all(turn, by_role, "waiting for the master to show what runs already");
  tell_changed_agents(turn);
  for (const auto& [role, tried] : by_role) place_role(turn, role, tried);
}

}  // namespace mimas::engine
