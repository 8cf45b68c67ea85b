// One record of the event stream, sorted out: what concerns the subscription, what goes to the engine, what
// is skipped and why. Pure. A record that is not an event, or an event without its member, is skipped with a
// reason and never ends the stream (mesos-protocol §1.6, §8.1 rules 9 to 13). Tested in
// tests/mesos/event_reader_test.cc.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "engine/input.h"
#include "mesos/protos.h"
#include "v1/codec.h"

namespace mimas::mesos {

struct SubscribedEvent {
  FrameworkId framework;
  double heartbeat_seconds = 0;  // 0: the master announced none
};
struct ErrorEvent {
  std::string message;
};
struct OffersEvent {
  std::vector<pb::Offer> offers;  // as they came, for the book
  engine::OffersReceived input;   // in the same order
  std::size_t malformed = 0;      // offers left out
};
struct MessageEvent {  // of an executor; Mesos may lose it and may bring it twice
  AgentId agent;
  std::string executor;
  std::string data;  // at most kMessageDataBytesMax
};
struct NothingToDo {};  // HEARTBEAT, and what concerns features we do not use
struct Skipped {
  std::string why;
};
using ReadEvent =
    std::variant<SubscribedEvent, ErrorEvent, OffersEvent, engine::Input, MessageEvent, NothingToDo, Skipped>;

inline constexpr std::size_t kMessageDataBytesMax = 256u << 10;  // mimas-executor writes at most 64 KiB

ReadEvent read_event(std::string_view record, v1::MediaType codec);
// The same, giving the record's memory back before the event is looked at: a batch of offers may be large.
ReadEvent consume_record(std::string&& record, v1::MediaType codec);

}  // namespace mimas::mesos
