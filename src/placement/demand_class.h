// Demands that ask for the same, and what they make of an agent: whether a task could go there, why not, and
// how good it would be. Private to the room; search.h keeps each class's order of the cells.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "placement/hosts.h"

namespace mimas::placement {

// Why not, in the order in which reasons are looked for.
enum class Stage : std::uint8_t {
  constraint,  // index: of the hard constraint
  exclusive,   // another job has the agent for itself
  apart,       // index: into Demand::apart, of a job there that wants to be apart from this one
  dedicated,   // index: of the attribute in Rules::dedicated
  standing,    // index: Standing
  no_offer,
  cpu,
  memory,
  disk,
  gpus,
  ports,
  scalar,  // index: of the amount in DemandClass::scalars, one past them: the network
  none,    // a task could go there
};
struct Reason {
  Stage stage = Stage::none;
  std::size_t index = 0;
  bool lacks_attribute = false;  // over whose values the constraint spreads tasks
  auto operator<=>(const Reason&) const = default;
};
inline constexpr std::size_t kNothing = SIZE_MAX;

// A constraint that spreads tasks over an attribute's values.
struct Balance {
  const Constraint* constraint = nullptr;
  std::size_t index = 0;  // among the hard constraints; of no meaning for soft ones
  bool hard = false;
  int attribute = -1;  // balanced attribute's number; -1: each agent is a value of its own
};

// What depends on an agent's attributes alone.
struct Fixed {
  bool known = false;
  std::size_t failed = kNothing;     // first hard constraint that they fail
  std::size_t failures = 0;          // how many of them
  std::size_t dedicated = kNothing;  // attribute that is for others
  std::int64_t soft = 0;             // weighted sum of soft constraints' 0..1000
  std::int64_t cost = 0;
  std::vector<int> values;  // of the balances' attributes
  bool is_eligible() const { return failed == kNothing && dedicated == kNothing; }
};

class DemandClass {
 public:
  // Asks the hosts to tell apart what its constraints name.
  DemandClass(const Demand& demand, const Rules& rules, Hosts& hosts);
  // Equal keys mean equal classes; `executor`: 0 unless jobs share it.
  static std::string key(const Demand& demand, NameId executor);

  const Fixed& fixed(const Hosts& hosts, std::uint32_t attributes) const;
  void forget_fixed() { fixed_.clear(); }

  std::shared_ptr<const JobSpec> spec;
  const Rules* rules = nullptr;
  ResourceRequest request, share;            // the request without ports' numbers, the executor's share
  std::int64_t network = 0;                  // in thousandths; where the agent has any
  NameId executor = 0;                       // that jobs share
  std::vector<std::size_t> hard_about_work;  // hard constraints whose answer depends on more than attributes
  std::vector<const Constraint*> soft_about_work;
  std::vector<Balance> balances;
  std::int64_t soft_weight = 0;      // of all soft constraints; 0: none
  bool asks_where_it_runs = false;   // its answer differs where the job runs
  bool asks_for_company = false;     // hard with(…)
  bool asks_apart = false;           // hard apart(…)
  bool asks_for_hosts = false;       // hostname or agentId
  bool balances_over_hosts = false;  // GroupBy(hostname), MaxPer(hostname, n)
  bool counts_images = false;

 private:
  void sort_out(const Constraint& constraint, bool hard, std::size_t index, Hosts& hosts);

  mutable std::vector<Fixed> fixed_;  // by class of attributes
};

bool is_about_hosts(const Constraint& constraint);

// The hard constraints on what hostname or agentId is, in the job's order, and whether an agent's holds.
std::vector<const Constraint*> names_asked_by(const DemandClass& cls);
bool fits_hosts_name(const Constraint& constraint, const Host& host);

// How one balance stands for one job.
struct BalanceNow {
  const std::vector<std::int64_t>* counts = nullptr;  // by value; nullptr: nothing runs
  std::int64_t least = 0;                             // of the values that can ever be had
  std::int64_t count(int value) const;
};
// Over agents: the count on the one agent stands for the value's.
bool blocks(const Balance& balance, std::int64_t count, std::int64_t least);
std::int64_t balance_score(const Balance& balance, std::int64_t count, std::int64_t least);  // 0..1000

// One demand of a round.
struct Want {
  const Demand* demand = nullptr;
  DemandClass* cls = nullptr;
  WorkThere work;             // a task of it
  bool own_executor = false;  // it names an executor that only its job runs
  std::vector<BalanceNow> balances;
};

// What the task would take of an agent, the executor's share included if it is paid there.
struct Charge {
  std::int64_t cpu = 0, mem = 0;
  bool share = false, network = false;
};
Charge charge(const Want& want, const CellKey& key, const Host* host);

// `host`: nullptr stands for an agent of the cell on which nothing of interest to this job alone is.
// `ignored`: a hard constraint that is taken as fulfilled.
Reason why_not(const Hosts& hosts, const Want& want, const CellKey& key, const Host* host, bool balances,
               std::size_t ignored = kNothing);

struct Merit {
  std::int64_t fitness = 0;  // 0..1000
  std::int64_t soft = 0;     // weighted sum, without the balances over attributes
};
Merit merit(const Hosts& hosts, const Want& want, const CellKey& key, const Host* host);
// Ranks as the whole score does, but exactly; adding soft · kSoftPercent for a balance stays exact.
std::int64_t rank(const DemandClass& cls, const Merit& merit);

}  // namespace mimas::placement
