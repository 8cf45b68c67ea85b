// Says when something may have changed: it listens to the server's events, and where the server has none it
// is a pause. It only ever says "look again"; what is true is read by the caller, so that an event lost costs
// a moment and nothing else. After a cut it resumes with the last id. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/rest.h"
#include "cli/sse.h"

namespace mimas::cli {

class ChangeFeed {
 public:
  // `query`: the filter of GET /v2/events, "job=mimas-7"; empty: everything.
  ChangeFeed(const Client& client, std::string query);

  // Returns when something may have changed, at the latest after `most_ms`. At once when the feed has
  // just been opened: what happened before must be looked at. Never an Error: the caller's own request will
  // tell.
  void wait(std::int64_t most_ms = kQuietMs);

  static constexpr std::int64_t kQuietMs = 5'000;  // then the caller looks anyway

 private:
  bool open();
  Client client_;
  std::string query_;
  std::optional<Rest> rest_;  // while the stream is open
  EventParser parser_;
  std::string last_id_;
  bool unavailable_ = false;  // the server has no events: pauses from now on
};

// "job=mimas-7&kind=task": names as they are, values percent-encoded.
void add_parameter(std::string& query, const char* name, const std::string& value);

}  // namespace mimas::cli
