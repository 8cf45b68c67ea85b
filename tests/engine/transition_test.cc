// The table TaskState × MesosState in full product, against an expectation written from the rules instead of
// copied from the table; and the cells whose meaning hangs on reason and source.
#include "engine/transition.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

namespace mimas::engine {
namespace {

using M = MesosState;
using T = TaskState;

constexpr T kTasks[] = {T::queued,   T::dispatched, T::starting, T::running, T::unreachable,
                        T::finished, T::failed,     T::stopped,  T::crashed};
constexpr M kMesos[] = {M::staging,          M::starting, M::running, M::killing, M::finished,    M::failed,
                        M::killed,           M::error,    M::lost,    M::dropped, M::unreachable, M::gone,
                        M::gone_by_operator, M::unknown};

bool is_end_of_process(M state) {
  return state == M::finished || state == M::failed || state == M::killed || state == M::error;
}

Move expected_of_ended(T from, M update) {
  if (is_alive(update)) return Move::stray;
  if (!is_end_of_process(update)) return Move::stay;  // rule 68: what the master forgot does not matter
  static const std::map<M, T> kSame = {
      {M::finished, T::finished}, {M::failed, T::failed}, {M::error, T::failed}, {M::killed, T::stopped}};
  return kSame.at(update) == from ? Move::stay : Move::illegal;  // rule 61
}

// How far along a live state is; an update may only lead forward, except out of unreachable (rule 62).
int rank(T state) { return static_cast<int>(state); }

Move expected(T from, M update) {
  if (from == T::queued) {
    if (is_alive(update)) return Move::stray;
    return is_end_of_process(update) ? Move::illegal : Move::stay;
  }
  if (is_terminal(from)) return expected_of_ended(from, update);
  switch (update) {
    case M::finished: return Move::to_finished;
    case M::failed:
    case M::error: return Move::to_failed;
    case M::killed: return Move::to_stopped;
    case M::lost: return Move::lost;
    case M::dropped:
    case M::gone:
    case M::gone_by_operator: return Move::to_crashed;
    case M::unknown: return Move::doubt;
    case M::unreachable: return from == T::unreachable ? Move::stay : Move::to_unreachable;
    default: break;
  }
  if (from == T::unreachable) {
    if (update == M::staging) return Move::to_dispatched;
    return update == M::starting ? Move::to_starting : Move::to_running;
  }
  if (update == M::staging) return Move::stay;
  if (update == M::running) return rank(from) < rank(T::running) ? Move::to_running : Move::stay;
  return rank(from) < rank(T::starting) ? Move::to_starting : Move::stay;
}

Task task_in(T state) {
  Task task;
  task.state = state;
  if (state >= T::starting && state != T::unreachable) task.starting_at = Instant{1};
  if (state == T::running) task.running_at = Instant{2};
  return task;
}

StatusUpdate update_of(M state, const std::string& reason = {}, const std::string& source = "AGENT") {
  StatusUpdate update;
  update.state = state;
  update.reason = reason;
  update.source = source;
  return update;
}

TEST_CASE("every task state meets every Mesos state as the rules say") {
  int cells = 0;
  for (T from : kTasks) {
    for (M update : kMesos) {
      CAPTURE(task_state_name(from));
      CAPTURE(mesos_state_name(update));
      CHECK(static_cast<int>(move_of(from, update)) == static_cast<int>(expected(from, update)));
      ++cells;
    }
  }
  CHECK(cells == kTaskStates * kMesosStates);
}

TEST_CASE("no judgement leads out of an ended state, whatever reason and source say") {
  for (T from : {T::finished, T::failed, T::stopped, T::crashed, T::queued}) {
    for (M state : kMesos) {
      for (const char* reason :
           {"", "RECONCILIATION", "INVALID_OFFERS", "AGENT_REMOVED", "TASK_KILLED_DURING_LAUNCH"}) {
        for (bool believed : {false, true}) {
          Verdict verdict = judge(task_in(from), update_of(state, reason, "MASTER"), believed);
          CHECK(state_after(from, verdict.move) == from);
          CHECK_FALSE(verdict.ask);
        }
      }
    }
  }
}

TEST_CASE("staging and an unconfirmed unknown never end a task") {
  for (T from : kTasks) {
    for (const char* reason : {"", "AGENT_REMOVED", "RESOURCES_UNKNOWN"}) {
      CHECK(is_terminal(state_after(from, judge(task_in(from), update_of(M::staging, reason), true).move)) ==
            is_terminal(from));
      CHECK(is_terminal(state_after(from, judge(task_in(from), update_of(M::unknown, reason), true).move)) ==
            is_terminal(from));
    }
  }
}

TEST_CASE("a start that came to nothing is not the job's fault") {
  Task task = task_in(T::dispatched);
  for (const char* reason : {"CONTAINER_LAUNCH_FAILED", "EXECUTOR_REGISTRATION_TIMEOUT"}) {
    Verdict verdict = judge(task, update_of(M::failed, reason), false);
    CHECK(verdict.move == Move::to_crashed);
    CHECK(verdict.ending == Ending::never_ran);
  }
  CHECK(judge(task, update_of(M::dropped, "AGENT_RESTARTED"), false).ending == Ending::never_ran);
  Verdict refused = judge(task, update_of(M::dropped, "INVALID_OFFERS"), false);
  CHECK(refused.move == Move::stay);  // perhaps the second answer to one launch
  CHECK(refused.ask);
  Verdict killed = judge(task, update_of(M::killed, "TASK_KILLED_DURING_LAUNCH"), false);
  CHECK(killed.move == Move::to_crashed);
  CHECK(killed.ending == Ending::never_ran);
}

TEST_CASE("an executor's death counts as an attempt, an agent's does not") {
  Task task = task_in(T::running);
  Verdict died = judge(task, update_of(M::failed, "EXECUTOR_TERMINATED"), false);
  CHECK(died.move == Move::to_failed);
  CHECK(died.ending == Ending::failure);
  for (M state : {M::gone, M::gone_by_operator, M::dropped}) {
    Verdict lost = judge(task, update_of(state, "AGENT_REMOVED_BY_OPERATOR", "MASTER"), false);
    CHECK(lost.move == Move::to_crashed);
    CHECK(lost.ending == Ending::blameless);
  }
  CHECK(judge(task, update_of(M::error, "TASK_INVALID", "MASTER"), false).ending == Ending::hopeless);
}

TEST_CASE("LOST is final for reasons that cannot be taken back, and unreachable otherwise") {
  Task task = task_in(T::running);
  CHECK(judge(task, update_of(M::lost, "AGENT_REMOVED"), false).move == Move::to_crashed);
  CHECK(judge(task, update_of(M::lost, "AGENT_DISCONNECTED"), false).move == Move::to_unreachable);
  CHECK(judge(task, update_of(M::lost), false).move == Move::to_unreachable);
  CHECK(judge(task_in(T::unreachable), update_of(M::lost), false).move == Move::stay);
}

TEST_CASE("whom the master does not know is believed only when it had time to learn of the task") {
  for (M state : {M::unknown, M::lost, M::gone}) {
    StatusUpdate answer = update_of(state, "RECONCILIATION", "MASTER");
    CHECK(judge(task_in(T::dispatched), answer, false).move == Move::doubt);
    CHECK(judge(task_in(T::dispatched), answer, true).move == Move::to_crashed);
    CHECK(judge(task_in(T::running), answer, true).move == Move::to_crashed);
  }
  CHECK(judge(task_in(T::running), update_of(M::gone, "RECONCILIATION", "MASTER"), false).move ==
        Move::to_crashed);
}

TEST_CASE("the end of a task that was asked to end is a stop, unless its executor says otherwise") {
  Task task = task_in(T::running);
  task.kill_requested = true;
  CHECK(judge(task, update_of(M::killed), false).move == Move::to_stopped);
  CHECK(judge(task, update_of(M::gone, "RECONCILIATION", "MASTER"), false).move == Move::to_stopped);
  CHECK(judge(task, update_of(M::failed, "EXECUTOR_TERMINATED"), false).move == Move::to_stopped);
  CHECK(judge(task, update_of(M::failed, "", "EXECUTOR"), false).move == Move::to_failed);
  CHECK(judge(task, update_of(M::finished, "", "EXECUTOR"), false).move == Move::to_finished);
  CHECK(judge(task, update_of(M::killed), false).ending == Ending::by_request);
  task.reason = kScaledDown;
  CHECK(judge(task, update_of(M::killed), false).ending == Ending::removed);
}

}  // namespace
}  // namespace mimas::engine
