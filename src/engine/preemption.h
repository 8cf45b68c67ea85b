// Ends tasks so that more important ones fit (placement/preemption.h says which). Private to the engine. What
// is durable of it is in the victims' records alone: Task::reason is PREEMPTED, and Task::message names the
// job that gets the room; so a server that restarts in between ends nobody twice. Tested in
// tests/engine/preemption_test.cc.
#pragma once

#include <string>
#include <vector>

#include "engine/queue.h"
#include "engine/turn.h"

namespace mimas::engine {

// Task::message of a victim, and back: the number of the job that gets the room, -1 when it names none.
std::string message_to_victim(const Job& job);
std::int64_t makes_room_for(const Task& victim);

// Who ends for the job, or ended so short a while ago that the room they made is still expected: in the order
// of their ends, those that live last. Not those on agents that cannot be reached: their room may never come.
struct RoomMade {
  const Task* victim = nullptr;
  Instant ended_at;  // kNever: it lives
};
std::vector<RoomMade> room_made_for(const State::Data& data, std::int64_t job, Instant now);

// The job found no place: a production job is tried again by look_for_room().
void note_waits(State::Data& data, const Job& job);

// After a placement that placed nothing, in a Settle in which look_for_room() has looked: ends those who
// stand in the way of the production jobs among those left, in the first of the views in which that helps.
// Without any view, as before the first offer where all roles are one, nobody ends.
void make_room(Turn& turn, const std::vector<std::string>& views, const WaitingRound& round,
               const std::vector<placement::Unplaced>& unplaced);

// When those jobs want the next placement; kNever: there are none.
Instant room_at(const State::Data& data);
void look_for_room(Turn& turn);  // before the placement

}  // namespace mimas::engine
