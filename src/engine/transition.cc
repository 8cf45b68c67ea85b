#include "engine/transition.h"

#include <array>
#include <initializer_list>

#include "engine/executors.h"
#include "engine/reconcile.h"

namespace mimas::engine {
namespace {

using enum Move;

// Columns in the order of MesosState. A queued task was never launched: nothing true can be said about it. An
// ended task stays as it ended: a repeat of the same end is `stay`, another end is illegal (rule 61), life is
// a stray, and what the master no longer knows of it does not matter (rule 68).
// clang-format off
constexpr std::array<std::array<Move, kMesosStates>, kTaskStates> kMoves = {{
  //                staging        starting     running     killing      finished     failed     killed      error      lost     dropped     unreachable     gone        gone_by_op.  unknown
  /* queued      */ {stray,         stray,       stray,      stray,       illegal,     illegal,   illegal,    illegal,   stay,    stay,       stay,           stay,       stay,        stay},
  /* dispatched  */ {stay,          to_starting, to_running, to_starting, to_finished, to_failed, to_stopped, to_failed, lost,    to_crashed, to_unreachable, to_crashed, to_crashed,  doubt},
  /* starting    */ {stay,          stay,        to_running, stay,        to_finished, to_failed, to_stopped, to_failed, lost,    to_crashed, to_unreachable, to_crashed, to_crashed,  doubt},
  /* running     */ {stay,          stay,        stay,       stay,        to_finished, to_failed, to_stopped, to_failed, lost,    to_crashed, to_unreachable, to_crashed, to_crashed,  doubt},
  /* unreachable */ {to_dispatched, to_starting, to_running, to_running,  to_finished, to_failed, to_stopped, to_failed, lost,    to_crashed, stay,           to_crashed, to_crashed,  doubt},
  /* finished    */ {stray,         stray,       stray,      stray,       stay,        illegal,   illegal,    illegal,   stay,    stay,       stay,           stay,       stay,        stay},
  /* failed      */ {stray,         stray,       stray,      stray,       illegal,     stay,      illegal,    stay,      stay,    stay,       stay,           stay,       stay,        stay},
  /* stopped     */ {stray,         stray,       stray,      stray,       illegal,     illegal,   stay,       illegal,   stay,    stay,       stay,           stay,       stay,        stay},
  /* crashed     */ {stray,         stray,       stray,      stray,       illegal,     illegal,   illegal,    illegal,   stay,    stay,       stay,           stay,       stay,        stay},
}};
// clang-format on

bool one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  for (std::string_view entry : list) {
    if (entry == text) return true;
  }
  return false;
}

// TASK_LOST without PARTITION_AWARE (and on a few paths with it) may be taken back; these reasons may not.
bool is_lost_for_good(const StatusUpdate& update) {
  return one_of(update.reason, {"AGENT_REMOVED", "AGENT_REMOVED_BY_OPERATOR", "AGENT_RESTARTED",
                                "AGENT_DRAINING", "EXECUTOR_TERMINATED", "EXECUTOR_REREGISTRATION_TIMEOUT",
                                "INVALID_OFFERS", "RESOURCES_UNKNOWN", "TASK_UNKNOWN"});
}

bool is_failed_launch(const StatusUpdate& update) {
  return one_of(update.reason, {"CONTAINER_LAUNCH_FAILED", "EXECUTOR_REGISTRATION_TIMEOUT"});
}

// It was to run in an executor that others share, and that one was just leaving, or Mesos knows it otherwise:
// no fault of the task's. It is tried again in an executor of its own (executors.h).
bool is_refused_by_shared_executor(const Task& task, const StatusUpdate& update) {
  if (!is_in_shared_executor(task) || update.source == "EXECUTOR") return false;
  return update.state == MesosState::error ? update.reason == "TASK_INVALID"
                                           : update.reason == "EXECUTOR_TERMINATED";
}

// Whether what was to be fetched is not there. Mesos has one reason for all that fails before the executor
// runs, and only words for the rest: its fetcher's end is "Failed to fetch all URIs …" whatever became of
// them, pocket's says what the server answered or the file system said.
bool is_artifact_missing(const StatusUpdate& update) {
  if (update.reason != "CONTAINER_LAUNCH_FAILED") return false;
  const std::string_view message = update.message;
  const auto says = [&](std::string_view words) { return message.find(words) != std::string_view::npos; };
  if (says("Failed to fetch all URIs")) return true;
  return says("Failed to fetch URI") &&
         (says("the server answered 404") || says("the server answered 410") || says("No such file"));
}

Ending ending_of(const Task& task, const StatusUpdate& update, Move move) {
  if (is_ended_as_failure(task)) return move == to_finished ? Ending::success : Ending::failure;
  // It was done before the kill reached it: nothing is left to start again.
  if (is_ended_for_room(task) && move == to_finished) return Ending::success;
  if (task.kill_requested) return ending_of_killed(task);
  switch (move) {
    case to_finished: return Ending::success;
    case to_failed: return update.state == MesosState::error ? Ending::hopeless : Ending::failure;
    case to_stopped: return Ending::blameless;  // somebody else's kill: a draining agent, an operator
    default: break;
  }
  if (!never_started(task)) return Ending::blameless;
  return is_artifact_missing(update) ? Ending::never_ran_artifact : Ending::never_ran;
}

// Whom the master does not know: GONE from a registered agent is certain for what ran there; everything else
// needs time to have passed (mesos-protocol §2.6, launch grace).
Move judge_doubt(const Task& task, const StatusUpdate& update, bool believed) {
  if (update.state == MesosState::gone && !never_started(task)) return to_crashed;
  return believed ? to_crashed : doubt;
}

}  // namespace

Move move_of(TaskState from, MesosState update) {
  return kMoves[static_cast<std::size_t>(from)][static_cast<std::size_t>(update)];
}

bool is_alive(MesosState state) {
  return state == MesosState::staging || state == MesosState::starting || state == MesosState::running ||
         state == MesosState::killing;
}

TaskState state_after(TaskState from, Move move) {
  switch (move) {
    case to_dispatched: return TaskState::dispatched;
    case to_starting: return TaskState::starting;
    case to_running: return TaskState::running;
    case to_unreachable: return TaskState::unreachable;
    case to_finished: return TaskState::finished;
    case to_failed: return TaskState::failed;
    case to_stopped: return TaskState::stopped;
    case to_crashed: return TaskState::crashed;
    case stay:
    case lost:
    case doubt:
    case stray:
    case illegal: return from;
  }
  return from;
}

Verdict judge(const Task& task, const StatusUpdate& update, bool doubt_believed) {
  Move move = move_of(task.state, update.state);
  if (is_terminal(task.state) || task.state == TaskState::queued) return {move};

  // A second ACCEPT of the same launch is answered so while the first one runs, or is about to (rule 56).
  bool invalid_offers = update.reason == "INVALID_OFFERS" && (move == to_crashed || move == lost);
  if (invalid_offers) return {stay, Ending::blameless, true};

  bool unknown_to_master = update.state == MesosState::lost || update.state == MesosState::gone;
  if (is_reconciliation(update) && unknown_to_master) move = judge_doubt(task, update, doubt_believed);
  if (move == doubt && update.state == MesosState::unknown && is_reconciliation(update)) {
    move = judge_doubt(task, update, doubt_believed);
  }
  if (move == lost) {
    bool for_good = is_lost_for_good(update);
    move = for_good ? to_crashed : (task.state == TaskState::unreachable ? stay : to_unreachable);
  }
  const bool failed_launch = is_failed_launch(update) || is_refused_by_shared_executor(task, update);
  if (move == to_failed && never_started(task) && failed_launch) move = to_crashed;
  if (move == to_stopped && !task.kill_requested && update.reason == "TASK_KILLED_DURING_LAUNCH")
    move = to_crashed;
  // A kill that was asked for has many spellings: an executor that dies of it, an agent that knows it no
  // more.
  bool from_outside = update.source != "EXECUTOR" && update.state != MesosState::error;
  if (task.kill_requested && (move == to_crashed || (move == to_failed && from_outside))) move = to_stopped;
  // One that ends for its health or its time has failed, however its end is spelt; unless it was done just
  // before.
  if (move == to_stopped && is_ended_as_failure(task)) move = to_failed;
  return {move, ending_of(task, update, move), false};
}

}  // namespace mimas::engine
