// What the agent tells its executor through the environment (mesos-protocol §3.1), checked once at the start,
// and the environment a task gets: the executor's own less MESOS_*, LIBPROCESS_* and MIMAS_ARCHIVE_* (they
// are about the executor, and some are secrets) plus what the job asks for. Pure: environments come in as
// arrays of "NAME=value". Tested in tests/executor/environment_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "executor/spec.h"
#include "wire/endpoint.h"

namespace mimas::executor {

inline constexpr const char* kTokenVariable = "MESOS_EXECUTOR_AUTHENTICATION_TOKEN";

struct Settings {
  std::string framework_id;
  std::string executor_id;
  wire::Endpoint agent;
  std::string domain_socket;  // path; empty: TCP only
  std::string domain_target;  // "/slave(1)/api/v1/executor", the only path the unix socket serves
  std::string token;          // bearer token; empty: none
  bool checkpoint = false;    // outlive a restart of the agent
  std::int64_t recovery_timeout_ms = 900'000;
  std::int64_t subscription_backoff_ms_max = 2'000;
  std::int64_t shutdown_grace_ms = 5'000;
};

// Errors carry the name of the variable in `where`.
Result<Settings> parse_environment(const char* const* environment);

// "NAME=value" entries, sorted by nothing: own first, in their order, then the task's; the task's win.
std::vector<std::string> task_environment(const char* const* own, const Variables& extra);

}  // namespace mimas::executor
