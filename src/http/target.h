// The request target of HTTP/1.1 ("/v2/jobs?a=b", or "*") taken apart: the path percent-decoded once but for
// "%2F" and "%25" (a slash within a segment, which the router decodes when it has taken the segments apart),
// the query parameters in order, decoded once, repeated ones kept. Pure. Tested in tests/http/target_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/listener.h"

namespace mimas::http {

inline constexpr std::size_t kQueryParametersMax = 256;

struct Target {
  std::string path;
  std::vector<QueryParameter> query;
};

// Of a target that wire::RequestParser let through. Errors: invalid_argument for a bad percent escape, an
// encoded NUL, too many parameters.
Result<Target> parse_target(std::string_view target);

}  // namespace mimas::http
