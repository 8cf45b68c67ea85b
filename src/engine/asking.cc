// Reconciliation with the master: everything after each subscription and each period, single tasks when in
// doubt; what is not answered is asked again, ever more slowly. No answer is a legal answer for a long time
// (rules 65, 66).
#include <algorithm>

#include "engine/parts.h"

namespace mimas::engine {
namespace {

template <class Keys>
void send_questions(Turn& turn, const Keys& keys) {
  State::Data& data = turn.data;
  std::size_t batch = static_cast<std::size_t>(std::max<std::int64_t>(data.policy.reconcile_batch_max, 1));
  Reconcile call;
  for (const TaskKey& key : keys) {
    const Task& task = *task_at(data.jobs.at(key.job), key).record;
    call.tasks.push_back({task.id, task.agent});
    if (call.tasks.size() == batch) turn.effect(std::exchange(call, {}));
  }
  if (!call.tasks.empty()) turn.effect(std::move(call));
}

// Decided or not: whoever is not there any more is forgotten.
void ask_about_orphans(Turn& turn) {
  Reconcile call;
  for (const auto& [id, stray] : turn.data.strays) {
    if (stray.orphan == nullptr) continue;
    call.tasks.push_back({id, stray.agent});
    if (static_cast<std::int64_t>(call.tasks.size()) >= turn.data.policy.reconcile_batch_max) {
      turn.effect(std::exchange(call, {}));
    }
  }
  if (!call.tasks.empty()) turn.effect(std::move(call));
}

// Agents without tasks of ours, of which no news shows whether they are there: the master says what it knows
// of an agent when it is asked about a task that nobody has (mesos-protocol §2.6).
void note_unsure_agents(State::Data& data) {
  data.agents_unsure.clear();
  for (const auto& [id, agent] : data.agents) {
    const bool silent =
        agent.record.state == AgentState::active && agent.tasks.empty() && agent.offers.empty();
    if (silent) data.agents_unsure.insert(id);
  }
}

void ask_about_agents(Turn& turn) {
  Reconcile call;
  for (const AgentId& id : turn.data.agents_unsure) {
    call.tasks.push_back({TaskId(std::string(kAgentProbe)), id});
    if (static_cast<std::int64_t>(call.tasks.size()) >= turn.data.policy.reconcile_batch_max) {
      turn.effect(std::exchange(call, {}));
    }
  }
  if (!call.tasks.empty()) turn.effect(std::move(call));
}

void ask_for_listing_end(Turn& turn) {
  State::Data& data = turn.data;
  turn.effect(Reconcile{{{TaskId(std::string(kListingEnd)), AgentId()}}});
  data.listing_at = turn.now + data.listing_delay_ms;
  data.listing_delay_ms =
      std::min(data.listing_delay_ms * 2, std::max<std::int64_t>(data.policy.reconcile_max_ms, 1));
}

// Implicit: finds what runs without our knowledge. The master answers calls in order, so an answer about a
// task that nobody has comes after all others; it gives none while it waits for agents, whose tasks it cannot
// show.
void ask_for_listing(Turn& turn) {
  turn.data.listing = Listing::asked;
  turn.data.listing_began = turn.now;
  turn.effect(Reconcile{});
  ask_for_listing_end(turn);
}

// Many schedulers that subscribed together when the master came back should not ask together for ever after:
// up to a tenth earlier, by the bits of the time.
std::int64_t jittered(std::int64_t period_ms, Instant now) {
  std::uint64_t mixed = static_cast<std::uint64_t>(now.ms) * 0x9e3779b97f4a7c15u >> 32;
  std::int64_t spread = period_ms / 10;
  std::int64_t earlier =
      spread > 0 ? static_cast<std::int64_t>(mixed % static_cast<std::uint64_t>(spread)) : 0;
  return std::max<std::int64_t>(period_ms - earlier, 1);
}

}  // namespace

void ask_everything(Turn& turn) {
  State::Data& data = turn.data;
  data.unanswered.clear();
  for (const auto& [id, agent] : data.agents) data.unanswered.insert(agent.tasks.begin(), agent.tasks.end());
  note_unsure_agents(data);
  send_questions(turn, data.unanswered);
  ask_about_agents(turn);
  ask_operations(turn);
  ask_about_orphans(turn);
  data.asked_at = turn.now;
  data.ask_delay_ms = std::max<std::int64_t>(data.policy.reconcile_first_ms, 1);
  data.ask_at = data.unanswered.empty() && data.agents_unsure.empty() ? kNever : turn.now + data.ask_delay_ms;
  data.ask_all_at = turn.now + jittered(data.policy.reconcile_period_ms, turn.now);
  data.listing_delay_ms = std::max<std::int64_t>(data.policy.listing_first_ms, 1);
  ask_for_listing(turn);
}

void agent_answered(Turn& turn, const StatusUpdate& update) {
  State::Data& data = turn.data;
  const auto found = data.agents.find(update.agent);
  if (found == data.agents.end() || data.agents_unsure.erase(update.agent) == 0) return;
  Agent& agent = found->second.record;
  if (update.state == MesosState::gone) {  // "unknown to the agent", which is there
    agent.seen_at = turn.now;
    data.agents_unpublished.insert(agent.id);
    return;
  }
  if (agent.state != AgentState::active) return;
  const bool marked = update.state == MesosState::gone_by_operator;
  agent.state = marked ? AgentState::gone : AgentState::unreachable;
  data.agents_unpublished.insert(agent.id);
  data.agents_leaving.insert({turn.now + kForgetAgentMs, agent.id});
  turn.reason("agent " + agent.id.value + " (" + agent.hostname + ") is not there any more");
}

void ask_doubtful(Turn& turn) {
  State::Data& data = turn.data;
  std::set<TaskKey> asked = turn.take_asked();
  if (asked.empty() || !data.subscribed) return;  // the next subscription asks about everything
  std::erase_if(asked, [&](const TaskKey& key) {
    auto job = data.jobs.find(key.job);
    if (job == data.jobs.end()) return true;
    auto task = job->second.tasks.find({key.index, key.number});
    return task == job->second.tasks.end() || !is_live_on_agent(task->second.record->state);
  });
  send_questions(turn, asked);
  if (data.unanswered.empty() && data.agents_unsure.empty() && !asked.empty()) {
    data.ask_delay_ms = std::max<std::int64_t>(data.policy.reconcile_first_ms, 1);
    data.ask_at = turn.now + data.ask_delay_ms;
  }
  data.unanswered.insert(asked.begin(), asked.end());
}

void listing_ended(Turn& turn) {
  State::Data& data = turn.data;
  if (!data.subscribed || data.listing == Listing::complete) return;
  if (data.listing == Listing::waiting) {  // what the first list left out can be told now
    ask_for_listing(turn);
    return;
  }
  data.listing = Listing::complete;
  data.listing_at = kNever;
  if (!data.restarted) return;
  turn.reason("the master has shown everything that runs");
  data.launch_from = turn.now;
  stop_waiting_for_listing(turn);
}

void stop_waiting_for_listing(Turn& turn) {
  State::Data& data = turn.data;
  if (!data.restarted || !data.subscribed || data.launch_from > turn.now) return;
  data.restarted = false;
  data.launch_from = kNever;
  data.placement_stale = data.place_all = true;
}

void ask_when_due(Turn& turn) {
  State::Data& data = turn.data;
  if (!data.subscribed) return;
  if (data.listing_at <= turn.now && data.ask_all_at > turn.now) {
    data.listing = Listing::waiting;
    ask_for_listing_end(turn);
  }
  if (data.ask_all_at <= turn.now) {
    ask_everything(turn);
  } else if (data.unanswered.empty() && data.agents_unsure.empty()) {
    data.ask_at = kNever;
  } else if (data.ask_at <= turn.now) {
    send_questions(turn, data.unanswered);
    ask_about_agents(turn);
    data.ask_delay_ms =
        std::min(data.ask_delay_ms * 2, std::max<std::int64_t>(data.policy.reconcile_max_ms, 1));
    data.ask_at = turn.now + data.ask_delay_ms;
  }
}

}  // namespace mimas::engine
