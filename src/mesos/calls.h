// The other calls of the scheduler API (mesos-protocol §2.2). Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "engine/effect.h"
#include "mesos/driver.h"
#include "mesos/protos.h"
#include "mesos/standing.h"

namespace mimas::mesos {

inline constexpr std::size_t kReconcileIdsMax = 1'000;  // in one RECONCILE, §2.6

// With an empty framework id: a first registration, which must not carry one (rule 24).
scheduler::Call make_subscribe(const DriverOptions& options, const FrameworkId& framework,
                               const std::string& hostname, const Standing& standing);

// The same FrameworkInfo as SUBSCRIBE carried (its user, principal and checkpoint must not change, §2.2) with
// the suppressed roles and constraints of now. Answered 200; may not be overtaken (§1.10).
scheduler::Call make_update_framework(const DriverOptions& options, const FrameworkId& framework,
                                      const std::string& hostname, const Standing& standing);

scheduler::Call make_teardown(const FrameworkId& framework);

// None for a reply (nothing for the master), for an acknowledgement that no agent could take, for
// ConstrainOffers (make_update_framework's) and for AcceptOffers, which is launch.h's. More than one for a
// long explicit reconciliation.
std::vector<scheduler::Call> make_calls(const engine::Effect& effect, const FrameworkId& framework);

}  // namespace mimas::mesos
