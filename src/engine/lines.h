// What waits, in lines: the jobs of one role and capacity group that ask for the same stand in one, in the
// order in which they will be served. When no agent takes the first, none takes those behind it, so a
// placement tries as many jobs as there are lines, however long these are. A job that could be placed where
// its likes cannot (room is held for it, it has agents of its own, its tasks share executors) is a line of
// its own. Private to the engine. Tested in tests/engine/lines_test.cc.
#pragma once

#include "engine/queue.h"
#include "engine/turn.h"

namespace mimas::engine {

// Brings Data::lines up to date. O(log n) for each job in Data::lines_stale.
void line_up(State::Data& data);

// Adds the next job of the line to the round, without those that stand in it by themselves. False: there is
// none.
bool add_next(Turn& turn, const WaitingLine& line, WaitingRound& round);

// Adds whoever stands behind the demand in its line, if the round does not have it yet.
bool add_successor(Turn& turn, std::size_t demand, WaitingRound& round);

// Explanations of jobs that a placement left out become old: some at a time are tried by themselves again.
void renew_explanations(Turn& turn);  // before the placement

}  // namespace mimas::engine
