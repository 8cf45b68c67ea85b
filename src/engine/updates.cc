// Status updates: from agents (with uuid, to be acknowledged), from the master, and as answers to
// reconciliation. Rules of mesos-protocol §8.3: 56…64, 67, 68.
#include <algorithm>

#include "engine/backoff.h"
#include "engine/parts.h"
#include "engine/reconcile.h"
#include "engine/transition.h"

namespace mimas::engine {
namespace {

constexpr std::size_t kStraysMax = 10'000;         // more are seen again at the next reconciliation
constexpr std::size_t kMessageBytesMax = 4'096;    // of what a task keeps of a message
constexpr std::int64_t kStrayHandful = 5;          // so few are killed whatever their share
constexpr std::int64_t kStrayKillDelayMs = 2'000;  // lets all answers come in before their share is judged
constexpr std::int64_t kStrayKillsMax = 30;        // then it is let be until it is seen again

void acknowledge(Turn& turn, const StatusUpdate& update, const FoundTask& found) {
  if (update.uuid.empty()) return;
  AgentId agent = update.agent;
  if (agent.empty() && found.task != nullptr) agent = found.task->record->agent;
  if (agent.empty()) return;  // nobody to send it to: the agent will repeat the update
  turn.effect(Acknowledge{agent, update.task, update.uuid});
}

void note_agent(Turn& turn, const StatusUpdate& update) {
  auto at = turn.data.agents.find(update.agent);
  if (at == turn.data.agents.end()) return;
  Agent& agent = at->second.record;
  AgentState before = agent.state;
  bool from_agent = !update.uuid.empty() || update.reason == "AGENT_REREGISTERED";
  if (from_agent) {
    agent.state = AgentState::active;
    agent.seen_at = turn.now;
  } else if (update.state == MesosState::unreachable) {
    agent.state = AgentState::unreachable;
  } else if (update.state == MesosState::gone_by_operator) {
    agent.state = AgentState::gone;
  }
  if (from_agent || agent.state != before) turn.data.agents_unpublished.insert(update.agent);
  if (agent.state != AgentState::active && agent.state != before) {
    turn.data.agents_leaving.insert({turn.now + kForgetAgentMs, update.agent});
  }
}

void forget_stray(State::Data& data, const TaskId& id) {
  auto at = data.strays.find(id);
  if (at == data.strays.end()) return;
  data.strays_due.erase({at->second.kill_at, id});
  if (at->second.foreign) --data.strays_foreign;
  data.strays.erase(at);
}

void remember_stray(Turn& turn, const StatusUpdate& update, bool foreign) {
  State::Data& data = turn.data;
  auto at = data.strays.find(update.task);
  if (at != data.strays.end()) {
    if (!update.agent.empty()) at->second.agent = update.agent;
    return;
  }
  if (data.strays.size() >= kStraysMax) return;
  Stray stray{update.agent, foreign, turn.now + kStrayKillDelayMs, 0};
  data.strays_due.insert({stray.kill_at, update.task});
  data.strays.emplace(update.task, std::move(stray));
  if (foreign) ++data.strays_foreign;
  turn.reason("task " + update.task.value + " " + std::string(mesos_state_name(update.state)) + " on " +
              update.agent.value + " is not wanted");
}

void on_unknown_task(Turn& turn, const StatusUpdate& update) {
  ++turn.data.anomalies.unknown_tasks;
  if (is_alive(update.state)) {
    remember_stray(turn, update, true);
  } else {
    forget_stray(turn.data, update.task);
  }
}

// Has the master had the time to learn of the task, so that "unknown" is an answer? (mesos-protocol §2.6)
bool is_doubt_believed(const Turn& turn, const Task& task) {
  if (task.dispatched_at < turn.data.subscribed_at) return true;  // an ACCEPT of an earlier connection
  return turn.now - task.dispatched_at >= turn.data.policy.launch_grace_ms;
}

void apply_live(Turn& turn, JobEntry& job, const TaskKey& key, const StatusUpdate& update, TaskState to) {
  turn.change_task(job, key, [&](Task& task) {
    task.state = to;
    if (to == TaskState::unreachable) task.unreachable_since = turn.now;
    if (to == TaskState::starting && task.starting_at.ms == 0) task.starting_at = turn.now;
    if (to == TaskState::running && task.running_at.ms == 0) task.running_at = turn.now;
    // While a kill is on, reason and message say who asked for it; state.h reads kScaledDown from there.
    if (task.kill_requested) return;
    task.reason = update.reason;
    task.message = update.message.substr(0, kMessageBytesMax);
  });
  // It was given up, its slot has a successor, and now it is back (rule 63).
  if (task_at(job, key).record->replaced && (to == TaskState::running || to == TaskState::starting)) {
    request_kill(turn, job, key, "REPLACED", "came back after its slot had been filled again");
  }
}

void apply_end(Turn& turn, JobEntry& job, const TaskKey& key, const StatusUpdate& update,
               const Verdict& verdict, TaskState to) {
  TaskEnd end{to, verdict.ending, update.reason, update.message.substr(0, kMessageBytesMax), update.exit};
  end_task(turn, job, key, std::move(end));
}

void apply(Turn& turn, const FoundTask& found, const StatusUpdate& update) {
  const Task& task = *found.task->record;
  Verdict verdict = judge(task, update, is_doubt_believed(turn, task));
  TaskState to = state_after(task.state, verdict.move);
  if (verdict.move != Move::doubt) turn.data.unanswered.erase(found.key);
  if (verdict.ask) turn.ask(found.key);
  if (verdict.move == Move::stray || verdict.move == Move::illegal) {
    ++turn.data.anomalies.illegal_transitions;
    turn.reason("task " + task.id.value + " is " + std::string(task_state_name(task.state)) + ", not " +
                std::string(mesos_state_name(update.state)));
  }
  if (verdict.move == Move::stray) {
    remember_stray(turn, update, false);
  } else if (is_terminal(task.state) && !is_alive(update.state)) {
    forget_stray(turn.data, task.id);
  }
  if (to == task.state) return;
  turn.reason("task " + task.id.value + " " + std::string(task_state_name(to)) + " on " + task.hostname +
              (update.reason.empty() ? std::string() : " (" + update.reason + ")"));
  if (is_terminal(to)) {
    apply_end(turn, *found.job, found.key, update, verdict, to);
  } else {
    apply_live(turn, *found.job, found.key, update, to);
  }
}

bool too_many_foreigners(const State::Data& data) {
  if (data.strays_foreign < kStrayHandful) return false;
  std::int64_t all = data.tasks_live + data.strays_foreign;
  return data.strays_foreign * 100 > data.policy.stray_kill_share_percent * all;
}

bool take_kill_token(State::Data& data, Instant now) {
  constexpr std::int64_t kWindowMs = 60'000;
  if (now - data.stray_window_start >= kWindowMs || now < data.stray_window_start) {
    data.stray_window_start = now;
    data.stray_window_kills = 0;
  }
  if (data.stray_window_kills >= data.policy.stray_kills_per_minute) return false;
  ++data.stray_window_kills;
  return true;
}

}  // namespace

void on_input(Turn& turn, const StatusUpdate& update) {
  FoundTask found = find_task(turn.data, update.task);
  acknowledge(turn, update, found);
  note_agent(turn, update);
  if (found.task == nullptr) {
    on_unknown_task(turn, update);
  } else {
    apply(turn, found, update);
  }
}

void kill_due_strays(Turn& turn) {
  State::Data& data = turn.data;
  while (!data.strays_due.empty() && data.strays_due.begin()->first <= turn.now) {
    TaskId id = data.strays_due.begin()->second;
    data.strays_due.erase(data.strays_due.begin());
    Stray& stray = data.strays.at(id);
    if (stray.kill_sends >= kStrayKillsMax) {
      if (stray.foreign) --data.strays_foreign;
      data.strays.erase(id);
      continue;
    }
    if (stray.foreign && too_many_foreigners(data)) {
      ++data.anomalies.stray_kills_withheld;
      turn.reason("task " + id.value + " is unknown, but too many are: not killed");
      stray.kill_at = turn.now + data.policy.kill_retry_max_ms;
    } else if (!data.subscribed) {
      stray.kill_at = turn.now + data.policy.kill_retry_max_ms;
    } else if (!take_kill_token(data, turn.now)) {
      stray.kill_at = data.stray_window_start + 60'000;
    } else {
      stray.kill_at = turn.now + backoff_ms(data.policy.kill_retry_first_ms, data.policy.kill_retry_max_ms,
                                            stray.kill_sends++);
      turn.effect(KillOnAgent{id, stray.agent, 0});
      turn.reason("task " + id.value + ": kill (stray)");
    }
    data.strays_due.insert({stray.kill_at, id});
  }
}

}  // namespace mimas::engine
