// GET /v2/events: docs/events.md. Runs on http workers, one for each reader.
#pragma once

#include "server/call.h"
#include "server/event_ring.h"
#include "server/published_view.h"

namespace mimas::server {

// `view` and `ring` outlive the listener.
void add_event_routes(Routes& routes, const PublishedView& view, EventRing& ring);

}  // namespace mimas::server
