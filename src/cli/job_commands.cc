#include <algorithm>
#include <string>

#include "cli/change_feed.h"
#include "cli/client_commands.h"
#include "cli/exit.h"
#include "cli/facts.h"
#include "cli/job_text.h"
#include "cli/output_streams.h"
#include "cli/print.h"
#include "cli/pursue.h"
#include "cli/request_parts.h"
#include "cli/rest.h"
#include "cli/show.h"
#include "json/writer.h"

namespace mimas::cli {
namespace {

Result<std::string> submitted_id(const std::string& answer) {
  const Result<json::Document> parsed = parse_answer(answer);
  if (!parsed.ok()) return parsed.error();
  const std::string_view uri = parsed->root().string_or("jobUri", "");
  const std::string id(uri.substr(uri.rfind('/') + 1));
  if (id.empty()) return make_error(Code::protocol, "the server accepted the job but did not name it");
  return id;
}

bool has_ended(json::Value job) {
  const std::string_view state = job.string_or("state", "");
  return state == "FINISHED" || state == "FAILED" || state == "STOPPED" || state == "KILLED";
}

// What the tasks write, from their first byte on, as soon as they have files.
void add_output(OutputStreams& output, json::Value job) {
  const std::optional<json::Value> tasks = job.find("tasks");
  const bool one = job.int64_or("instances", 1) == 1;
  for (std::size_t i = 0; tasks && tasks->is_array() && i < tasks->size(); ++i) {
    const json::Value task = tasks->at(i);
    if (field(task, "startedAt").empty()) continue;
    const std::string id = field(task, "id");
    const std::string prefix = one ? "" : task_prefix(id);
    output.add({id, "stdout", prefix, "follow=true", false});
    output.add({id, "stderr", prefix, "follow=true", true});
  }
}

std::string jobs_text(json::Value jobs, Look look) {
  return jobs_table(jobs, look.colour, look.wide, look.now);
}
std::string job_text(json::Value job, Look look) { return job_page(job, look.colour, look.now); }

// A job as it would be: without tasks there is nothing but facts.
std::string would_be_text(json::Value job, Look look) { return facts_text(job, look.colour); }

Status kill_job(Rest& rest, const std::string& id) {
  json::Writer body;
  body.begin_object().member("jobId", id).member("user", own_user()).end_object();
  const Result<std::string> answer = rest.post("/v2/jobs/kill", body.take());
  if (!answer.ok()) return answer.error();
  return Done{};
}

Status kill_tasks(Rest& rest, const Kill& command, const std::vector<std::string>& ids) {
  json::Writer body;
  body.begin_object()
      .member("user", own_user())
      .member("shrink", command.shrink)
      .member("strict", command.strict);
  body.key("taskIds").begin_array();
  for (const std::string& id : ids) body.string(id);
  body.end_array().end_object();
  const Result<std::string> answer = rest.post("/v2/tasks/kill", body.take());
  if (!answer.ok()) return answer.error();
  return Done{};
}

// A command that is answered without a body.
Result<int> order(const Client& client, const std::string& target, std::string body,
                  const std::optional<std::int64_t>& if_version) {
  Result<Rest> rest = Rest::open(client);
  if (!rest.ok()) return rest.error();
  const Result<std::string> answer = rest->ask("POST", target, std::move(body), if_match(if_version));
  if (!answer.ok()) return answer.error();
  return kExitOk;
}

// What was not said stays, except that the bounds give way to the person who scales by hand.
std::string counts_body(const Scale& command, json::Value job) {
  const std::int64_t desired =
      command.instances.value_or(job.int64_or("instancesDesired", job.int64_or("instances", 0)));
  const std::int64_t least = command.min.value_or(std::min(desired, job.int64_or("instancesMin", 0)));
  const std::int64_t most = command.max.value_or(std::max(desired, job.int64_or("instancesMax", 0)));
  json::Writer body;
  body.begin_object()
      .member("jobId", job.string_or("id", command.id))
      .member("user", own_user())
      .member("instancesMin", least)
      .member("instancesDesired", std::clamp(desired, least, std::max(least, most)))
      .member("instancesMax", most)
      .end_object();
  return body.take();
}

}  // namespace

Result<int> run_job(const Run& command) {
  Result<std::string> body =
      command.file.empty() ? job_body(command.request) : read_json_file(command.file, "the job file");
  if (!body.ok()) return body.error();
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  std::vector<wire::Header> headers;
  if (!command.idempotency_key.empty()) headers.push_back({"Idempotency-Key", command.idempotency_key});
  const Result<std::string> answer =
      rest->ask("POST", command.dry_run ? "/v2/jobs?dryRun=true" : "/v2/jobs", *std::move(body), headers);
  if (!answer.ok()) return answer.error();
  if (command.dry_run) {
    const Status printed = print_answer(command.client, *answer, would_be_text);
    return printed.ok() ? Result<int>(kExitOk) : printed.error();
  }
  const Result<std::string> id = submitted_id(*answer);
  if (!id.ok()) return id.error();
  const Status printed = command.client.json ? print_json(*answer) : print(*id + "\n");
  if (!printed.ok()) return printed.error();
  if (command.await_ready)
    return pursue(*rest, command.client, {*id, Goal::size, true, command.timeout_secs});
  if (!command.follow) return kExitOk;
  OutputStreams output(command.client);
  Pursuit pursuit{*id, Goal::success, command.wait, command.timeout_secs};
  if (command.output && !command.client.json)
    pursuit.look = [&](json::Value job) { add_output(output, job); };
  Result<int> code = pursue(*rest, command.client, pursuit);
  if (code.ok() && *code != kExitPending) output.wait();
  return code;
}

Result<int> list_jobs(const ListJobs& command) {
  const std::string target = "/v2/jobs" + jobs_query(command.filter);
  if (command.watch) return watch(command.client, target, "", jobs_text, nullptr);
  return show(command.client, target, jobs_text);
}

Result<int> show_job(const ShowJob& command) {
  if (!command.watch) return show(command.client, job_target(command.id), job_text);
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  const Result<std::string> id = job_id_of(*rest, command.id);
  if (!id.ok()) return id.error();
  std::string events;
  add_parameter(events, "job", *id);
  return watch(command.client, job_target(*id), events, job_text, has_ended);
}

Result<int> kill(const Kill& command) {
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  std::vector<std::string> tasks;
  std::vector<std::string> jobs;
  int code = kExitOk;
  const auto done = [&](const Status& status) {
    if (status.ok()) return true;
    complain(status.error());
    if (code == kExitOk) code = exit_code(status.error().code);  // the first failure names the exit code
    return false;
  };
  for (const std::string& id : command.ids) {
    if (is_task_id(id)) {
      tasks.push_back(id);
    } else if (const Result<std::string> job = job_id_of(*rest, id); !job.ok()) {
      done(job.error());
    } else if (done(kill_job(*rest, *job))) {
      jobs.push_back(*job);
    }
  }
  if (!tasks.empty() && !done(kill_tasks(*rest, command, tasks))) tasks.clear();
  if (!command.wait) return code;
  for (const std::string& job : jobs) {
    const auto ended = pursue(*rest, command.client, {job, Goal::end, true, command.timeout_secs});
    if (!ended.ok()) return ended.error();
  }
  const auto ended = await_end_of_tasks(*rest, command.client, tasks, command.timeout_secs);
  if (!ended.ok()) return ended.error();
  return code;
}

Result<int> scale(const Scale& command) {
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  const Result<std::string> current = rest->get(job_target(command.id));
  if (!current.ok()) return current.error();
  const Result<json::Document> job = parse_answer(*current);
  if (!job.ok()) return job.error();
  const std::string id(job->root().string_or("id", command.id));
  const Result<std::string> answer = rest->ask(
      "POST", "/v2/jobs/setinstancecounts", counts_body(command, job->root()), if_match(command.if_version));
  if (!answer.ok()) return answer.error();
  if (!command.wait) return kExitOk;
  return pursue(*rest, command.client, {id, Goal::size, true, command.timeout_secs});
}

Result<int> set_service(const SetService& command) {
  json::Writer body;
  body.begin_object()
      .member("jobId", command.id)
      .member("user", own_user())
      .member("inService", command.in)
      .end_object();
  return order(command.client, "/v2/jobs/setinservice", body.take(), command.if_version);
}

Result<int> set_processes(const SetProcesses& command) {
  json::Writer body;
  body.begin_object()
      .member("jobId", command.id)
      .member("user", own_user())
      .member("disableIncreaseDesired", !command.increase)
      .member("disableDecreaseDesired", !command.decrease)
      .end_object();
  return order(command.client, "/v2/jobs/setjobprocesses", body.take(), command.if_version);
}

Result<int> change_job(const Change& command) {
  Result<std::string> patch =
      command.file.empty() ? merge_patch(command.sets) : read_json_file(command.file, "the change");
  if (!patch.ok()) return patch.error();
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  const std::string target = job_target(command.id) + (command.dry_run ? "?dryRun=true" : "");
  const Result<std::string> answer =
      rest->ask("PATCH", target, *std::move(patch), if_match(command.if_version));
  if (!answer.ok()) return answer.error();
  if (answer->empty()) return kExitOk;
  const Status printed = command.dry_run || command.client.json
                             ? print_answer(command.client, *answer, would_be_text)
                             : Status(Done{});
  if (!printed.ok()) return printed.error();
  return kExitOk;
}

}  // namespace mimas::cli
