#include "server/metrics_routes.h"

#include <utility>

#include "json/writer.h"
#include "server/answers.h"
#include "server/takes.h"

namespace mimas::server {
namespace {

// The records are loaded before the listener opens, so only the master can be missing.
http::Reply ready(const PublishedView& view) {
  const engine::Connection connection = view.connection();
  if (!connection.subscribed) {
    return problem(make_error(Code::unavailable,
                              "no Mesos master has accepted the subscription yet, or not again",
                              connection.master, "GET /health and the log tell more"));
  }
  json::Writer out;
  out.begin_object().member("status", "ready").member("master", connection.master).end_object();
  return json_reply(out.take());
}

http::Reply metrics_text(const Metrics& metrics) {
  http::Reply reply;
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  reply.body = metrics.text();
  return reply;
}

}  // namespace

void add_metrics_routes(Routes& routes, const PublishedView& view, const Metrics& metrics) {
  routes.add_bare(Role::none, "GET", "/ready", taking({}, [&view](const Call&) { return ready(view); }));
  routes.add_bare(Role::viewer, "GET", "/metrics",
                  taking({}, [&metrics](const Call&) { return metrics_text(metrics); }));
}

}  // namespace mimas::server
