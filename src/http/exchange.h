// One request and its reply on a Channel. The one place that knows cpp-httplib: its Server is used as a
// parser and formatter of HTTP/1.1 only, on our own byte stream, because its own listener binds with
// SO_REUSEPORT, keeps a backlog of 5, cannot be stopped while a kept-alive connection idles, and reads
// chunked bodies and heads without bound. Each worker thread owns one Exchange. Tested through
// tests/http/listener_test.cc.
//
// Facts about cpp-httplib 0.11.4 that are worked around here: a POST without Content-Length would be read
// until the peer closes; header *values* are percent-decoded (which stays visible); form, multipart, range
// and compression features hang on request headers, which we take away from it after copying them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "http/channel.h"
#include "http/listener.h"

namespace mimas::http {

inline constexpr std::size_t kHeadBytesMax = 64u << 10;

class Exchange {
 public:
  // `streams_open` counts over all workers. All references outlive the Exchange.
  Exchange(const Options& options, const Handler& handler, std::atomic<int>& streams_open);
  ~Exchange();

  // Serves one request; false when the connection must be closed now. `last` asks for Connection: close.
  // `reading_since_ms` is set to 0 once the request is complete.
  bool serve(Channel& channel, const std::atomic<bool>& last, std::atomic<std::int64_t>& reading_since_ms);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mimas::http
