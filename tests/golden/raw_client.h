// Speaks recorded bytes to a server as they were spoken to Mesos: one TCP connection, nothing added.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "net/clock.h"
#include "net/socket.h"
#include "recorded.h"

namespace recorded {

inline constexpr std::int64_t kPatienceMs = 20'000;

class RawClient {
 public:
  explicit RawClient(const mimas::wire::Endpoint& to) {
    auto connected = mimas::net::Socket::connect(to, kPatienceMs);
    REQUIRE(connected.ok());
    socket_ = std::move(*connected);
  }
  void send(std::string_view bytes) { REQUIRE(socket_.write_all(bytes, kPatienceMs).ok()); }
  void finish_writing() { ::shutdown(socket_.fd(), SHUT_WR); }

  // One whole answer; of a stream the head and `records` events, or all of them if it ends earlier.
  Answer answer(std::size_t records) {
    mimas::wire::ResponseParser parser;
    Answer out;
    for (;;) {
      if (!unread_.empty()) {
        const auto used = parser.feed(std::exchange(unread_, {}), out.body);
        REQUIRE_MESSAGE(used.ok(), (used.ok() ? "" : used.error().text()));
        unread_ = last_.substr(*used);
      }
      if (parser.head_complete()) out.head = parser.head();
      const bool enough = parser.head_complete() && out.stream() && out.records().size() >= records;
      if (parser.complete() || enough) break;
      if (!read()) {
        REQUIRE_MESSAGE(parser.finish().ok(), "the answer broke off");
        out.head = parser.head();
        break;
      }
    }
    parser_ = std::move(parser);
    return out;
  }
  // More events of the stream that answer() began, until one of this type is there or the time is over.
  bool read_until(Answer& stream, std::string_view text) {
    const std::int64_t deadline = mimas::net::monotonic_ms() + kPatienceMs;
    while (stream.body.find(text) == std::string::npos) {
      if (mimas::net::monotonic_ms() > deadline || !read()) return false;
      REQUIRE(parser_.feed(std::exchange(unread_, {}), stream.body).ok());
    }
    return true;
  }
  bool closed_without_answer() { return !read(); }

 private:
  bool read() {
    char buffer[16 << 10];
    const auto got = socket_.read_some(buffer, sizeof buffer, kPatienceMs);
    if (!got.ok()) {
      REQUIRE_MESSAGE(got.error().code != mimas::Code::timeout, "nothing came");
      return false;
    }
    unread_.append(buffer, *got);
    last_ = unread_;
    return *got > 0;
  }
  mimas::net::Socket socket_;
  mimas::wire::ResponseParser parser_;
  std::string unread_;
  std::string last_;
};

}  // namespace recorded
