// GET /v2/events: docs/events.md. Runs on http workers, one for each reader.
#pragma once

#include "server/call.h"
#include "server/routes.h"

namespace mimas::server {

// What the context refers to outlives the listener.
void add_event_routes(Routes& routes, const RouteContext& context);

}  // namespace mimas::server
