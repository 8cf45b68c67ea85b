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
  std::optional<Unavailability> maintenance;  // as its last offer or inverse offer told
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
