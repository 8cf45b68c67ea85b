// Which agents a scheduler lets itself be offered: its offer constraints (mesos-protocol §2.2), checked when
// they come and asked for every offer. Regular expressions are RE2's and match the whole text; their programs
// have a real master's bounds by default. Pure functions, thread-safe. Tested in
// tests/pocket/offer_constraints_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pocket/protos.h"

namespace mimas::pocket {

inline constexpr int kConstraintRegexProgramMax = 100;  // instructions
inline constexpr std::int64_t kConstraintRegexMemoryBytes = 4096;

// Empty: fine. Otherwise why not, as it stands after "Offer constraints are not valid: ".
std::string check_offer_constraints(const mscheduler::OfferConstraints& constraints);
// Roles with constraints that the framework does not have; empty: none.
std::string check_constraint_roles(const mscheduler::OfferConstraints& constraints,
                                   const std::vector<std::string>& roles);

// A role without constraints may be offered any agent.
bool constraints_allow(const mscheduler::OfferConstraints& constraints, const std::string& role,
                       const mv1::AgentInfo& agent);

}  // namespace mimas::pocket
