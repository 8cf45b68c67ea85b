// GET /v2/config: what this server was told, with its defaults, for whoever wonders why it behaves as it
// does. No secret and no path of one is in it. Tested by tests/e2e/rest_test.py.
#pragma once

#include <string>

#include "api/job_policy.h"
#include "api/render_cluster.h"
#include "server/server.h"

namespace mimas::server {

std::string render_config(const ServerOptions& options, const std::string& archive,
                          const api::JobPolicy& policy);
api::ServerLimits limits_of(const ServerOptions& options);  // for GET /v2/config/limits

}  // namespace mimas::server
