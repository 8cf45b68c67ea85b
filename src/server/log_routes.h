// GET /v2/logs/{taskId} and GET /v2/logs/{taskId}/{file}: the URLs, and the bytes through us, from the task's
// agent.
#pragma once

#include <string_view>

#include "http/listener.h"
#include "http/router.h"
#include "server/published_view.h"

namespace mimas::server {

// `archive`: where executors archive logs (--archive); empty: nowhere that we know. Asks the task's agent
// which files there are.
http::Reply log_urls(const PublishedView& view, const http::Request& request, const http::Captures& captures,
                     std::string_view archive);

// Query: offset (bytes, default 0; negative: from the end), length (default: to the end), follow=true (stay
// until the task has ended, also over rotations). Streams in pieces of 256 KiB: a log of any size costs us
// one piece of memory.
http::Reply log_bytes(const PublishedView& view, const http::Request& request,
                      const http::Captures& captures);

}  // namespace mimas::server
