// Listens, reads bounded requests, hands them to one handler on a worker thread behind the door against other
// sites' pages (http/door.h), writes whole or streamed replies. Knows requests and replies, not jobs. One
// worker thread serves one connection, so `workers` is requests + streams, and a stream above `streams_max`
// is answered 503 with Retry-After. When all workers are taken, or the process has no descriptor left, a
// newcomer gets the place of a connection that waits for its peer (http/eviction.h): slow senders and
// readers, however many, give theirs up to others (rule 129). One descriptor is always kept back to accept
// and refuse with. Thread-safe where said. Tested in tests/http over loopback.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/secure.h"
#include "wire/endpoint.h"
#include "wire/http.h"

namespace mimas::http {

struct QueryParameter {
  std::string name;
  std::string value;  // decoded once
};

struct Request {
  std::string method;
  std::string path;  // percent-decoded but for %2F and %25, without the query
  std::vector<QueryParameter> query;
  std::vector<wire::Header> headers;
  std::string body;
  std::string remote;       // the peer's address, numeric
  bool secure = false;      // it came over TLS of our own
  std::string certificate;  // the common name that a TLS client has proved to have; empty: none
  std::string_view header(std::string_view name) const { return wire::find_header(headers, name); }
  // First parameter of that name; `present` tells "a=" from absent.
  std::string_view parameter(std::string_view name, bool* present = nullptr) const;
};

// What a streamed reply writes to. Lives on the connection's worker thread.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;
  virtual bool write(std::string_view bytes) = 0;  // one chunk, flushed; false: the peer is gone, stop
  virtual bool peer_alive() = 0;                   // without writing; also false while the listener stops
  // The connection ends with the reply and without its last chunk, as after a crash: for embedded test
  // clusters.
  virtual void cut() {}
};

struct Reply {
  int status = 200;
  std::vector<wire::Header> headers;
  std::string content_type = "application/json";
  std::string body;
  std::function<void(StreamWriter&)> stream;  // set: the body is made by this call and ends when it returns
  // Of a stream: it goes on for as long as its reader likes, and takes a place among `streams_max`. False: it
  // is a large body made piece by piece, to hold none of it but the piece that is being sent; a small one is
  // sent as if it had been in `body`.
  bool lasting = true;
  // Of a stream: the bytes it is going to write, for Content-Length and HEAD; one that writes fewer has the
  // connection closed on its reader. Absent: chunked.
  std::optional<std::int64_t> stream_bytes;
  bool lost = false;  // the connection is closed instead of answered: for embedded test clusters
};

// Makes the body of a reply that does not last in one piece.
void collect(Reply& reply);

using Handler = std::function<Reply(const Request&)>;

inline constexpr std::int64_t kPieceShareBytes = 256 << 10;

struct Options {
  wire::Endpoint listen;  // port 0: any free one, see port()
  // Instead of `listen` a unix socket of this path, which may be longer than a socket address holds; a socket
  // left there is replaced, and ours is removed at the end.
  std::string unix_path;
  int workers = 64;  // connections served at once, streams included
  // Of these from one address (of IPv6, one /64); 0: no bound. Above, a newcomer gets the place of its own
  // address's idle or slow connection, or 429: one address never has all places of a listener that others
  // need too.
  int workers_per_address = 0;
  int streams_max = 48;
  // Of replies that are being sent, all together; above, 503 with Retry-After instead of another. One whose
  // body is made piece by piece counts for kPieceShareBytes, one alone may be larger.
  std::int64_t reply_bytes_max = 256 << 20;
  std::size_t body_bytes_max = 1u << 20;  // above: 413 before the handler sees it
  std::int64_t idle_ms = 30'000;          // keep-alive idle, and the read deadline of a slow request
  std::int64_t write_ms = 30'000;         // a reader slower than this is cut off
  // Of the door: the names that are answered to besides those of this machine and of `listen`, and the
  // origins whose pages may use what is served here.
  std::vector<std::string> host_names;
  std::vector<std::string> origins;
  // TLS (net/tls.h) on every connection; a peer that speaks plain is closed on. Null: plain.
  std::shared_ptr<const net::Security> security;
};

class Listener {
 public:
  // Binds and starts serving in the background. Errors: io with the address in `where`.
  static Result<std::unique_ptr<Listener>> open(Options options, Handler handler);
  ~Listener();  // stops

  std::uint16_t port() const;
  void stop();  // any thread; open streams see peer_alive() == false, then all workers are joined

 private:
  struct Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mimas::http
