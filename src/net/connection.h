// A Socket, and over it a TLS session when one is wanted: the byte stream the HTTP client speaks on.
// Deadlines and errors are the socket's. One thread at a time, except interrupt(). Tested through
// tests/net/http_client_test.cc and tests/net/tls_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/secure.h"
#include "net/socket.h"
#include "wire/endpoint.h"

namespace mimas::net {

class Connection {
 public:
  // `security` may be null: plain. `peer` is whom the certificate must name. The deadline covers the
  // handshake.
  Status open_tcp(const wire::Endpoint& to, std::int64_t timeout_ms, Resolve resolve,
                  const Security* security, const std::string& peer);
  Status open_unix(const std::string& path, std::int64_t timeout_ms);

  // As Socket's. With TLS, 0 is the peer's goodbye, and an end without one an Error (io): something may be
  // missing.
  Result<std::size_t> read_some(char* into, std::size_t size, std::int64_t timeout_ms);
  Status write_all(std::string_view bytes, std::int64_t timeout_ms);
  bool readable();

  void interrupt() { socket_.interrupt(); }
  bool interrupted() const { return socket_.interrupted(); }
  bool take_interrupt() { return socket_.take_interrupt(); }
  void close();
  int fd() const { return socket_.fd(); }
  bool open() const { return socket_.open(); }

 private:
  Status shake_hands(std::int64_t deadline);
  Status send_given(std::int64_t timeout_ms);
  Result<bool> take_some(std::int64_t timeout_ms);

  Socket socket_;
  std::unique_ptr<SecureSession> session_;  // null: plain
};

}  // namespace mimas::net
