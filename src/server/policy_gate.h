// Whether the sender of a command may have what the job asks for: the policy's rules of the role, narrowed by
// the credentials. Asked in one place, where every command passes (server/commands.h), for submissions,
// changes, raised counts and dry runs alike. Whoever changes a description or raises a count answers for the
// whole of it: else a job that an admin submitted could be made to run anything. Ending and lowering are
// free. On http workers; thread-safe. Tested in tests/server/policy_gate_test.cc.
#pragma once

#include <concepts>
#include <vector>

#include "api/sight.h"
#include "engine/input.h"
#include "server/routes.h"

namespace mimas::server {

std::vector<api::Fault> forbidden(const RouteContext& context, const Call& call,
                                  const engine::SubmitJob& command);
std::vector<api::Fault> forbidden(const RouteContext& context, const Call& call,
                                  const engine::ChangeJob& command);
std::vector<api::Fault> forbidden(const RouteContext& context, const Call& call,
                                  const engine::SetInstanceCounts& command);

// Commands that give no job anything.
template <class Command, class... Listed>
concept OneOf = (std::same_as<Command, Listed> || ...);
template <class Command>
concept GivesNothing =
    OneOf<Command, engine::KillJob, engine::KillTasks, engine::SetInService, engine::SetJobProcesses,
          engine::CollectGarbage, engine::AdoptOrphans, engine::KillOrphans, engine::SetGroup,
          engine::DeleteGroup, engine::RequestOperation, engine::OrderAgent>;
template <GivesNothing Command>
std::vector<api::Fault> forbidden(const RouteContext&, const Call&, const Command&) {
  return {};
}

// Whose values of `env` the caller may read: by the role's `readEnv`, and of the caller's applications alone.
api::Sight sight_of(const RouteContext& context, const Call& call);

}  // namespace mimas::server
