#include "pocket/fault.h"

#include <set>

#include "json/value.h"

namespace mimas::pocket {
namespace {

constexpr std::int64_t kMsMax = 3'600'000;
constexpr std::int64_t kCountMax = 1'000'000;
constexpr std::int64_t kBytesMax = 1 << 30;

// Takes members out of the order one by one; the first error sticks. Absent members keep their default.
class Members {
 public:
  explicit Members(const json::Value& object) : object_(object) { known_.insert("fault"); }

  void text(const char* name, std::string& into, bool required = false) {
    const auto found = take(name, required);
    if (!found) return;
    const Result<std::string_view> value = found->string();
    if (!value) return fail(value.error());
    into = std::string(*value);
    if (required && into.empty())
      fail(make_error(Code::invalid_argument, "must not be empty", pointer(name)));
  }
  void number(const char* name, std::int64_t& into, std::int64_t least, std::int64_t most,
              bool required = false) {
    const auto found = take(name, required);
    if (!found) return;
    const Result<std::int64_t> value = found->int64();
    if (!value) return fail(value.error());
    into = *value;
    if (into < least || into > most)
      fail(make_error(Code::invalid_argument, std::to_string(into) + " is out of range", pointer(name),
                      "give " + std::to_string(least) + " to " + std::to_string(most)));
  }
  void one_of(const char* name, std::string& into, std::initializer_list<const char*> allowed) {
    text(name, into);
    std::string list;
    for (const char* one : allowed) {
      if (into == one) return;
      list += (list.empty() ? "" : ", ") + std::string(one);
    }
    fail(make_error(Code::invalid_argument, "'" + into + "' is not known", pointer(name), "give " + list));
  }
  // Members nobody asked for are a mistake of the sender.
  Status finish() {
    for (std::size_t i = 0; i < object_.size() && error_.message.empty(); ++i)
      if (const std::string name(object_.name(i)); !known_.contains(name))
        fail(make_error(Code::invalid_argument, "this fault has no such member", pointer(name.c_str())));
    if (error_.message.empty()) return Done{};
    return error_;
  }

 private:
  static std::string pointer(const char* name) { return std::string("/") + name; }
  std::optional<json::Value> take(const char* name, bool required) {
    known_.insert(name);
    const auto found = object_.find(name);
    if (!found && required)
      fail(make_error(Code::invalid_argument, "this fault needs the member", pointer(name)));
    return found;
  }
  void fail(Error error) {
    if (error_.message.empty()) error_ = std::move(error);
  }

  json::Value object_;
  std::set<std::string> known_;
  Error error_;
};

void read_calls(Members& in, std::int64_t& count, std::string& type) {
  in.number("count", count, 1, kCountMax);
  in.text("type", type);
}

Fault read_refusal(Members& in) {
  RefuseCalls refuse;
  std::int64_t status = refuse.status;
  read_calls(in, refuse.count, refuse.type);
  in.number("status", status, 300, 599, true);
  in.text("text", refuse.text);
  in.text("location", refuse.location);
  refuse.status = static_cast<int>(status);
  return refuse;
}

Fault read_maintenance(Members& in) {
  Maintain maintain;
  in.text("agent", maintain.agent, true);
  in.number("in_ms", maintain.in_ms, 0, kMsMax);
  in.number("ms", maintain.ms, 0, kMsMax);
  return maintain;
}

Fault read_restart(Members& in) {
  RestartAgent restart;
  in.text("agent", restart.agent);
  in.one_of("how", restart.how, {"keep", "wipe", "reboot"});
  in.number("away_ms", restart.away_ms, 0, kMsMax);
  return restart;
}

template <class T>
Fault for_framework(Members& in) {
  T fault;
  in.text("framework_id", fault.framework_id);
  return fault;
}

struct Kind {
  const char* name;
  Fault (*read)(Members&);
};

const Kind kKinds[] = {
    {"drop_streams", for_framework<DropStreams>},
    {"cut_record",
     [](Members& in) -> Fault {
       CutRecord cut;
       in.text("framework_id", cut.framework_id);
       in.number("bytes", cut.bytes, 0, kBytesMax, true);
       return cut;
     }},
    {"drip_streams",
     [](Members& in) -> Fault {
       DripStreams drip;
       in.text("framework_id", drip.framework_id);
       in.number("bytes_per_second", drip.bytes_per_second, 0, kBytesMax, true);
       return drip;
     }},
    {"half_open_streams", for_framework<HalfOpenStreams>},
    {"withhold_heartbeats",
     [](Members& in) -> Fault {
       WithholdHeartbeats withhold;
       in.number("ms", withhold.ms, 1, kMsMax, true);
       return withhold;
     }},
    {"rescind_offers", for_framework<RescindOffers>},
    {"forget_framework",
     [](Members& in) -> Fault {
       ForgetFramework forget;
       in.text("framework_id", forget.framework_id, true);
       return forget;
     }},
    {"maintain", read_maintenance},
    {"refuse_calls", read_refusal},
    {"lose_replies",
     [](Members& in) -> Fault {
       LoseReplies lose;
       read_calls(in, lose.count, lose.type);
       return lose;
     }},
    {"delay_replies",
     [](Members& in) -> Fault {
       DelayReplies delay;
       read_calls(in, delay.count, delay.type);
       in.number("ms", delay.ms, 1, kMsMax, true);
       return delay;
     }},
    {"kill_leader",
     [](Members& in) -> Fault {
       KillLeader kill;
       in.number("away_ms", kill.away_ms, 0, kMsMax);
       return kill;
     }},
    {"fail_over", [](Members&) -> Fault { return FailOver{}; }},
    {"lose_agent",
     [](Members& in) -> Fault {
       LoseAgent lose;
       in.text("agent", lose.agent);
       in.number("ms", lose.ms, 1, kMsMax, true);
       return lose;
     }},
    {"restart_agent", read_restart},
    {"delay_updates",
     [](Members& in) -> Fault {
       DelayUpdates delay;
       in.text("agent", delay.agent);
       in.number("ms", delay.ms, 0, kMsMax, true);
       return delay;
     }},
    {"repeat_updates",
     [](Members& in) -> Fault {
       RepeatUpdates repeat;
       in.text("agent", repeat.agent);
       in.number("times", repeat.times, 0, 100, true);
       return repeat;
     }},
    {"half_open_executors",
     [](Members& in) -> Fault {
       HalfOpenExecutors half;
       in.text("agent", half.agent);
       return half;
     }},
    {"heal", [](Members&) -> Fault { return Heal{}; }},
};

std::string known_names() {
  std::string list;
  for (const Kind& kind : kKinds) list += (list.empty() ? "" : ", ") + std::string(kind.name);
  return list;
}

}  // namespace

Result<Fault> parse_fault(std::string_view text) {
  const Result<json::Document> document = json::parse(text, json::ParseLimits{64u << 10, 16, false});
  if (!document) return document.error();
  const json::Value root = document->root();
  if (!root.is_object())
    return make_error(Code::invalid_argument, "expected an object", "", "send {\"fault\":…}");
  const auto named = root.find("fault");
  if (!named)
    return make_error(Code::invalid_argument, "the order needs the member", "/fault",
                      "one of " + known_names());
  const Result<std::string_view> name = named->string();
  if (!name) return name.error();
  for (const Kind& kind : kKinds) {
    if (*name != kind.name) continue;
    Members in(root);
    Fault fault = kind.read(in);
    if (const Status fine = in.finish(); !fine) return fine.error();
    return fault;
  }
  return make_error(Code::invalid_argument, "there is no fault '" + std::string(*name) + "'", "/fault",
                    "one of " + known_names());
}

std::string fault_name(const Fault& fault) {
  static_assert(std::size(kKinds) == std::variant_size_v<Fault>);
  return kKinds[fault.index()].name;  // the table stands in the variant's order
}

CallFaults::Verdict CallFaults::next(std::string_view call_type) {
  Verdict verdict;
  for (auto order = orders_.begin(); order != orders_.end(); ++order) {
    if (!order->type.empty() && order->type != call_type) continue;
    if (const auto* refuse = std::get_if<RefuseCalls>(&order->what)) verdict.refuse = *refuse;
    if (std::holds_alternative<LoseReplies>(order->what)) verdict.lose_reply = true;
    if (const auto* delay = std::get_if<DelayReplies>(&order->what)) verdict.delay_ms = delay->ms;
    if (--order->left == 0) orders_.erase(order);
    return verdict;
  }
  return verdict;
}

}  // namespace mimas::pocket
