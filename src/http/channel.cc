#include "http/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace mimas::http {

std::int64_t steady_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

Channel::Channel(int fd, std::string remote, const StopSignal& stop, std::int64_t write_ms,
                 std::atomic<std::int64_t>& stalled_since_ms, std::unique_ptr<net::SecureSession> session)
    : fd_(fd),
      remote_(std::move(remote)),
      stop_(stop),
      session_(std::move(session)),
      write_ms_(write_ms),
      stalled_since_ms_(stalled_since_ms) {}

Channel::~Channel() {
  if (session_ != nullptr) {
    // Owed to a peer whose reply ends with the connection; never waited for.
    session_->end();
    const std::string goodbye = session_->give();
    if (!write_failed_) (void)!::send(fd_, goodbye.data(), goodbye.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  ::close(fd_);
}

bool Channel::shake_hands(std::int64_t timeout_ms) {
  if (session_ == nullptr) return true;
  std::int64_t deadline = steady_ms() + timeout_ms;
  for (;;) {
    const auto done = session_->shake_hands();
    if (!send_raw(session_->give()) || !done) return false;
    if (*done) return true;
    const ssize_t got = ::recv(fd_, buffer_, sizeof buffer_, MSG_DONTWAIT);
    if (got > 0) {
      if (!session_->take({buffer_, static_cast<std::size_t>(got)})) return false;
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK) || !wait(POLLIN, deadline)) return false;
  }
}

// recv(2), which never waits, with what TLS does to it.
ssize_t Channel::receive(char* into, std::size_t size) {
  if (session_ == nullptr) return ::recv(fd_, into, size, MSG_DONTWAIT);
  for (;;) {
    const auto plain = session_->read(into, size);
    if (plain && *plain > 0) return static_cast<ssize_t>(*plain);
    if (plain && session_->ended()) return 0;
    if (!plain || !send_raw(session_->give())) {
      errno = EPROTO;
      return -1;
    }
    const ssize_t got = ::recv(fd_, into, size, MSG_DONTWAIT);  // sealed; `into` is as good a place as any
    if (got <= 0) return got;
    if (!session_->take({into, static_cast<std::size_t>(got)})) {
      errno = EPROTO;
      return -1;
    }
  }
}

bool Channel::wait_readable(std::int64_t idle_ms) {
  if (at_ < have_ || (session_ != nullptr && session_->readable())) return true;
  const std::int64_t deadline = steady_ms() + idle_ms;
  while (!stopping()) {
    const std::int64_t left = deadline - steady_ms();
    if (left <= 0) return false;
    pollfd fds[2] = {{fd_, POLLIN, 0}, {stop_.event, POLLIN, 0}};
    const int ready = ::poll(fds, 2, static_cast<int>(std::min<std::int64_t>(left, INT32_MAX)));
    if (ready < 0 && errno != EINTR) return false;
    if (ready > 0 && fds[0].revents != 0) return true;
  }
  return false;
}

void Channel::begin_request(std::int64_t request_ms) {
  read_deadline_ms_ = steady_ms() + request_ms;
  streaming_ = false;
}

// Waits until the socket is ready or the deadline has passed. Stopping shortens the deadline, once.
bool Channel::wait(short events, std::int64_t& deadline_ms) {
  for (;;) {
    const bool stop = stopping();
    const std::int64_t now = steady_ms();
    if (stop) deadline_ms = std::min(deadline_ms, now + (streaming_ ? 0 : kStopGraceMs));
    const std::int64_t left = deadline_ms - now;
    if (left <= 0) return false;
    pollfd fds[2] = {{fd_, events, 0}, {stop_.event, POLLIN, 0}};
    const int ready = ::poll(fds, stop ? 1 : 2, static_cast<int>(std::min<std::int64_t>(left, INT32_MAX)));
    if (ready < 0 && errno != EINTR) return false;
    if (ready > 0 && fds[0].revents != 0) return true;
  }
}

bool Channel::fill() {
  if (!flush()) {
    failure_ = Failure::closed;
    return false;
  }
  for (;;) {
    const ssize_t got = receive(buffer_, sizeof buffer_);
    if (got > 0) {
      at_ = 0;
      have_ = static_cast<std::size_t>(got);
      return true;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
      failure_ = Failure::closed;
      return false;
    }
    if (!wait(POLLIN, read_deadline_ms_)) {
      failure_ = Failure::timed_out;
      return false;
    }
  }
}

std::string_view Channel::arrived() {
  if (failure_ != Failure::none || (at_ == have_ && !fill())) return {};
  return {buffer_ + at_, have_ - at_};
}

bool Channel::write(std::string_view bytes) {
  if (write_failed_) return false;
  if (pending_.size() + bytes.size() <= kGatherBytes) {
    pending_.append(bytes);
    return true;
  }
  return flush() && send_all(bytes);
}

bool Channel::flush() {
  if (write_failed_) return false;
  if (pending_.empty()) return true;
  const bool sent = send_all(pending_);
  pending_.clear();
  return sent;
}

bool Channel::send_all(std::string_view bytes) {
  if (session_ == nullptr) return send_raw(bytes);
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kGatherBytes);
    if (!session_->write(piece)) {
      write_failed_ = true;
      return false;
    }
    if (!send_raw(session_->give())) return false;
    bytes.remove_prefix(piece.size());
  }
  return true;
}

bool Channel::send_raw(std::string_view bytes) {
  // The deadline starts anew with every 64 KiB that went out: a large reply to an honest reader may take
  // longer.
  std::int64_t deadline = steady_ms() + write_ms_;
  std::size_t mark = bytes.size();
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      if (mark - bytes.size() >= kGatherBytes) {
        mark = bytes.size();
        deadline = steady_ms() + write_ms_;
      }
      continue;
    }
    if (errno == EINTR) continue;
    const bool full = errno == EAGAIN || errno == EWOULDBLOCK;
    if (full) stalled_since_ms_.store(steady_ms());
    const bool more = full && wait(POLLOUT, deadline);
    stalled_since_ms_.store(0);
    if (more) continue;
    write_failed_ = true;
    return false;
  }
  return true;
}

bool Channel::peer_alive() const {
  if (write_failed_) return false;
  pollfd peer{fd_, POLLRDHUP, 0};
  return ::poll(&peer, 1, 0) == 0;
}

void Channel::linger() {
  if (!flush()) return;
  if (session_ != nullptr) {
    session_->end();
    if (!send_raw(session_->give())) return;
  }
  if (::shutdown(fd_, SHUT_WR) != 0) return;
  constexpr std::int64_t kLingerMs = 2'000;
  constexpr std::size_t kLingerBytes = 16u << 20;
  std::int64_t deadline = steady_ms() + kLingerMs;
  std::size_t discarded = 0;
  while (discarded < kLingerBytes && steady_ms() < deadline) {
    const ssize_t got = ::recv(fd_, buffer_, sizeof buffer_, MSG_DONTWAIT);
    if (got > 0) {
      discarded += static_cast<std::size_t>(got);
    } else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
      return;
    } else if (!wait(POLLIN, deadline)) {
      return;
    }
  }
}

}  // namespace mimas::http
