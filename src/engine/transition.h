// What a Mesos status means to a task of ours: one table TaskState × MesosState, and the judgement of the
// cells whose meaning hangs on the reason. Pure data and functions. Facts: mesos-protocol §2.5, §2.6, §8.3
// rules 56, 59, 61…63, 68. The table is tested in full product in tests/engine/transition_test.cc.
#pragma once

#include <string_view>

#include "engine/input.h"
#include "engine/turn.h"
#include "model/task.h"

namespace mimas::engine {

enum class Move {
  stay,           // nothing new: a repeat, or an older state that comes late
  to_dispatched,  // back from unreachable, still not started
  to_starting,
  to_running,
  to_unreachable,
  to_finished,
  to_failed,
  to_stopped,
  to_crashed,
  lost,     // crashed or unreachable: the reason decides
  doubt,    // the master does not know it: believed under conditions, else asked again
  stray,    // alive on an agent though our record says otherwise: illegal, and to be killed
  illegal,  // cannot be; counted, and the record stands
};

Move move_of(TaskState from, MesosState update);

struct Verdict {
  Move move = Move::stay;           // never `lost`
  Ending ending = Ending::failure;  // of terminal moves
  bool ask = false;                 // reconcile explicitly instead of believing it
};

// `doubt_believed`: the master has had time to learn of the task, so "I do not know it" is the truth.
Verdict judge(const Task& task, const StatusUpdate& update, bool doubt_believed);

inline bool is_reconciliation(const StatusUpdate& update) { return update.reason == "RECONCILIATION"; }

// States that say the task's process exists on an agent.
bool is_alive(MesosState state);
// The state a move leads to; `stay` and the like answer `from`.
TaskState state_after(TaskState from, Move move);

}  // namespace mimas::engine
