// The subscription machine and the answers it is fed with, for tests by values.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mesos/subscription.h"

namespace rules {

inline const mimas::wire::Endpoint kA{"a", 5050}, kB{"b", 5050}, kC{"c", 5050};

inline mimas::mesos::Subscription machine(std::vector<mimas::wire::Endpoint> masters = {kA, kB},
                                          std::string framework = "") {
  mimas::mesos::SubscriptionOptions options;
  options.masters = std::move(masters);
  options.framework = mimas::FrameworkId(std::move(framework));
  options.codec = mimas::v1::MediaType::json;
  return mimas::mesos::Subscription(std::move(options), mimas::Prng(1));
}

inline mimas::wire::ResponseHead head(int status, std::vector<mimas::wire::Header> headers = {}) {
  mimas::wire::ResponseHead out;
  out.status = status;
  out.headers = std::move(headers);
  return out;
}

inline mimas::wire::ResponseHead stream_head(const std::string& stream_id = "sid") {
  return head(200, {{"content-type", "application/json"}, {"mesos-stream-id", stream_id}});
}

inline mimas::wire::ResponseHead redirect(const std::string& location) {
  return head(307, {{"Location", location}});
}

// Through to SUBSCRIBED at `now` or when the attempt is due; answers the generation.
inline std::uint64_t subscribe(mimas::mesos::Subscription& m, std::int64_t now, const std::string& id = "fw",
                               double heartbeat = 15) {
  const auto attempt = m.next_attempt(now);
  REQUIRE(m.answered(attempt.generation, stream_head(), "", attempt.at_ms).next ==
          mimas::mesos::Reaction::Next::go_on);
  REQUIRE(
      m.subscribed_event(attempt.generation, mimas::FrameworkId(id), heartbeat, attempt.at_ms).subscribed);
  return attempt.generation;
}

}  // namespace rules
