// GET /v2/tasks/{id}/stats and GET /v2/jobs/{id}/stats. Runs on http workers; touches only the published view
// and Stats, both thread-safe.
#pragma once

#include "http/listener.h"
#include "http/router.h"
#include "server/published_view.h"
#include "server/stats.h"

namespace mimas::server {

http::Reply task_stats(const PublishedView& view, const Stats& stats, const http::Request& request,
                       const http::Captures& captures);
// Of the newest task of every slot.
http::Reply job_stats(const PublishedView& view, const Stats& stats, const Job& job);

}  // namespace mimas::server
