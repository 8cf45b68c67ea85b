// The request header Range (RFC 9110 §14) against a body of known size. Only one range of bytes is served as
// a part: several, other units and what cannot be read are answered with the whole body, as the RFC allows.
// If the client holds an older version (If-Range), it gets the whole too. Pure. Tested in
// tests/http/byte_range_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mimas::http {

struct ByteRange {
  enum class Kind { whole, part, unsatisfiable };
  Kind kind = Kind::whole;
  std::int64_t offset = 0;
  std::int64_t length = 0;  // of the whole: its size; unsatisfiable: 0
  bool operator==(const ByteRange&) const = default;
};

// `range`, `if_range`: the headers' values, empty where absent. `etag`: the body's strong tag with its
// quotes; empty: it has none, and no If-Range matches.
ByteRange select_range(std::string_view range, std::string_view if_range, std::string_view etag,
                       std::int64_t size);

// The value of Content-Range: "bytes 0-99/1234", or "bytes */1234" when it cannot be satisfied.
std::string content_range(const ByteRange& selected, std::int64_t size);

}  // namespace mimas::http
