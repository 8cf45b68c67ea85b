// A Mesos agent as the scheduler sees it, and an offer of part of it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "model/constraint.h"
#include "model/resources.h"

namespace mimas {

enum class AgentState { active, unreachable, gone };
std::string_view agent_state_name(AgentState state);

// Planned maintenance (mesos-protocol §2.4).
struct Unavailability {
  Instant start;
  std::int64_t duration_ms = 0;  // 0: until further notice
  Instant end() const { return duration_ms == 0 ? kNever : start + duration_ms; }
  bool operator==(const Unavailability&) const = default;
};

// May new work go there? The first of these that is true, in the order of who decided it: the master's
// schedule, an operator, what was seen, and how busy it is with what was just sent.
enum class Standing : std::uint8_t { open, maintenance, drained, disabled, quarantined, launching };
std::string_view standing_name(Standing standing);  // "open", "maintenance", "drained", …

// What an operator wants of an agent, until somebody wants otherwise; outlives the agent's absence.
struct AgentOrder {
  enum class Kind {
    disable,  // no new tasks
    drain,    // and services are moved away, batch tasks are left to end
  };
  AgentId agent;
  std::string hostname;  // when it was given, for people
  Kind kind = Kind::disable;
  Instant deadline = kNever;  // drain: what still runs then is ended, and started again elsewhere
  std::string user;
  Instant at;
  std::string reason;  // for people; may be empty
  bool operator==(const AgentOrder&) const = default;
};
using AgentOrderPtr = std::shared_ptr<const AgentOrder>;
std::string_view agent_order_name(AgentOrder::Kind kind);  // "disable", "drain"
std::optional<AgentOrder::Kind> parse_agent_order(std::string_view name);

struct Agent {
  AgentId id;
  std::string hostname;
  std::string endpoint;  // "ip:port" of its HTTP
  Attributes attributes;
  std::string region, zone;
  AgentState state = AgentState::active;
  Instant seen_at;                            // last offer or update
  Resources offered;                          // what we hold in offers right now
  Resources used;                             // what our own tasks hold there
  Resources total;                            // the most that was offered and used at one time
  std::int64_t tasks = 0;                     // ours that are alive there
  std::int64_t launching = 0;                 // … of them on their way to run
  std::optional<Unavailability> maintenance;  // as its last offer or inverse offer told
  AgentOrderPtr order;                        // null: none
  // Starts that failed for its sake, a thousand each, as of failures_at; half as many after every half-life.
  std::int64_t failure_score = 0;
  Instant failures_at;
  std::string last_failure;      // for people
  Instant quarantined_until;     // 0: it is not
  std::int64_t quarantines = 0;  // in a row: each is longer than the one before
  Instant quarantine_ended_at;   // the last one; 0: none yet
  Standing standing = Standing::open;
};
using AgentPtr = std::shared_ptr<const Agent>;

struct Offer {
  OfferId id;
  AgentId agent;
  std::string hostname;
  std::string endpoint;  // "ip:port"
  std::string role;
  Attributes attributes;
  std::string region, zone;
  Resources resources;                          // what a task may be given, reserved or not
  Resources unreserved;                         // of it: without any reservation
  Resources reserved;                           // of it: reserved dynamically, so that it can be given back
  std::map<std::string, std::int64_t> volumes;  // persistence id → MiB; not part of `resources`
  std::optional<Unavailability> unavailability;
};

// The master asks for an agent back (mesos-protocol §2.3).
struct InverseOffer {
  OfferId id;
  AgentId agent;  // empty: no agent in particular
  Unavailability unavailability;
};

}  // namespace mimas
