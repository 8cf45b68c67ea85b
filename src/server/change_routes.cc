// What changes a job that is there: counts, switches, its description, its end.
#include <utility>

#include "api/commands.h"
#include "api/description.h"
#include "api/job_notes.h"
#include "api/render_job.h"
#include "server/commands.h"
#include "server/route_files.h"
#include "server/takes.h"

namespace mimas::server {
namespace {

using http::Reply;

template <class Command>
Reply checked_change(const RouteContext& context, const Call& call, api::Checked<Command> checked) {
  if (!checked.ok()) return faults(checked.faults);
  return change_reply(context, call, std::move(checked.value));
}

Reply kill_named(const RouteContext& context, const Call& call) {
  engine::KillJob command;
  command.job = JobId(call.capture("id"));
  return change_reply(context, call, std::move(command));
}

// The job as it would be with the description, and what that changes.
Reply preview_reply(const Job& job, const engine::ChangeJob& change, const std::vector<std::string>& notes,
                    const api::Sight& sight) {
  Job changed = job;
  changed.spec = change.spec;
  changed.instances_desired = change.instances_desired;
  changed.instances_min = change.instances_min;
  changed.instances_max = change.instances_max;
  changed.in_service = change.in_service;
  const std::string changes = api::render_difference(api::wanted_of(job), api::wanted_of(changed), sight);
  if (changes != "[]") ++changed.version;
  json::Writer out;
  api::write_preview(out, changed, notes, changes, sight);
  return json_reply(out.take());
}

// PUT has the whole description, PATCH what shall be different: then the description is made of both, and the
// command is bound to the version it was made from, so that two patches at once never undo each other.
struct Change {
  JobPtr job;
  std::string description;
  bool lenient = false;
  bool dry_run = false;
  std::optional<std::int64_t> if_version;
};

Reply change_to(const RouteContext& context, const Call& call, const Change& wanted) {
  auto submission = api::parse_submission(wanted.description, wanted.lenient);
  if (!submission.ok()) return faults(submission.faults);
  engine::ChangeJob command = api::change_of(wanted.job->id, submission.value);
  command.dry_run = wanted.dry_run;
  command.if_version = wanted.if_version;
  const auto answer = carry_out(context, call, command);
  if (!answer.ok()) return answer.refusal();
  if (wanted.dry_run)
    return preview_reply(*wanted.job, command, submission.value.notes, sight_of(context, call));
  const JobPtr now = context.view.job(wanted.job->id);
  Reply reply = no_content();
  if (now) reply.headers.push_back({"ETag", entity_tag(*now)});
  // There is no body to hold them: what is new of them comes as warnings.
  for (const std::string& note :
       api::notes_beyond(api::notes_of(*wanted.job->spec), submission.value.notes)) {
    warn(reply, note);
  }
  warn_of_ignored(reply, submission.value.ignored);
  return reply;
}

// What PUT and PATCH have in common before they look at the body.
Result<Change> begin_change(const RouteContext& context, const Call& call) {
  auto job = find_job(context.view, call.who, call.capture("id"));
  if (!job.ok()) return job.error();
  Change change;
  change.job = *std::move(job);
  if (Status allowed = may_change(call, change.job->spec->app_name); !allowed.ok()) return allowed.error();
  const auto lenient = flag_parameter(call.request, "lenient"),
             dry_run = flag_parameter(call.request, "dryRun");
  if (!lenient.ok()) return lenient.error();
  if (!dry_run.ok()) return dry_run.error();
  const auto version = if_match(call.request);
  if (!version.ok()) return version.error();
  change.lenient = *lenient;
  change.dry_run = *dry_run;
  change.if_version = *version;
  return change;
}

// 412 when it was the client's own condition that did not hold.
Reply passed_over(const RouteContext& context, const Change& change, Reply reply) {
  const JobPtr now = context.view.job(change.job->id);
  const bool passed = reply.status == 409 && change.if_version && now && now->version != *change.if_version;
  if (!passed) return reply;
  return problem(make_error(Code::conflict,
                            "the job has version " + std::to_string(now->version) + " by now, not " +
                                std::to_string(*change.if_version),
                            "If-Match", "look at it again and repeat the change if it still makes sense"),
                 412);
}

Reply put_job(const RouteContext& context, const Call& call) {
  auto change = begin_change(context, call);
  if (!change.ok()) return problem(change.error());
  change->description = call.request.body;
  return passed_over(context, *change, change_to(context, call, *change));
}

Reply patch_job(const RouteContext& context, const Call& call) {
  constexpr int kTries = 5;
  for (int tries = 1;; ++tries) {
    auto change = begin_change(context, call);
    if (!change.ok()) return problem(change.error());
    auto merged = api::patch_description(api::wanted_of(*change->job), call.request.body);
    if (!merged.ok()) return faults(merged.faults);
    change->description = std::move(merged.value);
    const bool conditional = change->if_version.has_value();
    if (!conditional) change->if_version = change->job->version;
    Reply reply = change_to(context, call, *change);
    if (conditional) return passed_over(context, *change, std::move(reply));
    const JobPtr now = context.view.job(change->job->id);
    const bool overtaken = reply.status == 409 && now && now->version != change->job->version;
    if (!overtaken || tries == kTries) return reply;
  }
}

}  // namespace

void add_change_routes(Routes& routes, const RouteContext& context) {
  const auto add = [&](const char* method, const char* pattern, CallHandler handler) {
    routes.add(Role::operator_, method, pattern, taking({}, std::move(handler)));
  };
  add("POST", "/jobs/kill", [context](const Call& call) {
    return checked_change(context, call,
                          api::parse_kill_job(call.request.body, call.request.header("Content-Type")));
  });
  add("POST", "/jobs/setinstancecounts", [context](const Call& call) {
    return checked_change(context, call, api::parse_set_instance_counts(call.request.body));
  });
  add("POST", "/jobs/setinservice", [context](const Call& call) {
    return checked_change(context, call, api::parse_set_in_service(call.request.body));
  });
  add("POST", "/jobs/setjobprocesses", [context](const Call& call) {
    return checked_change(context, call, api::parse_set_job_processes(call.request.body));
  });
  // As Titus's gateway had them, and the way of a resource.
  const CallHandler kill = [context](const Call& call) { return kill_named(context, call); };
  add("POST", "/jobs/kill/{id}", kill);
  add("POST", "/jobs/terminate/{id}", kill);
  add("DELETE", "/jobs/{id}", kill);
  const Takes description{.query = {"lenient", "dryRun"}};
  routes.add(Role::operator_, "PUT", "/jobs/{id}",
             taking(description, [context](const Call& call) { return put_job(context, call); }));
  routes.add(Role::operator_, "PATCH", "/jobs/{id}",
             taking(description, [context](const Call& call) { return patch_job(context, call); }));
}

}  // namespace mimas::server
