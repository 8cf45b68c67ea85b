// A non-blocking stream socket with deadlines. All waits are in monotonic milliseconds from now; 0 polls. TCP
// sockets get TCP_NODELAY, SO_KEEPALIVE (30 s idle, 10 s, 3) and TCP_USER_TIMEOUT 30 s (mesos-protocol §1.7).
// One thread at a time, except interrupt(), which any thread may call.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/endpoint.h"

namespace mimas::net {

// Turns a host name into numeric addresses. Kept apart as a function pointer so that the executor, whose
// agent is always numeric, does not link the resolver.
using Resolve = Result<std::vector<std::string>> (*)(const std::string& host);
Result<std::vector<std::string>> resolve_by_name(const std::string& host);  // getaddrinfo; blocks
inline constexpr Resolve kNumericOnly = nullptr;

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(other.release()) {}
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  static Result<Socket> connect(const wire::Endpoint& to, std::int64_t timeout_ms,
                                Resolve resolve = kNumericOnly);
  static Result<Socket> connect_unix(const std::string& path, std::int64_t timeout_ms);

  // Bytes read, at least 1; 0 means the peer closed. Code::timeout when nothing came, Code::io on reset.
  Result<std::size_t> read_some(char* into, std::size_t size, std::int64_t timeout_ms);
  Status write_all(std::string_view bytes, std::int64_t timeout_ms);

  // Opens in place, so that interrupt() reaches it while it still connects. What was open is closed first.
  Status open_tcp(const wire::Endpoint& to, std::int64_t timeout_ms, Resolve resolve = kNumericOnly);
  Status open_unix(const std::string& path, std::int64_t timeout_ms);

  // True when bytes, or the peer's close, could be read at once.
  bool readable() const;

  // Any thread. shutdown(2): wakes a blocked reader with "peer closed". Remembered until take_interrupt()
  // asks, so that one that comes between two calls is not lost.
  void interrupt();
  bool interrupted() const { return interrupted_; }
  bool take_interrupt() { return interrupted_.exchange(false); }
  void close();
  int release();
  int fd() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  void set(int fd);
  Status await_connected(const void* address, unsigned size, std::int64_t deadline);

  // A descriptor's number is used again as soon as it is closed; the lock keeps interrupt() off a stranger's.
  class Lock;
  std::atomic<bool> locked_{false};
  std::atomic<bool> interrupted_{false};
  std::atomic<int> fd_{-1};
};

}  // namespace mimas::net
