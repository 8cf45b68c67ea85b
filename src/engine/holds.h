// Room that was made is held: on the agent where tasks ended for a more important job, what that job needs is
// nobody else's, from the moment they were asked to end. Private to the engine.
//
// What is held follows from the victims' records and from what waits, so that a restart holds the same: for
// as many waiting tasks of the job as there are victims on the agent, or as many as fit into what these held,
// less those that have been placed there since the first victim ended. It is given up 15 s after the last
// victim's end (Policy::preempt_room_ms), when the agent cannot be reached, when the job has found places
// elsewhere, wants fewer tasks or has ended; and it is as large as the job's description says now. Tested in
// tests/engine/preemption_test.cc.
#pragma once

#include <string>

#include "engine/turn.h"

namespace mimas::engine {

// Tells placement what is held now. Where that is less than before, others may have their turn.
void hold_rooms(Turn& turn);

// Does it hold in this view? Offers to one role are no room for another.
bool is_held_in(const State::Data& data, const placement::Hold& hold, const std::string& view);

}  // namespace mimas::engine
