#include "server/stats_routes.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/render_stats.h"
#include "net/clock.h"
#include "server/answers.h"
#include "server/lookup.h"

namespace mimas::server {
namespace {

bool has_started(const Task& task) { return task.state != TaskState::queued && !task.agent.empty(); }

}  // namespace

http::Reply task_stats(const PublishedView& view, const Stats& stats, const http::Request& request,
                       const http::Captures& captures) {
  std::vector<api::Parameter> parameters;
  for (const auto& parameter : request.query) parameters.push_back({parameter.name, parameter.value});
  const auto query = api::parse_stats_query(parameters);
  if (!query.ok()) return faults(query.faults);
  const TaskId id(captures.at("id"));
  api::TaskStats one{view.task(id), 0, stats.history(id)};
  const JobPtr job = one.task ? view.job(one.task->job) : nullptr;
  if (!job || one.task->id != id) return problem(no_such_task(id.value));
  for (const TaskPtr& task : view.tasks_of(job->id)) {
    if (task->index == one.task->index && task->number <= one.task->number && has_started(*task))
      ++one.starts;
  }
  const std::string note = api::stats_note(one, net::wall_now(), stats.listening_since());
  return json_reply(api::render_task_stats(one, *job, query.value, note));
}

http::Reply job_stats(const PublishedView& view, const Stats& stats, const Job& job) {
  std::map<std::int64_t, api::TaskStats> slots;
  for (TaskPtr& task : view.tasks_of(job.id)) {  // the newest of a slot comes last
    api::TaskStats& slot = slots[task->index];
    if (has_started(*task)) ++slot.starts;
    slot.task = std::move(task);
  }
  std::vector<api::TaskStats> tasks;
  tasks.reserve(slots.size());
  for (auto& [index, slot] : slots) {
    slot.history = stats.history(slot.task->id);
    tasks.push_back(std::move(slot));
  }
  return json_reply(api::render_job_stats(job, tasks));
}

}  // namespace mimas::server
