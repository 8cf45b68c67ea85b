#include "executor/core.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

namespace mimas::executor {
namespace {

// How much of a peer's text is worth a line of ours.
std::string excerpt(std::string_view text) {
  std::string out(text.substr(0, 200));
  for (char& c : out) c = c < ' ' ? ' ' : c;
  return out;
}

std::string end_text(const ProcessEnd& end) {
  if (!end.signalled) return "exited with status " + std::to_string(end.number);
  const char* name = ::strsignal(end.number);
  std::string text = "killed by signal " + std::to_string(end.number);
  if (name != nullptr) text.append(" (").append(name).append(")");
  return text;
}

}  // namespace

Core::Core(Settings settings, RandomBytes (*random)()) : settings_(std::move(settings)), random_(random) {}

Actions Core::take() { return std::exchange(out_, {}); }

Actions Core::start(Now now) {
  recover_by_ = now.mono + (settings_.checkpoint ? settings_.recovery_timeout_ms : kRegistrationMs);
  subscribe(now);
  return take();
}

Actions Core::event(Event event, Now now) {
  if (!exiting_) std::visit([&](auto& e) { on(e, now); }, event);
  return take();
}

// --- tasks
// ---------------------------------------------------------------------------------------------------------

void Core::on(Launch& event, Now now) {
  const std::int64_t group = event.group ? ++groups_ : 0;
  std::string fault;  // of any member: a group starts whole or not at all
  for (const TaskLaunch& task : event.tasks) {
    if (event.group && fault.empty() && !task.spec.ok())
      fault = "task '" + task.id + "' of the group cannot start";
  }
  for (TaskLaunch& task : event.tasks) launch(task, group, fault, now);
}

void Core::launch(TaskLaunch& launch, std::int64_t group, std::string_view group_fault, Now now) {
  if (known(launch.id)) return;
  if (updates_.size() >= kUpdatesMax)
    return out_.push_back(Say{"too many unacknowledged updates: a launch is ignored"});
  ever_busy_ = true;
  linger_by_ = kNever;
  Task& task = tasks_.emplace_back();
  task.id = launch.id;
  task.json = std::move(launch.json);
  task.group = group;
  task.grace_ms = launch.grace_ms.value_or(kKillGraceMs);
  task.completion_ms_max = launch.completion_ms_max.value_or(-1);
  if (shutting_down_)
    return finish(task, {task.id, "TASK_KILLED", {}, "the executor is shutting down", {}}, now);
  if (!launch.spec.ok()) {
    return finish(task, {task.id, "TASK_FAILED", {}, launch.spec.error().text(), {}}, now);
  }
  if (!group_fault.empty())
    return finish(task, {task.id, "TASK_FAILED", {}, std::string(group_fault), {}}, now);
  if (tasks_.size() > kTasksMax) {
    return finish(task, {task.id, "TASK_FAILED", {}, "the executor already has 1000 tasks", {}}, now);
  }
  out_.push_back(StartProcess{task.id, std::move(launch.spec->command)});
}

Actions Core::started(std::string_view task_id, std::int64_t pid, Now now) {
  Task* task = find(task_id);
  if (exiting_ || task == nullptr || task->phase != Phase::starting) return take();
  task->phase = Phase::running;
  task->pid = pid;
  if (task->completion_ms_max >= 0) task->complete_by = now.mono + task->completion_ms_max;
  report({task->id, "TASK_RUNNING", {}, {}, running_data(pid)}, false, now);
  // A sibling of its group failed, or the agent said SHUTDOWN, between the order and the start.
  if (task->cause != Cause::none) {
    const Cause cause = std::exchange(task->cause, Cause::none);
    begin_kill(*task, 0, cause, now);
  }
  return take();
}

Actions Core::start_failed(std::string_view task_id, std::string message, Now now) {
  Task* task = find(task_id);
  if (exiting_ || task == nullptr || task->phase != Phase::starting) return take();
  const std::int64_t group = task->group;
  finish(*task, {task->id, "TASK_FAILED", {}, std::move(message), {}}, now);
  if (group != 0) kill_siblings(group, now);
  leave_if_done(now);
  return take();
}

void Core::kill_siblings(std::int64_t group, Now now) {
  for (Task& task : tasks_) {
    if (task.group == group && task.phase != Phase::over) begin_kill(task, task.grace_ms, Cause::killed, now);
  }
}

void Core::on(Kill& event, Now now) {
  Task* task = find(event.task_id);
  if (task != nullptr) {
    if (task->phase != Phase::over)
      begin_kill(*task, event.grace_ms.value_or(task->grace_ms), Cause::killed, now);
    return;
  }
  // Its LAUNCH was lost on the way: the agent has it on record, and only a terminal update closes that
  // (§3.6).
  if (known(event.task_id) || updates_.size() >= kUpdatesMax) return;
  ever_busy_ = true;
  remember_ended(event.task_id);
  report({event.task_id, "TASK_KILLED", {}, "the executor never saw this task", {}}, true, now);
}

void Core::begin_kill(Task& task, std::int64_t grace_ms, Cause cause, Now now) {
  if (task.phase == Phase::over || task.kill_sent) return;
  const bool first = task.cause == Cause::none;
  if (first) task.cause = cause;
  if (task.phase == Phase::starting) return;  // started() comes back to it
  if (first && cause == Cause::killed && killing_state_ && !shutting_down_) {
    report({task.id, "TASK_KILLING", {}, {}, {}}, false, now);
  }
  task.complete_by = kNever;
  if (task.phase == Phase::running) task.phase = Phase::killing;
  if (grace_ms <= 0) {
    task.kill_at = now.mono;
    task.kill_sent = true;
    out_.push_back(KillTree{task.pid});
    if (task.phase == Phase::lingering) end(task, now);
    return;
  }
  task.kill_at =
      std::min(task.kill_at, now.mono + grace_ms);  // later orders may shorten, never extend (rule 88)
  if (first) out_.push_back(SignalGroup{task.pid, SIGTERM});
}

Actions Core::exited(std::int64_t pid, ProcessEnd process_end, bool group_alive, Now now) {
  Task* task = find(pid);
  if (exiting_ || task == nullptr || (task->phase != Phase::running && task->phase != Phase::killing))
    return take();
  task->end = process_end;
  if (task->phase == Phase::killing && !task->kill_sent && group_alive) {
    task->phase = Phase::lingering;  // the shell is gone at once; what it ran may still use its grace
    return take();
  }
  out_.push_back(KillTree{pid});
  end(*task, now);
  leave_if_done(now);
  return take();
}

Actions Core::group_gone(std::int64_t pid, Now now) {
  Task* task = find(pid);
  if (exiting_ || task == nullptr || task->phase != Phase::lingering) return take();
  out_.push_back(KillTree{pid});
  end(*task, now);
  leave_if_done(now);
  return take();
}

std::vector<std::int64_t> Core::lingering_groups() const {
  std::vector<std::int64_t> pids;
  for (const Task& task : tasks_) {
    if (task.phase == Phase::lingering) pids.push_back(task.pid);
  }
  return pids;
}

void Core::end(Task& task, Now now) {
  TaskReport report{task.id, "TASK_FAILED", {}, end_text(task.end), {}};
  report.data = task.end.signalled ? signalled_data(task.end.number) : exited_data(task.end.number);
  if (task.cause == Cause::killed) {
    report.state = "TASK_KILLED";
  } else if (task.cause == Cause::too_long) {
    report.reason = "REASON_MAX_COMPLETION_TIME_REACHED";
    report.message =
        "ran longer than its maximum of " + std::to_string(task.completion_ms_max) + " ms, " + report.message;
  } else if (!task.end.signalled && task.end.number == 0) {
    report.state = "TASK_FINISHED";
  }
  finish(task, std::move(report), now);
}

void Core::finish(Task& task, TaskReport terminal, Now now) {
  task.phase = Phase::over;
  task.complete_by = kNever;
  task.kill_at = kNever;
  report(std::move(terminal), true, now);
}

// --- updates
// -------------------------------------------------------------------------------------------------------

void Core::report(TaskReport report, bool terminal, Now now) {
  Update& update = updates_.emplace_back();
  update.uuid = uuid_v4_bytes(random_());
  update.status = status_json(settings_, report, update.uuid, now.wall);
  update.task_id = std::move(report.task_id);
  update.terminal = terminal;
  linger_by_ = kNever;
  if (terminal && !any_alive()) linger_by_ = now.mono + kLingerMs;
  if (subscribed_) post(update, now);
}

void Core::post(Update& update, Now now) {
  update.sent = true;
  update.repost_at = now.mono + kRepostMs;
  if (heartbeats_) beat_at_ = now.mono + kHeartbeatMs;
  out_.push_back(Post{update_call(settings_, update.status)});
}

void Core::on(Acknowledged& event, Now now) {
  const auto at = std::find_if(updates_.begin(), updates_.end(), [&](const Update& update) {
    return update.uuid == event.uuid && update.task_id == event.task_id;
  });
  if (at == updates_.end()) return;
  const bool terminal = at->terminal;
  updates_.erase(at);
  const auto task =
      std::find_if(tasks_.begin(), tasks_.end(), [&](const Task& t) { return t.id == event.task_id; });
  if (task != tasks_.end()) {
    std::string().swap(task->json);
    if (terminal) {
      remember_ended(task->id);
      tasks_.erase(task);
    }
  }
  // The agent records in order: what it has not acknowledged of an ended task no longer matters.
  if (terminal)
    std::erase_if(updates_, [&](const Update& update) { return update.task_id == event.task_id; });
  leave_if_done(now);
}

void Core::remember_ended(std::string id) {
  ended_ids_.push_back(std::move(id));
  if (ended_ids_.size() > kEndedIdsMax) ended_ids_.pop_front();
}

bool Core::any_alive() const {
  return std::any_of(tasks_.begin(), tasks_.end(),
                     [](const Task& task) { return task.phase != Phase::over; });
}

bool Core::known(std::string_view id) const {
  const auto same = [&](const Task& task) { return task.id == id; };
  return std::any_of(tasks_.begin(), tasks_.end(), same) ||
         std::find(ended_ids_.begin(), ended_ids_.end(), id) != ended_ids_.end();
}

Core::Task* Core::find(std::string_view id) {
  const auto at = std::find_if(tasks_.begin(), tasks_.end(), [&](const Task& task) { return task.id == id; });
  return at == tasks_.end() ? nullptr : &*at;
}

Core::Task* Core::find(std::int64_t pid) {
  const auto at = std::find_if(tasks_.begin(), tasks_.end(), [&](const Task& task) {
    return task.pid == pid && task.phase != Phase::over;
  });
  return at == tasks_.end() ? nullptr : &*at;
}

// --- the agent
// -----------------------------------------------------------------------------------------------------

void Core::subscribe(Now now) {
  std::vector<std::string_view> tasks, statuses;
  for (const Task& task : tasks_) {
    if (!task.json.empty()) tasks.push_back(task.json);
  }
  for (Update& update : updates_) {
    statuses.push_back(update.status);
    update.sent = true;
    update.repost_at = kNever;
  }
  attempt_at_ = now.mono;
  try_at_ = kNever;
  out_.push_back(Subscribe{subscribe_call(settings_, tasks, statuses)});
}

void Core::on(Subscribed& event, Now now) {
  killing_state_ = event.killing_state;
  subscribed_ = true;
  ever_subscribed_ = true;
  refusals_ = 0;
  try_at_ = kNever;
  recover_by_ = kNever;
  if (heartbeats_) beat_at_ = now.mono + kHeartbeatMs;
  if (linger_by_ != kNever) linger_by_ = now.mono + kLingerMs;  // it could not acknowledge while it was away
  for (Update& update : updates_) {
    if (!update.sent) {
      post(update, now);
    } else if (update.repost_at == kNever) {
      update.repost_at = now.mono + kRepostMs;
    }
  }
}

void Core::on(AgentError& event, Now now) {
  out_.push_back(Disconnect{});
  drop_link("the agent says: " + excerpt(event.message), now);
}

Actions Core::lost(std::string_view why, Now now) {
  if (!exiting_) drop_link(why, now);
  return take();
}

Actions Core::call_refused(int status, std::string_view text, Now now) {
  if (exiting_) return take();
  const std::string what =
      "the agent answered an update with " + std::to_string(status) + ": " + excerpt(text);
  // Our own malformed update would be refused again after any reconnect; the repost is its second and slower
  // chance.
  if (status == 400 && text.starts_with("Failed to validate")) {
    out_.push_back(Say{what});
    return take();
  }
  out_.push_back(Disconnect{});
  drop_link(what, now);
  return take();
}

Actions Core::heartbeat_refused(int status) {
  if (exiting_) return take();
  heartbeats_ = false;
  beat_at_ = kNever;
  out_.push_back(
      Say{"the agent answered a heartbeat with " + std::to_string(status) + ": it will get no more"});
  return take();
}

void Core::drop_link(std::string_view why, Now now) {
  const bool was_subscribed = std::exchange(subscribed_, false);
  if (shutting_down_) return leave_if_done(now);
  if (ever_subscribed_ && !settings_.checkpoint) {
    out_.push_back(Say{"lost the agent, and nothing is checkpointed: " + std::string(why)});
    return shut_down(1, now);
  }
  if (was_subscribed) out_.push_back(Say{"lost the agent, reconnecting: " + std::string(why)});
  if (recover_by_ == kNever) recover_by_ = now.mono + settings_.recovery_timeout_ms;
  retry(now, was_subscribed && now.mono - attempt_at_ >= kSettledMs);
}

void Core::retry(Now now, bool at_once) {
  if (at_once) return subscribe(now);
  // The floor keeps a refusing agent from being asked in a tight loop; zero as a maximum is taken at its
  // word.
  const std::int64_t top = settings_.subscription_backoff_ms_max;
  try_at_ = now.mono + std::min(top, std::max<std::int64_t>(20, random_up_to(top)));
}

Actions Core::subscribe_refused(int status, std::string_view text, Now now) {
  if (exiting_) return take();
  subscribed_ = false;
  if (shutting_down_) {
    leave_if_done(now);
    return take();
  }
  const std::string what =
      "the agent refused to subscribe us with " + std::to_string(status) + ": " + excerpt(text);
  const bool final = status == 401 || status == 403;
  const bool away =
      status == 404 || status == 408 || status == 429 || status >= 500;  // recovering (§1.4, rule 85)
  if (final || (!away && ++refusals_ >= kRefusalsMax)) {
    out_.push_back(Say{what});
    shut_down(1, now);
  } else {
    if (recover_by_ == kNever) recover_by_ = now.mono + settings_.recovery_timeout_ms;
    retry(now, false);
  }
  return take();
}

std::int64_t Core::random_up_to(std::int64_t top) {
  const RandomBytes bytes = random_();
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | bytes[static_cast<std::size_t>(i)];
  return static_cast<std::int64_t>(number % (static_cast<std::uint64_t>(std::max<std::int64_t>(0, top)) + 1));
}

// --- leaving
// -------------------------------------------------------------------------------------------------------

void Core::on(ShutdownOrder&, Now now) {
  subscribed_ = true;  // it may be the first and only event, and the agent still takes updates (§3.3)
  for (Update& update : updates_) {
    if (!update.sent) post(update, now);
  }
  shut_down(0, now);
}

Actions Core::terminate(Now now) {
  if (!exiting_) shut_down(0, now);
  return take();
}

void Core::shut_down(int code, Now now) {
  if (shutting_down_ || exiting_) return;
  shutting_down_ = true;
  exit_code_ = code;
  try_at_ = kNever;
  recover_by_ = kNever;
  const std::int64_t grace = settings_.shutdown_grace_ms;
  destroy_at_ = now.mono + grace;
  out_.push_back(SelfDestruct{grace + kSelfDestructSlackMs});
  // Time to say TASK_KILLED before the container goes; a short grace is halved instead.
  const std::int64_t room = grace - std::min(kShutdownMarginMs, grace / 2);
  for (Task& task : tasks_) begin_kill(task, std::min(room, task.grace_ms), Cause::killed, now);
  leave_if_done(now);
}

void Core::leave_if_done(Now) {
  if (exiting_ || any_alive()) return;
  if (shutting_down_) {
    if (updates_.empty() || !subscribed_) leave(exit_code_);
  } else if (ever_busy_ && tasks_.empty() && updates_.empty()) {
    leave(0);
  }
}

void Core::leave(int code) {
  exiting_ = true;
  out_.push_back(Exit{code});
}

// --- time
// ----------------------------------------------------------------------------------------------------------

void Core::task_timers(Now now) {
  for (Task& task : tasks_) {
    if (task.complete_by <= now.mono) begin_kill(task, task.grace_ms, Cause::too_long, now);
    if (task.kill_at > now.mono || task.kill_sent) continue;
    task.kill_sent = true;
    out_.push_back(KillTree{task.pid});
    if (task.phase == Phase::lingering) end(task, now);
  }
}

Actions Core::timer(Now now) {
  if (exiting_) return take();
  task_timers(now);
  if (destroy_at_ <= now.mono) {
    if (any_alive()) out_.push_back(Say{"tasks outlived the shutdown grace"});
    leave(any_alive() ? 1 : exit_code_);
    return take();
  }
  if (recover_by_ <= now.mono) {
    out_.push_back(Say{"the agent did not come back in time"});
    shut_down(1, now);
  }
  if (try_at_ <= now.mono) subscribe(now);
  if (subscribed_) {
    for (Update& update : updates_) {
      if (update.repost_at <= now.mono) post(update, now);
    }
    if (beat_at_ <= now.mono) {
      beat_at_ = now.mono + kHeartbeatMs;
      out_.push_back(Post{heartbeat_call(settings_), true});
    }
    if (linger_by_ <= now.mono && !any_alive() && !shutting_down_) {
      out_.push_back(Say{"the agent did not acknowledge the last updates"});
      leave(0);
    }
  }
  leave_if_done(now);
  return take();
}

Instant Core::wake_at() const {
  Instant at = std::min({try_at_, recover_by_, destroy_at_});
  for (const Task& task : tasks_) {
    at = std::min(at, task.complete_by);
    if (!task.kill_sent) at = std::min(at, task.kill_at);
  }
  if (subscribed_) {
    at = std::min(at, beat_at_);
    for (const Update& update : updates_) at = std::min(at, update.repost_at);
    if (!shutting_down_) at = std::min(at, linger_by_);
  }
  return at;
}

}  // namespace mimas::executor
