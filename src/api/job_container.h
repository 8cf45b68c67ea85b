// How a job's program is confined and, for docker, how its image runs: limits, user, logs, volumes and the
// `container` object. Same manner as job_fields.h. What only a container has is a fault in a job of
// processes. Tested in tests/api/job_container_test.cc.
#pragma once

#include "api/field_reader.h"
#include "api/job_fields.h"
#include "model/job.h"

namespace mimas::api {

// runAs, cpuQuota, pids, rlimits, logs: for processes and containers alike. Needs spec.runtime.
void read_confinement(FieldReader& in, JobSpec& spec, UnknownFields& unknown);

// applicationName and version as an image, digest, shmSize, volumes, container. Needs spec.runtime, the names
// and the amounts. Without `known_runtime` faults are not made up on top of the one about `runtime`.
void read_container(FieldReader& in, JobSpec& spec, bool known_runtime, UnknownFields& unknown);

}  // namespace mimas::api
