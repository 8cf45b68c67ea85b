// The `checks` of TaskInfo.data (schema/executor/task.json): a job's health checks as its one task asks them,
// with the host ports it was given in the place of the job's own. Pure. A check whose port the task does not
// have is left out: it could only fail. Tested in tests/mesos/task_checks_test.cc.
#pragma once

#include "json/writer.h"
#include "model/job.h"
#include "model/task.h"

namespace mimas::mesos {

void write_checks(json::Writer& out, const JobSpec& spec, const Task& task);  // nothing without checks

}  // namespace mimas::mesos
