// A master's answer: HTTP framing and RecordIO give the same records however the bytes were cut.
#include <string>
#include <vector>

#include "base/assert.h"
#include "door.h"
#include "wire/http.h"
#include "wire/recordio.h"

using namespace mimas;

namespace {

std::vector<std::string> records_of(std::string_view bytes, std::size_t piece) {
  wire::ResponseParser parser;
  wire::RecordReader reader(1u << 16);
  std::vector<std::string> records;
  while (!bytes.empty()) {
    std::string body;
    const std::string_view now = bytes.substr(0, piece);
    const auto used = parser.feed(now, body);
    if (!reader.feed(body, records).ok() || !used.ok() || parser.complete()) break;
    bytes.remove_prefix(now.size());
  }
  return records;
}

}  // namespace

void try_bytes(std::string_view bytes) { ASSERT(records_of(bytes, bytes.size()) == records_of(bytes, 1)); }
FUZZ_DOOR
