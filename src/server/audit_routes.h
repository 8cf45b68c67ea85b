// GET /v2/audit: who changed what. For operators: it names people and addresses.
#pragma once

#include "engine/view.h"
#include "server/call.h"

namespace mimas::server {

void add_audit_routes(Routes& routes, const engine::View& view);  // which outlives them

}  // namespace mimas::server
