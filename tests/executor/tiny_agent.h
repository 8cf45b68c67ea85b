// An agent of a few lines on a real socket: takes one connection after another, hands out the requests as
// they came, and writes what it is told. Blocking, with deadlines that only a failure reaches.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace mimas::executor {

inline constexpr int kPatienceMs = 30'000;

class TinyAgent {
 public:
  // On any free port of 127.0.0.1, or on a unix socket whose path may be of any length.
  explicit TinyAgent(const std::string& path = "") {
    if (path.empty()) {
      listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in at{};
      at.sin_family = AF_INET;
      at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
      socklen_t size = sizeof at;
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
      port_ = ntohs(at.sin_port);
    } else {
      listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      char* here = ::getcwd(nullptr, 0);
      const std::size_t slash = path.rfind('/');
      REQUIRE(::chdir(path.substr(0, slash).c_str()) == 0);
      sockaddr_un at{};
      at.sun_family = AF_UNIX;
      path.copy(at.sun_path, sizeof at.sun_path - 1, slash + 1);
      const int bound = ::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at);
      REQUIRE(::chdir(here) == 0);
      std::free(here);
      REQUIRE(bound == 0);
    }
    REQUIRE(::listen(listener_, 8) == 0);
  }
  ~TinyAgent() {
    ::close(listener_);
    if (connection_ >= 0) ::close(connection_);
  }
  TinyAgent(const TinyAgent&) = delete;
  TinyAgent& operator=(const TinyAgent&) = delete;

  std::uint16_t port() const { return port_; }

  // Takes the next connection; the one before stays open and is not looked at any more: half-open.
  void accept() {
    REQUIRE(ready(listener_));
    connection_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(connection_ >= 0);
  }
  bool someone_waits() const {
    pollfd one{listener_, POLLIN, 0};
    return ::poll(&one, 1, 0) > 0;
  }
  std::string request() {  // head and body
    std::string text;
    for (;;) {
      const std::size_t head = text.find("\r\n\r\n");
      const std::size_t length = text.find("Content-Length: ");
      if (head != std::string::npos && length < head &&
          text.size() >= head + 4 + std::strtoul(text.c_str() + length + 16, nullptr, 10))
        return text;
      REQUIRE(ready(connection_));
      char buffer[4096];
      const ssize_t got = ::recv(connection_, buffer, sizeof buffer, 0);
      REQUIRE(got > 0);
      text.append(buffer, static_cast<std::size_t>(got));
    }
  }
  void send(std::string_view bytes) {
    REQUIRE(::send(connection_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  void accepted() { send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"); }
  void begin_stream() {
    send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
  }
  void event(const std::string& json) {
    const std::string record = std::to_string(json.size()) + "\n" + json;
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", record.size());
    send(size + record + "\r\n");
  }

 private:
  static bool ready(int fd) {
    pollfd one{fd, POLLIN, 0};
    return ::poll(&one, 1, kPatienceMs) > 0;
  }
  int listener_ = -1;
  int connection_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace mimas::executor
