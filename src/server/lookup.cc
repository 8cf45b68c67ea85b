#include "server/lookup.h"

#include <algorithm>
#include <vector>

namespace mimas::server {
namespace {

constexpr std::size_t kCandidatesShown = 10;

bool is_job_id(std::string_view text) { return parse_job_number(text) >= 0; }
bool is_task_id(std::string_view text) { return parse_task_id(text).ok(); }

// 8-4-4-4-12 hexadecimal digits.
bool is_uuid_text(std::string_view text) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hex = std::string_view("0123456789abcdefABCDEF").find(text[i]) != std::string_view::npos;
    if (kForm[i] == 'x' ? !hex : text[i] != '-') return false;
  }
  return true;
}

std::string candidates(const std::vector<JobPtr>& jobs) {
  std::string text;
  for (std::size_t i = 0; i < jobs.size() && i < kCandidatesShown; ++i) {
    text += (i == 0 ? "" : ", ") + jobs[i]->id.value;
  }
  return jobs.size() > kCandidatesShown ? text + ", …" : text;
}

}  // namespace

Error no_such_job(const std::string& id_or_name) {
  const auto error = [&](const std::string& message, const std::string& hint) {
    return make_error(Code::not_found, message, id_or_name, hint);
  };
  if (is_job_id(id_or_name))
    return error("no job has the id " + id_or_name, "GET /v2/jobs lists those there are");
  if (const auto task = parse_task_id(id_or_name); task.ok()) {
    return error("no job has the id " + id_or_name + ": that is a task's", "its job is " + task->job.value);
  }
  if (is_uuid_text(id_or_name)) {
    return error("no job has the id " + id_or_name,
                 "ids of jobs are like mimas-7; UUIDs are those of Titus's v3 API");
  }
  return error("no job has the id or the name " + id_or_name,
               "GET /v2/jobs lists those that live, also by `name`; one that has ended goes by its id");
}

Error no_such_task(const std::string& id) {
  const auto error = [&](const std::string& message, const std::string& hint) {
    return make_error(Code::not_found, message, id, hint);
  };
  const std::string message = "no task has the id " + id;
  if (is_task_id(id)) return error(message, "it was never there, or is not on record any more");
  if (is_job_id(id))
    return error(message + ": that is a job's", "GET /v2/jobs/" + id + "/tasks lists its tasks");
  if (is_uuid_text(id)) {
    return error(message, "ids of tasks are like mimas-7-worker-0-3; UUIDs are those of Titus's v3 API");
  }
  return error(message, "GET /v2/jobs/{id}/tasks lists a job's tasks; their ids are like mimas-7-worker-0-3");
}

Result<JobPtr> find_job(const PublishedView& view, const Identity& who, const std::string& id_or_name) {
  if (is_job_id(id_or_name)) {
    if (JobPtr job = view.job(JobId(id_or_name))) return job;
    return no_such_job(id_or_name);
  }
  if (is_task_id(id_or_name)) return no_such_job(id_or_name);
  std::vector<JobPtr> named = view.live_named(id_or_name);
  std::erase_if(named, [&](const JobPtr& job) { return !who.may_change(job->spec->app_name); });
  if (named.empty()) return no_such_job(id_or_name);
  if (named.size() == 1) return named.front();
  return make_error(
      Code::conflict,
      std::to_string(named.size()) + " live jobs are named " + id_or_name + ": " + candidates(named),
      id_or_name, "name one by its id");
}

Result<JobId> find_job_id(const PublishedView& view, const Identity& who, const std::string& id_or_name) {
  if (is_job_id(id_or_name)) return JobId(id_or_name);
  auto job = find_job(view, who, id_or_name);
  if (!job.ok()) return job.error();
  return (*job)->id;
}

Result<TaskPtr> find_task(const PublishedView& view, const std::string& id) {
  if (TaskPtr task = view.task(TaskId(id))) return task;
  return no_such_task(id);
}

}  // namespace mimas::server
