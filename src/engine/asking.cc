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

}  // namespace

void ask_everything(Turn& turn) {
  State::Data& data = turn.data;
  data.unanswered.clear();
  for (const auto& [id, agent] : data.agents) data.unanswered.insert(agent.tasks.begin(), agent.tasks.end());
  send_questions(turn, data.unanswered);
  turn.effect(Reconcile{});  // implicit: finds what runs without our knowledge
  data.ask_delay_ms = std::max<std::int64_t>(data.policy.reconcile_first_ms, 1);
  data.ask_at = data.unanswered.empty() ? kNever : turn.now + data.ask_delay_ms;
  data.ask_all_at = turn.now + std::max<std::int64_t>(data.policy.reconcile_period_ms, 1);
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
  if (data.unanswered.empty() && !asked.empty()) {
    data.ask_delay_ms = std::max<std::int64_t>(data.policy.reconcile_first_ms, 1);
    data.ask_at = turn.now + data.ask_delay_ms;
  }
  data.unanswered.insert(asked.begin(), asked.end());
}

void ask_when_due(Turn& turn) {
  State::Data& data = turn.data;
  if (!data.subscribed) return;
  if (data.ask_all_at <= turn.now) {
    ask_everything(turn);
  } else if (data.unanswered.empty()) {
    data.ask_at = kNever;
  } else if (data.ask_at <= turn.now) {
    send_questions(turn, data.unanswered);
    data.ask_delay_ms =
        std::min(data.ask_delay_ms * 2, std::max<std::int64_t>(data.policy.reconcile_max_ms, 1));
    data.ask_at = turn.now + data.ask_delay_ms;
  }
}

}  // namespace mimas::engine
