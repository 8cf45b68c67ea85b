// What several commands about jobs check in the same words. Private to the engine. Bodies: commands.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/turn.h"

namespace mimas::engine {

struct Counts {
  std::int64_t desired = 1, min = 1, max = 1;
};

Error no_such_job(const JobId& id);
Status check_counts(const Counts& counts);
Status check_room(const State::Data& data, std::int64_t more_instances);  // Policy::tasks_live_max
// May instancesDesired become this, as far as the job's processes go?
Status check_processes(const Job& job, std::int64_t desired);
// The Constraint violation of titus-api §1.
Error group_taken(const JobSpec& spec, const Job& by);

// The service, if a command may change it. Errors: not_found; invalid_argument for a batch job, of which
// `what` is no subject ("the instances"); conflict when it is not active any more, or has another version.
Result<JobEntry*> find_service(Turn& turn, const JobId& id, std::optional<std::int64_t> if_version,
                               const std::string& what);

// "set to 3 by me"
std::string by(std::string what, const std::string& user);

}  // namespace mimas::engine
