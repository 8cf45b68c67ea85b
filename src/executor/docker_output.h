// Up to where a container's output has been delivered, so that after a lost connection Docker's own record
// of it (GET /containers/ID/logs with time stamps) is taken up at the right place. The first connection is
// an attachment: nothing is missing, and when we do not read, the container waits. The record comes in
// frames of one line each, "2026-11-21T07:00:00.123456789Z text"; lines stamped up to the last delivery are
// known, and of a line that was cut by the loss only the rest is new. Pure. Tested in
// tests/executor/docker_output_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "executor/docker_api.h"

namespace mimas::executor {

// Docker stamps a line a little after it has passed it on.
inline constexpr std::int64_t kStampSlackMs = 20;
inline constexpr std::size_t kDockerLineMax = 16'384;  // Docker cuts longer lines in its record

class OutputPlace {
 public:
  void delivered(const FrameReader::Piece& piece, Instant wall);  // from the attachment

  void begin_record();  // what follows is the record since since()
  // The new part of a piece of the record; often nothing.
  std::string_view from_record(FrameReader::Piece piece, Instant wall);

  std::string since() const;  // for the query: "1700000000.123"; "0" when nothing was delivered

 private:
  struct Stream {
    std::string begun;  // the line that has no end yet, as delivered
    std::string stamp;  // of the frame that is coming in
    std::size_t matched = 0;
    bool in_stamp = false;
    bool known = false;     // the frame was delivered before
    bool matching = false;  // is this the rest of `begun`?
  };
  void remember(Stream& stream, std::string_view bytes);
  std::string_view without_begun(Stream& stream, std::string_view bytes);

  Stream streams_[2];
  Instant last_{0};
  std::string known_until_;  // RFC 3339 with milliseconds
};

}  // namespace mimas::executor
