// Binds paths to api: parse, command, wait, render (server/route_files.h). Every route answers under /v2 and
// /api/v2 alike. Runs on
// http workers; touches only thread-safe things (mailbox, replies, view, executors).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "api/job_policy.h"
#include "api/render_cluster.h"
#include "http/router.h"
#include "server/call.h"
#include "server/event_ring.h"
#include "server/executors.h"
#include "server/mailbox.h"
#include "server/metrics.h"
#include "server/published_view.h"
#include "server/replies.h"
#include "server/sandbox_link.h"
#include "server/stats.h"

namespace mimas::server {

struct RouteContext {
  Mailbox& mailbox;
  Replies& replies;
  const PublishedView& view;
  const Executors& executors;
  const Stats& stats;
  EventRing& events;
  Metrics& metrics;
  std::int64_t command_timeout_ms = 15'000;
  // On whose behalf, and from where. Blocks until it is done, or refuses.
  std::function<Status(const FrameworkId&, const std::string& user, const std::string& address)> tear_down;
  std::string archive;  // where executors archive logs (--archive); empty: nowhere
  std::function<std::shared_ptr<const api::JobPolicy>()> policy =
      {};  // what jobs may ask for; none: the safe one
  // The value of a secret, to see whether it is there. Errors: not_found.
  std::function<Result<std::string>(const std::string& name)> secret = {};
  AgentAccess agents = {};                                     // who of them may be told our name
  std::string backups = {};                                    // the directory for them
  std::function<Status(const std::string& path)> backup = {};  // back_up.h; blocks until it is done
  Routes::LogLine log_change = {};
  api::ServerFacts facts = {};  // who we are
  // What GET /v2/config answers (server/config_json.h), as of now.
  std::function<std::string()> config = [] { return std::string("{}"); };
  api::ServerLimits limits = {};
};

// `authenticate` is the listener's: who its callers are.
http::Router make_routes(const RouteContext& context, Authenticate authenticate);

}  // namespace mimas::server
