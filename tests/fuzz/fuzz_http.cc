// The head and the body of an answer: the same whichever way the bytes were cut, and no header with a line
// break in it. Bytes that begin with a digit are tried as a chunked body behind a head of ours.
#include <algorithm>
#include <string>

#include "base/assert.h"
#include "door.h"
#include "wire/http.h"

using namespace mimas;

namespace {

struct Outcome {
  int status = 0;
  std::vector<wire::Header> headers;
  std::string body;
  std::size_t used = 0;
  bool failed = false;
  bool complete = false;
  bool ended_well = false;
  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view bytes, std::size_t piece) {
  wire::ResponseParser parser;
  Outcome out;
  while (!bytes.empty() && !out.failed && !parser.complete()) {
    const auto used = parser.feed(bytes.substr(0, piece), out.body);
    out.failed = !used.ok();
    if (!out.failed) out.used += *used;
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  if (out.failed) {
    out.body.clear();  // how far it came before the fault depends on the cuts
    out.used = 0;
    return out;
  }
  if (parser.head_complete()) {
    out.status = parser.head().status;
    out.headers = parser.head().headers;
  }
  out.complete = parser.complete();
  out.ended_well = parser.finish().ok();
  return out;
}

void try_answer(std::string_view bytes) {
  const Outcome whole = read(bytes, bytes.size() + 1);
  ASSERT(read(bytes, 1) == whole);
  ASSERT(read(bytes, 5) == whole);
  wire::Request request;
  request.host = "h";
  for (const wire::Header& header : whole.headers) {
    ASSERT(header.value.find_first_of("\r\n") == std::string::npos);
    request.headers.push_back(header);
  }
  if (!whole.headers.empty()) (void)wire::format_request(request);
  ASSERT(whole.status == 0 || (whole.status >= 200 && whole.status <= 999));
}

}  // namespace

void try_bytes(std::string_view bytes) {
  try_answer(bytes);
  if (!bytes.empty() && bytes.front() >= '0' && bytes.front() <= '9')
    try_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(bytes));
}
FUZZ_DOOR
