// The bearer tokens an agent gives its executors: JSON web tokens, signed with HS256, whose claims name one
// container (`fid`, `eid`, `cid`; mesos-protocol §3.1, §3.2, as recorded). They do not expire: a container
// ends. Pure but for the library that computes the signature; thread-safe. Tested in
// tests/pocket/jwt_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "pocket/agent_model.h"

namespace mimas::pocket {

inline constexpr std::size_t kTokenBytesMax = 4'096;

std::string make_token(std::string_view key, const ContainerRef& container);

// Errors (unauthenticated) say what is wrong with the token and never quote it: its form, another algorithm,
// a signature by another key, a missing claim.
Result<ContainerRef> read_token(std::string_view key, std::string_view token);

}  // namespace mimas::pocket
