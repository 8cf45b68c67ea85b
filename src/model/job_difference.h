// What differs between two descriptions of a job. Pure. Tested in tests/model/job_difference_test.cc.
#pragma once

#include <string>
#include <vector>

#include "model/job.h"

namespace mimas {

// The fields that differ, by their names in the REST API, in a fixed order. "echoed" stands for all that is
// accepted and means nothing here (JobSpec::echoed_json).
std::vector<std::string> differing_fields(const JobSpec& from, const JobSpec& to);

// Of them, those that running tasks would have to be replaced for. What only decides about the future
// (labels, retries, limits of time, owner, constraints) is not among them.
std::vector<std::string> needs_new_tasks(const JobSpec& from, const JobSpec& to);

}  // namespace mimas
