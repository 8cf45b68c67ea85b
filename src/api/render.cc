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

// Calls `each` with every job numbered above `after`, in order, until it says that it has enough.
template <typename Each>
void walk_jobs(const engine::View& view, std::int64_t after, Each each) {
  constexpr std::size_t kAtOnce = 256;
  for (;;) {
    const std::vector<JobPtr> some = view.jobs_after(after, kAtOnce);
    for (const JobPtr& job : some) {
      if (!each(*job)) return;
    }
    if (some.size() < kAtOnce) return;
    after = some.back()->number;
  }
}

void write_listed(json::Writer& out, const engine::View& view, const JobQuery& query, const Job& job,
                  const std::vector<TaskPtr>& tasks, const std::vector<TaskPtr>& shown, const Sight& sight) {
  const std::string shortfall = view.shortfall(job.id);
  if (query.fields.empty()) {
    write_job(out, job, tasks, shown, is_dispatched(tasks), count_ready(job, tasks), shortfall, sight,
              query.base_url);
    return;
  }
  json::Writer one;
  write_job(one, job, tasks, shown, is_dispatched(tasks), count_ready(job, tasks), shortfall, sight,
            query.base_url);
  out.raw(project_fields(one.take(), query.fields));
}

// Calls `each` with every job of a listing, its tasks and those of them that are shown, until it says that it
// has enough.
template <typename Each>
void walk_listing(const engine::View& view, const JobQuery& query, Each each) {
  const bool ended_too = wants_ended_jobs(query);
  walk_jobs(view, query.after_number, [&](const Job& job) {
    if (job.number > query.until_number) return false;
    if ((job.state == JobState::ended && !ended_too) || !matches_job(query, job)) return true;
    const std::vector<TaskPtr> tasks = view.tasks_of(job.id);
    std::vector<TaskPtr> shown;
    std::ranges::copy_if(tasks, std::back_inserter(shown),
                         [&](const TaskPtr& task) { return matches_state(query, task->state); });
    if (shown.empty() && !query.task_states.empty() && !query.any_state) return true;
    return each(job, tasks, shown);
  });
}

}  // namespace

void write_jobs(json::Writer& out, const engine::View& view, const JobQuery& query, const Sight& sight) {
  out.begin_array();
  walk_listing(view, query,
               [&](const Job& job, const std::vector<TaskPtr>& tasks, const std::vector<TaskPtr>& shown) {
                 write_listed(out, view, query, job, tasks, shown, sight);
                 return out.wanted();
               });
  out.end_array();
}

std::string close_page(const engine::View& view, JobQuery& query) {
  std::int64_t count = 0, last = 0;
  bool more = false;
  walk_listing(view, query, [&](const Job& job, const auto&, const auto&) {
    more = count == query.limit;
    if (more) return false;
    ++count;
    last = job.number;
    return true;
  });
  query.limit = 0;
  if (!more) return {};
  query.until_number = last;
  return write_cursor(kJobList, {last});
}

namespace {

bool matches_task(const TaskQuery& query, const Task& task) {
  const bool placed_there = (query.host.empty() || query.host == task.hostname) &&
                            (query.agent.empty() || query.agent == task.agent.value);
  return placed_there && matches_state(query.jobs, task.state);
}

// Calls `each` with every task of a listing and where it stands, until it says that it has enough.
template <typename Each>
void walk_listing(const engine::View& view, const TaskQuery& query, Each each) {
  const bool ended_too = wants_ended_jobs(query.jobs);
  walk_jobs(view, query.jobs.after_number - 1, [&](const Job& job) {
    if (!query.job.empty() && job.id.value != query.job) return true;
    // A job that was named is looked at whatever became of it.
    if (job.state == JobState::ended && !ended_too && query.job.empty()) return true;
    if (!matches_job(query.jobs, job)) return true;
    const std::vector<TaskPtr> tasks = view.tasks_of(job.id);
    for (const TaskPtr& task : tasks) {
      const std::vector place{job.number, task->index, task->number};
      if (!query.until.empty() && place > query.until) return false;
      if ((!query.after.empty() && place <= query.after) || !matches_task(query, *task)) continue;
      if (!each(job, *task, tasks, place)) return false;
    }
    return true;
  });
}

}  // namespace

void write_tasks(json::Writer& out, const engine::View& view, const TaskQuery& query, const Sight& sight) {
  out.begin_array();
  walk_listing(view, query,
               [&](const Job& job, const Task& task, const std::vector<TaskPtr>& tasks, const auto&) {
                 const std::string one = render_task(task, job, view.shortfall(job.id), sight,
                                                     query.jobs.base_url, last_ending(tasks, task));
                 out.raw(query.jobs.fields.empty() ? one : project_fields(one, query.jobs.fields));
                 return out.wanted();
               });
  out.end_array();
}

std::string close_page(const engine::View& view, TaskQuery& query) {
  std::int64_t count = 0;
  std::vector<std::int64_t> last;
  bool more = false;
  walk_listing(view, query,
               [&](const Job&, const Task&, const auto&, const std::vector<std::int64_t>& place) {
                 more = count == query.jobs.limit;
                 if (more) return false;
                 ++count;
                 last = place;
                 return true;
               });
  query.jobs.limit = 0;
  if (!more) return {};
  query.until = last;
  return write_cursor(kTaskList, last);
}

void write_task_summary(json::Writer& out, const engine::View& view) {
  out.begin_array();
  for (const auto& [job, tasks, held, ready] : view.live_jobs()) {
    std::map<std::string_view, std::int64_t> counts;
    for (std::size_t state = 0; state < tasks.size(); ++state) {
      if (tasks[state] > 0) counts[titus_state_name(static_cast<TaskState>(state))] += tasks[state];
    }
    out.begin_object().member("jobId", job->id.value).member("name", job->spec->name);
    out.key("counts").begin_object();
    for (const auto& [state, count] : counts) out.member(state, count);
    out.end_object().end_object();
    if (!out.wanted()) break;
  }
  out.end_array();
}

void write_one_job(json::Writer& out, const Job& job, const std::vector<TaskPtr>& tasks,
                   std::string_view shortfall, const Sight& sight, std::string_view base_url) {
  write_job(out, job, tasks, tasks, is_dispatched(tasks), count_ready(job, tasks), shortfall, sight,
            base_url);
}

std::string render_job(const Job& job, const std::vector<TaskPtr>& tasks, std::string_view shortfall,
                       const Sight& sight, std::string_view base_url) {
  json::Writer out;
  write_one_job(out, job, tasks, shortfall, sight, base_url);
  return out.take();
}

std::string render_task(const Task& task, const Job& job, std::string_view shortfall, const Sight& sight,
                        std::string_view base_url, const Task* last) {
  json::Writer out;
  write_task(out, task, job, shortfall, true, sight, base_url, last);
  return out.take();
}

std::string render_job_uri(const JobId& id, const std::vector<std::string>& notes) {
  json::Writer out;
  out.begin_object().member("jobUri", "/api/v2/jobs/" + id.value);
  if (!notes.empty()) {
    out.key("notes").begin_array();
    for (const std::string& note : notes) out.string(note);
    out.end_array();
  }
  out.end_object();
  return out.take();
}

std::string render_log_urls(const Task& task, const LogPlaces& places) {
  std::string_view base_url = places.base_url;
  while (base_url.ends_with('/')) base_url.remove_suffix(1);
  const std::string all = std::string(base_url) + "/v2/logs/", own = all + task.id.value;
  const std::string list = all + "download/" + task.id.value;
  std::set<std::string> rotated(places.names.begin(), places.names.end());
  std::vector<std::string> names{"stdout", "stderr"};
  for (const std::string& name : names) rotated.erase(name);
  names.insert(names.end(), rotated.begin(), rotated.end());
  const auto write_files = [&](json::Writer& out, std::string_view member, const std::string& folder) {
    out.key(member).begin_object();
    for (const std::string& name : names) out.member(name, folder + "/" + name);
    out.end_object();
  };
  json::Writer out;
  out.begin_object();
  out.member("stdoutLive", own + "/stdout?follow=true");
  out.member("stderrLive", own + "/stderr?follow=true");
  out.member("logs", list);
  out.member("snapshots", places.archive.empty() ? list : places.archive);
  write_files(out, "files", own);
  if (!places.archive.empty()) write_files(out, "archive", places.archive);
  out.end_object();
  return out.take();
}

}  // namespace mimas::api
