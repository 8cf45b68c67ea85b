// Status updates: from agents (with uuid, to be acknowledged), from the master, and as answers to
// reconciliation. Rules of mesos-protocol §8.3: 56…64, 67, 68.
#include "base/text.h"
#include "engine/agent_health.h"
#include "engine/orphans.h"
#include "engine/parts.h"
#include "engine/reconcile.h"
#include "engine/transition.h"

namespace mimas::engine {
namespace {

constexpr std::size_t kMessageBytesMax = 4'096;  // of what a task keeps of a message
constexpr const char* kMarkedGone = "AGENT_REMOVED_BY_OPERATOR";

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

// Has the master had the time to learn of the task, so that "unknown" is an answer? (mesos-protocol §2.6)
bool is_doubt_believed(const Turn& turn, const TaskEntry& entry) {
  const Task& task = *entry.record;
  if (entry.refused) return true;  // the question went out after the ACCEPT that was refused
  if (task.dispatched_at < turn.data.subscribed_at) return true;  // an ACCEPT of an earlier connection
  return turn.now - task.dispatched_at >= turn.data.policy.launch_grace_ms;
}

// Given up for its absence, and not only about to be moved: then its successor is what is wanted (rule 63).
bool was_given_up(const Turn& turn, const JobEntry& job, const Task& task) {
  return task.replaced && task.unreachable_since.ms != 0 &&
         turn.now >= task.unreachable_since + job.record->spec->unreachable_timeout_ms;
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
    task.message = cut_text(update.message, kMessageBytesMax);
  });
  if (to == TaskState::running) note_run_on_agent(turn, job, *task_at(job, key).record);
  const bool back = to == TaskState::running || to == TaskState::starting;
  if (back && was_given_up(turn, job, *task_at(job, key).record)) {
    request_kill(turn, job, key, "REPLACED", "came back after its slot had been filled again");
  }
}

// What the update says of where the task runs and how it is. What it does not say stays as it was: an answer
// of the master's has none of it (rule 71).
bool learn(const StatusUpdate& update, Task& task) {
  bool news = false;
  const auto take = [&](std::string& into, const std::string& from) {
    if (from.empty() || into == from) return;
    into = from;
    news = true;
  };
  const std::string executor = update.executor == task.id.value ? std::string() : update.executor;
  if (!update.executor.empty() && executor != task.executor) {
    task.executor = executor;
    news = true;
  }
  if (!update.facts) return news;
  RunFacts facts = run_facts(task);
  if (update.facts->pid > 0) facts.pid = update.facts->pid;
  take(facts.container_id, update.facts->container_id);
  take(facts.ip, update.facts->ip);
  take(facts.executor_version, update.facts->executor_version);
  if (facts == run_facts(task)) return news;
  task.facts = std::make_shared<const RunFacts>(std::move(facts));
  return true;
}

void note_facts(Turn& turn, JobEntry& job, const TaskKey& key, const StatusUpdate& update) {
  Task learnt = *task_at(job, key).record;
  if (!is_live_on_agent(learnt.state) || !is_alive(update.state) || !learn(update, learnt)) return;
  turn.change_task(job, key, [&](Task& task) { learn(update, task); });
}

void apply_end(Turn& turn, JobEntry& job, const TaskKey& key, const StatusUpdate& update,
               const Verdict& verdict, TaskState to) {
  TaskEnd end{to, verdict.ending, update.reason, cut_text(update.message, kMessageBytesMax), update.exit};
  if (update.state == MesosState::gone_by_operator) end.reason = kMarkedGone;  // whatever else was the reason
  if (is_ended_as_failure(*task_at(job, key).record) && verdict.ending == Ending::failure) {
    end.reason = end.message = {};  // what its checks said, or its time, is why it ended
  }
  if (is_ended_for_room(*task_at(job, key).record)) end.reason = end.message = {};  // … or whom it made room
  // A secret that is not there is no agent's fault.
  if (end.reason != kSecretMissing)
    note_end_on_agent(turn, job, *task_at(job, key).record, verdict.ending, end.reason);
  end_task(turn, job, key, std::move(end));
}

// An operator's word that an agent is gone for good was wrong (mesos-protocol §2.5).
bool is_revival(const Task& task) { return task.state == TaskState::crashed && task.reason == kMarkedGone; }

// What has to be known beside the task's own state: strays, doubts, anomalies.
void note_verdict(Turn& turn, const FoundTask& found, const StatusUpdate& update, const Verdict& verdict) {
  const Task& task = *found.task->record;
  if (verdict.move != Move::doubt && turn.data.unanswered.erase(found.key) > 0) {
    schedule(turn.data, *found.job, found.key, *found.task);  // it may have waited for this answer
  }
  if (verdict.ask) {
    found.task->refused = true;
    turn.ask(found.key);
  }
  if (verdict.move == Move::stray || verdict.move == Move::illegal) {
    ++turn.data.anomalies.illegal_transitions;
    turn.reason("task " + task.id.value + " is " + std::string(task_state_name(task.state)) + ", not " +
                std::string(mesos_state_name(update.state)));
  }
  if (verdict.move == Move::stray) {
    meet_stray(turn, update, is_revival(task));
  } else if (is_terminal(task.state) && !is_alive(update.state)) {
    forget_stray(turn, task.id);
  }
}

void apply(Turn& turn, const FoundTask& found, const StatusUpdate& update) {
  const TaskPtr held = found.task->record;  // as it was: what changes is a copy
  const Task& task = *held;
  Verdict verdict = judge(task, update, is_doubt_believed(turn, *found.task));
  if (found.task->refused && verdict.ending == Ending::never_ran) verdict.ending = Ending::never_ran_go_again;
  TaskState to = state_after(task.state, verdict.move);
  note_verdict(turn, found, update, verdict);
  note_facts(turn, *found.job, found.key, update);
  if (to == task.state) {
    note_health(turn, *found.job, found.key, update);
    return;
  }
  turn.reason("task " + task.id.value + " " + std::string(task_state_name(to)) + " on " + task.hostname +
              (update.reason.empty() ? std::string() : " (" + update.reason + ")"));
  if (is_terminal(to)) {
    apply_end(turn, *found.job, found.key, update, verdict, to);
  } else {
    found.task->refused = false;
    apply_live(turn, *found.job, found.key, update, to);
    note_health(turn, *found.job, found.key, update);
  }
}

// Something ran that was never sent out, as far as the records go (orphans.h).
bool is_record_behind(const Task& task, const StatusUpdate& update) {
  if (task.state != TaskState::queued || update.agent.empty()) return false;
  bool ended = update.state == MesosState::finished || update.state == MesosState::failed ||
               update.state == MesosState::killed;
  return is_alive(update.state) || (ended && !update.uuid.empty());
}

}  // namespace

void on_input(Turn& turn, const StatusUpdate& update) {
  if (update.task.value == kListingEnd) {
    listing_ended(turn);
    return;
  }
  if (update.task.value == kAgentProbe) {
    agent_answered(turn, update);
    return;
  }
  FoundTask found = find_task(turn.data, update.task);
  acknowledge(turn, update, found);
  note_agent(turn, update);
  if (found.task == nullptr) {
    on_unknown_task(turn, update);
  } else {
    if (is_record_behind(*found.task->record, update)) catch_up(turn, found, update);
    apply(turn, found, update);
  }
}

}  // namespace mimas::engine
