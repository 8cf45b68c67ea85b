#include "net/socket.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/clock.h"

namespace mimas::net {
namespace {

struct Address {
  sockaddr_storage bytes{};
  unsigned size = 0;
};

Error os_error(Code code, const char* what, int number, std::string where = {}) {
  return make_error(code, std::string(what) + ": " + std::strerror(number), std::move(where));
}

// From now; far deadlines are kept from overflowing.
std::int64_t deadline_in(std::int64_t timeout_ms) {
  constexpr std::int64_t kWaitMsMax = 1'000'000'000'000;
  return monotonic_ms() + std::clamp<std::int64_t>(timeout_ms, 0, kWaitMsMax);
}

// Waits until the descriptor is ready for `events`, an error or a hang-up included; the call that follows
// will tell.
Status await(int fd, short events, std::int64_t deadline) {
  for (;;) {
    const std::int64_t left = std::clamp<std::int64_t>(deadline - monotonic_ms(), 0, 1'000'000'000);
    pollfd one{fd, events, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(left));
    if (ready > 0) return Done{};
    if (ready == 0 && monotonic_ms() >= deadline)
      return make_error(Code::timeout, "no answer within the deadline");
    if (ready < 0 && errno != EINTR) return os_error(Code::io, "poll", errno);
  }
}

// "127.0.0.1", "::1", "fe80::1%eth0".
bool parse_address(const std::string& host, std::uint16_t port, Address& out) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.bytes);
  if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.size = sizeof *v4;
    return true;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.bytes);
  const std::size_t zone = host.find('%');
  if (::inet_pton(AF_INET6, host.substr(0, zone).c_str(), &v6->sin6_addr) != 1) return false;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  if (zone != std::string::npos) v6->sin6_scope_id = ::if_nametoindex(host.c_str() + zone + 1);
  out.size = sizeof *v6;
  return true;
}

// Liveness as mesos-protocol §1.7 asks. Best effort: a kernel that refuses one of them still carries the
// bytes.
void set_tcp_options(int fd) {
  const auto set = [fd](int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);
}

Error with_where(Error error, const std::string& where) {
  if (error.where.empty()) error.where = where;
  return error;
}

}  // namespace

class Socket::Lock {
 public:
  explicit Lock(Socket& socket) : socket_(socket) {
    // Held for one system call at most, so spinning is short.
    while (socket_.locked_.exchange(true, std::memory_order_acquire)) {
    }
  }
  ~Lock() { socket_.locked_.store(false, std::memory_order_release); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Socket& socket_;
};

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    set(other.release());
  }
  return *this;
}

void Socket::set(int fd) {
  const Lock lock(*this);
  fd_ = fd;
}

int Socket::release() {
  const Lock lock(*this);
  return fd_.exchange(-1);
}

void Socket::close() {
  const int fd = release();
  if (fd >= 0) ::close(fd);
}

void Socket::interrupt() {
  const Lock lock(*this);
  interrupted_ = true;
  if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
}

bool Socket::readable() const {
  pollfd one{fd_, POLLIN, 0};
  return open() && ::poll(&one, 1, 0) > 0;
}

Result<Socket> Socket::connect(const wire::Endpoint& to, std::int64_t timeout_ms, Resolve resolve) {
  Socket socket;
  if (auto opened = socket.open_tcp(to, timeout_ms, resolve); !opened) return std::move(opened).error();
  return socket;
}

Result<Socket> Socket::connect_unix(const std::string& path, std::int64_t timeout_ms) {
  Socket socket;
  if (auto opened = socket.open_unix(path, timeout_ms); !opened) return std::move(opened).error();
  return socket;
}

namespace {

// Whoever keeps trying a local port that nobody listens on may be given that very port as its own, and TCP
// then connects it to itself (simultaneous open): it would keep the real listener from coming back.
bool is_connected_to_itself(int fd) {
  sockaddr_storage own{};
  sockaddr_storage peer{};
  socklen_t own_size = sizeof own;
  socklen_t peer_size = sizeof peer;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) == 0 &&
         ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0 && own_size == peer_size &&
         std::memcmp(&own, &peer, own_size) == 0;
}

}  // namespace

Status Socket::open_tcp(const wire::Endpoint& to, std::int64_t timeout_ms, Resolve resolve) {
  close();
  const std::int64_t deadline = deadline_in(timeout_ms);
  std::vector<std::string> hosts{to.host};
  Address address;
  if (!parse_address(to.host, to.port, address)) {
    if (resolve == kNumericOnly)
      return make_error(Code::invalid_argument, "not a numeric address", to.text());
    auto found = resolve(to.host);
    if (!found) return std::move(found).error();
    hosts = std::move(*found);
  }
  Error last = make_error(Code::unavailable, "the name has no address", to.text());
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    address = {};
    if (!parse_address(hosts[i], to.port, address)) continue;
    const int fd = ::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      last = os_error(Code::io, "socket", errno, to.text());
      continue;
    }
    set_tcp_options(fd);
    set(fd);
    // Each address that is left gets its share, so that one black hole does not eat the whole deadline.
    const std::int64_t now = monotonic_ms();
    const std::int64_t share = (deadline - now) / static_cast<std::int64_t>(hosts.size() - i);
    auto connected = await_connected(&address.bytes, address.size, now + share);
    if (connected && !is_connected_to_itself(fd)) return Done{};
    if (connected) connected = make_error(Code::unavailable, "cannot connect: nobody listens there");
    close();
    last = with_where(std::move(connected).error(), to.text());
    if (interrupted_) break;
  }
  return last;
}

Status Socket::open_unix(const std::string& path, std::int64_t timeout_ms) {
  close();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path || path.find('\0') != std::string::npos) {
    return make_error(Code::invalid_argument, "a unix socket's path has 1 to 107 bytes", path,
                      "use a path relative to the working directory");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return os_error(Code::io, "socket", errno, path);
  set(fd);
  auto connected = await_connected(&address, sizeof address, deadline_in(timeout_ms));
  if (connected) return Done{};
  close();
  return with_where(std::move(connected).error(), path);
}

Status Socket::await_connected(const void* address, unsigned size, std::int64_t deadline) {
  if (::connect(fd_, static_cast<const sockaddr*>(address), size) == 0) return Done{};
  // EAGAIN: a unix listener with a full backlog, for which poll would not wait.
  if (errno != EINPROGRESS && errno != EINTR) return os_error(Code::unavailable, "cannot connect", errno);
  if (auto ready = await(fd_, POLLOUT, deadline); !ready) {
    if (ready.error().code != Code::timeout) return ready;
    return make_error(Code::timeout, "no connection within the deadline");
  }
  int failure = 0;
  socklen_t length = sizeof failure;
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failure, &length) < 0) failure = errno;
  if (failure != 0) return os_error(Code::unavailable, "cannot connect", failure);
  if (interrupted_) return make_error(Code::unavailable, "interrupted");
  return Done{};
}

Result<std::size_t> Socket::read_some(char* into, std::size_t size, std::int64_t timeout_ms) {
  ASSERT(size > 0);
  if (!open()) return make_error(Code::io, "the socket is closed");
  const std::int64_t deadline = deadline_in(timeout_ms);
  for (;;) {
    const ssize_t got = ::recv(fd_, into, size, MSG_DONTWAIT);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return os_error(Code::io, "read", errno);
    if (auto ready = await(fd_, POLLIN, deadline); !ready) return std::move(ready).error();
  }
}

Status Socket::write_all(std::string_view bytes, std::int64_t timeout_ms) {
  if (!open()) return make_error(Code::io, "the socket is closed");
  const std::int64_t deadline = deadline_in(timeout_ms);
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return os_error(Code::io, "write", errno);
    if (auto ready = await(fd_, POLLOUT, deadline); !ready) return ready;
  }
  return Done{};
}

}  // namespace mimas::net
