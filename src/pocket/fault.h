// Faults a pocket plays on request: what may be asked for at POST /pocket/fault, as values, and the pure
// parts that carry such an order out. The table of names and members is in docs/pocket.md. Times are
// milliseconds, at most an hour; counts at most a million. Plain values. Tested in
// tests/pocket/fault_test.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace mimas::pocket {

// --- streams of schedulers; an empty framework_id means all of them ---
struct DropStreams {  // ends without a last chunk
  std::string framework_id;
};
struct CutRecord {  // the next record ends after that many of its bytes, and the connection with it
  std::string framework_id;
  std::int64_t bytes = 0;
};
struct DripStreams {  // 0: as fast as ever again
  std::string framework_id;
  std::int64_t bytes_per_second = 0;
};
struct HalfOpenStreams {  // open, but nothing is written or read any more
  std::string framework_id;
};

// --- what the master says and knows ---
struct WithholdHeartbeats {
  std::int64_t ms = 0;
};
struct RescindOffers {
  std::string framework_id;
};
struct ForgetFramework {
  std::string framework_id;
};
struct Maintain {  // an agent's machine is to be away: inverse offers, and offers with `unavailability`
  std::string agent;
  std::int64_t in_ms = 0;
  std::int64_t ms = 0;  // 0: with no known end
};

// --- calls of schedulers; an empty type means any ---
struct RefuseCalls {
  std::int64_t count = 1;
  std::string type;  // "ACCEPT"
  int status = 503;
  std::string text;
  std::string location;  // of a 307
};
struct LoseReplies {  // the call is carried out, its answer never arrives
  std::int64_t count = 1;
  std::string type;
};
struct DelayReplies {
  std::int64_t count = 1;
  std::string type;
  std::int64_t ms = 0;
};

// --- masters ---
struct KillLeader {  // its port closes, its memory is lost; it comes back as a follower
  std::int64_t away_ms = 1'000;
};
struct FailOver {};  // the leader steps down: streams end in order, its port stays open and redirects

// --- agents, named by id, hostname or number; empty: all ---
struct LoseAgent {
  std::string agent;
  std::int64_t ms = 0;
};
struct RestartAgent {
  std::string agent;
  std::string how = "keep";  // or "wipe", "reboot"
  std::int64_t away_ms = 0;
};
struct DelayUpdates {
  std::string agent;
  std::int64_t ms = 0;
};
struct RepeatUpdates {
  std::string agent;
  std::int64_t times = 1;
};
struct HalfOpenExecutors {
  std::string agent;
};

struct Heal {};  // ends every fault that lasts

using Fault =
    std::variant<DropStreams, CutRecord, DripStreams, HalfOpenStreams, WithholdHeartbeats, RescindOffers,
                 ForgetFramework, Maintain, RefuseCalls, LoseReplies, DelayReplies, KillLeader, FailOver,
                 LoseAgent, RestartAgent, DelayUpdates, RepeatUpdates, HalfOpenExecutors, Heal>;

// {"fault":"cut_record","bytes":7}. Errors name the member: unknown fault, unknown, missing or ill-typed
// member, number out of range.
Result<Fault> parse_fault(std::string_view json);

std::string fault_name(const Fault& fault);  // "cut_record"

// What happens to a scheduler's next call, by the orders given so far: the first order that fits the call's
// type is used up by one.
class CallFaults {
 public:
  struct Verdict {
    std::optional<RefuseCalls> refuse;
    bool lose_reply = false;
    std::int64_t delay_ms = 0;
  };
  void order(const RefuseCalls& fault) { orders_.push_back({fault.count, fault.type, fault}); }
  void order(const LoseReplies& fault) { orders_.push_back({fault.count, fault.type, fault}); }
  void order(const DelayReplies& fault) { orders_.push_back({fault.count, fault.type, fault}); }
  void heal() { orders_.clear(); }
  Verdict next(std::string_view call_type);

 private:
  struct Order {
    std::int64_t left;
    std::string type;
    std::variant<RefuseCalls, LoseReplies, DelayReplies> what;
  };
  std::deque<Order> orders_;
};

}  // namespace mimas::pocket
