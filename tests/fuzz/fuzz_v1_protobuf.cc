// The same messages as protobuf: what decodes encodes to bytes that decode to the same, unknown fields and
// all.
#include "base/assert.h"
#include "door.h"
#include "mesos/event_reader.h"
#include "mesos/v1/agent.pb.h"
#include "mesos/v1/executor.pb.h"
#include "mesos/v1/master.pb.h"
#include "mesos/v1/scheduler.pb.h"
#include "v1/codec.h"

using namespace mimas;
using v1::MediaType;

namespace {

template <class Message>
void try_message(std::string_view bytes) {
  Message message;
  if (!v1::decode(bytes, MediaType::protobuf, &message).ok()) return;
  const std::string once = v1::encode(message, MediaType::protobuf);
  Message again;
  ASSERT(v1::decode(once, MediaType::protobuf, &again).ok());
  ASSERT(v1::encode(again, MediaType::protobuf).size() == once.size());  // maps have no order
  Message from_json;
  (void)v1::decode(v1::encode(message, MediaType::json), MediaType::json, &from_json);
}

}  // namespace

void try_bytes(std::string_view bytes) {
  try_message<::mesos::v1::scheduler::Event>(bytes);
  try_message<::mesos::v1::scheduler::Call>(bytes);
  try_message<::mesos::v1::executor::Call>(bytes);
  try_message<::mesos::v1::master::Call>(bytes);
  try_message<::mesos::v1::agent::Call>(bytes);
  (void)mimas::mesos::read_event(bytes, MediaType::protobuf);
}
FUZZ_DOOR
