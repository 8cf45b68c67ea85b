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

void write_resources(json::Writer& out, std::string_view name, const Resources& resources) {
  out.key(name).begin_object();
  write_cpu(out, resources.cpu_milli);
  out.member("memory", resources.mem_mib).member("disk", resources.disk_mib).member("gpu", resources.gpus);
  out.key("ports").begin_array();
  for (const PortRange& range : resources.ports.ranges()) {
    out.begin_object().member("first", range.first).member("last", range.last).end_object();
  }
  out.end_array().end_object();
}

// An end that is not known is null: until further notice.
void write_maintenance(json::Writer& out, const std::optional<Unavailability>& planned) {
  out.key("maintenance");
  if (!planned) {
    out.null();
    return;
  }
  out.begin_object();
  write_date_or_null(out, "start", planned->start);
  write_date_or_null(out, "end", planned->duration_ms == 0 ? Instant{} : planned->end());
  out.end_object();
}

}  // namespace

JobList render_jobs(const engine::View& view, const JobQuery& query) {
  JobList list;
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
      list.cursor = make_cursor(last_number);
      break;
    }
    ++count;
    last_number = job->number;
    json::Writer one;
    write_job(one, *job, shown, is_dispatched(tasks), count_ready(*job, tasks), view.shortfall(job->id));
    out.raw(query.fields.empty() ? one.take() : project_fields(one.take(), query.fields));
  }
  out.end_array();
  list.body = out.take();
  return list;
}

std::string render_job(const Job& job, const std::vector<TaskPtr>& tasks, std::string_view shortfall) {
  json::Writer out;
  write_job(out, job, tasks, is_dispatched(tasks), count_ready(job, tasks), shortfall);
  return out.take();
}

std::string render_task(const Task& task, const Job& job, std::string_view shortfall) {
  json::Writer out;
  write_task(out, task, job, shortfall, true);
  return out.take();
}

namespace {

// What the executor that last started a task on each agent said of itself. All tasks are looked at, also
// ended ones: a person asks now and then, and the answer outlives a restart as they do.
std::map<AgentId, TaskPtr> newest_executors(const engine::View& view) {
  std::map<AgentId, TaskPtr> newest;
  for (const JobPtr& job : view.jobs()) {
    for (const TaskPtr& task : view.tasks_of(job->id)) {
      if (task->agent.empty() || task->facts.executor_version.empty()) continue;
      TaskPtr& held = newest[task->agent];
      if (held == nullptr || held->running_at < task->running_at) held = task;
    }
  }
  return newest;
}

}  // namespace

std::string render_agents(const engine::View& view) {
  const std::map<AgentId, TaskPtr> newest = newest_executors(view);
  json::Writer out;
  out.begin_array();
  for (const AgentPtr& agent : view.agents()) {
    out.begin_object();
    out.member("id", agent->id.value).member("hostname", agent->hostname);
    out.member("state", agent_state_name(agent->state));
    write_text_or_null(out, "endpoint", agent->endpoint);
    write_text_or_null(out, "region", agent->region);
    write_text_or_null(out, "zone", agent->zone);
    out.key("attributes").begin_object();
    for (const auto& [name, value] : agent->attributes) out.member(name, value);
    out.end_object();
    const auto executor = newest.find(agent->id);
    write_text_or_null(out, "executorVersion",
                       executor == newest.end() ? "" : executor->second->facts.executor_version);
    write_resources(out, "offered", agent->offered);
    write_resources(out, "used", agent->used);
    write_date_or_null(out, "seenAt", agent->seen_at);
    write_maintenance(out, agent->maintenance);
    out.end_object();
  }
  out.end_array();
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
