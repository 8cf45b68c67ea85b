// The server and what waits in it as JSON: queue, leader, status, the bounds of a job. Pure. Tested in
// tests/server/routes_test.cc and tests/e2e/rest_test.py.
#pragma once

#include <string>
#include <vector>

#include "engine/view.h"

namespace mimas::api {

// GET /v2/queue: waiting tasks by capacity group, longest waiting group first, with what is missing for each
// job. At most kQueueTasksShown ids of a job.
inline constexpr std::size_t kQueueTasksShown = 20;
std::string render_queue(const engine::View& view);

// Who answers. Addresses as others see them.
struct ServerFacts {
  std::string version;
  std::string hostname, address;  // address: numeric
  std::int64_t port = 0;          // as configured; 0: any free one, and not told
  Instant started_at;
  std::vector<std::string> masters;  // as configured, host:port
};
std::string render_leader(const ServerFacts& facts, const engine::View& view);  // as Titus spells it
std::string render_status(const ServerFacts& facts, const engine::View& view, Instant now);
// What the server's own settings bound.
struct ServerLimits {
  std::int64_t audits = 10'000, audits_ms = 2'592'000'000;
  std::int64_t audit_file_bytes = 0, audit_files = 0, audit_files_ms = 0;  // --audit-log; 0: there is none
  std::int64_t keys = 100'000, keys_per_caller = 10'000, keys_ms = 86'400'000;  // Idempotency-Keys
};
// GET /v2/config/limits: least, most and default of every bounded field, and the other bounds by name.
std::string render_limits(const ServerLimits& server);

}  // namespace mimas::api
