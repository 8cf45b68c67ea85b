// The fields of a job, a group at a time, from the body's reader into a JobSpec. Each function reports every
// fault it finds through the reader and leaves defaults behind; nobody uses the spec then. The meaning of the
// fields and what Titus's differ in: titus-api §2, titus §1.2. Tested in tests/api/submission_test.cc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/field_reader.h"
#include "model/job.h"

namespace mimas::api {

// What to do with unknown fields, in the body and in its inner objects.
struct UnknownFields {
  bool lenient = false;
  std::vector<std::string> ignored;  // names that were let through
  std::vector<std::string> notes;    // of what is known but does nothing in this job, a sentence each
};

struct InstanceCounts {
  std::int64_t desired = 1, min = 1, max = 1;
};

std::optional<JobType> read_type(FieldReader& in);  // nullopt: a fault
// docker when there is an image in applicationName and nothing else was said (titus-api §2); nullopt: a fault
std::optional<Runtime> read_runtime(FieldReader& in);
void read_identity(FieldReader& in, JobSpec& spec);  // names, labels, job group
// Needs spec.runtime: a container may have both entryPoint and command, or neither, for the image has its
// own.
void read_program(FieldReader& in, JobSpec& spec, bool known_runtime, UnknownFields& unknown);
void read_amounts(FieldReader& in, JobSpec& spec);              // cpu … ports
Scalars read_scalars(FieldReader& in, std::string_view field);  // {"fpga": 2}, the network excepted
void read_constraints(FieldReader& in, JobSpec& spec);
void read_failure_rules(FieldReader& in, JobSpec& spec, UnknownFields& unknown);

// service: desired ← instancesDesired, `instances`, instancesMin, or 1 within instancesMax; min and max ←
// desired. batch: `instances`, at least 1; the three others are overwritten with it as in Titus, so a person
// who sets them to something else is told, while a lenient sender (Spinnaker) has them listed as ignored.
InstanceCounts read_instance_counts(FieldReader& in, std::optional<JobType> type, UnknownFields& unknown);

// Fields of Titus without a meaning here: kept and echoed as they came, if they were set (titus-api §2
// "cloud").
void read_echoed(FieldReader& in, JobSpec& spec);
// Fields that would change what runs, if only they were served: set ones are faults.
void refuse_unserved(FieldReader& in);

}  // namespace mimas::api
