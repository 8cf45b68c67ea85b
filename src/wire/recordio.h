// RecordIO, the framing of Mesos's event streams: decimal length, LF, that many bytes (mesos-protocol §1.6).
// A byte state machine, independent of how the bytes were cut. Zero-length records are skipped; any other
// malformed header poisons the stream for good. Limit: record_bytes_max (default 64 MiB), checked before
// anything is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mimas::wire {

inline constexpr std::size_t kRecordBytesMax = 64u << 20;

std::string frame_record(std::string_view record);

class RecordReader {
 public:
  explicit RecordReader(std::size_t record_bytes_max = kRecordBytesMax)
      : record_bytes_max_(record_bytes_max) {}

  // Appends the complete records in `bytes` to `records`. After an Error every further call answers the same
  // Error.
  Status feed(std::string_view bytes, std::vector<std::string>& records);

  bool at_boundary() const;  // nothing half-read: an end of stream here is orderly

 private:
  Status take_header_byte(char byte);
  void make_room(std::size_t more);
  Status fail(std::string why);

  std::size_t record_bytes_max_;
  bool in_body_ = false;
  int digits_ = 0;
  std::uint64_t length_ = 0;
  std::string partial_;
  std::string why_;  // not empty once the stream is poisoned
};

}  // namespace mimas::wire
