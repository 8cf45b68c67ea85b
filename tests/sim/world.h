// A whole cluster from one seed: masters that fail over, machines that vanish and return, executors that lie,
// a network that delays, cuts and goes silent, a scheduler that crashes and comes back from its disk, people
// who submit, scale and kill. Every step either lets the next deed happen or interferes, and is followed by
// the checks of rule 131. calm() ends the faults and waits until everything agrees. A run is its seed: same
// seed, same digest. Tested in tests/sim/rules_simulation_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agents.h"
#include "disk.h"
#include "ground.h"
#include "masters.h"
#include "scheduler.h"

namespace mimas::sim {

struct Options {
  std::uint64_t seed = 1;
  std::int64_t agents = 3;
  std::int64_t jobs_max = 12;
  Planted planted = Planted::nothing;
  std::int64_t crash_at = 0;  // the scheduler's write boundary to crash at (scheduler.h); 0: none
  std::string directory;      // a real store there; empty: records are kept in memory
};

class World {
 public:
  explicit World(const Options& options);

  void run(std::int64_t steps);
  // Without faults until everything has converged; broken() when it has not after kCalmMs.
  void calm();
  // Lets time pass without interference, faults as they are.
  void pass(std::int64_t ms);

  const std::vector<std::string>& violations() const { return ground_.violations; }
  const std::map<std::string, std::int64_t>& probes() const { return ground_.probes; }
  std::uint64_t digest() const { return ground_.digest(); }
  std::int64_t boundaries() const { return ledger_.boundaries; }
  std::int64_t steps() const { return ground_.steps; }
  Ground& ground() { return ground_; }
  Masters& masters() { return masters_; }
  Scheduler* scheduler() { return scheduler_.get(); }

  void submit(JobType type, std::int64_t instances);
  void turn_faults(bool on);

  static constexpr std::int64_t kCalmMs = 3'600'000;

 private:
  bool step();  // false: nothing is left to happen
  void scheduler_starts();
  void scheduler_dies();

  // world_faults.cc
  void interfere();
  void disturb_network();
  void disturb_cluster();
  void disturb_scheduler();
  void change(const Job& job);
  void command();
  Agent& any_agent();

  // world_checks.cc
  void check();
  void check_ends();
  void check_unacknowledged();
  std::string disagreement();  // what keeps the world from having converged; empty: it has

  Options options_;
  Ground ground_;
  Prng changes_;  // of its own: what is changed of jobs is no turn of the world
  Masters masters_;
  Disk disk_;
  Ledger ledger_;
  std::vector<std::unique_ptr<Agent>> agents_;
  std::shared_ptr<Scheduler> scheduler_;
  std::int64_t wall_offset_ms_ = 0;
  std::uint64_t requests_ = 0;
  std::map<std::string, TaskState> ends_;          // task ids that were seen to end, and how
  std::map<std::string, Instant> unacknowledged_;  // uuids at agents, since when, after the faults
};

}  // namespace mimas::sim
