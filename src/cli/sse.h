// Server-Sent Events as the server sends them (docs/events.md): bytes in, whole events out. Comments and
// retry times are dropped. Pure. Bound: an event of more than 16 MiB ends the parsing with an Error. Tested
// in tests/cli/sse_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mimas::cli {

struct ServerEvent {
  std::string id;    // of this event; empty: it has none
  std::string kind;  // "event:"; "message" when it says nothing
  std::string data;  // its lines, joined
  bool operator==(const ServerEvent&) const = default;
};

class EventParser {
 public:
  // The events that these bytes complete.
  Result<std::vector<ServerEvent>> take(std::string_view bytes);

 private:
  void take_line(std::string_view line, std::vector<ServerEvent>& events);
  std::string rest_;  // of an unfinished line
  ServerEvent event_;
  bool has_data_ = false;
  bool after_return_ = false;  // a "\n" that follows belongs to the line before
};

}  // namespace mimas::cli
