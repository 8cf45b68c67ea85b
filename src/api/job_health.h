// Health checks of a job: `healthChecks` and `readiness` from the body into a JobSpec, and back into the
// answer in the same form, times in seconds with decimals. Same manner as job_fields.h. Tested in
// tests/api/job_health_test.cc.
#pragma once

#include "api/field_reader.h"
#include "api/job_fields.h"
#include "json/writer.h"
#include "model/job.h"
#include "model/task.h"

namespace mimas::api {

// Needs the ports. A check's port is 0 or absent for the job's first, one of its container ports, or, where
// it asks for a number of ports only, a place among them from 0.
void read_health(FieldReader& in, JobSpec& spec, UnknownFields& unknown);

void write_health_checks(json::Writer& out, const JobSpec& spec);
void write_task_health(json::Writer& out, const Task& task);  // healthy, ready, lastHealthMessage

}  // namespace mimas::api
