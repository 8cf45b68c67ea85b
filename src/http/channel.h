// One accepted connection as bytes, in plain or over a TLS session: buffered reads with a deadline for the
// whole request, gathered writes with a deadline for a slow reader, and the question whether the peer is
// still there. Belongs to one worker thread. Every wait also ends when the listener stops: an idle wait at
// once, a request or reply under way after kStopGraceMs, a stream at once. Bounds: 8 KiB of bytes not taken
// yet, kGatherBytes of unsent ones. Tested through tests/http/listener_test.cc.
#pragma once

#include <sys/types.h>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/secure.h"

namespace mimas::http {

inline constexpr std::int64_t kStopGraceMs = 1'000;
inline constexpr std::size_t kGatherBytes = 64u << 10;

std::int64_t steady_ms();  // monotonic

// What all connections of one listener share about its end.
struct StopSignal {
  std::atomic<bool> raised{false};
  int event = -1;  // becomes readable, for good, when raised
};

class Channel {
 public:
  enum class Failure { none, closed, timed_out };

  // Takes the (non-blocking) descriptor over. `stalled_since_ms` is set while the peer takes nothing of what
  // is written, and outlives the channel. `session` may be null: plain.
  Channel(int fd, std::string remote, const StopSignal& stop, std::int64_t write_ms,
          std::atomic<std::int64_t>& stalled_since_ms, std::unique_ptr<net::SecureSession> session);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  const std::string& remote() const { return remote_; }
  int fd() const { return fd_; }

  // Agrees on TLS where there is a session; false: not within the time, or not at all. First of all calls.
  bool shake_hands(std::int64_t timeout_ms);

  // The common name of the certificate that the peer has proved to have; empty: none, or no TLS.
  std::string peer_name() const { return session_ == nullptr ? std::string() : session_->peer_name(); }

  // Waits for the first byte of a request; false: idle too long, closed, or stopping.
  bool wait_readable(std::int64_t idle_ms);

  void begin_request(std::int64_t request_ms);
  // What has come and was not taken yet, at least one byte; waits for it. Empty: see failure(). Valid until
  // the next call.
  std::string_view arrived();
  void take(std::size_t count) { at_ += count; }
  Failure failure() const { return failure_; }

  bool write(std::string_view bytes);  // gathered; sent when much has come together
  bool flush();                        // false: the peer is gone or too slow; sticks
  void discard() {                     // nothing more is sent, as if the peer were gone
    pending_.clear();
    write_failed_ = true;
  }
  void begin_stream() { streaming_ = true; }

  bool peer_alive() const;  // no bytes moved; false when the peer has closed its half
  bool stopping() const { return stop_.raised.load(std::memory_order_acquire); }

  // Says goodbye without losing the last reply to a reset: half-closes, then discards what the peer still
  // sends, up to 16 MiB and 2 s.
  void linger();

 private:
  bool fill();
  ssize_t receive(char* into, std::size_t size);
  bool send_all(std::string_view bytes);
  bool send_raw(std::string_view bytes);
  bool wait(short events, std::int64_t& deadline_ms);

  int fd_;
  std::string remote_;
  const StopSignal& stop_;
  std::unique_ptr<net::SecureSession> session_;
  std::int64_t write_ms_;
  std::atomic<std::int64_t>& stalled_since_ms_;
  std::int64_t read_deadline_ms_ = 0;
  std::size_t at_ = 0, have_ = 0;
  Failure failure_ = Failure::none;
  bool write_failed_ = false;
  bool streaming_ = false;
  std::string pending_;
  char buffer_[8192];
};

}  // namespace mimas::http
