// The end of a batch of inputs: what is due, what waits, what is left over, and when to look again. Every
// part costs what there is to do; with nothing to do, nothing is walked.
#include <algorithm>

#include "engine/agent_health.h"
#include "engine/history.h"
#include "engine/holds.h"
#include "engine/index.h"
#include "engine/lines.h"
#include "engine/orphans.h"
#include "engine/parts.h"
#include "engine/preemption.h"
#include "engine/reconcile.h"
#include "engine/standing.h"
#include "model/readiness.h"

namespace mimas::engine {
namespace {

constexpr int kDuePerSettle = 50'000;  // tasks looked at; the rest at once in the next Settle

void make_ready(Turn& turn, JobEntry& job, const TaskKey& key, TaskEntry& entry) {
  if (is_backing_off(*entry.record)) turn.change_task(job, key, [](Task& task) { task.reason.clear(); });
  entry.ready = true;
  schedule(turn.data, job, key, entry);
  turn.data.ready[key.job].insert({key.index, key.number});
  turn.data.placement_stale = true;
  turn.data.to_place.insert(key.job);
  turn.data.lines_stale.insert(key.job);
  turn.data.constraints_stale = true;
  RoleEntry& role = role_entry(turn.data, turn.data.jobs.at(key.job).role);
  ++role.ready;
  role.revive_wanted = true;
  role.worked_at = turn.now;
}

bool is_unreachable_too_long(const Turn& turn, const Task& task, const Job& job) {
  return task.state == TaskState::unreachable && turn.now >= unreachable_deadline(turn.data, job, task);
}

void give_up_unreachable(Turn& turn, JobEntry& job, const TaskKey& key) {
  const TaskPtr task = task_at(job, key).record;
  turn.reason("task " + task->id.value + " is unreachable for too long");
  if (task->kill_requested) {
    end_task(turn, job, key,
             {TaskState::crashed, ending_of_killed(*task), "UNREACHABLE", "its agent never came back", {}});
    return;
  }
  turn.change_task(job, key, [](Task& changed) { changed.replaced = true; });
  turn.vacate(*task_at(job, key).record, *job.record, Ending::blameless);
}

void look_at(Turn& turn, JobEntry& job, const TaskKey& key) {
  TaskEntry& entry = task_at(job, key);
  const TaskPtr task = entry.record;
  if (task->state == TaskState::queued) {
    make_ready(turn, job, key, entry);
    return;
  }
  if (turn.data.subscribed) {
    bool given_up =
        is_unreachable_too_long(turn, *task, *job.record) && (!task->replaced || task->kill_requested);
    if (given_up) {
      give_up_unreachable(turn, job, key);
    } else if (task->kill_requested && task->kill_retry_at <= turn.now) {
      send_kill(turn, *task, *job.record);
    } else if (!task->kill_requested &&
               runtime_deadline(turn.data.policy, *job.record->spec, *task) <= turn.now) {
      request_kill(turn, job, key, kRuntimeLimit, "it ran for longer than its runtime limit");
    }
    bool unanswered = task->state == TaskState::dispatched &&
                      task->dispatched_at + turn.data.policy.launch_grace_ms <= turn.now;
    if (unanswered && !entry.launch_asked) {
      entry.launch_asked = true;
      turn.ask(key);  // not relaunched: it may well be running
    }
  }
  schedule(turn.data, job, key, entry);
}

void look_at_due(Turn& turn) {
  State::Data& data = turn.data;
  int budget = kDuePerSettle;
  do {
    while (!data.due.empty() && data.due.begin()->first <= turn.now && budget-- > 0) {
      TaskKey key = data.due.begin()->second;
      JobEntry& job = data.jobs.at(key.job);
      data.due.erase(data.due.begin());
      task_at(job, key).due = kNever;
      look_at(turn, job, key);
    }
    reconcile_touched(turn);  // may queue successors that are due at once
  } while (!data.due.empty() && data.due.begin()->first <= turn.now && budget > 0);
}

void clear_shortfalls(Turn& turn) {
  for (std::int64_t number : std::exchange(turn.data.shortfalls_stale, {})) {
    auto job = turn.data.jobs.find(number);
    if (job != turn.data.jobs.end() && job->second.queued == 0) publish_shortfall(turn, job->second, {});
  }
}

void forget_agents(Turn& turn) {
  State::Data& data = turn.data;
  while (!data.agents_leaving.empty() && data.agents_leaving.begin()->first <= turn.now) {
    AgentId id = data.agents_leaving.begin()->second;
    data.agents_leaving.erase(data.agents_leaving.begin());
    auto at = data.agents.find(id);
    if (at == data.agents.end() || at->second.record.state == AgentState::active) continue;
    if (!at->second.tasks.empty()) {
      data.agents_leaving.insert(
          {turn.now + (at->second.superseded ? kForgetSupersededMs : kForgetAgentMs), id});
      continue;
    }
    set_maintenance(data, at->second, std::nullopt);
    untell_agent(data, at->second);
    const auto address = data.agents_by_address.find(address_of(at->second.record));
    if (address != data.agents_by_address.end() && address->second == id)
      data.agents_by_address.erase(address);
    data.agents_unsure.erase(id);
    data.agents.erase(at);
    data.agents_unpublished.erase(id);
    turn.change(RemoveAgent{id});
  }
}

// What follows from the rest of the entry.
void show(const Turn& turn, AgentEntry& agent) {
  Agent& record = agent.record;
  record.offered = offered_by(agent);
  record.tasks = static_cast<std::int64_t>(agent.tasks.size());
  record.standing = standing_of(turn, agent);
}

void publish_agents(Turn& turn) {
  for (const AgentId& id : std::exchange(turn.data.agents_unpublished, {})) {
    auto at = turn.data.agents.find(id);
    if (at == turn.data.agents.end()) continue;
    tell_agent(turn, at->second);
    show(turn, at->second);
    turn.change(PutAgent{std::make_shared<const Agent>(at->second.record)});
  }
}

// What changes which agents there are, who is idle, or what waits.
void note_for_scaling(State::Data& data) {
  data.scaling_stale = data.scaling_stale || data.placement_stale || !data.agents_unpublished.empty();
}

template <class Queue>
void no_later_than(Instant& wake, const Queue& queue) {
  if (!queue.empty()) wake = std::min(wake, queue.begin()->first);
}

Instant next_alarm(const Turn& turn) {
  const State::Data& data = turn.data;
  Instant wake = kNever;
  no_later_than(wake, data.due);
  no_later_than(wake, data.agents_leaving);
  no_later_than(wake, data.strays_due);
  no_later_than(wake, data.offers_due);
  if (data.subscribed) {
    wake = std::min({wake, data.ask_at, data.ask_all_at, data.listing_at, data.launch_from});
  }
  no_later_than(wake, data.operations_due);
  wake = std::min(
      {wake, revive_at(turn), idle_at(data), constrain_at(data), maintenance_at(turn), health_at(turn)});
  wake = std::min({wake, retention_at(turn), standings_at(data), room_at(data), scaling_at(turn)});
  wake = std::min({wake, data.holds_look_at, explain_at(data)});
  if (data.placement_stale && !data.ready.empty()) wake = turn.now;
  return std::max(wake, turn.now);
}

}  // namespace

void on_input(Turn& turn, const Settle&) {
  State::Data& data = turn.data;
  for (std::int64_t number : std::exchange(data.jobs_unchecked, {})) turn.touch(data.jobs.at(number));
  reconcile_touched(turn);
  look_at_due(turn);
  look_at_health(turn);
  ask_doubtful(turn);
  ask_when_due(turn);
  stop_waiting_for_listing(turn);
  kill_due_strays(turn);
  refresh_alerts(turn);
  tell_overdue(turn);
  look_at_standings(turn);
  note_for_scaling(data);
  look_at_scaling(turn);
  look_at_maintenance(turn);
  look_at_operations(turn);
  send_operations(turn);
  hold_rooms(turn);
  look_for_room(turn);
  renew_explanations(turn);
  place_waiting(turn);
  answer_inverse_offers(turn);
  return_offers(turn);
  constrain_offers(turn);
  revive_or_suppress(turn);
  clear_shortfalls(turn);
  remove_old(turn);
  remove_old_operations(turn);
  forget_agents(turn);
  note_for_scaling(turn.data);
  publish_agents(turn);
  turn.wake_at(next_alarm(turn));
}

}  // namespace mimas::engine
