// Whether a command touches only what its sender may change: asked in one place, where every command passes
// (server/commands.h), so that no route can forget it. Of a job or task that is not on record a caller with
// scopes is told so here: until the command is carried out it might be there, and somebody else's.
// Thread-safe. Tested in tests/server/scopes_test.cc.
#pragma once

#include "engine/input.h"
#include "engine/view.h"
#include "server/call.h"

namespace mimas::server {

// Errors: permission_denied, not_found.
Status in_scope(const engine::View& view, const Call& call, const engine::SubmitJob& command);
Status in_scope(const engine::View& view, const Call& call, const engine::KillJob& command);
Status in_scope(const engine::View& view, const Call& call, const engine::SetInstanceCounts& command);
Status in_scope(const engine::View& view, const Call& call, const engine::SetInService& command);
Status in_scope(const engine::View& view, const Call& call, const engine::SetJobProcesses& command);
// A job may not be moved out of the scope, nor into it.
Status in_scope(const engine::View& view, const Call& call, const engine::ChangeJob& command);
Status in_scope(const engine::View& view, const Call& call, const engine::KillTasks& command);
Status in_scope(const engine::View& view, const Call& call, const engine::RequestOperation& command);
Status in_scope(const engine::View& view, const Call& call, const engine::AdoptOrphans& command);
Status in_scope(const engine::View& view, const Call& call, const engine::KillOrphans& command);
Status in_scope(const engine::View& view, const Call& call, const engine::OrderAgent& command);
Status in_scope(const engine::View& view, const Call& call, const engine::SetGroup& command);
Status in_scope(const engine::View& view, const Call& call, const engine::DeleteGroup& command);
Status in_scope(const engine::View& view, const Call& call, const engine::CollectGarbage& command);

}  // namespace mimas::server
