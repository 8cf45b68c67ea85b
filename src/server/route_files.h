// The routes by what they are about, one file each; make_routes (server/routes.h) puts them together. On http
// workers; they touch only thread-safe things. Held against api/openapi.yaml by tests/server/routes_test.cc
// and driven by tests/e2e/rest_test.py.
#pragma once

#include "server/call.h"
#include "server/routes.h"

namespace mimas::server {

// A handler below a task's id (the name of its capture), for whoever may read what the task's job writes and
// uses; of a task that is not there the handler says so.
CallHandler reading(const RouteContext& context, const char* capture, CallHandler handler);

void add_job_routes(Routes& routes, const RouteContext& context);     // submit, list, look
void add_change_routes(Routes& routes, const RouteContext& context);  // what changes a job
void add_task_routes(Routes& routes, const RouteContext& context);
void add_cluster_routes(Routes& routes, const RouteContext& context);  // agents, operations, orphans, queue
void add_group_routes(Routes& routes, const RouteContext& context);    // capacity groups
void add_server_routes(Routes& routes, const RouteContext& context);  // leader, status, config, admin, health
void add_later_routes(Routes& routes);                                // 501, each with what to do instead

// What later versions will answer: method, path below /v2, what it is for.
struct LaterRoute {
  const char* method;
  const char* pattern;
  const char* what;     // "rolling updates"
  const char* instead;  // what can be done today
};
const std::vector<LaterRoute>& later_route_table();

}  // namespace mimas::server
