// Messages of masters, agents, schedulers and executors as JSON: what decodes, encodes and decodes to the
// same again, as protobuf too; an event that is nonsense is skipped and never more than that.
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
  if (!v1::decode(bytes, MediaType::json, &message).ok()) return;
  const std::string text = v1::encode(message, MediaType::json);
  Message again;
  ASSERT(v1::decode(text, MediaType::json, &again).ok());
  ASSERT(v1::encode(again, MediaType::json) == text);
  Message binary;
  ASSERT(v1::decode(v1::encode(message, MediaType::protobuf), MediaType::protobuf, &binary).ok());
  ASSERT(v1::encode(binary, MediaType::json) == text);
}

}  // namespace

void try_bytes(std::string_view bytes) {
  try_message<::mesos::v1::scheduler::Event>(bytes);
  try_message<::mesos::v1::scheduler::Call>(bytes);
  try_message<::mesos::v1::executor::Event>(bytes);
  try_message<::mesos::v1::executor::Call>(bytes);
  try_message<::mesos::v1::master::Call>(bytes);
  try_message<::mesos::v1::master::Response>(bytes);
  try_message<::mesos::v1::agent::Call>(bytes);
  (void)mimas::mesos::read_event(bytes, MediaType::json);
}
FUZZ_DOOR
