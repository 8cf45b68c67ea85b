// The head and the body of a request: the same whichever way the bytes were cut, nothing in it that could be
// another request, and what was read is read the same again when it is written out. Bytes that begin with a
// digit are tried as a chunked body behind a head of ours.
#include <algorithm>
#include <optional>
#include <string>

#include "base/assert.h"
#include "door.h"
#include "wire/http.h"
#include "wire/request_parser.h"

using namespace mimas;

namespace {

struct Outcome {
  std::string method, target, body;
  std::vector<wire::Header> headers;
  std::size_t used = 0;
  int refused = 0;
  bool complete = false;
  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view bytes, std::size_t piece) {
  wire::RequestParser parser(1u << 20);
  Outcome out;
  while (!bytes.empty() && !parser.fault() && !parser.complete()) {
    const std::size_t used = parser.feed(bytes.substr(0, piece), out.body);
    ASSERT(used > 0 || parser.fault());
    out.used += used;
    bytes.remove_prefix(used);
  }
  if (parser.fault()) {
    out = {};  // how far it came before the fault depends on the cuts
    out.refused = parser.fault()->status;
    return out;
  }
  out.complete = parser.complete();
  if (!parser.head_complete()) return out;
  out.method = parser.head().method;
  out.target = parser.head().target;
  out.headers = parser.head().headers;
  return out;
}

void try_request(std::string_view bytes) {
  const Outcome whole = read(bytes, bytes.size() + 1);
  ASSERT(read(bytes, 1) == whole);
  ASSERT(read(bytes, 7) == whole);
  ASSERT(whole.refused == 0 || (whole.refused >= 400 && whole.refused <= 505));
  for (const wire::Header& header : whole.headers)
    ASSERT(header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  if (!whole.complete) return;
  ASSERT(whole.target.find_first_of(" \r\n") == std::string::npos);
  wire::Request again;
  again.method = whole.method;
  again.target = whole.target;
  again.host = wire::find_header(whole.headers, "Host");
  again.body = whole.body;
  const auto written = wire::format_request(again);
  ASSERT(written.ok());
  const Outcome second = read(*written, written->size());
  ASSERT(second.complete && second.used == written->size() && second.method == whole.method &&
         second.target == whole.target && second.body == whole.body);
}

}  // namespace

void try_bytes(std::string_view bytes) {
  try_request(bytes);
  if (!bytes.empty() && bytes.front() >= '0' && bytes.front() <= '9')
    try_request("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(bytes));
}
FUZZ_DOOR
