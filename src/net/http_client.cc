#include "net/http_client.h"

#include <algorithm>
#include <utility>

#include "net/clock.h"

namespace mimas::net {
namespace {

constexpr std::size_t kBodyBytesMax = 64u << 20;
constexpr std::size_t kReadBytes = 16u << 10;

std::int64_t left_until(std::int64_t deadline) {
  return std::max<std::int64_t>(0, deadline - monotonic_ms());
}

}  // namespace

HttpClient::HttpClient(wire::Endpoint to, Timeouts timeouts, Resolve resolve)
    : to_(std::move(to)), timeouts_(timeouts), resolve_(resolve), connect_to_(to_) {}

HttpClient::HttpClient(wire::Endpoint to, Timeouts timeouts, Resolve resolve,
                       std::shared_ptr<const Security> security, wire::Endpoint connect_to)
    : to_(std::move(to)),
      timeouts_(timeouts),
      resolve_(resolve),
      security_(std::move(security)),
      connect_to_(std::move(connect_to)) {}

HttpClient HttpClient::over_unix(std::string path, Timeouts timeouts) {
  HttpClient client({"localhost", 0}, timeouts);
  client.unix_path_ = std::move(path);
  return client;
}

void HttpClient::interrupt() { socket_.interrupt(); }

void HttpClient::close() {
  socket_.close();
  parser_.reset();
  pending_.clear();
}

// After a failure nothing on the connection can be trusted: close it, and say who it was.
Error HttpClient::closed(Error error) {
  close();
  if (socket_.take_interrupt()) error = make_error(Code::unavailable, "interrupted");
  if (error.where.empty()) error.where = unix_path_.empty() ? to_.text() : unix_path_;
  return error;
}

Status HttpClient::ensure_open() {
  if (socket_.open()) return Done{};
  return unix_path_.empty()
             ? socket_.open_tcp(connect_to_, timeouts_.connect_ms, resolve_, security_.get(), to_.host)
             : socket_.open_unix(unix_path_, timeouts_.connect_ms);
}

Result<std::string> HttpClient::format(wire::Request& request) const {
  if (request.host.empty()) request.host = unix_path_.empty() ? to_.text() : "localhost";
  return wire::format_request(request);
}

Status HttpClient::send(const std::string& bytes, std::int64_t deadline) {
  return socket_.write_all(bytes, left_until(deadline));
}

// One read, decoded onto `body`; false at the end of the response.
Result<bool> HttpClient::receive(std::string& body, std::int64_t deadline) {
  char buffer[kReadBytes];
  auto got = socket_.read_some(buffer, sizeof buffer, left_until(deadline));
  if (!got) return std::move(got).error();
  if (*got == 0) {
    // Our own doing, not the peer's: a body that ends at the close must not pass for whole.
    if (socket_.interrupted()) return make_error(Code::unavailable, "interrupted");
    auto finished = parser_->finish();
    if (!finished) return std::move(finished).error();
    return false;
  }
  auto used = parser_->feed({buffer, *got}, body);
  if (!used) return std::move(used).error();
  // Bytes behind the answer belong to no question of ours: the two sides have lost step.
  if (*used < *got) socket_.close();
  return !parser_->complete();
}

// Sends and reads one whole answer on the open connection. `answered`: at least one byte of it came.
Result<Response> HttpClient::converse(const std::string& bytes, bool head_request, bool& answered) {
  const std::int64_t deadline = monotonic_ms() + timeouts_.response_ms;
  parser_.emplace(head_request);
  Response out;
  // A peer may refuse a long body in the middle and close; what it said then is worth more than our broken
  // pipe.
  const auto sent = send(bytes, deadline);
  if (!sent && sent.error().code == Code::timeout) return sent.error();
  for (bool more = true; more;) {
    auto received = receive(out.body, deadline);
    if (!received) {
      answered = answered || parser_->begun();
      return sent ? std::move(received).error() : sent.error();
    }
    if (out.body.size() > kBodyBytesMax)
      return make_error(Code::too_large, "the answer has more than 64 MiB");
    more = *received;
  }
  out.head = parser_->head();
  if (!sent || !out.head.keep_alive) socket_.close();
  return out;
}

Result<Response> HttpClient::exchange(wire::Request request, bool repeatable) {
  auto bytes = format(request);
  if (!bytes) return std::move(bytes).error();
  if (socket_.take_interrupt()) return closed(make_error(Code::unavailable, "interrupted"));
  // A connection in the middle of a stream, or one the peer has closed or spoken on unasked, is of no use any
  // more.
  if ((parser_ && !parser_->complete()) || socket_.readable()) close();
  bool reused = socket_.open();
  for (;;) {
    if (auto opened = ensure_open(); !opened) return closed(std::move(opened).error());
    bool answered = false;
    auto response = converse(*bytes, request.method == "HEAD", answered);
    if (response) return response;
    const bool stale = reused && !answered && response.error().code != Code::timeout;
    Error error = closed(std::move(response).error());
    if (!stale || !repeatable || error.message == "interrupted") return error;
    reused = false;
  }
}

Result<wire::ResponseHead> HttpClient::open_stream(wire::Request request) {
  close();
  auto bytes = format(request);
  if (!bytes) return std::move(bytes).error();
  if (socket_.take_interrupt()) return closed(make_error(Code::unavailable, "interrupted"));
  if (auto opened = ensure_open(); !opened) return closed(std::move(opened).error());
  const std::int64_t deadline = monotonic_ms() + timeouts_.response_ms;
  parser_.emplace(request.method == "HEAD");
  if (auto sent = send(*bytes, deadline); !sent) return closed(std::move(sent).error());
  while (!parser_->head_complete()) {
    auto received = receive(pending_, deadline);
    if (!received) return closed(std::move(received).error());
  }
  return parser_->head();
}

Result<bool> HttpClient::read_stream(std::string& into, std::int64_t timeout_ms) {
  if (!parser_) return make_error(Code::internal, "no stream is open");
  if (socket_.take_interrupt()) return closed(make_error(Code::unavailable, "interrupted"));
  const std::int64_t deadline = monotonic_ms() + std::max<std::int64_t>(0, timeout_ms);
  while (pending_.empty() && !parser_->complete()) {
    auto received = receive(pending_, deadline);
    if (received) continue;
    if (received.error().code == Code::timeout) return std::move(received).error();
    return closed(std::move(received).error());
  }
  if (pending_.empty()) return false;
  into += std::exchange(pending_, {});
  return true;
}

}  // namespace mimas::net
