// Waiting until a job is as it was asked to be, and telling what happens meanwhile: on stderr lines and, on a
// terminal, one line for how it goes; with --json a JSON object per line on stdout.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "cli/client_requests.h"
#include "cli/rest.h"
#include "json/value.h"

namespace mimas::cli {

enum class Goal {
  success,  // the job ends; kExitOk if it has finished, else kExitJobFailed
  end,      // the job ends, however
  size,  // as many are ready as are wanted; kExitOk if it has finished meanwhile, kExitJobFailed if it ended
         // else
};

struct Pursuit {
  std::string job;
  Goal goal = Goal::success;
  bool wait_for_place = true;     // false: kExitPending once the server says that it cannot be placed
  std::int64_t timeout_secs = 0;  // then Code::timeout; 0: as long as it takes
  std::function<void(json::Value job)> look = nullptr;  // at each answer that was got, before it is told
};

// A server that goes away is waited for a while.
Result<int> pursue(Rest& rest, const Client& client, const Pursuit& pursuit);

// Until these tasks have ended.
Result<int> await_end_of_tasks(Rest& rest, const Client& client, const std::vector<std::string>& tasks,
                               std::int64_t timeout_secs);

}  // namespace mimas::cli
