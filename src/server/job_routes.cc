// POST and GET of jobs.
#include <utility>

#include "api/commands.h"
#include "api/description.h"
#include "api/render.h"
#include "api/render_history.h"
#include "api/render_job.h"
#include "api/render_why.h"
#include "server/commands.h"
#include "server/route_files.h"
#include "server/stats_routes.h"
#include "server/takes.h"

namespace mimas::server {
namespace {

using http::Reply;

// The job that a submission would be.
Reply preview_reply(const api::Submission& submission, const PlacementPlanPtr& plan,
                    const api::Sight& sight) {
  Job job;
  job.spec = submission.command.spec;
  job.instances_desired = submission.command.instances_desired;
  job.instances_min = submission.command.instances_min;
  job.instances_max = submission.command.instances_max;
  job.in_service = submission.command.in_service;
  json::Writer out;
  api::write_preview(out, job, submission.notes, "[]", sight, plan);
  return json_reply(out.take());
}

Reply submit_job(const RouteContext& context, const Call& call) {
  const http::Request& request = call.request;
  const auto lenient = flag_parameter(request, "lenient"), dry_run = flag_parameter(request, "dryRun");
  if (!lenient.ok()) return problem(lenient.error());
  if (!dry_run.ok()) return problem(dry_run.error());
  auto receipt = receipt_key(call);
  if (!receipt.ok()) return problem(receipt.error());
  auto checked = api::parse_submission(request.body, *lenient);
  if (!checked.ok()) return faults(checked.faults);
  engine::SubmitJob& command = checked.value.command;
  command.user = command.spec->user;
  command.dry_run = *dry_run;
  command.receipt_key = std::move(receipt->key);
  command.fingerprint = std::move(receipt->fingerprint);
  const auto answer = carry_out(context, call, command);
  if (!answer.ok()) return answer.refusal();
  const auto* accepted = std::get_if<engine::JobAccepted>(&*answer);
  if (!accepted && !*dry_run)
    return problem(make_error(Code::internal, "the job was accepted without an id"));
  const auto* shown = std::get_if<engine::PlanShown>(&*answer);
  Reply reply = *dry_run
                    ? preview_reply(checked.value, shown ? shown->plan : nullptr, sight_of(context, call))
                    : json_reply(api::render_job_uri(accepted->job, checked.value.notes));
  if (!*dry_run) reply.headers.push_back({"Location", "/api/v2/jobs/" + accepted->job.value});
  warn_of_ignored(reply, checked.value.ignored);
  return reply;
}

Reply not_modified(const std::string& etag) {
  Reply reply = no_content();
  reply.status = 304;
  reply.headers.push_back({"ETag", etag});
  return reply;
}

Reply list_jobs(const RouteContext& context, const Call& call) {
  auto query = api::parse_job_query(parameters_of(call.request));
  if (!query.ok()) return faults(query.faults);
  query.value.base_url = base_url(call.request);
  // Whatever a listing shows was told as an event. Taken before the look, so that it is never too new.
  const std::string etag = "W/\"" + context.events.id(context.events.last()) + "\"";
  if (call.request.header("If-None-Match") == etag) return not_modified(etag);
  const std::string cursor =
      query.value.limit > 0 ? api::close_page(context.view, query.value) : std::string();
  Reply reply = list_reply(
      written_reply([&view = context.view, query = std::move(query.value), sight = sight_of(context, call)](
                        json::Writer& out) { api::write_jobs(out, view, query, sight); }),
      cursor);
  reply.headers.push_back({"ETag", etag});
  return reply;
}

// A route below /jobs/{id}: the job that has that id or name, or 404.
using JobHandler = std::function<Reply(const Job&, const Call&)>;
CallHandler of_job(const RouteContext& context, JobHandler handler) {
  return [context, handler = std::move(handler)](const Call& call) {
    const auto job = find_job(context.view, call.who, call.capture("id"));
    return job.ok() ? handler(**job, call) : problem(job.error());
  };
}

Reply get_job(const RouteContext& context, const Job& job, const Call& call) {
  Reply reply = written_reply([job = std::make_shared<Job>(job), tasks = context.view.tasks_of(job.id),
                               shortfall = context.view.shortfall(job.id), sight = sight_of(context, call),
                               base = base_url(call.request)](json::Writer& out) {
    api::write_one_job(out, *job, tasks, shortfall, sight, base);
  });
  reply.headers.push_back({"ETag", entity_tag(job)});
  return reply;
}

// All of them, unless states were asked for: whoever names a job wants to see its past too, as in GET of it.
Reply get_job_tasks(const RouteContext& context, const Job& job, const Call& call) {
  auto query = api::parse_task_query(parameters_of(call.request));
  if (!query.ok()) return faults(query.faults);
  query.value.job = job.id.value;
  query.value.jobs.base_url = base_url(call.request);
  if (query.value.jobs.task_states.empty()) query.value.jobs.any_state = true;
  return task_list(context.view, std::move(query.value), sight_of(context, call));
}

Reply get_diff(const RouteContext& context, const Job& job, const Call& call) {
  const auto query = api::parse_diff_query(parameters_of(call.request));
  if (!query.ok()) return faults(query.faults);
  auto diff = api::render_diff(context.view, job.id, query.value, sight_of(context, call));
  return diff.ok() ? json_reply(*std::move(diff)) : problem(diff.error());
}

Reply get_events(const RouteContext& context, const Job& job, const Call& call) {
  const auto page = api::parse_page(parameters_of(call.request), api::kEventList, api::kEventNumbers);
  if (!page.ok()) return faults(page.faults);
  api::List list = api::render_job_events(context.view, job.id, page.value);
  return list_reply(json_reply(std::move(list.body)), list.cursor);
}

}  // namespace

void add_job_routes(Routes& routes, const RouteContext& context) {
  routes.add(Role::operator_, "POST", "/jobs",
             taking({.query = {"lenient", "dryRun"}},
                    [context](const Call& call) { return submit_job(context, call); }));
  routes.add(Role::viewer, "GET", "/jobs", [context](const Call& call) { return list_jobs(context, call); });
  routes.add(Role::viewer, "GET", "/jobs/{id}",
             taking({.fields = true}, of_job(context, [context](const Job& job, const Call& call) {
                      return get_job(context, job, call);
                    })));
  routes.add(Role::viewer, "GET", "/jobs/{id}/tasks",
             of_job(context, [context](const Job& job, const Call& call) {
               return get_job_tasks(context, job, call);
             }));
  routes.add(Role::viewer, "GET", "/jobs/{id}/why",
             taking({.fields = true}, of_job(context, [context](const Job& job, const Call&) {
                      return json_reply(api::render_job_why(context.view, job));
                    })));
  routes.add(Role::viewer, "GET", "/jobs/{id}/versions",
             taking({.fields = true}, of_job(context, [context](const Job& job, const Call& call) {
                      return json_reply(api::render_versions(context.view, job.id, sight_of(context, call)));
                    })));
  routes.add(Role::viewer, "GET", "/jobs/{id}/diff",
             taking({.query = {"from", "to"}}, of_job(context, [context](const Job& job, const Call& call) {
                      return get_diff(context, job, call);
                    })));
  routes.add(Role::viewer, "GET", "/jobs/{id}/events",
             taking({.query = {"limit", "cursor"}, .fields = true},
                    of_job(context, [context](const Job& job, const Call& call) {
                      return get_events(context, job, call);
                    })));
  routes.add(Role::viewer, "GET", "/jobs/{id}/stats",
             taking({.fields = true}, of_job(context, [context](const Job& job, const Call& call) {
                      if (Status allowed = may_read(call, job.spec->app_name); !allowed)
                        return problem(allowed.error());
                      return job_stats(context.view, context.stats, job);
                    })));
}

}  // namespace mimas::server
