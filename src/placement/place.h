// Which task goes on which agent, and why not. Pure: filter → score → pick over values; the answer carries
// its own explanation. The pick is first fit in agent order (agents sorted by id); the interface is the one
// that better scores will stand behind. Deterministic: equal input, equal output, on every platform.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "model/constraint.h"
#include "model/resources.h"

namespace mimas::placement::first_fit {

// One agent with what is free on it now: the sum of the offers held for it in one role.
struct Host {
  AgentId agent;
  std::string hostname;
  Attributes attributes;
  Resources free;
  std::map<JobId, std::int64_t> running;  // live tasks there by job, for UniqueHost
  std::set<std::string> executors;        // shared ones that run there: their share is paid for
  bool leaving = false;                   // its maintenance is near: nothing new goes there
  bool offered = true;  // false: known, but it offers nothing now; it takes part in the explanation only
};

// Tasks that look alike: all waiting tasks of one job version.
struct Demand {
  JobId job;
  ResourceRequest request;  // without the executor's share
  ResourceRequest share;    // of the executor, paid once for each
  std::string executor;     // shared by all tasks that name it on one agent; empty: one for each task
  std::vector<Constraint> constraints;  // hard ones
  std::vector<TaskId> tasks;            // in the order in which they should be placed
};

struct Assignment {
  TaskId task;
  std::size_t host = 0;  // index into the hosts
  Resources allocated;   // exact, with the host ports chosen
  bool charged = true;   // … and with the executor's share
};

// Why a demand's remaining tasks found no place: every host counted once, under the first reason that
// excluded it.
struct Shortfall {
  JobId job;
  std::int64_t tasks = 0;                       // how many were not placed
  std::int64_t hosts = 0;                       // how many hosts were looked at
  std::map<std::string, std::int64_t> reasons;  // "constraint arch=arm", "cpu", "memory", "disk", "gpus",
                                                // "ports", "UniqueHost", "no offer", "maintenance" → hosts
                                                // excluded by it
  std::string text() const;  // "no agent fits: 2 of 3 fail constraint arch=arm, 1 has too little memory"
};

struct Plan {
  std::vector<Assignment> assignments;
  std::vector<Shortfall> shortfalls;  // one per demand that was not placed whole, in demand order
};

// Demands are served in the given order; a demand that does not fit never blocks the next.
Plan place(std::vector<Host> hosts, const std::vector<Demand>& demands);

}  // namespace mimas::placement::first_fit
