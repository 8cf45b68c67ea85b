// The agents as they stand to one role, indexed so that a decision costs what it decides and not what the
// cluster holds: which task goes on which agent, why there, and why not. Pure and deterministic: the answer
// follows from what the cluster holds, not from the order in which it was told.
//
// The caller tells facts (put, offer, withdraw, stand, start, end), place() decides and changes none of them:
// what was decided counts only once the caller has told it.
//
// How it is fast: agents that look alike to every task (the attributes that demands ask about, total, free
// amounts, standing and mix of job types) form a cell; a class of tasks ranks cells, not agents, and keeps
// the ranks in heaps, one per value of the attribute that it balances over, from round to round: only what
// has changed is ranked again. Agents that differ for one job alone (it runs there, its image is there, a job
// that it wants to be with or apart from) are looked at one by one. What that costs where: docs/placement.md.
//
// Not thread-safe. Tested in tests/placement/cluster_test.cc, by kind of constraint in
// tests/placement/constraints_test.cc and tests/placement/balance_test.cc, for quality, determinism and cost
// in tests/placement/quality_test.cc, and against a search that looks at everything in
// tests/placement/oracle_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "model/agent.h"
#include "model/explanation.h"
#include "placement/fitness.h"
#include "placement/queue.h"

namespace mimas::placement {

using HostIndex = std::uint32_t;  // given by put(), void after remove(), given again later

using mimas::Standing;

struct HostFacts {
  AgentId agent;
  std::string hostname;
  Attributes attributes;  // with zone and region where they are known; hostname and agentId are added here
  Resources total;        // all that it has, as far as is known; its free amounts may exceed it for a moment
  bool described = true;  // false: it has never said what it is; more attributes than these may be true of it
};

// A task there.
struct Work {
  JobNumber job = 0;
  JobType type = JobType::batch;
  std::string image;
  std::string executor;    // shared one that runs it; empty: its own
  bool exclusive = false;  // its job wants the agent for itself
};

Work work_of(const Demand& demand);  // what a task of it will be there

// Room on an agent that is for one job alone: to everybody else it is as if a task of the job stood there
// already. Where less is free than is held, nothing is free for the others.
struct Hold {
  JobNumber job = 0;
  bool exclusive = false;   // its job wants the agent for itself
  ResourceRequest amounts;  // nothing: no hold
  bool operator==(const Hold&) const = default;
};

struct Rules {
  Fitness fitness;
  // An agent with one of these attributes takes only jobs with a hard constraint that asks for it (=, in,
  // like, a comparison of numbers, or its name alone).
  std::set<std::string> dedicated;
};

struct Assignment {
  std::size_t demand = 0;  // index into Queue::demands; its tasks are given out in order
  HostIndex host = 0;
  Resources allocated;  // exact, with the host ports chosen
  bool charged = true;  // … and with the executor's share
  Score score;
};

struct Unplaced {
  std::size_t demand = 0;
  ExplanationPtr why;
};

struct Plan {
  std::vector<Assignment> assignments;  // in the order of the decisions
  std::vector<Unplaced> unplaced;       // one per demand that was tried and not placed whole, in demand order
};

struct Totals {
  std::int64_t agents = 0, offering = 0, idle = 0;  // idle: nothing of ours runs there
  Resources total, free;                            // ports are left out
  // Of the free amount, the largest that one agent has: what one task could get at most.
  std::int64_t largest_cpu_milli = 0, largest_mem_mib = 0, largest_disk_mib = 0, largest_gpus = 0;
};

class Cluster {
 public:
  explicit Cluster(Rules rules = {});
  ~Cluster();
  Cluster(Cluster&&) noexcept;
  Cluster& operator=(Cluster&&) noexcept;
  Cluster copy() const;  // for a trial with other facts; costs what the cluster holds

  // A new agent offers nothing yet; one that is known keeps all but these facts.
  HostIndex put(HostFacts facts);
  void remove(HostIndex host);                 // with the work there
  void offer(HostIndex host, Resources free);  // all that may be taken there now
  void withdraw(HostIndex host);               // nothing is offered
  void stand(HostIndex host, Standing standing);
  void start(HostIndex host, const Work& work);
  void end(HostIndex host, const Work& work);   // ASSERTs that it was started there
  void hold(HostIndex host, const Hold& hold);  // instead of what was held there for the job
  void use_hold(HostIndex host, JobNumber job, const Resources& taken);  // … which is as much smaller now
  void avoid_ports(HostIndex host,
                   Ports ports);  // given only when there are no others; instead of those before

  std::vector<HostIndex> hosts() const;  // by their agents' ids
  const HostFacts& facts(HostIndex host) const;
  const Resources& free(HostIndex host) const;
  ResourceRequest held_for_others(HostIndex host, JobNumber job) const;  // than the job
  std::int64_t running(HostIndex host) const;                            // how many tasks
  Totals totals() const;  // costs a look at every cell, once after each change
  const Rules& rules() const;
  std::uint64_t looks() const;  // how often a cell or an agent was judged, ever: the cost in units of work

  // At most `most` assignments; demands that were not tried for that reason are not named as unplaced.
  // `successor` may append to the queue meanwhile.
  Plan place(const Queue& queue, std::size_t most = SIZE_MAX, const Successor& successor = {});

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace mimas::placement
