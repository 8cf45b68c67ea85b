// Agents that are to be taken down (mesos-protocol §2.4): what plans of maintenance mean for the tasks there,
// and how inverse offers are answered. A service's task is moved: its slot gets a successor elsewhere first,
// and it ends when that one runs. Until then it can be taken back, and is when its agent need not be empty
// any more. A batch task is left to end by itself. An inverse offer is accepted once nothing of ours is left
// on its agent.
#include <algorithm>

#include "engine/parts.h"
#include "engine/reconcile.h"
#include "model/readiness.h"

namespace mimas::engine {
namespace {

constexpr std::int64_t kLookAgainMs = 1'000;  // at services that could not be moved yet for moves_max

bool is_movable(const JobEntry& job, const Task& task) {
  return job.record->state == JobState::active && job.record->spec->type == JobType::service &&
         task.state == TaskState::running && !task.kill_requested && !task.replaced;
}

void move_away(Turn& turn, JobEntry& job, const TaskKey& key) {
  turn.change_task(job, key, [](Task& task) { task.replaced = true; });
  const Task& task = *task_at(job, key).record;
  turn.vacate(task, *job.record, Ending::blameless);
  turn.reason("task " + task.id.value + " is to be moved away from " + task.hostname);
}

const Task* successor_of(const JobEntry& job, const TaskKey& key) {
  const auto slot = job.slots.find(key.index);
  if (slot == job.slots.end() || slot->second.current < 0) return nullptr;
  return job.tasks.at({key.index, slot->second.current}).record.get();
}

// Those that are on the move, but for those whose successors have found no place for long.
std::int64_t moves_under_way(const Turn& turn) {
  const State::Data& data = turn.data;
  return std::ranges::count_if(data.moving, [&](const TaskKey& key) {
    const Task* next = successor_of(data.jobs.at(key.job), key);
    return next == nullptr || next->state != TaskState::queued ||
           turn.now < next->queued_at + data.policy.move_wait_ms;
  });
}

// Moves as many as `more` says, which it counts down. True when something is left to move: it did not fit
// into the limit, or does not run yet.
bool move_services(Turn& turn, AgentEntry& agent, std::int64_t& more) {
  State::Data& data = turn.data;
  if (more <= 0) return true;
  const std::set<TaskKey> tasks = agent.tasks;
  bool left = false;
  for (const TaskKey& key : tasks) {
    JobEntry& job = data.jobs.at(key.job);
    const Task& task = *task_at(job, key).record;
    left = left || (never_started(task) && !task.kill_requested);
    if (!is_movable(job, task)) continue;
    if (more <= 0) return true;
    move_away(turn, job, key);
    --more;
  }
  return left;
}

void look_at_agents(Turn& turn) {
  State::Data& data = turn.data;
  if (data.maintenance_looked_at.ms != 0 && turn.now < data.maintenance_looked_at + kLookAgainMs) return;
  data.maintenance_looked_at = turn.now;
  data.services_to_move = false;
  std::int64_t more = data.policy.moves_max - moves_under_way(turn);
  std::vector<AgentId> over;
  for (const auto& [start, id] : data.maintenance) {
    if (start > turn.now + data.policy.maintenance_move_ms) break;
    AgentEntry& agent = data.agents.at(id);
    if (agent.record.maintenance->end() <= turn.now) {
      over.push_back(id);
    } else if (move_services(turn, agent, more)) {
      data.services_to_move = true;
    }
  }
  for (const AgentId& id : over) set_maintenance(data, data.agents.at(id), std::nullopt);
  for (const auto& [id, order] : data.agent_orders) {
    const auto agent = data.agents.find(id);
    if (order->kind != AgentOrder::Kind::drain || agent == data.agents.end()) continue;
    if (move_services(turn, agent->second, more)) data.services_to_move = true;
  }
}

// Is it known that the agent need not be empty? After a restart only its offers say whether it is to be taken
// down.
bool may_stay_on(const Turn& turn, const AgentId& id) {
  const auto agent = turn.data.agents.find(id);
  return agent != turn.data.agents.end() && agent->second.record.total != Resources{} &&
         !is_to_be_empty(turn, id);
}

// A moved task ends when its successor runs, or when its slot is not wanted any more; it stays when nobody
// wants its agent to be empty.
void settle_moved(Turn& turn) {
  const std::set<TaskKey> moving = turn.data.moving;
  for (const TaskKey& key : moving) {
    JobEntry& job = turn.data.jobs.at(key.job);
    const Task* next = successor_of(job, key);
    if (next == nullptr || is_ready(*next, *job.record->spec)) {
      request_kill(turn, job, key, "MOVED", "moved away from an agent that is to be empty");
    } else if (may_stay_on(turn, task_at(job, key).record->agent)) {
      take_back(turn, job, key);
    }
  }
}

}  // namespace

bool is_to_be_empty(const Turn& turn, const AgentId& id) {
  const State::Data& data = turn.data;
  const auto order = data.agent_orders.find(id);
  if (order != data.agent_orders.end() && order->second->kind == AgentOrder::Kind::drain) return true;
  const auto agent = data.agents.find(id);
  return agent != data.agents.end() && is_leaving_soon(turn, agent->second.record);
}

void take_back_moved(Turn& turn, const AgentId& id) {
  const std::set<TaskKey> moving = turn.data.moving;
  for (const TaskKey& key : moving) {
    JobEntry& job = turn.data.jobs.at(key.job);
    const Task* next = successor_of(job, key);
    if (task_at(job, key).record->agent != id || next == nullptr) continue;
    if (!is_ready(*next, *job.record->spec)) take_back(turn, job, key);
  }
}

void set_maintenance(State::Data& data, AgentEntry& agent, const std::optional<Unavailability>& planned) {
  Agent& record = agent.record;
  if (record.maintenance == planned) return;
  const auto avoided_from = [&] {
    return Instant{record.maintenance->start.ms - data.policy.maintenance_avoid_ms};
  };
  if (record.maintenance) {
    data.maintenance.erase({record.maintenance->start, record.id});
    data.standing_due.erase({avoided_from(), record.id});
    data.standing_due.erase({record.maintenance->end(), record.id});
  }
  record.maintenance = planned;
  if (planned) {
    data.maintenance.insert({planned->start, record.id});
    data.standing_due.insert({avoided_from(), record.id});
    if (planned->end() != kNever) data.standing_due.insert({planned->end(), record.id});
  }
  note_standing(data, agent);
}

bool is_leaving_soon(const Turn& turn, const Agent& agent) {
  return agent.maintenance && agent.maintenance->start <= turn.now + turn.data.policy.maintenance_avoid_ms &&
         agent.maintenance->end() > turn.now;
}

void on_input(Turn& turn, const InverseOffersReceived& event) {
  State::Data& data = turn.data;
  if (!data.subscribed) return;  // of a connection that is no more
  for (const InverseOffer& offer : event.offers) {
    if (offer.id.empty()) continue;
    data.inverse_offers[offer.id] = {offer, turn.now + data.policy.inverse_hold_ms};
    auto agent = data.agents.find(offer.agent);
    if (agent != data.agents.end()) set_maintenance(data, agent->second, offer.unavailability);
  }
}

// The schedule has changed: what comes next says how.
void on_input(Turn& turn, const InverseOfferRescinded& event) {
  State::Data& data = turn.data;
  auto held = data.inverse_offers.find(event.offer);
  if (held == data.inverse_offers.end()) return;
  auto agent = data.agents.find(held->second.offer.agent);
  if (agent != data.agents.end()) set_maintenance(data, agent->second, std::nullopt);
  data.inverse_offers.erase(held);
}

void look_at_maintenance(Turn& turn) {
  State::Data& data = turn.data;
  if (!data.maintenance.empty() || !data.agent_orders.empty()) look_at_agents(turn);
  if (!data.agent_orders.empty()) end_drained(turn);
  reconcile_touched(turn);  // makes the successors
  if (!data.moving.empty()) settle_moved(turn);
  reconcile_touched(turn);
}

void answer_inverse_offers(Turn& turn) {
  State::Data& data = turn.data;
  if (!data.subscribed || data.inverse_offers.empty()) return;
  AcceptInverseOffers accepted;
  DeclineInverseOffers declined{{}, data.policy.inverse_refuse_ms};
  for (const auto& [id, held] : data.inverse_offers) {
    auto agent = data.agents.find(held.offer.agent);
    const bool free = agent == data.agents.end() || agent->second.tasks.empty();
    if (free && !held.offer.agent.empty()) {
      accepted.offers.push_back(id);
      turn.reason("inverse offer " + id.value + " accepted: nothing of ours is on agent " +
                  held.offer.agent.value);
    } else if (held.decline_at <= turn.now) {
      declined.offers.push_back(id);
      turn.reason("inverse offer " + id.value + " declined for now: " +
                  (held.offer.agent.empty() ? std::string("it names no agent")
                                            : std::to_string(agent->second.tasks.size()) +
                                                  " tasks are still on agent " + held.offer.agent.value));
    }
  }
  for (const OfferId& id : accepted.offers) data.inverse_offers.erase(id);
  for (const OfferId& id : declined.offers) data.inverse_offers.erase(id);
  if (!accepted.offers.empty()) turn.effect(std::move(accepted));
  if (!declined.offers.empty()) turn.effect(std::move(declined));
}

Instant maintenance_at(const Turn& turn) {
  const State::Data& data = turn.data;
  Instant first = kNever;
  if (data.subscribed) {
    for (const auto& [id, held] : data.inverse_offers) first = std::min(first, held.decline_at);
  }
  if (data.services_to_move) first = std::min(first, data.maintenance_looked_at + kLookAgainMs);
  auto next = data.maintenance.lower_bound({turn.now + data.policy.maintenance_move_ms + 1, AgentId()});
  if (next != data.maintenance.end()) {
    Instant from{next->first.ms - data.policy.maintenance_move_ms};
    first = std::min(first, from);
  }
  return first;
}

}  // namespace mimas::engine
