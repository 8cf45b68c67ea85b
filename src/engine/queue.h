// What waits, as placement sees it: the demands of a round with the tasks behind them, and the groups that
// they belong to. Private to the engine.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/state.h"
#include "placement/queue.h"

namespace mimas::engine {

// The tasks behind a demand, in the order in which they get what it is given.
struct WaitingTasks {
  std::vector<TaskKey> tasks;
  std::size_t given = 0;
};

// How far a line stands in the round.
struct ReachedInLine {
  LinePlace place;
  std::size_t demand = 0;  // the last one of it
};

struct WaitingRound {
  Instant now;
  placement::Queue queue;
  std::vector<WaitingTasks> waiting;      // by demand
  std::vector<const WaitingLine*> lines;  // by demand, as far as there are any; null: it stands by itself
  std::map<const WaitingLine*, ReachedInLine> reached;
  std::set<std::int64_t> singly;  // jobs that stand by themselves
  std::map<std::string, std::size_t> groups;
  bool cut_short = false;  // a job has more waiting tasks than stand in its demand
};

// A demand of the job without any task yet, in a queue with its group.
placement::Demand& add_demand(const State::Data& data, const Job& job, std::string executor,
                              WaitingRound& round);

// The ready tasks of the job: one demand, or two where some share an executor and others do not. False when
// every slot is held by an orphan.
bool add_waiting(const State::Data& data, const JobEntry& job, WaitingRound& round);

// What is left to place, and what the groups use by now.
void refresh(const State::Data& data, WaitingRound& round);

}  // namespace mimas::engine
