// The head of a reply as bytes. Pure. Tested through tests/http/listener_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "http/listener.h"

namespace mimas::http {

// How the bytes behind the head are told from what follows them.
struct BodyLength {
  enum class Kind { none, bytes, chunked, until_close };
  Kind kind = Kind::none;
  std::int64_t bytes = 0;
};

// What the handler says of framing and of the connection is left out, and a header that would be more than
// one line.
std::string reply_head(const Reply& reply, BodyLength length, bool close);

}  // namespace mimas::http
