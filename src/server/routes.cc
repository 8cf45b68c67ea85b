#include "server/routes.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "api/commands.h"
#include "api/operations.h"
#include "api/render.h"
#include "api/render_orphans.h"
#include "json/writer.h"
#include "server/answers.h"
#include "server/executor_reply.h"
#include "server/log_routes.h"
#include "server/stats_routes.h"

namespace mimas::server {
namespace {

using http::Captures;
using http::Reply;
using http::Request;

Error unknown(const char* what, const std::string& id) {
  return make_error(Code::not_found, std::string("no ") + what + " has the id " + id, id);
}

// Hands a command to the loop and waits until it is on disk. What the engine answered, or why there is no
// answer.
template <class Command>
Result<engine::Answer> carry_out(const RouteContext& context, Command command) {
  const engine::RequestId request = context.replies.open();
  command.request = request;
  if (!context.mailbox.offer(std::move(command))) {
    context.replies.cancel(request);
    return make_error(Code::resource_exhausted, "too many commands are waiting", {}, "try again in a second");
  }
  auto answer = context.replies.wait(request, context.command_timeout_ms);
  if (answer) return *std::move(answer);
  return make_error(Code::unavailable, "the command was not confirmed in time; it may still be carried out",
                    {}, "look before you send it again");
}

template <class Command>
Reply command_reply(const RouteContext& context, api::Checked<Command> checked) {
  if (!checked.ok()) return faults(checked.faults);
  const auto answer = carry_out(context, std::move(checked.value));
  return answer.ok() ? no_content() : problem(answer.error());
}

template <class Command>
Reply decide_orphans(const RouteContext& context, api::Checked<Command> checked, const char* done_name) {
  if (!checked.ok()) return faults(checked.faults);
  const auto answer = carry_out(context, std::move(checked.value));
  if (!answer.ok()) return problem(answer.error());
  const auto* decided = std::get_if<engine::OrphansDecided>(&*answer);
  if (!decided) return problem(make_error(Code::internal, "nothing was said about the orphans"));
  return json_reply(api::render_decided(*decided, done_name));
}

// Taken on, not done: the record says how it goes on.
Reply request_operation(const RouteContext& context, const Request& request) {
  auto checked = api::parse_operation(request.body);
  if (!checked.ok()) return faults(checked.faults);
  const auto answer = carry_out(context, std::move(checked.value));
  if (!answer.ok()) return problem(answer.error());
  const auto* accepted = std::get_if<engine::OperationAccepted>(&*answer);
  if (!accepted) return problem(make_error(Code::internal, "the operation was accepted without an id"));
  Reply reply = json_reply(api::render_operation_accepted(accepted->operation), 202);
  reply.headers.push_back({"Location", api::operation_uri(accepted->operation)});
  return reply;
}

Reply get_operation(const RouteContext& context, const Captures& captures) {
  const OperationId id(captures.at("id"));
  const OperationPtr operation = context.view.operation(id);
  if (!operation || operation->id != id) return problem(unknown("operation", id.value));
  return json_reply(api::render_operation(*operation));
}

Reply submit_job(const RouteContext& context, const Request& request) {
  const bool lenient = request.parameter("lenient") == "true";
  auto checked = api::parse_submission(request.body, lenient, context.permissions);
  if (!checked.ok()) return faults(checked.faults);
  const auto answer = carry_out(context, std::move(checked.value.command));
  if (!answer.ok()) return problem(answer.error());
  const auto* accepted = std::get_if<engine::JobAccepted>(&*answer);
  if (!accepted) return problem(make_error(Code::internal, "the job was accepted without an id"));
  Reply reply = json_reply(api::render_job_uri(accepted->job));
  reply.headers.push_back({"Location", "/api/v2/jobs/" + accepted->job.value});
  if (!checked.value.ignored.empty()) {
    std::string names;
    for (const std::string& name : checked.value.ignored) names += (names.empty() ? "" : ", ") + name;
    reply.headers.push_back({"Warning", "299 mimas \"unknown fields were ignored: " + names + "\""});
  }
  return reply;
}

Reply list_jobs(const RouteContext& context, const Request& request) {
  std::vector<api::Parameter> parameters;
  for (const auto& parameter : request.query) parameters.push_back({parameter.name, parameter.value});
  const auto query = api::parse_job_query(parameters);
  if (!query.ok()) return faults(query.faults);
  api::JobList list = api::render_jobs(context.view, query.value);
  Reply reply = json_reply(std::move(list.body));
  if (!list.cursor.empty()) reply.headers.push_back({"X-Next-Cursor", list.cursor});
  return reply;
}

Reply get_job(const RouteContext& context, const Captures& captures) {
  const JobId id(captures.at("id"));
  const JobPtr job = context.view.job(id);
  if (!job || job->id != id) return problem(unknown("job", id.value));
  return json_reply(api::render_job(*job, context.view.tasks_of(id), context.view.shortfall(id)));
}

Reply get_task(const RouteContext& context, const Captures& captures) {
  const TaskId id(captures.at("id"));
  const TaskPtr task = context.view.task(id);
  const JobPtr job = task ? context.view.job(task->job) : nullptr;
  if (!task || !job) return problem(unknown("task", id.value));
  return json_reply(api::render_task(*task, *job, context.view.shortfall(task->job)));
}

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

}  // namespace

http::Router make_routes(const RouteContext& context) {
  http::Router router;
  const auto add = [&](const char* method, const std::string& pattern, http::RouteHandler handler) {
    router.add(method, "/v2" + pattern, handler);
    router.add(method, "/api/v2" + pattern, std::move(handler));
  };
  add("POST", "/jobs",
      [context](const Request& request, const Captures&) { return submit_job(context, request); });
  add("GET", "/jobs",
      [context](const Request& request, const Captures&) { return list_jobs(context, request); });
  add("GET", "/jobs/{id}",
      [context](const Request&, const Captures& captures) { return get_job(context, captures); });
  add("POST", "/jobs/kill", [context](const Request& request, const Captures&) {
    return command_reply(context, api::parse_kill_job(request.body, request.header("Content-Type")));
  });
  add("POST", "/jobs/setinstancecounts", [context](const Request& request, const Captures&) {
    return command_reply(context, api::parse_set_instance_counts(request.body));
  });
  add("GET", "/tasks/{id}",
      [context](const Request&, const Captures& captures) { return get_task(context, captures); });
  add("GET", "/tasks/{id}/stats", [context](const Request& request, const Captures& captures) {
    return task_stats(context.view, context.stats, request, captures);
  });
  add("GET", "/jobs/{id}/stats", [context](const Request&, const Captures& captures) {
    return job_stats(context.view, context.stats, captures);
  });
  add("POST", "/tasks/kill", [context](const Request& request, const Captures&) {
    return command_reply(context, api::parse_kill_tasks(request.body));
  });
  add("GET", "/logs/{taskId}", [context](const Request& request, const Captures& captures) {
    return log_urls(context.view, request, captures, context.archive);
  });
  add("GET", "/logs/{taskId}/{file}", [context](const Request& request, const Captures& captures) {
    return log_bytes(context.view, request, captures);
  });
  add("GET", "/agents",
      [context](const Request&, const Captures&) { return json_reply(api::render_agents(context.view)); });
  add("POST", "/operations",
      [context](const Request& request, const Captures&) { return request_operation(context, request); });
  add("GET", "/operations", [context](const Request&, const Captures&) {
    return json_reply(api::render_operations(context.view));
  });
  add("GET", "/operations/{id}",
      [context](const Request&, const Captures& captures) { return get_operation(context, captures); });
  add("GET", "/orphans",
      [context](const Request&, const Captures&) { return json_reply(api::render_orphans(context.view)); });
  add("POST", "/orphans/adopt", [context](const Request& request, const Captures&) {
    return decide_orphans(context, api::parse_adopt_orphans(request.body), "adopted");
  });
  add("POST", "/orphans/kill", [context](const Request& request, const Captures&) {
    return decide_orphans(context, api::parse_kill_orphans(request.body), "killed");
  });
  add("DELETE", "/framework/{id}", [context](const Request&, const Captures& captures) {
    const Status done = context.tear_down(FrameworkId(captures.at("id")));
    return done.ok() ? no_content() : problem(done.error());
  });
  router.add("GET", "/health", [context](const Request&, const Captures&) { return health(context); });
  router.add("GET", "/executor/{arch}", [context](const Request& request, const Captures& captures) {
    return executor_reply(context.executors, captures.at("arch"), request.header("If-None-Match"));
  });
  router.set_fallback([](const Request& request, int status, const std::string& allow) {
    return unmatched(status, request.path, allow);
  });
  return router;
}

}  // namespace mimas::server
