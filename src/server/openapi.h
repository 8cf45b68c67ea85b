// api/openapi.yaml, compiled in, so that a server always describes itself and no other version. Answered at
// GET /v2/openapi.yaml and /openapi.yaml; tests/e2e/rest_test.py holds the answers against it.
#pragma once

#include <string_view>

namespace mimas::server {

std::string_view openapi_document();

}  // namespace mimas::server
