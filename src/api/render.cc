#include "api/render.h"

#include <algorithm>
#include <map>
#include <set>

#include "api/projection.h"
#include "api/render_job.h"
#include "json/writer.h"
#include "model/readiness.h"

namespace mimas::api {
namespace {

bool matches_labels(const JobQuery& query, const std::map<std::string, std::string>& labels) {
  if (query.labels.empty()) return true;
  for (std::size_t i = 0; i < query.labels.size(); ++i) {
    const auto& [key, value] = query.labels[i];
    const auto found = labels.find(key);
    const bool hit = found != labels.end() && (!query.label_has_value[i] || found->second == value);
    if (hit != query.labels_all) return hit;
  }
  return query.labels_all;
}

bool matches_job(const JobQuery& query, const Job& job) {
  const JobSpec& spec = *job.spec;
  const auto same = [](const std::string& wanted, const std::string& is) {
    return wanted.empty() || wanted == is;
  };
  return same(query.type, std::string(job_type_name(spec.type))) && same(query.app_name, spec.app_name) &&
         same(query.application_name, spec.application_name) && same(query.user, spec.user) &&
         same(query.name, spec.name) && same(query.capacity_group, spec.capacity_group) &&
         same(query.group_stack, spec.job_group_stack) && same(query.group_detail, spec.job_group_detail) &&
         same(query.group_sequence, spec.job_group_sequence) && matches_labels(query, spec.labels);
}

// RUNNING finds what reads RUNNING, so unreachable tasks too; UNREACHABLE only those.
bool matches_state(const JobQuery& query, TaskState state) {
  if (query.any_state) return true;
  if (query.task_states.empty()) return !is_terminal(state);
  return std::ranges::any_of(query.task_states, [&](TaskState wanted) {
    return state == wanted ||
           (wanted == TaskState::running && titus_state_name(state) == titus_state_name(wanted));
  });
}

// Whoever asks for a final state alone means ended jobs too (titus §1.3 names the bug of not doing so).
bool wants_ended_jobs(const JobQuery& query) {
  return query.any_state ||
         std::ranges::any_of(query.task_states, [](TaskState state) { return is_terminal(state); });
}

bool is_dispatched(const std::vector<TaskPtr>& tasks) {
  return std::ranges::any_of(tasks, [](const TaskPtr& task) { return task->state != TaskState::queued; });
}

std::int64_t count_ready(const Job& job, const std::vector<TaskPtr>& tasks) {
  return std::ranges::count_if(tasks, [&](const TaskPtr& task) { return is_ready(*task, *job.spec); });
}

}  // namespace

List render_jobs(const engine::View& view, const JobQuery& query, const Sight& sight) {
  List list;
  json::Writer out;
  out.begin_array();
  const bool ended_too = wants_ended_jobs(query);
  std::int64_t count = 0;
  std::int64_t last_number = 0;
  for (const JobPtr& job : view.jobs()) {
    if (job->number <= query.after_number) continue;
    if ((job->state == JobState::ended && !ended_too) || !matches_job(query, *job)) continue;
    const std::vector<TaskPtr> tasks = view.tasks_of(job->id);
    std::vector<TaskPtr> shown;
    std::ranges::copy_if(tasks, std::back_inserter(shown),
                         [&](const TaskPtr& task) { return matches_state(query, task->state); });
    if (shown.empty() && !query.task_states.empty() && !query.any_state) continue;
    if (query.limit > 0 && count == query.limit) {
      list.cursor = write_cursor(kJobList, {last_number});
      break;
    }
    ++count;
    last_number = job->number;
    const std::string shortfall = view.shortfall(job->id);
    if (query.fields.empty()) {
      write_job(out, *job, shown, is_dispatched(tasks), count_ready(*job, tasks), shortfall, sight);
      continue;
    }
    json::Writer one;
    write_job(one, *job, shown, is_dispatched(tasks), count_ready(*job, tasks), shortfall, sight);
    out.raw(project_fields(one.take(), query.fields));
  }
  out.end_array();
  list.body = out.take();
  return list;
}

namespace {

bool matches_task(const TaskQuery& query, const Task& task) {
  const bool placed_there = (query.host.empty() || query.host == task.hostname) &&
                            (query.agent.empty() || query.agent == task.agent.value);
  return placed_there && matches_state(query.jobs, task.state);
}

bool is_before(const Job& job, const Task& task, const std::vector<std::int64_t>& after) {
  return !after.empty() && std::vector{job.number, task.index, task.number} <= after;
}

}  // namespace

List render_tasks(const engine::View& view, const TaskQuery& query, const Sight& sight) {
  List list;
  json::Writer out;
  out.begin_array();
  const bool ended_too = wants_ended_jobs(query.jobs);
  std::int64_t count = 0;
  std::vector<std::int64_t> last;
  for (const JobPtr& job : view.jobs()) {
    if (job->number < query.jobs.after_number || (!query.job.empty() && job->id.value != query.job)) continue;
    // A job that was named is looked at whatever became of it.
    if (job->state == JobState::ended && !ended_too && query.job.empty()) continue;
    if (!matches_job(query.jobs, *job)) continue;
    for (const TaskPtr& task : view.tasks_of(job->id)) {
      if (is_before(*job, *task, query.after) || !matches_task(query, *task)) continue;
      if (query.jobs.limit > 0 && count == query.jobs.limit) {
        out.end_array();
        return {out.take(), write_cursor(kTaskList, last)};
      }
      ++count;
      last = {job->number, task->index, task->number};
      std::string one = render_task(*task, *job, view.shortfall(job->id), sight);
      out.raw(query.jobs.fields.empty() ? one : project_fields(one, query.jobs.fields));
    }
  }
  out.end_array();
  list.body = out.take();
  return list;
}

std::string render_task_summary(const engine::View& view) {
  json::Writer out;
  out.begin_array();
  for (const JobPtr& job : view.jobs()) {
    if (job->state == JobState::ended) continue;
    std::map<std::string_view, std::int64_t> counts;
    for (const TaskPtr& task : view.tasks_of(job->id)) ++counts[titus_state_name(task->state)];
    out.begin_object().member("jobId", job->id.value).member("name", job->spec->name);
    out.key("counts").begin_object();
    for (const auto& [state, count] : counts) out.member(state, count);
    out.end_object().end_object();
  }
  out.end_array();
  return out.take();
}

std::string render_job(const Job& job, const std::vector<TaskPtr>& tasks, std::string_view shortfall,
                       const Sight& sight) {
  json::Writer out;
  write_job(out, job, tasks, is_dispatched(tasks), count_ready(job, tasks), shortfall, sight);
  return out.take();
}

std::string render_task(const Task& task, const Job& job, std::string_view shortfall, const Sight& sight) {
  json::Writer out;
  write_task(out, task, job, shortfall, true, sight);
  return out.take();
}

std::string render_job_uri(const JobId& id) {
  json::Writer out;
  out.begin_object().member("jobUri", "/api/v2/jobs/" + id.value).end_object();
  return out.take();
}

std::string render_log_urls(const Task& task, const LogPlaces& places) {
  std::string_view base_url = places.base_url;
  while (base_url.ends_with('/')) base_url.remove_suffix(1);
  const std::string logs = std::string(base_url) + "/v2/logs/" + task.id.value;
  std::set<std::string> rotated(places.names.begin(), places.names.end());
  std::vector<std::string> names{"stdout", "stderr"};
  for (const std::string& name : names) rotated.erase(name);
  names.insert(names.end(), rotated.begin(), rotated.end());
  json::Writer out;
  out.begin_object();
  out.member("stdoutLive", logs + "/stdout?follow=true");
  out.member("stderrLive", logs + "/stderr?follow=true");
  out.key("logs").begin_object();
  for (const std::string& name : names) out.member(name, logs + "/" + name);
  out.end_object();
  out.key("snapshots").begin_array().end_array();
  if (!places.archive.empty()) {
    out.key("archive").begin_object();
    for (const std::string& name : names) out.member(name, places.archive + "/" + name);
    out.end_object();
  }
  out.end_object();
  return out.take();
}

}  // namespace mimas::api
