// Measurements → REST JSON: GET /v2/tasks/{id}/stats and GET /v2/jobs/{id}/stats. What is not known is null.
// Rates are over the last measurement and the nearest one before it that is at least half a second older, by
// the agent's own clock. Pure. Tested in tests/api/render_stats_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/problem.h"
#include "api/render.h"
#include "base/time.h"
#include "model/job.h"
#include "model/task.h"
#include "model/usage.h"

namespace mimas::api {

// The query of GET /v2/tasks/{id}/stats. since: a moment as the answers write it, or milliseconds since 1970;
// only measurements after it are listed.
struct StatsQuery {
  Instant since;
};
Checked<StatsQuery> parse_stats_query(const std::vector<Parameter>& parameters);

struct TaskStats {
  TaskPtr task;
  std::int64_t starts = 0;     // of its slot that are on record, itself included
  std::vector<Usage> history;  // oldest first
};

// Why there is nothing to show; empty when there is. `listening_since`: measurements from before a restart of
// the server are lost.
std::string stats_note(const TaskStats& stats, Instant now, Instant listening_since);

std::string render_task_stats(const TaskStats& stats, const Job& job, const StatsQuery& query,
                              std::string_view note);
// The sum over the tasks that are running, and each of `tasks` with its latest values.
std::string render_job_stats(const Job& job, const std::vector<TaskStats>& tasks);

}  // namespace mimas::api
