#include "cli/sse.h"

#include <doctest/doctest.h>

namespace mimas::cli {
namespace {

using Events = std::vector<ServerEvent>;

Events all_at_once(std::string_view text) {
  EventParser parser;
  const Result<Events> events = parser.take(text);
  REQUIRE(events.ok());
  return *events;
}

constexpr std::string_view kStream =
    "retry: 2000\n\n: heartbeat\n\nid: e-1\nevent: job\ndata: {\"id\":\"mimas-1\"}\n\n"
    "event: snapshotEnd\ndata: {}\n\nid: e-2\nevent: task\ndata:{\"a\":\ndata: 1}\n\n";
const Events kMeant = {
    {"e-1", "job", "{\"id\":\"mimas-1\"}"}, {"", "snapshotEnd", "{}"}, {"e-2", "task", "{\"a\":\n1}"}};

}  // namespace

TEST_CASE("events come with id, kind and data; comments and retry times do not") {
  CHECK(all_at_once(kStream) == kMeant);
}

TEST_CASE("wherever the bytes are cut, the events are the same") {
  for (std::size_t cut = 0; cut <= kStream.size(); ++cut) {
    CAPTURE(cut);
    EventParser parser;
    Events events = *parser.take(kStream.substr(0, cut));
    const Events more = *parser.take(kStream.substr(cut));
    events.insert(events.end(), more.begin(), more.end());
    CHECK(events == kMeant);
  }
}

TEST_CASE("lines may end in any of the three ways") {
  CHECK(all_at_once("event: a\r\ndata: 1\r\n\r\nevent: b\rdata: 2\r\r") ==
        Events{{"", "a", "1"}, {"", "b", "2"}});
}

TEST_CASE("an event without data is none, one without a kind is a message, an unfinished one waits") {
  CHECK(all_at_once("event: a\nid: 7\n\ndata\n\n") == Events{{"", "message", ""}});
  EventParser parser;
  CHECK(parser.take("data: 1\n")->empty());
  CHECK(parser.take("\n")->size() == 1);
}

TEST_CASE("a server that never ends its event is given up") {
  EventParser parser;
  const std::string piece(1u << 20, 'x');
  bool refused = false;
  for (int i = 0; i < 20 && !refused; ++i) refused = !parser.take(piece).ok();
  CHECK(refused);
}

}  // namespace mimas::cli
