// Records → REST JSON, as titus-api.md §1–2 wants them: `tasks` always an array, submittedAt never null,
// dates with three fraction digits, only Titus's eight task states in `state`, the environment under
// `environment`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/problem.h"
#include "api/query.h"
#include "api/sight.h"
#include "engine/view.h"
#include "json/writer.h"

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
  bool any_state = false;                 // taskState=ANY or archived=true: ended jobs and tasks too
  std::vector<std::string> fields;        // top-level names to keep; empty: all
  std::int64_t limit = 0;                 // 0: all
  std::int64_t after_number = 0;          // from the cursor
  std::int64_t until_number = INT64_MAX;  // the last one of the page, see close_page()
  std::string base_url;                   // of links in the answer; not of the query, empty: paths alone
};
Checked<JobQuery> parse_job_query(const std::vector<Parameter>& parameters);

// The query of GET /v2/tasks: of which jobs, as above, and of them which tasks.
struct TaskQuery {
  JobQuery jobs;
  std::string job, host, agent;     // ids, and a host's name; empty: any
  std::vector<std::int64_t> after;  // from the cursor: job, index, number; empty: from the start
  std::vector<std::int64_t> until;  // the last one of the page, see close_page(); empty: all
};
Checked<TaskQuery> parse_task_query(const std::vector<Parameter>& parameters);

inline constexpr std::string_view kJobList = "after", kTaskList = "task";  // in cursors

struct List {
  std::string body;    // JSON array
  std::string cursor;  // for X-Next-Cursor; empty when this was the last page
};
// By number, so that pages stay right while jobs come and go: nothing is shown twice, nothing that was there
// all the time is left out.
// Written while they are sent: records are taken from the view a few at a time, so that a reader who is slow
// holds few of them. A limit is for close_page() alone.
void write_jobs(json::Writer& out, const engine::View& view, const JobQuery& query, const Sight& sight = {});
void write_tasks(json::Writer& out, const engine::View& view, const TaskQuery& query,
                 const Sight& sight = {});  // by (job, index, number)
// Where a page with a limit ends, which X-Next-Cursor has to say before the page is written: from here on the
// query says it by the page's last element. Answers the cursor; empty: this is the last page.
std::string close_page(const engine::View& view, JobQuery& query);
std::string close_page(const engine::View& view, TaskQuery& query);
void write_task_summary(json::Writer& out, const engine::View& view);  // counts by state of every live job

void write_one_job(json::Writer& out, const Job& job, const std::vector<TaskPtr>& tasks,
                   std::string_view shortfall, const Sight& sight = {}, std::string_view base_url = {});
std::string render_job(const Job& job, const std::vector<TaskPtr>& tasks, std::string_view shortfall,
                       const Sight& sight = {}, std::string_view base_url = {});
// Of one job: its ended tasks too, in order of (index, number), the newest attempt of a slot last.
std::string render_task(const Task& task, const Job& job, std::string_view shortfall, const Sight& sight = {},
                        std::string_view base_url = {},
                        const Task* last = nullptr);  // of last_ending() in render_job.h
void write_agents(json::Writer& out, const engine::View& view);
// Without `executor_version` (what the newest executor there said) there is no such member.
void write_agent(json::Writer& out, const Agent& agent, std::optional<std::string_view> executor_version);
std::string render_agent(const engine::View& view, const AgentId& id);  // empty: there is none of that id
// {"jobUri":"/api/v2/jobs/mimas-1"}, and the notes of the submission if there are any.
std::string render_job_uri(const JobId& id, const std::vector<std::string>& notes = {});
// GET /v2/logs/{taskId}. `stdoutLive`, `logs` and `snapshots` are texts, as Spinnaker's driver of 2016 reads
// them (spinnaker §1.2): what is written now, the list of all files there are, and the archive's folder or
// else that list again.
struct LogPlaces {
  std::string base_url;            // ours
  std::vector<std::string> names;  // of log files in the sandbox, as far as known
  std::string archive;             // URL of the task's folder in the archive; empty: there is none
};
std::string render_log_urls(const Task& task, const LogPlaces& places);

}  // namespace mimas::api
