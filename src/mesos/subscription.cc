#include "mesos/subscription.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/assert.h"
#include "base/text.h"

namespace mimas::mesos {
namespace {

constexpr std::size_t kStreamIdBytesMax = 128;  // mesos-protocol §1.2
constexpr std::size_t kTextBytesMax = 512;      // of a peer's answer, in our own texts

std::string quoted(std::string_view text) { return cut_text(text, kTextBytesMax); }

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string status_text(int status, std::string_view body) {
  std::string text = "the master answered " + std::to_string(status);
  if (!body.empty()) text += ": " + quoted(body);
  return text;
}

bool is_redirect(int status) { return status == 301 || status == 302 || status == 307 || status == 308; }

// Parameters ("; charset=utf-8") are tolerated; Mesos sends none.
bool is_media_type(std::string_view value, v1::MediaType type) {
  value = value.substr(0, value.find(';'));
  while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
  return wire::equals_ignoring_case(value, v1::media_type_text(type));
}

}  // namespace

Fatal classify_error_event(std::string_view message) {
  if (contains(message, "Framework failed over")) return Fatal::failed_over;
  if (contains(message, "has been removed")) return Fatal::framework_removed;
  if (message.starts_with("Not authorized")) return Fatal::unauthorized;
  // Texts of §2.2: what the FrameworkInfo says will be as wrong next time.
  for (const std::string_view start :
       {"Roles ", "Suppressed roles", "Changing framework's", "The framework failover_timeout", "User 'root'",
        "Framework ID", "Invalid framework"}) {
    if (message.starts_with(start)) return Fatal::rejected;
  }
  if (contains(message, "FrameworkInfo")) return Fatal::rejected;
  return Fatal::none;
}

Subscription::Subscription(SubscriptionOptions options, Prng prng)
    : options_(std::move(options)), framework_(options_.framework), prng_(prng) {}

bool Subscription::current(std::uint64_t generation) const {
  return generation == generation_ && phase_ != Phase::disconnected && phase_ != Phase::stopped;
}

bool Subscription::is_trusted(const wire::Endpoint& host) const {
  const auto is_host = [&](const wire::Endpoint& known) {
    return known.port == host.port && wire::equals_ignoring_case(known.host, host.host);
  };
  return std::any_of(options_.masters.begin(), options_.masters.end(), is_host) ||
         std::any_of(options_.credential_hosts.begin(), options_.credential_hosts.end(), is_host);
}

Attempt Subscription::next_attempt(std::int64_t now_ms) {
  ASSERT(phase_ == Phase::disconnected);
  phase_ = Phase::connecting;
  stream_id_.clear();
  attempt_ = Attempt{};
  attempt_.generation = ++generation_;
  if (!to_leader_ && options_.masters.empty()) {
    attempt_.at_ms = kUntilMastersChange;
    return attempt_;
  }
  attempt_.to = to_leader_ ? leader_ : options_.masters[candidate_ % options_.masters.size()];
  attempt_.connect_to = options_.rewrite ? options_.rewrite(attempt_.to) : attempt_.to;
  attempt_.credentials = is_trusted(attempt_.to) || is_trusted(attempt_.connect_to);
  attempt_.at_ms = std::max(now_ms, not_before_ms_);
  return attempt_;
}

Reaction Subscription::masters_changed(std::vector<wire::Endpoint> masters, std::int64_t now_ms) {
  options_.masters = std::move(masters);
  candidate_ = 0;
  if (options_.masters.empty() || phase_ == Phase::stopped) return {};
  const auto& seen = options_.masters;
  const bool at_one = std::find(seen.begin(), seen.end(), attempt_.to) != seen.end();
  if (at_one) return {};
  to_leader_ = false;
  redirects_ = 0;
  const std::int64_t wait_until = now_ms + static_cast<std::int64_t>(prng_.below(kLeaderChangeMsMax));
  if (phase_ == Phase::disconnected) {
    not_before_ms_ = std::min(not_before_ms_, wait_until);
    return {};
  }
  if (phase_ == Phase::connecting) subscribe_may_come_until_ms_ = now_ms + kLateSubscribeMs;
  return lose("the leading master is now " + seen.front().text(), wait_until);
}

Reaction Subscription::lose(std::string_view why, std::int64_t wait_until_ms) {
  Reaction reaction;
  reaction.next = Reaction::Next::reconnect;
  reaction.disconnected = phase_ == Phase::subscribed;
  reaction.text = std::string(why);
  phase_ = Phase::disconnected;
  settled_ = false;
  not_before_ms_ = wait_until_ms;
  return reaction;
}

Reaction Subscription::give_up(Fatal fatal, std::string_view why) {
  Reaction reaction;
  reaction.next = Reaction::Next::stop;
  reaction.disconnected = phase_ == Phase::subscribed;
  reaction.fatal = fatal;
  reaction.text = std::string(why);
  phase_ = Phase::stopped;
  return reaction;
}

Reaction Subscription::back_off(std::string_view why, std::int64_t now_ms, bool next_candidate) {
  // A leader that fails us is forgotten: the candidates know a newer one (§1.5).
  if (to_leader_) {
    to_leader_ = false;
  } else if (next_candidate) {
    ++candidate_;
  }
  redirects_ = 0;
  return lose(why, now_ms + backoff_.next_ms(prng_));
}

Reaction Subscription::attempt_failed(std::uint64_t generation, std::string_view why, std::int64_t now_ms,
                                      bool sent) {
  if (!current(generation)) return {};
  if (sent) subscribe_may_come_until_ms_ = now_ms + kLateSubscribeMs;
  return back_off(why, now_ms, true);
}

Reaction Subscription::redirected(const wire::ResponseHead& head, std::int64_t now_ms) {
  const auto leader =
      wire::parse_redirect(wire::find_header(head.headers, "Location"), options_.tls ? "https" : "http");
  if (!leader.ok()) return back_off("redirect that names no master: " + leader.error().message, now_ms, true);
  if (++redirects_ > kRedirectsMax) {
    return back_off("too many redirects in a row, the last one to " + leader->text(), now_ms, true);
  }
  to_leader_ = true;
  leader_ = *leader;
  // The first hop costs little; masters that point at one another during an election are waited out.
  const auto jitter = static_cast<std::int64_t>(prng_.below(kLeaderChangeMsMax));
  const std::int64_t wait = redirects_ == 1 ? jitter : backoff_.next_ms(prng_);
  return lose("the leading master is " + leader->text(), now_ms + wait);
}

Reaction Subscription::begin_stream(const wire::ResponseHead& head, std::int64_t now_ms) {
  const std::string_view type = wire::find_header(head.headers, "Content-Type");
  if (!is_media_type(type, options_.codec)) {
    return back_off("the answer to SUBSCRIBE has the media type '" + quoted(type) + "'", now_ms, true);
  }
  const std::string_view coding = wire::find_header(head.headers, "Content-Encoding");
  if (!coding.empty() && !wire::equals_ignoring_case(coding, "identity")) {
    return back_off("the event stream is encoded as '" + quoted(coding) + "', which was not asked for",
                    now_ms, true);
  }
  const std::string_view stream_id = wire::find_header(head.headers, "Mesos-Stream-Id");
  if (stream_id.empty() || stream_id.size() > kStreamIdBytesMax) {
    return back_off("the answer to SUBSCRIBE has no usable Mesos-Stream-Id", now_ms, true);
  }
  phase_ = Phase::subscribing;
  stream_id_ = std::string(stream_id);
  deadline_ms_ = now_ms + kFirstEventMs;
  return {};
}

Reaction Subscription::answered(std::uint64_t generation, const wire::ResponseHead& head,
                                std::string_view body, std::int64_t now_ms) {
  if (!current(generation) || phase_ != Phase::connecting) return {};
  const int status = head.status;
  if (status == 404) return not_found(status_text(status, body), now_ms);
  not_found_ = 0;
  if (status == 200) return begin_stream(head, now_ms);
  if (is_redirect(status)) return redirected(head, now_ms);
  if (status == 401 && options_.authenticates && !attempt_.credentials) {
    return back_off("a redirect led to " + attempt_.to.text() +
                        ", which wants credentials; it is not among the masters they may be sent to",
                    now_ms, true);
  }
  if (status == 401 || status == 403) return give_up(Fatal::unauthorized, status_text(status, body));
  const bool passes = status == 408 || status == 429 || (status >= 500 && status != 501);
  if (!passes && status >= 400) return give_up(Fatal::rejected, status_text(status, body));
  return back_off(status_text(status, body), now_ms, true);
}

// The master's routes are not there yet, or it is no master.
Reaction Subscription::not_found(std::string_view why, std::int64_t now_ms) {
  if (++not_found_ < kNotFoundMax) return back_off(why, now_ms, true);
  const std::string text = std::string(why) + ", for the " + std::to_string(not_found_) +
                           "th time in a row; is this the address of a Mesos master?";
  Reaction reaction = back_off(text, now_ms, true);
  not_before_ms_ = now_ms + kNotFoundSlowMs;
  return reaction;
}

Reaction Subscription::bytes_came(std::uint64_t generation, std::int64_t now_ms) {
  if (!current(generation)) return {};
  if (phase_ != Phase::subscribed)
    return {};  // the first event has a deadline of its own, dripping does not move it
  deadline_ms_ = now_ms + kHeartbeatsMissedMax * heartbeat_ms_;
  if (!settled_ && now_ms - subscribed_at_ms_ >= heartbeat_ms_) {
    settled_ = true;
    backoff_.reset();
  }
  return {};
}

Reaction Subscription::subscribed_event(std::uint64_t generation, const FrameworkId& framework,
                                        double heartbeat_seconds, std::int64_t now_ms) {
  if (!current(generation) || phase_ != Phase::subscribing) return {};
  if (!framework_.empty() && framework != framework_) {
    return give_up(Fatal::wrong_framework_id, "asked for framework " + framework_.value + " and was given " +
                                                  quoted(framework.value) +
                                                  "; going on would lose its tasks");
  }
  if (const Status valid = check_mesos_id(framework.value, "framework id"); !valid.ok()) {
    return back_off("SUBSCRIBED with an unusable framework id: " + valid.error().message, now_ms, true);
  }
  framework_ = framework;
  phase_ = Phase::subscribed;
  subscribed_at_ms_ = now_ms;
  redirects_ = 0;
  heartbeat_ms_ = kHeartbeatMsDefault;
  if (std::isfinite(heartbeat_seconds) && heartbeat_seconds > 0) {
    const double ms = std::min(heartbeat_seconds * 1000.0, static_cast<double>(kHeartbeatMsMax));
    heartbeat_ms_ = std::max(kHeartbeatMsMin, static_cast<std::int64_t>(ms));
  }
  deadline_ms_ = now_ms + kHeartbeatsMissedMax * heartbeat_ms_;
  Reaction reaction;
  reaction.subscribed = true;
  return reaction;
}

Reaction Subscription::error_event(std::uint64_t generation, std::string_view message, std::int64_t now_ms) {
  if (!current(generation)) return {};
  const std::string text = "the master said: " + quoted(message);
  // Constraints are only a wish: without them we get more offers than we need.
  if (message.starts_with("Offer constraints")) {
    Reaction reaction = back_off(text, now_ms, false);
    reaction.constraints_refused = true;
    return reaction;
  }
  const Fatal fatal = classify_error_event(message);
  if (fatal == Fatal::failed_over && now_ms < std::exchange(subscribe_may_come_until_ms_, 0)) {
    return back_off(text + "; it may have been a SUBSCRIBE of our own that came late", now_ms, false);
  }
  if (fatal != Fatal::none) return give_up(fatal, text);
  return back_off(text, now_ms, false);
}

Reaction Subscription::stream_ended(std::uint64_t generation, std::string_view why, std::int64_t now_ms) {
  if (!current(generation)) return {};
  // A subscription that worked is sought where it was; one that never came to be, at the next master.
  return back_off(why, now_ms, phase_ != Phase::subscribed);
}

Reaction Subscription::call_refused(std::uint64_t generation, const wire::ResponseHead& head,
                                    std::string_view body, std::int64_t now_ms) {
  if (!current(generation) || phase_ != Phase::subscribed) return {};
  const int status = head.status;
  const std::string text = status_text(status, body);
  if (is_redirect(status)) {
    Reaction reaction = redirected(head, now_ms);
    reaction.text = "a call was redirected; " + reaction.text;
    return reaction;
  }
  if (status == 401) return give_up(Fatal::unauthorized, text);
  const bool not_ours = contains(body, "Framework cannot be found") || contains(body, "stream ID") ||
                        contains(body, "'Mesos-Stream-Id' header");
  const bool not_subscribed = contains(body, "not subscribed") || contains(body, "not connected via HTTP");
  const bool lost = (status == 400 && not_ours) || (status == 403 && not_subscribed) || status == 404 ||
                    status == 409 || (status >= 500 && status != 501);
  if (lost) return back_off(text, now_ms, false);
  Reaction reaction;
  reaction.text = text;
  return reaction;
}

Reaction Subscription::calls_lost(std::uint64_t generation, std::string_view why, std::int64_t now_ms) {
  if (!current(generation)) return {};
  return back_off(why, now_ms, false);
}

Reaction Subscription::time_passed(std::int64_t now_ms) {
  if (phase_ != Phase::subscribing && phase_ != Phase::subscribed) return {};
  if (now_ms < deadline_ms_) return {};
  if (phase_ == Phase::subscribing)
    return back_off("no SUBSCRIBED in time after the answer's head", now_ms, true);
  return back_off("nothing heard from the master for " + std::to_string(kHeartbeatsMissedMax) + " heartbeats",
                  now_ms, false);
}

}  // namespace mimas::mesos
