// A Mesos agent as the scheduler sees it, and an offer of part of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "model/constraint.h"
#include "model/resources.h"

namespace mimas {

enum class AgentState { active, unreachable, gone };
std::string_view agent_state_name(AgentState state);

struct Agent {
  AgentId id;
  std::string hostname;
  std::string endpoint;  // "ip:port" of its HTTP
  Attributes attributes;
  std::string region, zone;
  AgentState state = AgentState::active;
  Instant seen_at;    // last offer or update
  Resources offered;  // what we hold in offers right now
  Resources used;     // what our own tasks hold there
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
  Resources resources;
  bool unavailable_soon = false;  // the offer carries an unavailability: maintenance is planned
};

}  // namespace mimas
