// Tasks: how they start, are killed and end. Updates, the agent and leaving are in core_agent.cc.
#include "executor/core.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/ids.h"

namespace mimas::executor {
namespace {

// It never ran, and the world was at fault: the engine starts it again at nobody's expense (§2.5).
constexpr std::string_view kNotStarted = "REASON_CONTAINER_LAUNCH_FAILED";

// "64 MiB", "1.5 MiB", "700 KiB": for people.
std::string bytes_text(std::int64_t bytes) {
  const bool mib = bytes >= (1 << 20);
  const std::int64_t unit = mib ? 1 << 20 : 1 << 10;
  std::string text = std::to_string(bytes / unit);
  const std::int64_t tenths = bytes % unit * 10 / unit;
  if (mib && tenths > 0) text.append(".").append(std::to_string(tenths));
  return text.append(mib ? " MiB" : " KiB");
}

std::string memory_text(std::int64_t limit, const ProcessEnd& end) {
  std::string text = "killed for its memory limit";
  if (limit > 0) text.append(" of ").append(bytes_text(limit));
  if (end.memory_peak_bytes >= 0) text.append("; peak ").append(bytes_text(end.memory_peak_bytes));
  return text;
}

std::string status_text(const ProcessEnd& end) {
  if (!end.signalled) return "exited with status " + std::to_string(end.number);
  const char* name = ::strsignal(end.number);
  std::string text = "killed by signal " + std::to_string(end.number);
  if (name != nullptr) text.append(" (").append(name).append(")");
  return text;
}

// A child of it may be what went wrong: who reads "status 2" of a build would not think of memory.
std::string end_text(std::int64_t limit, const ProcessEnd& end) {
  if (!end.unknown.empty()) return end.unknown;
  if (end.memory_limit) return memory_text(limit, end);
  std::string text = status_text(end);
  if (!end.memory_kill) return text;
  text += "; the kernel had killed a process of it for want of memory";
  if (limit > 0) text.append(", of which it may have ").append(bytes_text(limit));
  return text;
}

}  // namespace

Core::Core(Settings settings, Options options, RandomBytes (*random)())
    : settings_(std::move(settings)), options_(std::move(options)), random_(random) {}

Actions Core::take() { return std::exchange(out_, {}); }

Actions Core::event(Event event, Now now) {
  if (!exiting_) std::visit([&](auto& e) { on(e, now); }, event);
  return take();
}

// --- starting
// ------------------------------------------------------------------------------------------------------

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
  if (updates_.size() >= 2 * kUpdatesMax)
    return out_.push_back(Say{"too many unacknowledged updates: a launch is ignored"});
  ever_busy_ = true;
  linger_by_ = kNever;
  idle_by_ = kNever;
  Task& task = tasks_.emplace_back();
  task.id = launch.id;
  task.json = std::move(launch.json);
  task.group = group;
  task.grace_ms = launch.grace_ms.value_or(kKillGraceMs);
  task.completion_ms_max = launch.completion_ms_max.value_or(-1);
  const auto refuse = [&](std::string_view state, std::string_view reason, std::string why) {
    finish(task, {task.id, state, reason, std::move(why), {}, {}}, now);
  };
  if (shutting_down_) return refuse("TASK_KILLED", "", "the executor is shutting down");
  if (!launch.spec.ok()) return refuse("TASK_FAILED", "", launch.spec.error().text());
  if (!group_fault.empty()) return refuse("TASK_FAILED", "", std::string(group_fault));
  const auto id = check_mesos_id(task.id, "the task's id");  // it becomes the name of a folder
  if (!id.ok()) return refuse("TASK_FAILED", "", id.error().text());
  // Another executor, or this one later, may well take it.
  if (tasks_.size() > kTasksMax || updates_.size() >= kUpdatesMax)
    return refuse("TASK_FAILED", kNotStarted, "the executor already has 1000 tasks or 4096 open updates");
  task.ordered = true;
  task.container = launch.spec->runtime == RuntimeKind::docker;
  task.memory_limit_bytes = launch.spec->limits.memory_bytes;
  task.kill_signal = launch.spec->kill_signal;
  out_.push_back(StartTask{{task.id, {}, std::move(*launch.spec), {}, {}}});
}

Actions Core::progress(std::string_view task_id, std::string_view text, Now now) {
  Task* task = find(task_id);
  const bool wanted = task != nullptr && task->phase == Phase::starting && task->cause == Cause::none;
  if (exiting_ || !wanted || task->progress_at > now.mono) return take();
  if (open_update(task_id, Topic::progress) != nullptr) return take();  // nobody listens just now
  task->progress_at = now.mono + kProgressMs;
  report({task->id, "TASK_STARTING", {}, std::string(text), {}, {}}, Topic::progress, now);
  return take();
}

Actions Core::started(std::string_view task_id, RunFacts facts, Now now) {
  Task* task = find(task_id);
  if (exiting_ || task == nullptr || task->phase != Phase::starting) return take();
  task->facts = std::move(facts);
  if (task->kill_sent) {  // its end is on the way
    task->phase = Phase::killing;
    return take();
  }
  task->phase = Phase::running;
  if (task->completion_ms_max >= 0) task->complete_by = now.mono + task->completion_ms_max;
  report({task->id, "TASK_RUNNING", {}, {}, running_data(options_.version, task->facts, {}), {}},
         Topic::state, now);
  // A kill came between the order and the start: what is left of its grace is the task's.
  if (task->cause != Cause::none) {
    const Cause cause = std::exchange(task->cause, Cause::none);
    const Instant by = std::exchange(task->kill_at, kNever);
    begin_kill(*task, std::max<std::int64_t>(0, by - now.mono), cause, now);
  }
  return take();
}

Actions Core::start_failed(StartFailed fault, Now now) {
  Task* task = find(fault.task_id);
  if (exiting_ || task == nullptr || (task->phase != Phase::starting && task->phase != Phase::killing))
    return take();
  if (task->cause != Cause::none) {
    finish(*task, {task->id, "TASK_KILLED", {}, "killed before it had started", {}, {}}, now);
  } else {
    const std::string_view reason = fault.final ? "" : kNotStarted;
    const std::int64_t group = task->group;
    finish(*task, {task->id, "TASK_FAILED", reason, std::move(fault.message), {}, {}}, now);
    if (group != 0) kill_siblings(group, now);
  }
  leave_if_done(now);
  return take();
}

void Core::kill_siblings(std::int64_t group, Now now) {
  for (Task& task : tasks_) {
    if (task.group == group && task.phase != Phase::over) begin_kill(task, task.grace_ms, Cause::killed, now);
  }
}

// --- killing
// -------------------------------------------------------------------------------------------------------

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
  report({event.task_id, "TASK_KILLED", {}, "the executor never saw this task", {}, {}}, Topic::end, now);
}

void Core::begin_kill(Task& task, std::int64_t grace_ms, Cause cause, Now now) {
  if (task.phase == Phase::over || task.kill_sent) return;
  const bool first = task.cause == Cause::none;
  if (first) task.cause = cause;
  const bool starting = task.phase == Phase::starting;
  if (first && !starting && cause == Cause::killed && killing_state_ && !shutting_down_) {
    report({task.id, "TASK_KILLING", {}, {}, {}, task.healthy}, Topic::state, now);
  }
  task.complete_by = kNever;
  if (task.phase == Phase::running) task.phase = Phase::killing;
  // Of a container that starts, nothing runs yet that could use a grace: a pull is broken off at once.
  if (grace_ms <= 0 || (starting && task.container)) {
    kill_now(task, now);
    return;
  }
  task.kill_at =
      std::min(task.kill_at, now.mono + grace_ms);  // later orders may shorten, never extend (rule 88)
  if (first && !starting) out_.push_back(SignalTask{task.id, task.kill_signal});
}

void Core::kill_now(Task& task, Now now) {
  task.kill_at = now.mono;
  task.kill_sent = true;
  out_.push_back(KillTask{task.id});
  if (task.phase == Phase::lingering) end(task, now);
}

// --- ending
// --------------------------------------------------------------------------------------------------------

Actions Core::ended(std::string_view task_id, ProcessEnd process_end, bool others, Now now) {
  Task* task = find(task_id);
  const bool awaited = task != nullptr && (task->phase == Phase::starting || task->phase == Phase::running ||
                                           task->phase == Phase::killing);
  if (exiting_ || !awaited) return take();
  task->end = std::move(process_end);
  if (task->phase == Phase::killing && !task->kill_sent && others) {
    task->phase = Phase::lingering;  // the shell is gone at once; what it ran may still use its grace
    return take();
  }
  out_.push_back(KillTask{task->id});
  end(*task, now);
  leave_if_done(now);
  return take();
}

Actions Core::gone(std::string_view task_id, Now now) {
  Task* task = find(task_id);
  if (exiting_ || task == nullptr || task->phase != Phase::lingering) return take();
  out_.push_back(KillTask{task->id});
  end(*task, now);
  leave_if_done(now);
  return take();
}

void Core::end(Task& task, Now now) {
  TaskReport report{
      task.id, "TASK_FAILED", {}, end_text(task.memory_limit_bytes, task.end), ended_data(task.end), {}};
  if (task.cause == Cause::killed) {
    report.state = "TASK_KILLED";
  } else if (task.cause == Cause::too_long) {
    report.reason = "REASON_MAX_COMPLETION_TIME_REACHED";
    report.message =
        "ran longer than its maximum of " + std::to_string(task.completion_ms_max) + " ms, " + report.message;
  } else if (task.end.memory_limit) {
    report.reason = "REASON_CONTAINER_LIMITATION_MEMORY";
  } else if (task.end.unknown.empty() && !task.end.signalled && task.end.number == 0) {
    report.state = "TASK_FINISHED";
  }
  finish(task, std::move(report), now);
}

void Core::finish(Task& task, TaskReport terminal, Now now) {
  task.phase = Phase::over;
  task.complete_by = kNever;
  task.kill_at = kNever;
  task.health_due = false;
  if (task.ordered) out_.push_back(TaskOver{task.id, task.end});
  report(std::move(terminal), Topic::end, now);
}

void Core::task_timers(Now now) {
  for (Task& task : tasks_) {
    if (task.complete_by <= now.mono) begin_kill(task, task.grace_ms, Cause::too_long, now);
    if (task.kill_at > now.mono || task.kill_sent) continue;
    kill_now(task, now);
  }
}

// --- health and messages
// -------------------------------------------------------------------------------------------

Actions Core::health(HealthNews news, Now now) {
  Task* task = find(news.task_id);
  const bool wanted = task != nullptr && task->phase == Phase::running && task->cause == Cause::none;
  const auto known = [&] {
    return task->healthy == news.healthy && task->ready == news.ready && task->health_text == news.message;
  };
  if (exiting_ || !wanted || known()) return take();
  task->healthy = news.healthy;
  task->ready = news.ready;
  task->health_text = std::move(news.message);
  // An agent that acknowledges nothing must not make us collect every change: the latest one counts.
  if (open_update(task->id, Topic::health) != nullptr) {
    task->health_due = true;
  } else {
    report_health(*task, now);
  }
  return take();
}

void Core::report_health(Task& task, Now now) {
  task.health_due = false;
  report({task.id, "TASK_RUNNING", "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED", task.health_text,
          running_data(options_.version, task.facts, task.ready), task.healthy},
         Topic::health, now);
}

Actions Core::message(std::string_view data, Now now) {
  if (exiting_ || !subscribed_) return take();
  if (heartbeats_) beat_at_ = now.mono + kHeartbeatMs;
  out_.push_back(Post{message_call(settings_, data), CallKind::message});
  return take();
}

// --- finding
// -------------------------------------------------------------------------------------------------------

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

}  // namespace mimas::executor
