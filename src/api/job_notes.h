// What was understood of a job and does not do what its submitter may think: sentences, in answers (`notes`).
// Nothing is ignored in silence, and what others send by habit is not refused for it. Pure. Tested in
// tests/api/job_notes_test.cc.
#pragma once

#include <string>
#include <vector>

#include "model/job.h"

namespace mimas::api {

// What can be seen of the job as it is kept; in every answer that shows it.
std::vector<std::string> notes_of(const JobSpec& spec);

// Of `notes`, those that are not among `before`.
std::vector<std::string> notes_beyond(const std::vector<std::string>& before, std::vector<std::string> notes);

}  // namespace mimas::api
