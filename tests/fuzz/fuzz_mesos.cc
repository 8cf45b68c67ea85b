// Messages of masters, agents and schedulers in both media types: whatever decodes from JSON encodes and
// decodes to the same message again.
#include "base/assert.h"
#include "door.h"
#include "mesos/v1/executor.pb.h"
#include "mesos/v1/scheduler.pb.h"
#include "v1/codec.h"

using namespace mimas;

namespace {

template <class Message>
void try_message(std::string_view bytes) {
  Message message;
  if (v1::decode(bytes, v1::MediaType::json, &message).ok()) {
    Message again;
    ASSERT(v1::decode(v1::encode(message, v1::MediaType::json), v1::MediaType::json, &again).ok());
    ASSERT(v1::encode(again, v1::MediaType::json) == v1::encode(message, v1::MediaType::json));
  }
  Message binary;
  (void)v1::decode(bytes, v1::MediaType::protobuf, &binary);
}

}  // namespace

void try_bytes(std::string_view bytes) {
  try_message<::mesos::v1::scheduler::Event>(bytes);
  try_message<::mesos::v1::scheduler::Call>(bytes);
  try_message<::mesos::v1::executor::Call>(bytes);
}
FUZZ_DOOR
