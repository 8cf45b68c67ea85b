// A task that runs in our name and of which the records know nothing: after an old copy of the database was
// put back, or when somebody else used our framework id. What people decide about it is durable. Records are
// immutable once published. Tested through tests/engine/orphans_test.cc and tests/store/store_test.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"

namespace mimas {

enum class OrphanDecision {
  undecided,  // just found; killed, as long as few of all tasks are orphans
  waiting,    // too many were, which speaks for a wrong database: nothing happens until a person decides
  leave,      // somebody wanted to adopt it and it could not be: never killed unless asked
  kill,       // somebody asked for its end
};
std::string_view orphan_decision_name(OrphanDecision decision);  // "undecided", "waiting", …
std::optional<OrphanDecision> parse_orphan_decision(std::string_view name);

struct Orphan {
  TaskId task;
  AgentId agent;         // may be empty: the master did not say
  std::string hostname;  // empty while its agent is unknown
  std::string state;     // as Mesos spells it: "TASK_RUNNING"
  Instant first_seen;
  OrphanDecision decision = OrphanDecision::undecided;
  std::string reason;  // for a person: why it waits, was not adopted, or who asked for its end

  bool operator==(const Orphan&) const = default;
};
using OrphanPtr = std::shared_ptr<const Orphan>;

}  // namespace mimas
