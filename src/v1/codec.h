// Mesos v1 messages to bytes and back, in both media types. JSON is Mesos's own mapping (mesos-protocol §1.11), done by
// protobuf reflection: snake_case names, enums by name, base64 bytes, bare 64-bit numbers, doubles with a fraction,
// unset fields with an explicit default printed unless deprecated. The messages are the classes generated from
// schema/mesos/v1: include "mesos/v1/mesos.pb.h", "mesos/v1/scheduler.pb.h", "mesos/v1/executor.pb.h",
// "mesos/v1/master.pb.h", "mesos/v1/agent.pb.h".
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace google::protobuf {
class Message;
}

namespace mimas::v1 {

enum class MediaType { json, protobuf };
std::string_view media_type_text(MediaType type);  // "application/json", "application/x-protobuf"

std::string encode(const google::protobuf::Message& message, MediaType type);

// Decoding as Mesos does it: unknown members are ignored, null is unset, numbers may be strings, a single value may
// stand for a list of one, an unknown enum name unsets an optional field and fails a required one. Errors
// (invalid_argument) carry Mesos's own texts after "Failed to parse body into JSON: " or "Failed to convert JSON into
// Call protobuf: " left to the caller.
Status decode(std::string_view bytes, MediaType type, google::protobuf::Message* into);

}  // namespace mimas::v1
