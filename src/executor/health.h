// What the health checks of one task say, as a machine of times and answers: when to ask, and what an answer
// means. Pure: the time and the seed come in, nobody is asked here (health_probe.h, health_part.h do that).
//
// A check is asked first at a random moment of its first 2 s (or its interval, if that is shorter), then
// every interval, give or take a tenth, so that two hundred tasks that start together do not ask together,
// nor drift into step later. While the grace lasts and nothing has answered well yet, a check over the
// network is asked every second, so that a task that is up soon is seen to be up soon; a command, which costs
// a process, is not. A check is never asked while its last question is open. Failures within the grace do not
// count until the first success; after that `failures` in a row make it bad, and one success makes it good
// again. An informational check is asked and told like the others and judges nothing. Facts: mesos-protocol
// §4.6. Tested in tests/executor/health_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "executor/spec.h"

namespace mimas::executor {

inline constexpr std::int64_t kFirstQuestionMs = 2'000;  // the first one comes within this
inline constexpr std::int64_t kEagerMs = 1'000;          // between two during the grace, over the network
// A runtime ends a command in its own time; an answer that is later than this after it is overdue.
inline constexpr std::int64_t kCommandSlackMs = 5'000;
inline constexpr std::size_t kHealthMessageMax = 512;
inline constexpr std::size_t kHealthTextMax = 1'000;

class CheckRun {
 public:
  CheckRun(HealthCheck check, Instant started, std::uint64_t seed);

  const HealthCheck& check() const { return check_; }
  bool due(Instant now) const { return !asking_ && next_at_ <= now; }
  bool asking() const { return asking_; }
  Instant wake_at() const { return asking_ ? give_up_at_ : next_at_; }

  void asked(Instant now);
  void answered(bool good, std::string_view what, Instant now);  // ignored when nothing was asked
  // The answer to an open question did not come by wake_at(). Of a command, the question stays open, and each
  // interval without an answer is one more failure; others are over.
  void overdue(Instant now);

  std::optional<bool> good() const { return good_; }  // nothing: no answer that counts yet
  bool failing() const { return failures_ > 0; }      // the last answer that counts was bad
  const std::string& message() const { return message_; }

 private:
  void failed(std::string_view what, Instant now);
  std::int64_t pause_ms(Instant now);

  HealthCheck check_;
  Instant started_;
  Prng prng_;
  Instant asked_at_;
  Instant next_at_;
  Instant give_up_at_ = kNever;
  bool asking_ = false;
  std::int64_t failures_ = 0;  // in a row, those that count
  std::optional<bool> good_;
  std::string message_;  // of the last failure
};

// All checks of a task together.
struct HealthVerdict {
  // False as soon as one liveness check is bad, true when all are good; nothing without any, or until then.
  std::optional<bool> healthy;
  std::optional<bool> ready;  // the readiness check's word
  // For a person: the first bad check's, liveness before readiness; then what is failing and has not yet
  // failed often enough to count; then what informational checks say. At most kHealthTextMax bytes.
  std::string message;
  std::string remarked;  // which remarks these are, whatever their words

  bool judges_as(const HealthVerdict& other) const {
    return healthy == other.healthy && ready == other.ready;
  }
  bool same_as(const HealthVerdict& other) const { return judges_as(other) && remarked == other.remarked; }
};
HealthVerdict verdict_of(const std::vector<CheckRun>& checks);

// "http check of port 8080/health", "tcp check of port 80", "check by command pg_isready".
std::string name_of(const HealthCheck& check);

}  // namespace mimas::executor
