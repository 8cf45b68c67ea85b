// A job as its submitter would write it: what PUT takes, what PATCH is laid over, what versions are compared
// by. Rendering and reading again is the identity, whatever a job has. Pure. Tested in
// tests/api/description_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/commands.h"
#include "api/sight.h"
#include "json/writer.h"
#include "model/history.h"
#include "model/job.h"

namespace mimas::api {

// What a user asked for, of a job or of one of its versions.
struct Wanted {
  const JobSpec& spec;
  std::int64_t instances_desired, instances_min, instances_max;
  bool in_service;
};
Wanted wanted_of(const Job& job);
Wanted wanted_of(const JobVersion& version);
std::string render_description(const Wanted& wanted, const Sight& sight = Sight::all());

// A JSON merge patch (RFC 7396) over the description. Two departures, for the words of the API: another word
// for a member (`cpus`, `numRetries`, `instances`) takes that member's place, and what is one of several
// forms (`retryPolicy`, `readiness`) is replaced as a whole. Faults: `patch` is no JSON object.
Checked<std::string> patch_description(const Wanted& wanted, std::string_view patch);

// [{"pointer","before","after"}, …] in the order of the description; a list differs as a whole; what is not
// there is null. With `masked`, variables of the environment that differ are named without their values.
std::string render_difference(std::string_view before, std::string_view after, bool masked = false);
// Of two versions, as this reader may see it.
std::string render_difference(const Wanted& before, const Wanted& after, const Sight& sight);

// The engine's command for the job to be as submitted.
engine::ChangeJob change_of(const JobId& job, const Submission& submission);

}  // namespace mimas::api
