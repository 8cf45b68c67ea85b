// Messages of masters, agents, schedulers and executors as JSON: what decodes, encodes and decodes to the
// same again, as protobuf too; an event that is nonsense is skipped and never more than that.
#include "messages.h"

namespace {

template <class Message>
void check(const Message& message) {
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
  try_messages(bytes, MediaType::json, [](const auto& message) { check(message); });
}
FUZZ_DOOR
