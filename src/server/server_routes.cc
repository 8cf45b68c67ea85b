// About the server itself: health, who leads, how it is set up, housekeeping, its description, the executors
// that agents fetch.
#include <filesystem>
#include <utility>

#include "api/commands.h"
#include "api/render_cluster.h"
#include "base/time.h"
#include "json/writer.h"
#include "net/clock.h"
#include "server/commands.h"
#include "server/executor_reply.h"
#include "server/openapi.h"
#include "server/route_files.h"
#include "server/sandbox.h"
#include "server/takes.h"

namespace mimas::server {
namespace {

using http::Reply;

Reply health(const RouteContext& context) {
  const engine::Connection connection = context.view.connection();
  json::Writer writer;
  writer.begin_object()
      .member("status", "ok")
      .member("subscribed", connection.subscribed)
      .member("master", connection.master)
      .member("frameworkId", connection.framework.value);
  writer.key("alerts").begin_array();
  for (const auto& [name, text] : context.view.alerts()) {
    writer.begin_object().member("name", name).member("text", text).end_object();
  }
  writer.end_array().end_object();
  return json_reply(writer.take());
}

Reply collect_garbage(const RouteContext& context, const Call& call) {
  auto checked = api::parse_collect_garbage(call.request.body);
  if (!checked.ok()) return faults(checked.faults);
  const auto answer = carry_out(context, call, std::move(checked.value));
  return answer.ok() ? no_content() : answer.refusal();
}

// As in "mimas-2026-11-21T213311.941Z.db".
std::string backup_name(Instant now) {
  std::string name = "mimas-" + format_rfc3339(now) + ".db";
  std::erase(name, ':');
  return name;
}

// Into the server's own directory for backups, under a plain name, so that no request writes elsewhere.
Reply back_up_records(const RouteContext& context, const Call& call) {
  const auto checked = api::parse_backup(call.request.body);
  if (!checked.ok()) return faults(checked.faults);
  if (Status allowed = may_change_cluster(call); !allowed.ok()) return problem(allowed.error());
  const std::string name = checked.value.empty() ? backup_name(Instant{net::wall_now().ms}) : checked.value;
  if (Status named = check_file_name(name); !named.ok()) return problem(named.error());
  if (!context.backup) return problem(make_error(Code::unavailable, "this server keeps no records"));
  std::error_code failure;
  std::filesystem::create_directories(context.backups, failure);
  if (failure) return problem(make_error(Code::io, failure.message(), context.backups));
  const std::string path = context.backups + "/" + name;
  if (Status done = context.backup(path); !done.ok()) return problem(done.error());
  json::Writer out;
  out.begin_object().member("name", name).member("path", path).end_object();
  return json_reply(out.take());
}

Reply tear_down(const RouteContext& context, const Call& call) {
  if (Status allowed = may_change_cluster(call); !allowed.ok()) return problem(allowed.error());
  const Status done =
      context.tear_down(FrameworkId(call.capture("id")), sender_of(call, {}), call.request.remote);
  return done.ok() ? no_content() : problem(done.error());
}

}  // namespace

void add_server_routes(Routes& routes, const RouteContext& context) {
  const auto look = [&](const char* pattern, CallHandler handler) {
    routes.add(Role::viewer, "GET", pattern, taking({.fields = true}, std::move(handler)));
  };
  look("/leader",
       [context](const Call&) { return json_reply(api::render_leader(context.facts, context.view)); });
  look("/status", [context](const Call&) {
    return json_reply(api::render_status(context.facts, context.view, Instant{net::wall_now().ms}));
  });
  look("/config", [context](const Call&) { return json_reply(context.config()); });
  look("/config/limits", [context](const Call&) { return json_reply(api::render_limits(context.limits)); });
  routes.add(Role::admin, "POST", "/admin/gc",
             taking({}, [context](const Call& call) { return collect_garbage(context, call); }));
  routes.add(Role::admin, "POST", "/admin/backup",
             taking({}, [context](const Call& call) { return back_up_records(context, call); }));
  routes.add(Role::admin, "DELETE", "/framework/{id}",
             taking({}, [context](const Call& call) { return tear_down(context, call); }));
  routes.add_bare(Role::none, "GET", "/health",
                  taking({}, [context](const Call&) { return health(context); }));
  const CallHandler describe = taking({}, [](const Call&) {
    Reply reply = json_reply(std::string(openapi_document()));
    reply.content_type = "application/yaml";
    return reply;
  });
  routes.add(Role::none, "GET", "/openapi.yaml", describe);
  routes.add_bare(Role::none, "GET", "/openapi.yaml", describe);
  routes.add_bare(Role::none, "GET", "/executor/{arch}", [context](const Call& call) {
    return executor_reply(context.executors, call.capture("arch"), call.request.header("If-None-Match"));
  });
}

}  // namespace mimas::server
