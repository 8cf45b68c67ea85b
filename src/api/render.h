// Records → REST JSON, as titus-api.md §1–2 wants them: `tasks` always an array, submittedAt never null,
// dates with three fraction digits, only Titus's eight task states in `state`, the environment under
// `environment`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/problem.h"
#include "engine/view.h"

namespace mimas::api {

// The query of GET /v2/jobs, parsed and checked (titus-api §1: filters, fields, limit, cursor).
struct JobQuery {
  std::string type;                                         // "", "service", "batch"
  std::vector<std::pair<std::string, std::string>> labels;  // (key, value)
  std::vector<bool> label_has_value;  // false (`k`): any value will do; `k=` asks for the empty one
  bool labels_all = false;            // labels.op=and
  std::string app_name, application_name, user, name, capacity_group;
  std::string group_stack, group_detail, group_sequence;
  std::vector<TaskState> task_states;
  bool any_state = false;           // taskState=ANY or archived=true: ended jobs and tasks too
  std::vector<std::string> fields;  // top-level names to keep; empty: all
  std::int64_t limit = 0;           // 0: all
  std::int64_t after_number = 0;    // from the cursor
};
struct Parameter {
  std::string name, value;
};
Checked<JobQuery> parse_job_query(const std::vector<Parameter>& parameters);

struct JobList {
  std::string body;    // JSON array
  std::string cursor;  // for X-Next-Cursor; empty when this was the last page
};
std::string make_cursor(std::int64_t after_number);  // URL-safe as it stands
JobList render_jobs(const engine::View& view, const JobQuery& query);

std::string render_job(const Job& job, const std::vector<TaskPtr>& tasks, std::string_view shortfall);
// Of one job: its ended tasks too, in order of (index, number), the newest attempt of a slot last.
std::string render_task(const Task& task, const Job& job, std::string_view shortfall);
std::string render_agents(const engine::View& view);
std::string render_job_uri(const JobId& id);  // {"jobUri":"/api/v2/jobs/mimas-1"}
// GET /v2/logs/{taskId}.
struct LogPlaces {
  std::string base_url;            // ours
  std::vector<std::string> names;  // of log files in the sandbox, as far as known
  std::string archive;             // URL of the task's folder in the archive; empty: there is none
};
std::string render_log_urls(const Task& task, const LogPlaces& places);

}  // namespace mimas::api
