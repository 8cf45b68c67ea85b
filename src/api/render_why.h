// Why a task or a job is where it is, for the person who asks: GET /v2/tasks/{id}/why, GET /v2/jobs/{id}/why,
// GET /v2/scheduler/failures/{taskId}, and what a dry run says of places. Pure. Members are those of
// api/openapi.yaml (TaskWhy, JobWhy, Explanation, Placement). Tested in tests/api/render_why_test.cc and
// tests/e2e/rest_test.py.
#pragma once

#include <string>

#include "engine/view.h"
#include "json/writer.h"
#include "model/placement_plan.h"

namespace mimas::api {

inline constexpr std::size_t kWhyTasksShown = 20;  // ids of each class of waiting tasks; all are counted

std::string render_task_why(const engine::View& view, const Task& task, const Job& job);
std::string render_job_why(const engine::View& view, const Job& job);
// Agents counted by what excluded them, constraints and amounts apart, as Titus's scheduler answers. Empty:
// the task does not wait, or no agent was looked at for it yet.
std::string render_failures(const engine::View& view, const Task& task);

void write_explanation(json::Writer& out, const Explanation& why);
void write_plan(json::Writer& out, const PlacementPlan& plan);

}  // namespace mimas::api
