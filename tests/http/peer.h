// A client for these tests that says exactly the bytes it is told to, so that bad requests can be sent too.
// Waits are bounded by a receive timeout; nothing sleeps.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace mimas::http {

struct Answer {
  int status = 0;
  std::string head;  // status line and headers
  std::string body;  // decoded
  std::string header(const std::string& name) const {
    const std::size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const std::size_t start = at + name.size() + 4;
    return head.substr(start, head.find("\r\n", start) - start);
  }
};

class Peer {
 public:
  // `from`: the last part of the 127.0.0.x that it comes from; 0: the usual one. `later`: connect() is called
  // by whoever needs the descriptor before the connection.
  explicit Peer(std::uint16_t port, int timeout_s = 20, std::uint32_t from = 0, bool later = false)
      : port_(port) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (from != 0) {
      sockaddr_in own{};
      own.sin_family = AF_INET;
      own.sin_addr.s_addr = htonl(0x7f000000u + from);
      ::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own);
    }
    const timeval limit{timeout_s, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (!later) connect();
  }
  ~Peer() { close(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool connect() {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    return connected_;
  }
  bool connected() const { return connected_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  bool say(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Until the text is among what was heard so far; false at the end of the connection.
  bool hear(std::string_view text) {
    while (heard_.find(text) == std::string::npos) {
      if (!more()) return false;
    }
    return true;
  }
  bool closed() {  // reads to the end
    while (more()) {
    }
    return ended_;
  }
  Answer answer(bool head_only = false) {
    Answer result;
    if (!hear("\r\n\r\n")) return result;
    const std::size_t end = heard_.find("\r\n\r\n");
    result.head = heard_.substr(0, end + 2);
    heard_.erase(0, end + 4);
    result.status = std::atoi(result.head.c_str() + 9);
    if (head_only) return result;
    if (result.header("Transfer-Encoding") == "chunked") {
      result.body = chunks();
    } else {
      const auto size = static_cast<std::size_t>(std::atoi(result.header("Content-Length").c_str()));
      while (heard_.size() < size && more()) {
      }
      result.body = heard_.substr(0, size);
      heard_.erase(0, size);
    }
    return result;
  }
  Answer ask(std::string_view bytes) {
    say(bytes);
    return answer();
  }
  const std::string& heard() const { return heard_; }
  void forget() { heard_.clear(); }  // what was heard so far: for long streams

 private:
  std::string chunks() {
    std::string body;
    for (;;) {
      std::size_t line = heard_.find("\r\n");
      while (line == std::string::npos) {
        if (!more()) return body + "<cut>";
        line = heard_.find("\r\n");
      }
      const std::size_t size = std::strtoul(heard_.c_str(), nullptr, 16);
      while (heard_.size() < line + 2 + size + 2) {
        if (!more()) return body + "<cut>";
      }
      body += heard_.substr(line + 2, size);
      heard_.erase(0, line + 2 + size + 2);
      if (size == 0) return body;
    }
  }
  bool more() {
    char buffer[4096];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got == 0 || (got < 0 && errno == ECONNRESET)) ended_ = true;  // a reset is an end too
    if (got <= 0) return false;
    heard_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  const std::uint16_t port_;
  int fd_ = -1;
  bool connected_ = false;
  bool ended_ = false;
  std::string heard_;
};

inline std::string get(std::string_view target, std::string_view headers = {}) {
  return std::string("GET ")
      .append(target)
      .append(" HTTP/1.1\r\nHost: localhost\r\n")
      .append(headers)
      .append("\r\n");
}

inline std::string post(std::string_view target, std::string_view body, std::string_view headers = {}) {
  return std::string("POST ")
      .append(target)
      .append(" HTTP/1.1\r\nHost: localhost\r\nContent-Length: ")
      .append(std::to_string(body.size()))
      .append("\r\n")
      .append(headers)
      .append("\r\n")
      .append(body);
}

}  // namespace mimas::http
