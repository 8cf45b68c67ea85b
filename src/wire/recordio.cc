#include "wire/recordio.h"

#include <algorithm>
#include <utility>

namespace mimas::wire {
namespace {

constexpr int kDigitsMax = 20;  // mesos-protocol §1.6

}  // namespace

std::string frame_record(std::string_view record) {
  std::string out = std::to_string(record.size());
  out += '\n';
  out.append(record);
  return out;
}

Status RecordReader::feed(std::string_view bytes, std::vector<std::string>& records) {
  if (!why_.empty()) return fail(why_);
  while (!bytes.empty()) {
    if (!in_body_) {
      if (auto taken = take_header_byte(bytes.front()); !taken) return taken;
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t size = std::min(bytes.size(), static_cast<std::size_t>(length_) - partial_.size());
    make_room(size);
    partial_.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (partial_.size() < length_) break;
    records.push_back(std::exchange(partial_, {}));
    in_body_ = false;
    length_ = 0;
  }
  return Done{};
}

// Room grows with the bytes that are there, fourfold at most, and never beyond the record: a header that
// promises much costs nothing, and a large record that comes has no slack.
void RecordReader::make_room(std::size_t more) {
  const std::size_t wanted = partial_.size() + more;
  if (wanted > partial_.capacity()) partial_.reserve(std::min(static_cast<std::size_t>(length_), 4 * wanted));
}

Status RecordReader::take_header_byte(char byte) {
  if (byte == '\n') {
    if (digits_ == 0) return fail("a record header without a length");
    digits_ = 0;
    in_body_ = length_ > 0;
    return Done{};
  }
  if (byte < '0' || byte > '9') return fail("a record header that is not a decimal number");
  if (++digits_ > kDigitsMax) return fail("a record header of more than 20 digits");
  const auto digit = static_cast<std::uint64_t>(byte - '0');
  if (digit > record_bytes_max_ || length_ > (record_bytes_max_ - digit) / 10) {
    return fail("a record longer than " + std::to_string(record_bytes_max_) + " bytes");
  }
  length_ = length_ * 10 + digit;
  return Done{};
}

Status RecordReader::fail(std::string why) {
  why_ = std::move(why);
  partial_ = {};
  return make_error(Code::protocol, "the event stream is broken: " + why_);
}

bool RecordReader::at_boundary() const { return why_.empty() && !in_body_ && digits_ == 0; }

}  // namespace mimas::wire
