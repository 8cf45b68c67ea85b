// GET /metrics for Prometheus, and GET /ready for whoever decides where requests go: 200 while the records
// are loaded and the Mesos master takes our calls, else 503. Runs on http workers.
#pragma once

#include "server/call.h"
#include "server/metrics.h"
#include "server/published_view.h"

namespace mimas::server {

void add_metrics_routes(Routes& routes, const PublishedView& view, const Metrics& metrics);

}  // namespace mimas::server
