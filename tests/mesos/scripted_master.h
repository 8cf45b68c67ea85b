// A master made of raw sockets and a script: the test reads each request as it came over the wire and answers
// with bytes of its choosing. On 127.0.0.1 and a port the system picks. Every wait has a deadline, which
// fails the test.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "wire/endpoint.h"
#include "wire/http.h"
#include "wire/recordio.h"

namespace scripted {

inline constexpr int kPatienceMs = 20'000;

struct Request {
  std::string start;  // "POST /api/v1/scheduler HTTP/1.1"
  std::string head;
  std::string body;
  std::string header(std::string_view name) const {
    for (std::size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
      const std::string line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
      const auto colon = line.find(": ");
      if (colon == std::string::npos) continue;
      if (mimas::wire::equals_ignoring_case(line.substr(0, colon), name)) return line.substr(colon + 2);
    }
    return {};
  }
};

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  Connection(Connection&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), unread_(std::move(other.unread_)) {}
  Connection& operator=(Connection&& other) noexcept {
    close();
    fd_ = std::exchange(other.fd_, -1);
    unread_ = std::move(other.unread_);
    return *this;
  }
  ~Connection() { close(); }

  Request read_request() {
    Request request;
    std::size_t end = 0;
    while ((end = unread_.find("\r\n\r\n")) == std::string::npos) REQUIRE(read_more());
    request.head = unread_.substr(0, end + 2);
    request.start = request.head.substr(0, request.head.find("\r\n"));
    unread_.erase(0, end + 4);
    const auto length = static_cast<std::size_t>(std::atol(request.header("Content-Length").c_str()));
    while (unread_.size() < length) REQUIRE(read_more());
    request.body = unread_.substr(0, length);
    unread_.erase(0, length);
    return request;
  }

  // True when the peer closed its side without sending another byte.
  bool peer_closes() { return unread_.empty() && !read_more() && unread_.empty(); }

  bool sends_within(int ms) {
    pollfd one{fd_, POLLIN, 0};
    return !unread_.empty() || ::poll(&one, 1, ms) == 1;
  }

  // True when the peer has closed or reset the connection, whatever it sent before.
  bool peer_is_gone() {
    while (read_more()) unread_.clear();
    return true;
  }

  // False when the peer no longer takes them.
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  void answer(int status, std::string_view body = "", std::string_view headers = "") {
    write("HTTP/1.1 " + std::to_string(status) + " X\r\n" + std::string(headers) +
          "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
  }
  void accept_call() { answer(202); }
  void begin_stream(std::string_view stream_id, std::string_view type = "application/json") {
    write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nMesos-Stream-Id: " + std::string(stream_id) +
          "\r\nContent-Type: " + std::string(type) + "\r\n\r\n");
  }
  void event(std::string_view record) {
    const std::string framed = mimas::wire::frame_record(record);
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", framed.size());
    write(size + framed + "\r\n");
  }
  void end_stream() { write("0\r\n\r\n"); }  // the socket stays open, as Mesos does it
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void reset() {  // RST instead of FIN
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }

 private:
  bool read_more() {
    pollfd one{fd_, POLLIN, 0};
    REQUIRE(::poll(&one, 1, kPatienceMs) == 1);
    char buffer[4096];
    const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    unread_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  int fd_;
  std::string unread_;
};

class Master {
 public:
  Master() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd_, 16) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  Master(const Master&) = delete;
  ~Master() { ::close(fd_); }

  mimas::wire::Endpoint endpoint() const { return {"127.0.0.1", port_}; }
  bool has_caller() {  // somebody connected and was not accepted yet
    pollfd one{fd_, POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
  }
  // Whether anybody connects before so many milliseconds have passed. For "nobody does": a slow machine makes
  // the answer weaker, never wrong.
  bool anybody_within(int ms) {
    pollfd one{fd_, POLLIN, 0};
    return ::poll(&one, 1, ms) == 1;
  }
  Connection accept() {
    pollfd one{fd_, POLLIN, 0};
    REQUIRE(::poll(&one, 1, kPatienceMs) == 1);
    const int fd = ::accept(fd_, nullptr, nullptr);
    REQUIRE(fd >= 0);
    return Connection(fd);
  }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

}  // namespace scripted
