// The two halves of Mesos's JSON mapping (mesos-protocol §1.11); codec.h is the door.
#pragma once

#include "base/result.h"
#include "json/value.h"
#include "json/writer.h"

namespace google::protobuf {
class Message;
}

namespace mimas::v1 {

enum class Tolerance { as_mesos, tolerant };

void write_json(const google::protobuf::Message& message, json::Writer& writer);

// Sets fields of a cleared message; whether the required ones are there is the caller's question.
Status read_json(json::Value value, Tolerance tolerance, google::protobuf::Message* into);

}  // namespace mimas::v1
