// Request bodies of /v2 → engine commands, or all their faults at once. Pure functions. Limits of a job are
// in api/job_limits.h, the field reference in api/openapi.yaml.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/job_fields.h"
#include "api/problem.h"
#include "engine/input.h"

namespace mimas::api {

struct Submission {
  engine::SubmitJob command;         // request id left 0
  std::vector<std::string> ignored;  // unknown fields that were let through (lenient), for the Warning header
  std::vector<std::string> notes;    // what has no effect, and what job_notes.h sees
};

// `lenient`: unknown fields are ignored and listed (titus-api §1); labels.source=spinnaker implies it.
// Whether the sender may have what it asks for is another question: api/job_policy.h.
Checked<Submission> parse_submission(std::string_view body, bool lenient);
Checked<engine::KillJob> parse_kill_job(std::string_view body,
                                        std::string_view content_type);  // JSON, or text/plain id
Checked<engine::SetInstanceCounts> parse_set_instance_counts(std::string_view body);
Checked<engine::SetInService> parse_set_in_service(std::string_view body);
Checked<engine::SetJobProcesses> parse_set_job_processes(std::string_view body);
Checked<engine::KillTasks> parse_kill_tasks(std::string_view body);
Checked<std::string> parse_backup(std::string_view body);  // {"name": a file's}; empty: none was given
Checked<engine::CollectGarbage> parse_collect_garbage(std::string_view body);  // {"jobsKept": n}
Checked<engine::AdoptOrphans> parse_adopt_orphans(std::string_view body);      // ids, or all of them
Checked<engine::KillOrphans> parse_kill_orphans(std::string_view body);

}  // namespace mimas::api
