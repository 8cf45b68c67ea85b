// Binds paths to api: parse, command, wait, render. Every route answers under /v2 and /api/v2 alike. Runs on
// http workers; touches only thread-safe things (mailbox, replies, view, executors).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "api/job_fields.h"
#include "http/router.h"
#include "server/executors.h"
#include "server/mailbox.h"
#include "server/published_view.h"
#include "server/replies.h"
#include "server/stats.h"

namespace mimas::server {

struct RouteContext {
  Mailbox& mailbox;
  Replies& replies;
  const PublishedView& view;
  const Executors& executors;
  const Stats& stats;
  std::int64_t command_timeout_ms = 15'000;
  std::function<Status(const FrameworkId&)> tear_down;  // blocks until it is done, or refuses
  std::string archive;                // where executors archive logs (--archive); empty: nowhere
  api::Permissions permissions = {};  // what jobs may ask for
};

http::Router make_routes(const RouteContext& context);

}  // namespace mimas::server
