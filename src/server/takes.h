// What a route takes beside its path: which query parameters, which kinds of body. Thread-safe. Tested in
// tests/server/routes_test.cc.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "api/query.h"
#include "server/call.h"

namespace mimas::server {

// What a route takes beside its path and body. Others' parameters are refused, with a guess at what was
// meant.
struct Takes {
  std::vector<std::string_view> query;
  // `fields` too: the members to keep of a JSON answer, or of each element of an array.
  bool fields = false;
};
CallHandler taking(Takes takes, CallHandler handler);

// Why the body cannot be JSON; nothing if it may be. Absent types and curl's own are let through: those of
// browsers did not get past the door (http/door.h).
std::optional<Error> media_type_fault(const http::Request& request);

std::vector<api::Parameter> parameters_of(const http::Request& request);

}  // namespace mimas::server
