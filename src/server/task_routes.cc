// Tasks: list, look, kill. Their logs and files: server/log_routes.h.
#include <utility>

#include "api/commands.h"
#include "api/render.h"
#include "api/render_job.h"
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
  if (std::string& job = query.value.job; !job.empty()) {
    auto id = find_job_id(context.view, call.who, job);
    if (!id.ok()) return problem(id.error());
    job = std::move(id->value);
  }
  query.value.jobs.base_url = base_url(call.request);
  return task_list(context.view, std::move(query.value), sight_of(context, call));
}

// The task and its job, if both are still there.
using TaskHandler = std::function<Reply(const Task&, const Job&, const Call&)>;
CallHandler of_task(const RouteContext& context, const char* capture, TaskHandler handler) {
  return [context, capture, handler = std::move(handler)](const Call& call) {
    const std::string& id = call.capture(capture);
    const auto task = find_task(context.view, id);
    const JobPtr job = task.ok() ? context.view.job((*task)->job) : nullptr;
    return job ? handler(**task, *job, call) : problem(no_such_task(id));
  };
}

Reply get_failures(const RouteContext& context, const Task& task) {
  std::string body = api::render_failures(context.view, task);
  if (!body.empty()) return json_reply(std::move(body));
  return problem(make_error(Code::not_found, "no agent was looked at in vain for task " + task.id.value, {},
                            "GET /v2/tasks/" + task.id.value + "/why says how it is"));
}

Reply kill_tasks(const RouteContext& context, const Call& call, engine::KillTasks command) {
  const auto answer = carry_out(context, call, std::move(command));
  return answer.ok() ? no_content() : answer.refusal();
}

// Who may change some applications alone names only what is on record: another id might be given, to somebody
// else's task, before the command is carried out. The engine passes over it as well.
Reply kill_listed(const RouteContext& context, const Call& call, engine::KillTasks command) {
  if (!command.strict && !call.who.may_change_all()) {
    std::erase_if(command.tasks, [&](const TaskId& id) { return context.view.task(id) == nullptr; });
    if (command.tasks.empty()) return no_content();
  }
  return kill_tasks(context, call, std::move(command));
}

Reply kill_named(const RouteContext& context, const Call& call) {
  if (const auto task = find_task(context.view, call.capture("id")); !task.ok()) return problem(task.error());
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
             taking({.fields = true},
                    of_task(context, "id", [context](const Task& task, const Job& job, const Call& call) {
                      const std::vector<TaskPtr> tasks = context.view.tasks_of(job.id);
                      return json_reply(api::render_task(task, job, context.view.shortfall(job.id),
                                                         sight_of(context, call), base_url(call.request),
                                                         api::last_ending(tasks, task)));
                    })));
  routes.add(Role::viewer, "GET", "/tasks/{id}/why",
             taking({.fields = true},
                    of_task(context, "id", [context](const Task& task, const Job& job, const Call&) {
                      return json_reply(api::render_task_why(context.view, task, job));
                    })));
  routes.add(Role::viewer, "GET", "/scheduler/failures/{taskId}",
             taking({.fields = true},
                    of_task(context, "taskId", [context](const Task& task, const Job&, const Call&) {
                      return get_failures(context, task);
                    })));
  routes.add(Role::viewer, "GET", "/tasks/{id}/stats", reading(context, "id", [context](const Call& call) {
               return task_stats(context.view, context.stats, call.request, call.captures);
             }));
  routes.add(Role::operator_, "POST", "/tasks/kill", taking({}, [context](const Call& call) {
               auto checked = api::parse_kill_tasks(call.request.body);
               if (!checked.ok()) return faults(checked.faults);
               return kill_listed(context, call, std::move(checked.value));
             }));
  // Spinnaker's driver of 2016 and Titus's gateway: no body, the slot is started again.
  const CallHandler kill = taking({}, [context](const Call& call) { return kill_named(context, call); });
  routes.add(Role::operator_, "POST", "/tasks/terminate/{id}", kill);
  routes.add(Role::operator_, "POST", "/tasks/kill/{id}", kill);
}

}  // namespace mimas::server
