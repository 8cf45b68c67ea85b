#include "engine/orphans.h"

#include <algorithm>

#include "engine/backoff.h"
#include "engine/parts.h"
#include "engine/transition.h"

namespace mimas::engine {
namespace {

constexpr std::size_t kStraysMax = 10'000;         // more are seen again at the next reconciliation
constexpr std::int64_t kStrayKillDelayMs = 2'000;  // lets all answers come in before their share is judged
constexpr std::int64_t kStrayKillsMax = 30;  // then a stray with a record is let be until it is seen again
constexpr std::int64_t kNumberMax = 1'000'000'000'000;  // no id of ours has a larger number
constexpr const char* kUnreachable = "TASK_UNREACHABLE";
constexpr const char* kTooMany = "too many tasks are unknown for this to be an accident of single ones";
constexpr const char* kBehind =
    "ids were seen that this database has not given out: it is a copy from before";

bool is_undecided(const Stray& stray) {
  return stray.orphan != nullptr && stray.orphan->decision == OrphanDecision::undecided;
}

bool is_waiting(const Stray& stray) {
  return stray.orphan != nullptr && stray.orphan->decision == OrphanDecision::waiting;
}

bool waits_for_being_behind(const State::Data& data) {
  return data.is_behind && data.policy.orphan_wait_ms > 0;
}

// When a waiting one is killed though nobody has decided.
Instant waits_until(const State::Data& data, const Orphan& orphan) {
  return orphan.first_seen + data.policy.orphan_wait_ms;
}

bool holds_its_slot(const Orphan& orphan) {
  return orphan.decision != OrphanDecision::leave && orphan.state != kUnreachable;
}

void hold_slot(State::Data& data, const Orphan& orphan, std::int64_t sign) {
  Result<TaskName> name = parse_task_id(orphan.task.value);
  if (!name.ok() || !holds_its_slot(orphan)) return;
  auto at = data.slots_held.try_emplace({parse_job_number(name->job.value), name->index}).first;
  at->second += sign;
  if (at->second > 0) return;
  data.slots_held.erase(at);
  data.placement_stale = data.place_all = true;
}

void count_orphan(State::Data& data, const Orphan& orphan, std::int64_t sign) {
  hold_slot(data, orphan, sign);
  if (orphan.decision == OrphanDecision::undecided) data.orphans_undecided += sign;
  if (orphan.decision == OrphanDecision::waiting) data.orphans_waiting += sign;
  data.orphans += sign;
}

void set_kill_at(State::Data& data, const TaskId& id, Stray& stray, Instant at) {
  if (stray.kill_at != kNever) data.strays_due.erase({stray.kill_at, id});
  stray.kill_at = at;
  if (at != kNever) data.strays_due.insert({at, id});
}

std::string hostname_of(const State::Data& data, const AgentId& agent) {
  auto at = data.agents.find(agent);
  return at == data.agents.end() ? std::string() : at->second.record.hostname;
}

// A job whose numbers were behind may have given its queued tasks ids that ran in the life that was lost:
// they get new ones before they are launched.
void renumber_queued(Turn& turn, JobEntry& job, std::int64_t seen) {
  std::vector<TaskKey> behind;
  for (const auto& [place, entry] : job.tasks) {
    if (entry.record->state == TaskState::queued && place.second <= seen) {
      behind.push_back({job.record->number, place.first, place.second});
    }
  }
  for (const TaskKey& key : behind) {
    Task task = *task_at(job, key).record;
    turn.remove_task(job, key);
    task.number = job.record->next_task_number;
    task.id = make_task_id(task.job, task.index, task.number);
    turn.change_job(job, [](Job& changed) { ++changed.next_task_number; });
    turn.add_task(job, std::move(task));
  }
}

void note_behind(Turn& turn, const TaskId& seen) {
  if (std::exchange(turn.data.is_behind, true)) return;
  turn.reason("task " + seen.value + " has an id that this database has not given out: it is an old copy");
}

// An id that was seen is never given out again, whatever an old database says.
void raise_numbers(Turn& turn, const TaskId& id) {
  Result<TaskName> name = parse_task_id(id.value);
  if (!name.ok() || name->number > kNumberMax) return;
  State::Data& data = turn.data;
  std::int64_t number = parse_job_number(name->job.value);
  if (JobEntry* job = find_job(data, name->job)) {
    if (job->record->next_task_number > name->number) return;
    note_behind(turn, id);
    turn.change_job(*job, [&](Job& changed) { changed.next_task_number = name->number + 1; });
    renumber_queued(turn, *job, name->number);
  } else if (number >= data.next_job_number && number < kNumberMax) {
    note_behind(turn, id);
    data.next_job_number = number + 1;
    turn.change(PutNextJobNumber{data.next_job_number});
  }
}

void remember(Turn& turn, const StatusUpdate& update, Stray stray) {
  State::Data& data = turn.data;
  if (data.strays.size() >= kStraysMax) return;
  if (stray.orphan != nullptr) {
    count_orphan(data, *stray.orphan, +1);
    turn.change(PutOrphan{stray.orphan});
  }
  stray.agent = update.agent;
  stray.kill_at = kNever;
  Stray& kept = data.strays.emplace(update.task, std::move(stray)).first->second;
  const Instant look_at = is_waiting(kept) ? waits_until(data, *kept.orphan) : turn.now;
  set_kill_at(data, update.task, kept, std::max(look_at, turn.now + kStrayKillDelayMs));
  turn.reason("task " + update.task.value + " " + std::string(mesos_state_name(update.state)) + " on " +
              update.agent.value + (kept.orphan == nullptr ? " is not wanted" : " is unknown here"));
}

template <class Mutate>
void change_orphan(Turn& turn, const TaskId& id, Mutate mutate) {
  Stray& stray = turn.data.strays.at(id);
  auto changed = std::make_shared<Orphan>(*stray.orphan);
  mutate(*changed);
  count_orphan(turn.data, *stray.orphan, -1);
  stray.orphan = changed;
  count_orphan(turn.data, *stray.orphan, +1);
  turn.change(PutOrphan{stray.orphan});
}

void meet_orphan(Turn& turn, const StatusUpdate& update) {
  State::Data& data = turn.data;
  std::string state(mesos_state_name(update.state));
  auto at = data.strays.find(update.task);
  if (at == data.strays.end()) {
    Orphan orphan{update.task, update.agent, hostname_of(data, update.agent), state, turn.now, {}, {}};
    if (waits_for_being_behind(data)) {  // in one commit with the numbers, which say so only once
      orphan.decision = OrphanDecision::waiting;
      orphan.reason = kBehind;
      ++data.anomalies.stray_kills_withheld;
    }
    remember(turn, update, {.orphan = std::make_shared<const Orphan>(std::move(orphan))});
    return;
  }
  Stray& stray = at->second;
  if (!update.agent.empty()) stray.agent = update.agent;
  if (stray.orphan == nullptr) return;  // its record has been removed meanwhile: killed all the same
  Orphan now = *stray.orphan;
  now.state = state;
  if (!update.agent.empty()) now.agent = update.agent;
  if (now.hostname.empty()) now.hostname = hostname_of(data, now.agent);
  if (now != *stray.orphan) change_orphan(turn, update.task, [&](Orphan& changed) { changed = now; });
}

bool too_many_orphans(const State::Data& data) {
  std::int64_t open = data.orphans_undecided + data.orphans_waiting;
  return open * 100 > data.policy.stray_kill_share_percent * (data.tasks_live + data.orphans);
}

// All at once, so that what waits stays so when the share falls later on.
void let_all_wait(Turn& turn, const std::string& why) {
  std::vector<TaskId> undecided;
  for (const auto& [id, stray] : turn.data.strays) {
    if (is_undecided(stray)) undecided.push_back(id);
  }
  for (const TaskId& id : undecided) {
    ++turn.data.anomalies.stray_kills_withheld;
    change_orphan(turn, id, [&](Orphan& orphan) {
      orphan.decision = OrphanDecision::waiting;
      orphan.reason = why;
    });
    Stray& stray = turn.data.strays.at(id);
    set_kill_at(turn.data, id, stray, waits_until(turn.data, *stray.orphan));
  }
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

// Has everything that runs been shown, so that the share of the unknown can be judged?
bool is_all_shown(const Turn& turn) {
  const State::Data& data = turn.data;
  return data.listing == Listing::complete ||
         turn.now >= data.listing_began + data.policy.reconcile_silence_ms;
}

// Its time to be decided about is over. A share that speaks for a wrong database is still a person's to
// judge.
void end_waiting(Turn& turn, const TaskId& id, Stray& stray) {
  State::Data& data = turn.data;
  if (too_many_orphans(data)) return set_kill_at(data, id, stray, turn.now + data.policy.reconcile_period_ms);
  if (turn.now < waits_until(data, *stray.orphan)) {
    return set_kill_at(data, id, stray, waits_until(data, *stray.orphan));
  }
  decide_orphan(turn, id, OrphanDecision::kill, "nobody decided about it in time");
}

void look_at_stray(Turn& turn, const TaskId& id, Stray& stray) {
  State::Data& data = turn.data;
  const Policy& policy = data.policy;
  if (!data.subscribed) {
    set_kill_at(data, id, stray, kNever);  // note_subscription() goes on
  } else if (is_undecided(stray) && !is_all_shown(turn)) {
    set_kill_at(data, id, stray, turn.now + std::max<std::int64_t>(policy.listing_first_ms, 1));
  } else if (is_undecided(stray) && too_many_orphans(data)) {
    let_all_wait(turn, kTooMany);
  } else if (is_undecided(stray) && waits_for_being_behind(data)) {
    let_all_wait(turn, kBehind);
  } else if (is_waiting(stray)) {
    end_waiting(turn, id, stray);
  } else if (!take_kill_token(data, turn.now)) {
    set_kill_at(data, id, stray, data.stray_window_start + 60'000);
  } else {
    std::int64_t pause = backoff_ms(policy.kill_retry_first_ms, policy.kill_retry_max_ms, stray.kill_sends++);
    set_kill_at(data, id, stray, turn.now + std::max<std::int64_t>(pause, 1));
    turn.effect(KillOnAgent{id, stray.agent, 0});
    turn.reason("task " + id.value + ": kill (stray)");
  }
}

}  // namespace

void set_alert(Turn& turn, const std::string& name, const std::string& text) {
  std::map<std::string, std::string>& alerts = turn.data.alerts;
  auto at = alerts.find(name);
  if (at == alerts.end() ? text.empty() : at->second == text) return;
  if (at == alerts.end()) turn.reason("ALERT " + name + ": " + text);  // once, not at every change of a count
  if (text.empty()) {
    turn.reason("alert " + name + " is over");
    alerts.erase(at);
  } else {
    alerts[name] = text;
  }
  turn.change(PutAlert{name, text});
}

void decide_orphan(Turn& turn, const TaskId& id, OrphanDecision decision, const std::string& reason) {
  change_orphan(turn, id, [&](Orphan& orphan) {
    orphan.decision = decision;
    orphan.reason = reason;
  });
  Stray& stray = turn.data.strays.at(id);
  stray.kill_sends = 0;
  set_kill_at(turn.data, id, stray, decision == OrphanDecision::kill ? turn.now : kNever);
}

void on_unknown_task(Turn& turn, const StatusUpdate& update) {
  ++turn.data.anomalies.unknown_tasks;
  raise_numbers(turn, update.task);
  auto known = turn.data.strays.find(update.task);
  bool away = update.state == MesosState::unreachable && known != turn.data.strays.end();
  if (is_alive(update.state) || away) {
    meet_orphan(turn, update);
  } else {
    forget_stray(turn, update.task);
  }
}

void meet_stray(Turn& turn, const StatusUpdate& update, bool revived) {
  auto at = turn.data.strays.find(update.task);
  if (at != turn.data.strays.end()) {
    if (!update.agent.empty()) at->second.agent = update.agent;
    return;
  }
  if (revived) ++turn.data.anomalies.revivals;
  remember(turn, update, {.orphan = nullptr, .revived = revived});
}

void forget_stray(Turn& turn, const TaskId& id) {
  State::Data& data = turn.data;
  auto at = data.strays.find(id);
  if (at == data.strays.end()) return;
  set_kill_at(data, id, at->second, kNever);
  if (at->second.orphan != nullptr) {
    count_orphan(data, *at->second.orphan, -1);
    turn.change(RemoveOrphan{id});
  }
  data.strays.erase(at);
}

void forget_all_strays(Turn& turn) {
  std::vector<TaskId> all;
  for (const auto& [id, stray] : turn.data.strays) all.push_back(id);
  for (const TaskId& id : all) forget_stray(turn, id);
}

void recover_orphans(State::Data& data, std::vector<Orphan> orphans) {
  for (Orphan& orphan : orphans) {
    if (orphan.decision == OrphanDecision::undecided) continue;
    TaskId id = orphan.task;
    if (find_task(data, id).task != nullptr) continue;  // adopted by a later life of this database
    Stray stray;
    stray.agent = orphan.agent;
    stray.kill_at = kNever;
    stray.orphan = std::make_shared<const Orphan>(std::move(orphan));
    data.is_behind = data.is_behind || is_waiting(stray);
    if (data.strays.emplace(id, stray).second) count_orphan(data, *stray.orphan, +1);
  }
}

void note_subscription(Turn& turn) {
  State::Data& data = turn.data;
  std::vector<TaskId> with_record;
  for (auto& [id, stray] : data.strays) {
    stray.kill_sends = 0;
    if (stray.orphan == nullptr) {
      with_record.push_back(id);  // if it still lives, the master says so
    } else if (is_waiting(stray)) {
      set_kill_at(data, id, stray, waits_until(data, *stray.orphan));
    } else if (is_undecided(stray) || stray.orphan->decision == OrphanDecision::kill) {
      set_kill_at(data, id, stray, turn.now + kStrayKillDelayMs);
    }
  }
  for (const TaskId& id : with_record) forget_stray(turn, id);
}

void kill_due_strays(Turn& turn) {
  State::Data& data = turn.data;
  while (!data.strays_due.empty() && data.strays_due.begin()->first <= turn.now) {
    TaskId id = data.strays_due.begin()->second;
    Stray& stray = data.strays.at(id);
    if (stray.orphan == nullptr && stray.kill_sends >= kStrayKillsMax) {
      forget_stray(turn, id);
    } else {
      look_at_stray(turn, id, stray);
    }
  }
}

bool is_slot_held(const State::Data& data, const TaskKey& key) {
  return data.slots_held.contains({key.job, key.index});
}

void refresh_alerts(Turn& turn) {
  const State::Data& data = turn.data;
  std::string orphans;
  if (data.orphans_waiting > 0) {
    orphans = std::to_string(data.orphans_waiting) + " tasks run that this database knows nothing of, " +
              "beside " + std::to_string(data.tasks_live) + " it knows: " +
              (data.is_behind ? "it is an old copy, or a second server used its framework. "
                              : "is it an old copy? ") +
              (data.policy.orphan_wait_ms == kNeverMs || too_many_orphans(data)
                   ? std::string("Nothing is killed")
                   : "They are killed " + std::to_string(data.policy.orphan_wait_ms / 1'000) +
                         " s after they were found") +
              "; see GET /v2/orphans, then adopt or kill";
  }
  set_alert(turn, "orphans", orphans);
  std::int64_t revived = 0;
  if (data.anomalies.revivals > 0) {
    revived = std::ranges::count_if(data.strays, [](const auto& one) { return one.second.revived; });
  }
  set_alert(turn, "revived",
            revived == 0 ? std::string()
                         : std::to_string(revived) +
                               " tasks live on agents that were marked gone; they are killed, but whoever "
                               "marked those agents was wrong");
}

Resources share_of(const JobSpec& spec) {
  Resources share;
  share.cpu_milli = spec.request.cpu_milli + kExecutorCpuMilli;
  share.mem_mib = spec.request.mem_mib + kExecutorMemMib;
  share.disk_mib = spec.request.disk_mib;
  share.gpus = spec.request.gpus;
  return share;
}

void catch_up(Turn& turn, const FoundTask& found, const StatusUpdate& update) {
  ++turn.data.anomalies.records_behind;
  note_behind(turn, update.task);
  Resources share = share_of(*found.job->record->spec);
  turn.change_task(*found.job, found.key, [&](Task& task) {
    task.state = TaskState::dispatched;
    task.agent = update.agent;
    task.hostname = hostname_of(turn.data, update.agent);
    task.allocated = share;
    task.dispatched_at = turn.now;
  });
  turn.reason("task " + update.task.value + " was to be started, but " +
              std::string(mesos_state_name(update.state)) + " came from " + update.agent.value);
}

}  // namespace mimas::engine
