// GET /v2/audit: who changed what. For operators: it names people and addresses.
#pragma once

#include "server/call.h"
#include "server/published_view.h"

namespace mimas::server {

void add_audit_routes(Routes& routes, const PublishedView& view);  // which outlives them

}  // namespace mimas::server
