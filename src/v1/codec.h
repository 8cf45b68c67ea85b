// Mesos v1 messages to bytes and back, in both media types. JSON is Mesos's own mapping (mesos-protocol
// §1.11), done by protobuf reflection: snake_case names, enums by name, base64 bytes, bare 64-bit numbers,
// doubles with a fraction, unset fields with an explicit default printed unless deprecated. The messages are
// the classes generated from schema/mesos/v1: include "mesos/v1/mesos.pb.h", "mesos/v1/scheduler.pb.h",
// "mesos/v1/executor.pb.h", "mesos/v1/master.pb.h", "mesos/v1/agent.pb.h". Bounds: kMessageBytesMax, JSON
// nested 200 deep, protobuf 100 deep. Thread-safe. Tested in tests/v1 against the transcripts of a real
// master.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace google::protobuf {
class Message;
}

namespace mimas::v1 {

enum class MediaType { json, protobuf };
std::string_view media_type_text(MediaType type);  // "application/json", "application/x-protobuf"

inline constexpr std::size_t kMessageBytesMax = 64u << 20;

// JSON has its members in the order of declaration. NaN cannot be said in JSON and is left out.
std::string encode(const google::protobuf::Message& message, MediaType type);

// Decoding as Mesos does it: unknown members are ignored, null is unset, numbers may be strings, a single
// value may stand for a list of one, an unknown enum name unsets an optional field and fails a required one.
// Errors (invalid_argument) carry Mesos's own texts after "Failed to parse body into JSON: " or "Failed to
// convert JSON into Call protobuf: " left to the caller. Beyond Mesos: an integer field refuses fractions and
// numbers out of its range.
Status decode(std::string_view bytes, MediaType type, google::protobuf::Message* into);

// What a Mesos master or agent answers to a body that decode() refused, with the prefix that fits:
// "Failed to parse body into JSON: …", "Failed to convert JSON into Call protobuf: …" or "Failed to parse
// body into Call protobuf".
std::string refusal_text(const Error& error);

// For events of a peer that may be newer than this program (§8.1 rules 10, 11): like decode(), but a missing
// required field is no error (ask has_…() before use), and an enum value nobody here knows leaves its field
// unset, required or not, and is kept for unknown_enum() and for encode() in the same media type, so that
// parts of an event can be sent back as they came.
Status decode_tolerant(std::string_view bytes, MediaType type, google::protobuf::Message* into);

// The value of an enum field that decode_tolerant() could not place: its name from JSON, its number from
// protobuf; empty when there was none.
std::string unknown_enum(const google::protobuf::Message& message, int field_number);

}  // namespace mimas::v1
