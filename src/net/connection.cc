#include "net/connection.h"

#include <algorithm>
#include <utility>

#include "net/clock.h"

namespace mimas::net {
namespace {

constexpr std::size_t kPieceBytes = 64u << 10;

std::int64_t left_until(std::int64_t deadline) {
  return std::max<std::int64_t>(0, deadline - monotonic_ms());
}

}  // namespace

void Connection::close() {
  if (session_ != nullptr && socket_.open()) {
    session_->end();
    (void)send_given(0);  // a goodbye is owed, but never waited for
  }
  session_.reset();
  socket_.close();
}

Status Connection::open_unix(const std::string& path, std::int64_t timeout_ms) {
  close();
  return socket_.open_unix(path, timeout_ms);
}

Status Connection::open_tcp(const wire::Endpoint& to, std::int64_t timeout_ms, Resolve resolve,
                            const Security* security, const std::string& peer) {
  close();
  const std::int64_t deadline = monotonic_ms() + std::max<std::int64_t>(0, timeout_ms);
  if (Status opened = socket_.open_tcp(to, timeout_ms, resolve); !opened || security == nullptr)
    return opened;
  auto session = security->begin(peer);
  if (!session) {
    close();
    return std::move(session).error();
  }
  session_ = *std::move(session);
  Status secured = shake_hands(deadline);
  if (!secured) {
    session_.reset();
    close();
  }
  return secured;
}

Status Connection::shake_hands(std::int64_t deadline) {
  for (;;) {
    const auto done = session_->shake_hands();
    Status sent = send_given(left_until(deadline));
    if (!done) return done.error();
    if (!sent) return sent;
    if (*done) return Done{};
    const auto more = take_some(left_until(deadline));
    if (!more) return more.error();
    if (!*more) {
      return make_error(Code::unavailable, "the other side closed the connection instead of agreeing on TLS",
                        {}, "does it speak TLS, and have the two sides a cipher in common?");
    }
  }
}

Status Connection::send_given(std::int64_t timeout_ms) {
  const std::string bytes = session_->give();
  return bytes.empty() ? Status(Done{}) : socket_.write_all(bytes, timeout_ms);
}

// False: the peer closed its socket.
Result<bool> Connection::take_some(std::int64_t timeout_ms) {
  char buffer[16u << 10];
  const auto got = socket_.read_some(buffer, sizeof buffer, timeout_ms);
  if (!got) return got.error();
  if (*got == 0) return false;
  if (Status taken = session_->take({buffer, *got}); !taken) return std::move(taken).error();
  return true;
}

Result<std::size_t> Connection::read_some(char* into, std::size_t size, std::int64_t timeout_ms) {
  if (session_ == nullptr) return socket_.read_some(into, size, timeout_ms);
  const std::int64_t deadline = monotonic_ms() + std::max<std::int64_t>(0, timeout_ms);
  for (;;) {
    auto got = session_->read(into, size);
    if (!got || *got > 0) return got;
    if (session_->ended()) return std::size_t{0};
    if (Status sent = send_given(left_until(deadline)); !sent) return std::move(sent).error();
    const auto more = take_some(left_until(deadline));
    if (!more) return more.error();
    if (!*more) return make_error(Code::io, "the TLS connection was cut");
  }
}

Status Connection::write_all(std::string_view bytes, std::int64_t timeout_ms) {
  if (session_ == nullptr) return socket_.write_all(bytes, timeout_ms);
  const std::int64_t deadline = monotonic_ms() + std::max<std::int64_t>(0, timeout_ms);
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kPieceBytes);
    if (Status written = session_->write(piece); !written) return written;
    if (Status sent = send_given(left_until(deadline)); !sent) return sent;
    bytes.remove_prefix(piece.size());
  }
  return Done{};
}

bool Connection::readable() {
  if (session_ == nullptr) return socket_.readable();
  // What lies in the socket may concern TLS alone, such as a ticket.
  while (socket_.readable()) {
    const auto more = take_some(0);
    if (!more || !*more || session_->readable()) return true;
  }
  return session_->readable();
}

}  // namespace mimas::net
