// The subscription of one framework as a machine without sockets, clocks or threads: what came of an attempt,
// what the master answered and when bytes arrived go in; where to connect next, what to tell the engine and
// when to give up come out. DISCONNECTED → CONNECTING → SUBSCRIBING → SUBSCRIBED (mesos-protocol §1.8).
// Everything that ends later than it was begun carries the generation of its attempt; what belongs to an
// older one is ignored (§8.2 rule 45).
//
// Always true: at most one attempt is under way; every way back to DISCONNECTED that was SUBSCRIBED before
// says `disconnected` exactly once; after `stop` nothing else is asked for.
//
// Bounds: kRedirectsMax redirects in a row before a back-off; waits of wire/backoff.h; times in monotonic
// milliseconds. Not thread-safe: the driver guards it. Tested by values in tests/mesos/subscription_test.cc,
// rules 24 to 49.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/prng.h"
#include "mesos/fatal.h"
#include "v1/codec.h"
#include "wire/backoff.h"
#include "wire/endpoint.h"
#include "wire/http.h"

namespace mimas::mesos {

// mesos-protocol §1.7, §0.3.
inline constexpr std::int64_t kConnectMs = 5'000;
inline constexpr std::int64_t kHeadMs = 15'000;
inline constexpr std::int64_t kFirstEventMs = 30'000;
inline constexpr std::int64_t kHeartbeatMsDefault = 15'000;
inline constexpr std::int64_t kHeartbeatMsMin = 100;  // what a master may announce is clamped to these
inline constexpr std::int64_t kHeartbeatMsMax = 3'600'000;
inline constexpr int kHeartbeatsMissedMax = 5;
inline constexpr int kRedirectsMax = 9;
inline constexpr std::int64_t kLeaderChangeMsMax = 500;  // jitter before going where a redirect points
// A master that starts answers 404 for a moment. After so many in a row the address is likely wrong: it is
// said once more, and asked rarely from then on.
inline constexpr int kNotFoundMax = 10;
inline constexpr std::int64_t kNotFoundSlowMs = 60'000;
// A SUBSCRIBE that was given up unanswered may still be on its way, and evict the subscription that came
// after it. For so long an eviction is met by subscribing again, once; without such a SUBSCRIBE it means
// another instance (rule 40).
inline constexpr std::int64_t kLateSubscribeMs = 60'000;
inline constexpr std::int64_t kUntilMastersChange = std::numeric_limits<std::int64_t>::max();

enum class Phase { disconnected, connecting, subscribing, subscribed, stopped };

struct SubscriptionOptions {
  std::vector<wire::Endpoint> masters;  // empty: masters_changed() brings them
  FrameworkId framework;                // empty: registers anew
  v1::MediaType codec = v1::MediaType::protobuf;
  bool tls = false;                                              // the masters speak https
  bool authenticates = false;                                    // there are credentials to send
  std::vector<wire::Endpoint> credential_hosts;                  // may get them besides `masters`
  std::function<wire::Endpoint(const wire::Endpoint&)> rewrite;  // where a name is; empty: where it says
};

// Open a connection to `connect_to` at `at_ms` and send SUBSCRIBE. With at_ms == kUntilMastersChange nobody
// is known to connect to.
struct Attempt {
  wire::Endpoint to;          // the master's name
  wire::Endpoint connect_to;  // the same, or where SubscriptionOptions::rewrite says it is
  bool credentials = false;   // may be sent there (mesos-protocol §1.5, §8.7 rule 136)
  std::int64_t at_ms = 0;
  std::uint64_t generation = 0;
};

// What the driver does about an input. `text` says why, for people, whenever `next` is not go_on.
struct Reaction {
  enum class Next { go_on, reconnect, stop };
  Next next = Next::go_on;
  bool subscribed = false;           // tell the engine Subscribed
  bool disconnected = false;         // tell the engine Disconnected; queued calls and known offers are void
  bool constraints_refused = false;  // subscribe without offer constraints from now on
  Fatal fatal = Fatal::none;         // with `stop`
  std::string text;
};

class Subscription {
 public:
  Subscription(SubscriptionOptions options, Prng prng);

  Phase phase() const { return phase_; }
  std::uint64_t generation() const { return generation_; }
  const FrameworkId& framework() const { return framework_; }
  const std::string& stream_id() const { return stream_id_; }  // of the current generation
  const wire::Endpoint& master() const { return attempt_.to; }
  const Attempt& attempt() const { return attempt_; }

  // DISCONNECTED → CONNECTING with a new generation.
  Attempt next_attempt(std::int64_t now_ms);

  // No answer at all: timed out, broke off before the head was complete, or (`sent` is false) refused before
  // the SUBSCRIBE could leave.
  Reaction attempt_failed(std::uint64_t generation, std::string_view why, std::int64_t now_ms,
                          bool sent = true);
  // The head of the answer to SUBSCRIBE; `body` is what could be read of it, if the status is not 200.
  Reaction answered(std::uint64_t generation, const wire::ResponseHead& head, std::string_view body,
                    std::int64_t now_ms);

  // From the event stream. Bytes of any kind feed the watchdog.
  Reaction bytes_came(std::uint64_t generation, std::int64_t now_ms);
  Reaction subscribed_event(std::uint64_t generation, const FrameworkId& framework, double heartbeat_seconds,
                            std::int64_t now_ms);
  Reaction error_event(std::uint64_t generation, std::string_view message, std::int64_t now_ms);
  Reaction stream_ended(std::uint64_t generation, std::string_view why, std::int64_t now_ms);

  // A call on the other connection was answered with something else than 200 or 202 (§1.4). go_on: the call
  // was refused, the subscription stands.
  Reaction call_refused(std::uint64_t generation, const wire::ResponseHead& head, std::string_view body,
                        std::int64_t now_ms);
  // A call got no answer, or the queue of calls ran over: the master's view and ours may differ, so begin
  // anew.
  Reaction calls_lost(std::uint64_t generation, std::string_view why, std::int64_t now_ms);

  // A detector sees other masters (mesos-protocol §6.2). When the one we are with, or on the way to, is not
  // among them, it is left for one of these after a jitter. An empty list ends nothing: the stream lives as
  // long as its heartbeats, and then the next attempt waits until somebody is known again.
  Reaction masters_changed(std::vector<wire::Endpoint> masters, std::int64_t now_ms);

  // The watchdog: reconnects once deadline_ms() has passed without bytes.
  Reaction time_passed(std::int64_t now_ms);
  std::int64_t deadline_ms() const { return deadline_ms_; }  // of the stream; meaningful from SUBSCRIBING on

  void stop() { phase_ = Phase::stopped; }

 private:
  bool current(std::uint64_t generation) const;
  bool is_trusted(const wire::Endpoint& host) const;
  Reaction not_found(std::string_view why, std::int64_t now_ms);
  Reaction lose(std::string_view why, std::int64_t wait_until_ms);
  Reaction give_up(Fatal fatal, std::string_view why);
  Reaction redirected(const wire::ResponseHead& head, std::int64_t now_ms);
  Reaction back_off(std::string_view why, std::int64_t now_ms, bool next_candidate);
  Reaction begin_stream(const wire::ResponseHead& head, std::int64_t now_ms);

  SubscriptionOptions options_;
  FrameworkId framework_;
  Prng prng_;
  wire::Backoff backoff_;

  Phase phase_ = Phase::disconnected;
  std::uint64_t generation_ = 0;
  Attempt attempt_;
  std::size_t candidate_ = 0;
  bool to_leader_ = false;  // go where the last redirect pointed
  wire::Endpoint leader_;
  int redirects_ = 0;
  int not_found_ = 0;  // in a row
  std::int64_t subscribe_may_come_until_ms_ = 0;
  std::int64_t not_before_ms_ = 0;
  std::string stream_id_;
  std::int64_t heartbeat_ms_ = kHeartbeatMsDefault;
  std::int64_t subscribed_at_ms_ = 0;
  bool settled_ = false;  // subscribed for at least one heartbeat: the back-off may begin anew
  std::int64_t deadline_ms_ = 0;
};

}  // namespace mimas::mesos
