// A server in the test's own thread for health checks to ask: listens on a free port of a loopback address,
// accepts what comes, and answers each connection with the given text once it has read something. No thread,
// no wait.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <string>
#include <vector>

#include "net/socket.h"

namespace mimas::executor {

class HealthServer {
 public:
  explicit HealthServer(bool six = false) {
    const int fd = ::socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    listener_ = net::Socket(fd);
    if (six) {
      sockaddr_in6 here{};
      here.sin6_family = AF_INET6;
      here.sin6_addr = in6addr_loopback;
      listen_at(&here, sizeof here, &here.sin6_port);
    } else {
      sockaddr_in here{};
      here.sin_family = AF_INET;
      here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      listen_at(&here, sizeof here, &here.sin_port);
    }
  }

  bool listening() const { return port_ != 0; }
  std::uint16_t port() const { return port_; }

  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  bool silent = false;   // accepts and says nothing
  bool hang_up = false;  // closes without an answer
  int connections = 0;
  std::string heard;  // of the last connection

  void serve() {
    for (int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); fd >= 0;
         fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) {
      ++connections;
      heard.clear();
      peers_.emplace_back(fd);
    }
    for (net::Socket& peer : peers_) {
      if (!peer.open()) continue;
      char buffer[4096];
      const ssize_t got = ::recv(peer.fd(), buffer, sizeof buffer, 0);
      if (got == 0) peer.close();
      if (got <= 0) continue;
      heard.append(buffer, static_cast<std::size_t>(got));
      if (silent) continue;
      if (!hang_up && ::send(peer.fd(), answer.data(), answer.size(), MSG_NOSIGNAL) < 0) peer.close();
      peer.close();
    }
  }
  void stop_listening() { listener_.close(); }

 private:
  void listen_at(void* address, socklen_t size, const in_port_t* port) {
    auto* where = static_cast<sockaddr*>(address);
    if (::bind(listener_.fd(), where, size) != 0 || ::listen(listener_.fd(), 64) != 0) return;
    if (::getsockname(listener_.fd(), where, &size) == 0) port_ = ntohs(*port);
  }

  net::Socket listener_;
  std::uint16_t port_ = 0;
  std::vector<net::Socket> peers_;
};

}  // namespace mimas::executor
