// Whose task is next: the order in which a round gives out what the cluster has. Pure; one object for one
// round, asked again after every task, because what a group was just given counts at once.
//
//   tier              critical groups, then flex ones
//   guarantee         groups below theirs, then the others
//   dominant share    the smaller first, divided by the group's weight: weighted dominant resource fairness
//                     (Ghodsi et al., NSDI 2011). A share is what the group uses of a kind by what all agents
//                     have of it; the largest of a group's shares is its dominant one. Compared exactly, as
//                     fractions; kinds that the cluster lacks do not count
//   group's name
//   priority          the higher first; then who waits longest, then the lower job number
//
// A demand that finds no place, or would take its group above its quota, steps aside and blocks nobody. A
// quota is checked with the executor's whole share, even where a shared executor would spare it, so that the
// answer does not depend on the agent.
//
// What is given out mostly takes room away, but not always: an agent gets its first task of a job that
// another wants to be with, or an executor that another would share, or a job's tasks are in balance again.
// Whom that may concern gets a second turn once everybody has had the first.
//
// Costs: O(log groups) for each task, O(1) while one group alone waits, O(demands · log demands) once.
// Tested in tests/placement/order_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/explanation.h"
#include "placement/queue.h"

namespace mimas::placement {

// The most that one task of the demand can be charged: its request, the executor's share, and the network
// bandwidth it asks for.
ResourceRequest charge_at_most(const Demand& demand);

class Order {
 public:
  // The queue must outlive it. `total`: of all agents that are known; ports are not looked at. ASSERTs that
  // every demand names one of the queue's groups.
  Order(const Queue& queue, const Resources& total, Successor successor = {});

  // The demand whose task is next; the same until it is told what became of it. Nothing: the round is over.
  std::optional<std::size_t> next();
  // Of the task that next() named: it got these amounts (Assignment::allocated, ::charged) …
  void placed(const Resources& allocated, bool charged);
  // … or no agent takes it, nor the others of its demand. next() may name it again: see above.
  void failed();

  std::size_t demands() const { return left_.size(); }                   // of the queue, those that it knows
  std::int64_t left(std::size_t demand) const { return left_[demand]; }  // tasks not placed yet
  // Stopped by its group's quota, so that no agent was looked at for what is left of it.
  bool is_over_quota(std::size_t demand) const { return over_quota_[demand]; }
  std::vector<Lack> quota_lacks(std::size_t demand) const;  // then: of what the quota has too little left

 private:
  // A group's standing in the line, smaller first. The share is used / (total · weight).
  struct Standing {
    std::size_t group = 0;
    bool below_guarantee = false;
    std::uint64_t used = 0, of = 1;
    std::size_t front = 0, end = 0;  // of its demands in waiting_
  };
  void line_up(std::vector<std::size_t> demands);
  void give_another_turn(const Demand& placed, bool charged);
  bool goes_before(const Standing& a, const Standing& b) const;
  void weigh(Standing& standing) const;
  bool waits_before(std::size_t a, std::size_t b) const;  // demands; by group, then within it
  void settle_first();                                    // its standing has changed
  void drop_demand();                                     // the first of the first group is done with …
  void next_in_line(std::size_t demand);                  // … or whoever stands behind it takes its place

  const Queue* queue_;
  Successor successor_;
  ResourceRequest total_;
  std::vector<ResourceRequest> used_;  // by group
  std::vector<std::int64_t> left_;     // by demand
  std::vector<bool> over_quota_;
  std::vector<std::size_t> waiting_;  // demands by group, each group's in their order
  // Failed ones by what may help them, and those that it has helped.
  std::map<JobNumber, std::vector<std::size_t>> hope_for_job_;
  std::map<std::string, std::vector<std::size_t>> hope_for_executor_;
  std::set<std::size_t> again_;
  std::vector<Standing> line_;  // a heap, whose first goes first; groups with nothing left are gone
};

}  // namespace mimas::placement
