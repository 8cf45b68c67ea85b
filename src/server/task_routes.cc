// Tasks: list, look, kill. Their logs and files: server/log_routes.h.
#include <utility>

#include "api/commands.h"
#include "api/render.h"
#include "api/render_why.h"
#include "server/commands.h"
#include "server/log_routes.h"
#include "server/route_files.h"
#include "server/stats_routes.h"
#include "server/takes.h"

namespace mimas::server {
namespace {

using http::Reply;

Reply list_tasks(const RouteContext& context, const Call& call) {
  auto query = api::parse_task_query(parameters_of(call.request));
  if (!query.ok()) return faults(query.faults);
  return task_list(context.view, std::move(query.value));
}

Reply get_task(const RouteContext& context, const Call& call) {
  const TaskId id(call.capture("id"));
  const TaskPtr task = context.view.task(id);
  const JobPtr job = task ? context.view.job(task->job) : nullptr;
  if (!job) return unknown_id("task", id.value);
  return json_reply(api::render_task(*task, *job, context.view.shortfall(task->job)));
}

Reply get_why(const RouteContext& context, const Call& call) {
  const TaskId id(call.capture("id"));
  const TaskPtr task = context.view.task(id);
  const JobPtr job = task ? context.view.job(task->job) : nullptr;
  if (!job) return unknown_id("task", id.value);
  return json_reply(api::render_task_why(context.view, *task, *job));
}

Reply get_failures(const RouteContext& context, const Call& call) {
  const TaskId id(call.capture("taskId"));
  const TaskPtr task = context.view.task(id);
  if (!task) return unknown_id("task", id.value);
  std::string body = api::render_failures(context.view, *task);
  if (!body.empty()) return json_reply(std::move(body));
  return problem(make_error(Code::not_found, "no agent was looked at in vain for task " + id.value, {},
                            "GET /v2/tasks/" + id.value + "/why says how it is"));
}

Reply kill_tasks(const RouteContext& context, const Call& call, engine::KillTasks command) {
  const auto answer = carry_out(context, call, std::move(command));
  return answer.ok() ? no_content() : problem(answer.error());
}

Reply kill_named(const RouteContext& context, const Call& call) {
  engine::KillTasks command;
  command.tasks.emplace_back(call.capture("id"));
  command.strict = true;  // whoever names one task wants to know when it is not there any more
  return kill_tasks(context, call, std::move(command));
}

}  // namespace

void add_task_routes(Routes& routes, const RouteContext& context) {
  routes.add(Role::viewer, "GET", "/tasks",
             [context](const Call& call) { return list_tasks(context, call); });
  routes.add(Role::viewer, "GET", "/tasks/summary", taking({.fields = true}, [context](const Call&) {
               return written_reply(
                   [&view = context.view](json::Writer& out) { api::write_task_summary(out, view); });
             }));
  routes.add(Role::viewer, "GET", "/tasks/{id}",
             taking({.fields = true}, [context](const Call& call) { return get_task(context, call); }));
  routes.add(Role::viewer, "GET", "/tasks/{id}/why",
             taking({.fields = true}, [context](const Call& call) { return get_why(context, call); }));
  routes.add(Role::viewer, "GET", "/scheduler/failures/{taskId}",
             taking({.fields = true}, [context](const Call& call) { return get_failures(context, call); }));
  routes.add(Role::viewer, "GET", "/tasks/{id}/stats", [context](const Call& call) {
    return task_stats(context.view, context.stats, call.request, call.captures);
  });
  routes.add(Role::operator_, "POST", "/tasks/kill", taking({}, [context](const Call& call) {
               auto checked = api::parse_kill_tasks(call.request.body);
               if (!checked.ok()) return faults(checked.faults);
               return kill_tasks(context, call, std::move(checked.value));
             }));
  // Spinnaker's driver of 2016 and Titus's gateway: no body, the slot is started again.
  const CallHandler kill = taking({}, [context](const Call& call) { return kill_named(context, call); });
  routes.add(Role::operator_, "POST", "/tasks/terminate/{id}", kill);
  routes.add(Role::operator_, "POST", "/tasks/kill/{id}", kill);
}

}  // namespace mimas::server
