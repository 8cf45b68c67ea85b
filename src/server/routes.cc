#include "server/routes.h"

#include <utility>

#include "server/answers.h"
#include "server/audit_routes.h"
#include "server/event_routes.h"
#include "server/log_routes.h"
#include "server/metrics_routes.h"
#include "server/route_files.h"

namespace mimas::server {

http::Router make_routes(const RouteContext& context, Authenticate authenticate) {
  Routes routes(std::move(authenticate), context.log_change);
  routes.watch(
      [&metrics = context.metrics](const std::string& method, const std::string& pattern, int status,
                                   double seconds) { metrics.answered(method, pattern, status, seconds); });
  add_job_routes(routes, context);
  add_change_routes(routes, context);
  add_task_routes(routes, context);
  const LogContext logs{context.view, context.archive, context.agents};
  routes.add(Role::viewer, "GET", "/logs/{taskId}",
             [logs](const Call& call) { return log_urls(logs, call.request, call.captures); });
  routes.add(Role::viewer, "GET", "/logs/download/{taskId}",
             [logs](const Call& call) { return log_downloads(logs, call.request, call.captures); });
  routes.add(Role::viewer, "GET", "/tasks/{taskId}/files",
             [logs](const Call& call) { return log_downloads(logs, call.request, call.captures); });
  routes.add(Role::viewer, "GET", "/logs/{taskId}/{file}",
             [logs](const Call& call) { return log_bytes(logs, call.request, call.captures); });
  add_cluster_routes(routes, context);
  add_group_routes(routes, context);
  add_server_routes(routes, context);
  add_later_routes(routes);
  add_audit_routes(routes, context.view);
  add_event_routes(routes, context.view, context.events);
  add_metrics_routes(routes, context.view, context.metrics);
  http::Router router = routes.take();
  router.set_fallback(
      [&metrics = context.metrics](const http::Request& request, int status, const std::string& allow) {
        metrics.answered("other", "none", status, 0);
        return unmatched(status, request.path, allow);
      });
  return router;
}

}  // namespace mimas::server
