// One reader of GET /v2/events: a snapshot and then the changes, or from where it was, until it goes, falls
// behind, or the server stops. Written as Server-Sent Events or as JSON lines. Lives on its connection's
// worker thread. Tested in tests/server/event_stream_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/event.h"
#include "http/listener.h"
#include "server/event_ring.h"
#include "server/published_view.h"

namespace mimas::server {

inline constexpr std::int64_t kReconnectMs = 2'000;  // what `retry` asks of a browser
inline constexpr std::size_t kEventsAtOnce = 256;
inline constexpr std::size_t kEventBytesAtOnce = 64u << 10;

enum class EventFormat { server_sent, json_lines };

class EventStream {
 public:
  // `sight`: what of the jobs' environments this reader may see.
  EventStream(const PublishedView& view, EventRing& ring, api::EventQuery query, EventFormat format,
              api::Sight sight = {})
      : view_(view), ring_(ring), query_(std::move(query)), format_(format), sight_(std::move(sight)) {}

  void run(http::StreamWriter& out);

 private:
  bool begin();
  bool tell_snapshot();
  bool follow();
  bool heartbeat();
  bool put(std::string_view name, std::string_view id, std::string_view data);  // gathers
  bool put_in_snapshot(const api::Event& event);
  void put_last(std::string_view name, const std::string& why);
  bool flush();

  const PublishedView& view_;
  EventRing& ring_;
  const api::EventQuery query_;
  const EventFormat format_;
  const api::Sight sight_;
  http::StreamWriter* out_ = nullptr;
  EventRing::Reader* reader_ = nullptr;
  std::string gathered_;
  std::uint64_t gathered_events_ = 0;
  std::uint64_t at_ = 0;  // the last event seen, whether it passed the filter or not
  std::int64_t written_ms_ = 0;
};

}  // namespace mimas::server
