// The members of a job and of a task as JSON, shared by lists and single answers. Names and types are those
// of Titus's v2 API as Spinnaker's driver reads it (titus §1.2, spinnaker §1.4), with our own fields after
// them. `sight` decides whether values of the environment are shown.
#pragma once

#include <string_view>
#include <vector>

#include "api/job_fields.h"
#include "api/sight.h"
#include "json/writer.h"
#include "model/job.h"
#include "model/placement_plan.h"
#include "model/task.h"

namespace mimas::api {

// A whole job object. Of its `tasks`, in the order of the view, `shown` are listed; `dispatched` says whether
// any of them left the queue, and `ready` how many of them are (model/readiness.h).
void write_job(json::Writer& out, const Job& job, const std::vector<TaskPtr>& tasks,
               const std::vector<TaskPtr>& shown, bool dispatched, std::int64_t ready,
               std::string_view shortfall, const Sight& sight, std::string_view base_url = {});
// Without the member `tasks`: for events, where each task speaks for itself.
void write_job_alone(json::Writer& out, const Job& job, bool dispatched, std::int64_t ready,
                     const Sight& sight);
// What a job would be, which nobody has written down: without tasks, and without an id if it is a new one.
// `notes`: of the submission. `changes`: what differs from before, JSON.
// `plan`: where its tasks would go; null: that was not asked.
void write_preview(json::Writer& out, const Job& job, const std::vector<std::string>& notes,
                   std::string_view changes, const Sight& sight, const PlacementPlanPtr& plan = nullptr);
// The members of a description, as it is submitted (api/description.h).
void write_wanted(json::Writer& out, const JobSpec& spec, const InstanceCounts& counts, bool in_service,
                  const Sight& sight);
// A whole task object, its links with `base_url` before their paths (empty: paths alone); with `alone`, what
// its job says about it too (GET /v2/tasks/{id}). `last`: the start of its slot before it (last_ending),
// where that is known.
void write_task(json::Writer& out, const Task& task, const Job& job, std::string_view shortfall, bool alone,
                const Sight& sight, std::string_view base_url = {}, const Task* last = nullptr);

// The newest ended start of the slot of a task that has not ended: what came before it. `tasks`: of its job,
// by (index, number), and outlives the answer. Null: none is kept, or the task has ended itself.
const Task* last_ending(const std::vector<TaskPtr>& tasks, const Task& task);
void write_last_ending(json::Writer& out, const Task* last);  // the member `lastEnding`

void write_thousandths(json::Writer& out, std::string_view name, std::int64_t thousandths);
void write_cpu(json::Writer& out, std::int64_t milli);  // 2 or 0.25: whole numbers stay int32 for the driver
void write_text_or_null(json::Writer& out, std::string_view name, std::string_view text);
void write_date_or_null(json::Writer& out, std::string_view name, Instant at);

}  // namespace mimas::api
