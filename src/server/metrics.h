// What the server says of itself to Prometheus (docs/metrics.md): counted by the loop and the http workers as
// things happen, or read from the published view when somebody asks. How many series there are is decided by
// the routes and by our own enumerations; what users chose is in labels of services alone, of which
// kServiceSeriesMax have series of their own. Thread-safe. Tested in tests/server/metrics_test.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
#include "server/event_ring.h"
#include "server/mailbox.h"
#include "server/published_view.h"
#include "server/stats.h"

namespace mimas::server {

inline constexpr std::size_t kServiceSeriesMax = 500;

class Metrics {
 public:
  struct Sources {  // outlive us
    const PublishedView& view;
    const Mailbox& mailbox;
    const EventRing& events;
    const Stats& stats;
  };
  Metrics(const Sources& sources, std::string version, Instant now);
  ~Metrics();

  // One batch of the loop: its inputs and changes, and how long the disk took.
  void committed(std::size_t inputs, std::size_t changes, double seconds);
  // One request, by the pattern it matched ("/v2/jobs/{id}"); of a stream, up to its first byte.
  void answered(std::string_view method, std::string_view pattern, int status, double seconds);

  std::string text() const;  // in Prometheus's text format, version 0.0.4

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mimas::server
