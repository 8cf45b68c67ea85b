// The same messages as protobuf: what decodes encodes to bytes that decode to the same, unknown fields and
// all.
#include "messages.h"

namespace {

template <class Message>
void check(const Message& message) {
  const std::string once = v1::encode(message, MediaType::protobuf);
  Message again;
  ASSERT(v1::decode(once, MediaType::protobuf, &again).ok());
  ASSERT(v1::encode(again, MediaType::protobuf).size() == once.size());  // maps have no order
  Message from_json;
  (void)v1::decode(v1::encode(message, MediaType::json), MediaType::json, &from_json);
}

}  // namespace

void try_bytes(std::string_view bytes) {
  try_messages(bytes, MediaType::protobuf, [](const auto& message) { check(message); });
}
FUZZ_DOOR
