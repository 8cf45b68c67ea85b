#include "executor/docker_output.h"

#include <algorithm>

namespace mimas::executor {
namespace {

constexpr std::size_t kStampMsSize = 23;  // "2026-11-21T07:00:00.123", which sorts as text
constexpr std::size_t kStampMax = 40;

}  // namespace

void OutputPlace::remember(Stream& stream, std::string_view bytes) {
  const std::size_t newline = bytes.rfind('\n');
  if (newline != bytes.npos) {
    stream.begun.clear();
    bytes.remove_prefix(newline + 1);
  }
  const std::size_t whole = stream.begun.size() + bytes.size();
  if (whole < kDockerLineMax) {
    stream.begun.append(bytes);
  } else {  // Docker's record began a new entry after each 16 KiB of it
    stream.begun.assign(bytes.substr(bytes.size() - std::min(bytes.size(), whole % kDockerLineMax)));
  }
}

void OutputPlace::delivered(const FrameReader::Piece& piece, Instant wall) {
  last_ = wall;
  remember(streams_[piece.error_stream ? 1 : 0], piece.bytes);
}

void OutputPlace::begin_record() {
  known_until_ =
      last_.ms == 0 ? std::string() : format_rfc3339(last_ + kStampSlackMs).substr(0, kStampMsSize);
  for (Stream& stream : streams_) {
    stream.stamp.clear();
    stream.in_stamp = stream.known = false;
    stream.matching = !stream.begun.empty();
    stream.matched = 0;
  }
}

std::string_view OutputPlace::from_record(FrameReader::Piece piece, Instant wall) {
  Stream& stream = streams_[piece.error_stream ? 1 : 0];
  if (piece.begins) {
    stream.in_stamp = true;
    stream.stamp.clear();
  }
  if (stream.in_stamp) {
    const std::size_t blank = piece.bytes.find(' ');
    const bool whole = blank != piece.bytes.npos;
    if (stream.stamp.size() < kStampMax) stream.stamp.append(piece.bytes.substr(0, blank));
    piece.bytes.remove_prefix(whole ? blank + 1 : piece.bytes.size());
    stream.in_stamp = !whole && stream.stamp.size() < kStampMax;
    stream.known = stream.stamp.compare(0, kStampMsSize, known_until_) <= 0;
  }
  if (stream.known || piece.bytes.empty()) return {};
  if (stream.matching) piece.bytes = without_begun(stream, piece.bytes);
  if (piece.bytes.empty()) return {};
  last_ = wall;
  remember(stream, piece.bytes);
  return piece.bytes;
}

// When Docker went on, the record's first new line starts with what we have of it; when Docker was restarted,
// it had forgotten that beginning, and the line is the rest.
std::string_view OutputPlace::without_begun(Stream& stream, std::string_view bytes) {
  const std::string_view rest = std::string_view(stream.begun).substr(stream.matched);
  const std::size_t size = std::min(rest.size(), bytes.size());
  if (rest.substr(0, size) != bytes.substr(0, size)) {
    stream.matching = false;
    return bytes;
  }
  stream.matched += size;
  stream.matching = stream.matched < stream.begun.size();
  return bytes.substr(size);
}

std::string OutputPlace::since() const {
  if (last_.ms == 0) return "0";
  const std::string fraction = std::to_string(1000 + last_.ms % 1000).substr(1);
  return std::to_string(last_.ms / 1000) + "." + fraction;
}

}  // namespace mimas::executor
