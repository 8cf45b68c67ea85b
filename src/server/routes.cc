#include "server/routes.h"

#include <utility>

#include "server/answers.h"
#include "server/audit_routes.h"
#include "server/event_routes.h"
#include "server/log_routes.h"
#include "server/metrics_routes.h"
#include "server/route_files.h"

namespace mimas::server {

CallHandler reading(const RouteContext& context, const char* capture, CallHandler handler) {
  return [&view = context.view, capture, handler = std::move(handler)](const Call& call) {
    const TaskPtr task = view.task(TaskId(call.capture(capture)));
    const JobPtr job = task ? view.job(task->job) : nullptr;
    if (job) {
      if (Status allowed = may_read(call, job->spec->app_name); !allowed) return problem(allowed.error());
    }
    return handler(call);
  };
}

http::Router make_routes(const RouteContext& context, Authenticate authenticate) {
  Routes routes(std::move(authenticate), context.log_change);
  routes.watch(
      [&metrics = context.metrics](const std::string& method, const std::string& pattern, int status,
                                   double seconds) { metrics.answered(method, pattern, status, seconds); });
  add_job_routes(routes, context);
  add_change_routes(routes, context);
  add_task_routes(routes, context);
  const LogContext logs{context.view, context.archive, context.agents};
  using LogHandler = http::Reply (*)(const LogContext&, const http::Request&, const http::Captures&);
  for (const auto& [pattern, handler] : {std::pair<const char*, LogHandler>{"/logs/{taskId}", log_urls},
                                         {"/logs/download/{taskId}", log_downloads},
                                         {"/tasks/{taskId}/files", log_downloads},
                                         {"/logs/{taskId}/{file}", log_bytes}}) {
    routes.add(Role::viewer, "GET", pattern,
               reading(context, "taskId", [logs, handler = handler](const Call& call) {
                 return handler(logs, call.request, call.captures);
               }));
  }
  add_cluster_routes(routes, context);
  add_group_routes(routes, context);
  add_server_routes(routes, context);
  add_later_routes(routes);
  add_audit_routes(routes, context.view);
  add_event_routes(routes, context);
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
