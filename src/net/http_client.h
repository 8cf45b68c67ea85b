// The one HTTP client: requests over a Socket with deadlines, whole or streaming. No redirects, no proxies
// from the environment, no compression, no cookies: callers see what the peer said. One thread at a time,
// except interrupt().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "net/connection.h"
#include "net/socket.h"
#include "wire/http.h"

namespace mimas::net {

struct Timeouts {
  std::int64_t connect_ms = 5'000;
  std::int64_t response_ms = 15'000;  // until the head is complete; for exchange() until the body is
};

struct Response {
  wire::ResponseHead head;
  std::string body;
};

class HttpClient {
 public:
  HttpClient(wire::Endpoint to, Timeouts timeouts, Resolve resolve = kNumericOnly);
  // The same over TLS, where `security` (net/tls.h) is not null; the peer must prove to be `to.host`.
  // `connect_to` is where that host is reached from here: `to` itself, or what a host map says.
  HttpClient(wire::Endpoint to, Timeouts timeouts, Resolve resolve, std::shared_ptr<const Security> security,
             wire::Endpoint connect_to);
  static HttpClient over_unix(std::string path, Timeouts timeouts);  // Host header: "localhost"
  HttpClient(HttpClient&&) noexcept = default;
  HttpClient& operator=(HttpClient&&) noexcept = default;

  // One request, the whole answer, on a kept-alive connection (opened when needed). `repeatable`: if a
  // kept-alive connection turns out dead before any response byte, the request is sent once more on a fresh
  // one (mesos-protocol §8.1 rule 20). Body limit: 64 MiB (too_large).
  Result<Response> exchange(wire::Request request, bool repeatable);

  // One request on a fresh connection; answers the head as soon as it is there. Then read_stream() until it
  // ends.
  Result<wire::ResponseHead> open_stream(wire::Request request);
  // Decoded body bytes (at least one) appended to `into`; false when the response ended (last chunk or
  // close). Code::timeout after timeout_ms of silence: the stream is still good.
  Result<bool> read_stream(std::string& into, std::int64_t timeout_ms);

  // Any thread: makes a blocked call return soon with an Error (unavailable, "interrupted"); when none is
  // blocked, the next one does. A name being resolved is the one wait it cannot cut short.
  void interrupt();
  void close();
  int fd() const { return socket_.fd(); }
  const wire::Endpoint& to() const { return to_; }

 private:
  Status ensure_open();
  Status send(const std::string& bytes, std::int64_t deadline);
  Result<std::string> format(wire::Request& request) const;
  Result<Response> converse(const std::string& bytes, bool head_request, bool& answered);
  Result<bool> receive(std::string& body, std::int64_t deadline);
  Error closed(Error error);

  wire::Endpoint to_;
  std::string unix_path_;
  Timeouts timeouts_;
  Resolve resolve_ = kNumericOnly;
  std::shared_ptr<const Security> security_;
  wire::Endpoint connect_to_;
  Connection socket_;
  std::optional<wire::ResponseParser> parser_;
  std::string pending_;  // bytes read past what was asked for
};

}  // namespace mimas::net
