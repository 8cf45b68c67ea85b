// An event stream's framing: the same records however the bytes were cut, a broken header ends it for good,
// and what was framed is read back.
#include <string>
#include <vector>

#include "base/assert.h"
#include "door.h"
#include "wire/recordio.h"

using namespace mimas;

namespace {

constexpr std::size_t kLimit = 1u << 16;

struct Outcome {
  std::vector<std::string> records;
  bool broken = false;
  bool at_boundary = false;
  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view bytes, std::size_t piece) {
  wire::RecordReader reader(kLimit);
  Outcome out;
  while (!bytes.empty() && !out.broken) {
    out.broken = !reader.feed(bytes.substr(0, piece), out.records).ok();
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  out.at_boundary = reader.at_boundary();
  return out;
}

}  // namespace

void try_bytes(std::string_view bytes) {
  const Outcome whole = read(bytes, bytes.size() + 1);
  ASSERT(read(bytes, 1) == whole);
  ASSERT(read(bytes, 7) == whole);
  std::string again;
  for (const std::string& record : whole.records) {
    ASSERT(!record.empty() && record.size() <= kLimit);
    again += wire::frame_record(record);
  }
  ASSERT(read(again, again.size() + 1).records == whole.records);
}
FUZZ_DOOR
