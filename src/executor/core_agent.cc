// Updates, the connection to the agent, leaving, and time. Tasks are in core.cc.
#include <algorithm>
#include <utility>

#include "executor/core.h"

namespace mimas::executor {
namespace {

// How much of a peer's text is worth a line of ours.
std::string excerpt(std::string_view text) {
  std::string out(text.substr(0, 200));
  for (char& c : out) c = c < ' ' ? ' ' : c;
  return out;
}

}  // namespace

Actions Core::start(Now now) {
  recover_by_ = now.mono + (settings_.checkpoint ? settings_.recovery_timeout_ms : kRegistrationMs);
  subscribe(now);
  return take();
}

// --- updates
// -------------------------------------------------------------------------------------------------------

void Core::report(TaskReport report, Topic topic, Now now) {
  Update& update = updates_.emplace_back();
  update.uuid = uuid_v4_bytes(random_());
  update.status = status_json(settings_, report, update.uuid, now.wall);
  update.task_id = std::move(report.task_id);
  update.topic = topic;
  linger_by_ = kNever;
  if (topic == Topic::end && !any_alive()) {
    linger_by_ = now.mono + kLingerMs;
    if (options_.shared) idle_by_ = now.mono + options_.idle_ms;
  }
  if (subscribed_) post(update, now);
}

Core::Update* Core::open_update(std::string_view task_id, Topic topic) {
  const auto at = std::find_if(updates_.begin(), updates_.end(), [&](const Update& update) {
    return update.topic == topic && update.task_id == task_id;
  });
  return at == updates_.end() ? nullptr : &*at;
}

void Core::post(Update& update, Now now) {
  update.sent = true;
  update.repost_at = now.mono + kRepostMs;
  if (heartbeats_) beat_at_ = now.mono + kHeartbeatMs;
  out_.push_back(Post{update_call(settings_, update.status), CallKind::update});
}

void Core::on(Acknowledged& event, Now now) {
  const auto at = std::find_if(updates_.begin(), updates_.end(), [&](const Update& update) {
    return update.uuid == event.uuid && update.task_id == event.task_id;
  });
  if (at == updates_.end()) return;
  const bool terminal = at->topic == Topic::end;
  updates_.erase(at);
  const auto task =
      std::find_if(tasks_.begin(), tasks_.end(), [&](const Task& t) { return t.id == event.task_id; });
  if (task != tasks_.end()) {
    std::string().swap(task->json);
    if (terminal) {
      remember_ended(task->id);
      tasks_.erase(task);
    } else if (task->health_due && open_update(task->id, Topic::health) == nullptr) {
      report_health(*task, now);
    }
  }
  // The agent records in order: what it has not acknowledged of an ended task no longer matters.
  if (terminal)
    std::erase_if(updates_, [&](const Update& update) { return update.task_id == event.task_id; });
  leave_if_done(now);
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
  if (options_.shared && idle_by_ == kNever && !any_alive()) idle_by_ = now.mono + options_.idle_ms;
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

Actions Core::message_refused(int status, std::string_view text) {
  if (exiting_ || std::exchange(messages_refused_, true)) return take();
  out_.push_back(Say{"the agent answered a message with " + std::to_string(status) + ": " + excerpt(text)});
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

// Everything that was begun is done and recorded.
bool Core::settled() const { return tasks_.empty() && updates_.empty() && !busy_; }

void Core::leave_if_done(Now now) {
  if (exiting_ || any_alive()) return;
  if (shutting_down_) {
    if ((updates_.empty() || !subscribed_) && !busy_) leave(exit_code_);
  } else if (ever_busy_ && !options_.shared) {
    if (settled()) return leave(0);
    if (linger_by_ == kNever && updates_.empty()) linger_by_ = now.mono + kLingerMs;  // for the busy parts
  }
}

Actions Core::idle(bool quiet, Now now) {
  const bool due = idle_by_ <= now.mono && (settled() || (subscribed_ && linger_by_ <= now.mono));
  if (!options_.shared || exiting_ || shutting_down_ || any_alive() || !due) return take();
  if (quiet) {
    if (!settled()) out_.push_back(Say{"leaving with updates that the agent has not acknowledged"});
    leave(0);
  } else {
    idle_by_ = now.mono + kIdleAgainMs;
  }
  return take();
}

void Core::leave(int code) {
  exiting_ = true;
  out_.push_back(Exit{code});
}

// --- time
// ----------------------------------------------------------------------------------------------------------

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
      out_.push_back(Post{heartbeat_call(settings_), CallKind::heartbeat});
    }
  }
  if (linger_by_ <= now.mono && !any_alive() && !shutting_down_ && !options_.shared &&
      (subscribed_ || updates_.empty())) {
    out_.push_back(Say{updates_.empty() ? "what was to be done for ended tasks is not done in time"
                                        : "the agent did not acknowledge the last updates"});
    leave(0);
    return take();
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
  }
  if (shutting_down_ || any_alive()) return at;
  const Instant linger = subscribed_ || updates_.empty() ? linger_by_ : kNever;
  if (!options_.shared) return std::min(at, linger);
  return std::min(at, settled() ? idle_by_ : std::max(idle_by_, linger));
}

}  // namespace mimas::executor
