// One request and its reply on a Channel: reads what wire::RequestParser understands, asks the handler,
// writes what it says. A request that is not understood to the last byte gets its one refusal and the
// connection is closed, since nobody can tell where the next request would begin. Each worker thread owns one
// Exchange. Tested through tests/http/listener_test.cc.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/channel.h"
#include "http/listener.h"
#include "http/reply_budget.h"
#include "wire/request_parser.h"

namespace mimas::http {

class Exchange {
 public:
  // What all workers of a listener share.
  struct Shared {
    explicit Shared(const Options& options) : replies(options.reply_bytes_max) {}
    std::atomic<int> streams_open{0};
    ReplyBudget replies;
  };

  // All references outlive the Exchange.
  Exchange(const Options& options, const Handler& handler, Shared& shared)
      : options_(options), handler_(handler), shared_(shared) {}

  // Serves one request; false when the connection must be closed now. `last` asks for Connection: close.
  // `reading_since_ms` is set to 0 once the request is complete.
  bool serve(Channel& channel, const std::atomic<bool>& last, std::atomic<std::int64_t>& reading_since_ms);

 private:
  struct Turn;
  const Options& options_;
  const Handler& handler_;
  Shared& shared_;
};

}  // namespace mimas::http
