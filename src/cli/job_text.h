// Jobs, tasks and agents as the REST answers describe them → tables for people; and a `mimas run` command
// line → the body of POST /v2/jobs. Pure; a field that is missing or of another type shows as a blank, never
// as an error. Tested in tests/cli/job_text_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "cli/client_requests.h"
#include "cli/table.h"
#include "json/value.h"

namespace mimas::cli {

// Ages are counted to `now`. `wide`: more columns, for terminals of more than 80.
std::string jobs_table(json::Value jobs, bool colour, bool wide, Instant now);
std::string tasks_table(json::Value tasks, bool colour, bool wide, Instant now);
std::string task_page(json::Value task, bool colour);             // a block of facts, then its steps
std::string job_page(json::Value job, bool colour, Instant now);  // a block of facts, then the tasks
std::string agents_table(json::Value agents, bool colour, bool wide = false);
std::string orphans_table(json::Value list, bool colour);  // the alert, then the tasks
std::string operations_table(json::Value list, bool colour);
std::string groups_table(json::Value answer, bool colour);  // of one or of several
std::string decided_text(json::Value answer, bool colour);  // a line for each task that was named

std::string job_body(const JobRequest& request);

Tone state_tone(std::string_view state);
// "exit 3", "signal 9", or "".
std::string exit_text(json::Value task);
// Why a task is as it is, for a person: its exit, reason and message, as far as there are any.
std::string task_detail(json::Value task);

}  // namespace mimas::cli
