// The JSON mapping rule by rule (mesos-protocol §1.11).
#include "v1/codec.h"

#include <doctest/doctest.h>
#include <google/protobuf/util/message_differencer.h>

#include <cmath>
#include <limits>
#include <string>

#include "base/prng.h"
#include "mesos/v1/master.pb.h"
#include "mesos/v1/mesos.pb.h"
#include "mesos/v1/scheduler.pb.h"

using mimas::v1::decode;
using mimas::v1::decode_tolerant;
using mimas::v1::encode;
using mimas::v1::MediaType;
using mimas::v1::refusal_text;
namespace pb = mesos::v1;

namespace {

template <class Message>
std::string why_not(const std::string& json) {
  Message message;
  const auto status = decode(json, MediaType::json, &message);
  return status.ok() ? "" : status.error().message;
}

template <class Message>
Message read(const std::string& json) {
  Message message;
  const auto status = decode(json, MediaType::json, &message);
  REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
  return message;
}

}  // namespace

TEST_CASE("media types have Mesos's names") {
  CHECK(media_type_text(MediaType::json) == "application/json");
  CHECK(media_type_text(MediaType::protobuf) == "application/x-protobuf");
}

TEST_CASE("an unset field with an explicit default is printed, a deprecated one is not") {
  CHECK(encode(pb::Filters(), MediaType::json) == R"({"refuse_seconds":5.0})");
  pb::FrameworkInfo info;
  info.set_user("u");
  info.set_name("n");
  CHECK(encode(info, MediaType::json) ==
        R"({"user":"u","name":"n","failover_timeout":0.0,"checkpoint":false})");
  pb::CommandInfo::URI uri;
  uri.set_value("f");
  CHECK(encode(uri, MediaType::json) == R"({"value":"f","extract":true})");
  CHECK(encode(pb::NetworkInfo::IPAddress(), MediaType::json) == R"({"protocol":"IPv4"})");
}

TEST_CASE(
    "bytes are base64, enums names, 64-bit integers bare numbers, doubles have a fraction, empty messages "
    "{}") {
  pb::TaskStatus status;
  status.mutable_task_id()->set_value("t");
  status.set_state(pb::TASK_KILLED);
  status.set_uuid(std::string("\0\xff\x10", 3));
  status.set_timestamp(15);
  status.mutable_unreachable_time()->set_nanoseconds(9'007'199'254'740'993);
  status.mutable_limitation();
  CHECK(encode(status, MediaType::json) ==
        R"({"task_id":{"value":"t"},"state":"TASK_KILLED","timestamp":15.0,"uuid":"AP8Q",)"
        R"("unreachable_time":{"nanoseconds":9007199254740993},"limitation":{}})");
}

TEST_CASE("integers above 2^53 come through both ways exactly") {
  const auto read_back = read<pb::TimeInfo>(R"({"nanoseconds":9223372036854775807})");
  CHECK(read_back.nanoseconds() == INT64_MAX);
  CHECK(encode(read_back, MediaType::json) == R"({"nanoseconds":9223372036854775807})");
  CHECK(read<pb::Value::Range>(R"({"begin":0,"end":18446744073709551615})").end() == UINT64_MAX);
}

TEST_CASE("maps are objects, written in the order of their keys") {
  pb::TaskInfo task;
  (*task.mutable_limits())["mem"].set_value(512);
  (*task.mutable_limits())["cpus"].set_value(std::numeric_limits<double>::infinity());
  task.set_name("n");
  CHECK(encode(task, MediaType::json) ==
        R"({"name":"n","limits":{"cpus":{"value":"Infinity"},"mem":{"value":512.0}}})");
  const auto info = read<pb::OfferFilters>(
      R"({"min_allocatable_resources":{"quantities":[{"quantities":{"mem":{"value":64},"cpus":{"value":"0.5"}}}]}})");
  const auto& quantities = info.min_allocatable_resources().quantities(0).quantities();
  CHECK(quantities.at("cpus").value() == 0.5);
  CHECK(quantities.at("mem").value() == 64.0);
}

TEST_CASE("numbers may be strings, booleans too, and doubles may be infinite") {
  CHECK(read<pb::Address>(R"({"port":"5051"})").port() == 5051);
  CHECK(read<pb::FrameworkInfo>(R"({"user":"u","name":"n","checkpoint":"true"})").checkpoint());
  CHECK(std::isinf(read<pb::Value::Scalar>(R"({"value":"Infinity"})").value()));
  CHECK(read<pb::Value::Scalar>(R"({"value":"-Infinity"})").value() < 0);
  CHECK(why_not<pb::Value::Scalar>(R"({"value":"five"})") ==
        "Failed to parse 'five' as a JSON number for field 'value'");
}

TEST_CASE("an integer field refuses fractions and numbers out of its range") {
  CHECK(why_not<pb::Address>(R"({"port":1.5})") == "Expecting an integer in range for field 'port'");
  CHECK(why_not<pb::Address>(R"({"port":2147483648})") == "Expecting an integer in range for field 'port'");
  CHECK(why_not<pb::Value::Range>(R"({"begin":-1,"end":2})") ==
        "Expecting an integer in range for field 'begin'");
  CHECK(read<pb::Address>(R"({"port":-2147483648})").port() == INT32_MIN);
}

TEST_CASE("null is unset and unknown members are ignored, camelCase spellings among them") {
  const auto call =
      read<pb::scheduler::Call>(R"({"type":null,"frameworkId":{"value":"x"},"whatever":[1,{"a":2}]})");
  CHECK(!call.has_type());
  CHECK(!call.has_framework_id());
  CHECK(why_not<pb::scheduler::Call>(R"({"subscribe":{"framework_info":{"user":null,"name":"n"}}})") ==
        "Missing required fields: subscribe.framework_info.user");
}

TEST_CASE("a single value stands for a list of one, and a list never stands for a single value") {
  CHECK(read<pb::scheduler::Call::Revive>(R"({"roles":"a"})").roles_size() == 1);
  CHECK(read<pb::scheduler::Call::Accept>(R"({"offer_ids":{"value":"o"}})").offer_ids(0).value() == "o");
  CHECK(why_not<pb::FrameworkID>(R"({"value":["a"]})") == "Not expecting a JSON array for field 'value'");
  CHECK(why_not<pb::scheduler::Call::Revive>(R"({"roles":[["a"]]})") ==
        "Not expecting a JSON array for field 'roles'");
}

TEST_CASE("a value of the wrong kind is refused with Mesos's words") {
  CHECK(why_not<pb::scheduler::Call>(R"({"framework_id":"x"})") ==
        "Not expecting a JSON string for field 'framework_id'");
  CHECK(why_not<pb::scheduler::Call>(R"({"type":3})") == "Not expecting a JSON number for field 'type'");
  CHECK(why_not<pb::FrameworkID>(R"({"value":true})") == "Not expecting a JSON boolean for field 'value'");
  CHECK(why_not<pb::FrameworkID>(R"({"value":{}})") == "Not expecting a JSON object for field 'value'");
  CHECK(why_not<pb::FrameworkID>("[]") == "Expecting a JSON object");
  CHECK(why_not<pb::scheduler::Call::Accept>(R"({"offer_ids":[null]})") == "Not expecting a JSON null");
}

TEST_CASE("an unknown enum name unsets an optional field, fails a required one and is skipped in a list") {
  CHECK(!read<pb::FrameworkInfo::Capability>(R"({"type":"NEW"})").has_type());
  CHECK(why_not<pb::Resource>(R"({"name":"cpus","type":"NEW"})") == "Failed to find enum for 'NEW'");
}

TEST_CASE("base64 is read as Mesos reads it") {
  const std::string head = R"({"task_id":{"value":"t"},"state":"TASK_RUNNING","uuid":")";
  CHECK(read<pb::TaskStatus>(head + R"(AP8Q"})").uuid() == std::string("\0\xff\x10", 3));
  CHECK(read<pb::TaskStatus>(head + R"(aGk"})").uuid() == "hi");
  CHECK(
      why_not<pb::TaskStatus>(head + R"(a-_b"})").starts_with("Failed to base64 decode bytes field 'uuid'"));
}

TEST_CASE("the last of duplicate members wins") {
  CHECK(read<pb::FrameworkID>(R"({"value":"a","value":"b"})").value() == "b");
}

TEST_CASE("trailing text after the document is a syntax error") {
  pb::FrameworkID id;
  const auto status = decode(R"({"value":"a"} x)", MediaType::json, &id);
  REQUIRE(!status.ok());
  CHECK(refusal_text(status.error()).starts_with("Failed to parse body into JSON: syntax error at line 1"));
}

TEST_CASE("nesting beyond the limit is refused and does not recurse away") {
  std::string deep = R"({"value":"x"})";
  for (int i = 0; i < 5'000; ++i) deep = R"({"value":"x","parent":)" + deep + "}";
  CHECK(why_not<pb::ContainerID>(deep).starts_with("syntax error"));
  pb::ContainerID id;
  id.set_value("x");
  std::string binary = id.SerializeAsString();
  for (int i = 0; i < 5'000; ++i) {
    pb::ContainerID outer;
    outer.set_value("x");
    std::string header;
    std::size_t size = binary.size();
    for (; size >= 128; size /= 128) header += static_cast<char>(size % 128 + 128);
    binary = outer.SerializeAsString() + "\x12" + header + static_cast<char>(size) + binary;
  }
  CHECK(!decode(binary, MediaType::protobuf, &id).ok());
}

TEST_CASE("a message over the limit is refused before it is looked at") {
  pb::FrameworkID id;
  const auto status = decode(std::string(mimas::v1::kMessageBytesMax + 1, ' '), MediaType::json, &id);
  REQUIRE(!status.ok());
  CHECK(status.error().code == mimas::Code::too_large);
}

TEST_CASE("decoding replaces what was in the message before") {
  pb::scheduler::Call call;
  call.mutable_framework_id()->set_value("old");
  REQUIRE(decode("{}", MediaType::json, &call).ok());
  CHECK(!call.has_framework_id());
}

TEST_CASE("fields of a newer master survive protobuf decoding and are written again") {
  pb::FrameworkID id;
  id.set_value("f");
  const std::string bytes = id.SerializeAsString() + std::string("\xaa\x06\x03new", 6);  // field 101
  pb::FrameworkID read_back;
  REQUIRE(decode(bytes, MediaType::protobuf, &read_back).ok());
  CHECK(encode(read_back, MediaType::protobuf) == bytes);
}

TEST_CASE("a protobuf message without a required field is refused with Mesos's text") {
  pb::scheduler::Call call;
  call.mutable_subscribe()->mutable_framework_info()->set_name("n");
  pb::scheduler::Call read_back;
  const auto status = decode(call.SerializePartialAsString(), MediaType::protobuf, &read_back);
  REQUIRE(!status.ok());
  CHECK(refusal_text(status.error()) == "Failed to parse body into Call protobuf");
}

TEST_CASE("tolerant decoding keeps an unknown enum name from JSON and an unknown number from protobuf") {
  pb::TaskStatus status;
  REQUIRE(decode_tolerant(R"({"task_id":{"value":"t"},"state":"TASK_DREAMING","reason":"REASON_SLEEP"})",
                          MediaType::json, &status)
              .ok());
  CHECK(!status.has_state());
  CHECK(mimas::v1::unknown_enum(status, pb::TaskStatus::kStateFieldNumber) == "TASK_DREAMING");
  CHECK(mimas::v1::unknown_enum(status, pb::TaskStatus::kReasonFieldNumber) == "REASON_SLEEP");
  CHECK(mimas::v1::unknown_enum(status, pb::TaskStatus::kSourceFieldNumber).empty());
  REQUIRE(decode_tolerant(std::string("\x0a\x03\x0a\x01t\x10\x63", 7), MediaType::protobuf, &status).ok());
  CHECK(status.task_id().value() == "t");
  CHECK(!status.has_state());
  CHECK(mimas::v1::unknown_enum(status, pb::TaskStatus::kStateFieldNumber) == "99");
}

TEST_CASE("invalid UTF-8 from a peer is replaced, not passed on") {
  const auto id = read<pb::FrameworkID>(
      "{\"value\":\"a\xff"
      "b\"}");
  CHECK(id.value() ==
        "a\xef\xbf\xbd"
        "b");
}

// Random offers, with every kind of resource and attribute in them.
namespace {

pb::Offer random_offer(mimas::Prng& prng) {
  const auto text = [&prng] {
    std::string out;
    for (auto n = prng.below(6) + 1; n > 0; --n) {
      const char* const parts[] = {"a", "Z", "\"", "\\", "\n", "\xc3\xa9", "/", "\xf0\x9f\x92\xa9"};
      out += parts[prng.below(8)];
    }
    return out;
  };
  pb::Offer offer;
  offer.mutable_id()->set_value(text());
  offer.mutable_framework_id()->set_value(text());
  offer.mutable_agent_id()->set_value(text());
  offer.set_hostname(text());
  for (auto n = prng.below(5); n > 0; --n) {
    pb::Resource* resource = offer.add_resources();
    resource->set_name(text());
    resource->set_type(static_cast<pb::Value::Type>(prng.below(3)));
    if (prng.below(2) == 0) {
      resource->mutable_scalar()->set_value(static_cast<double>(prng.next() >> 20) / 1000.0);
    } else {
      auto* range = resource->mutable_ranges()->add_range();
      range->set_begin(prng.next());
      range->set_end(prng.next());
    }
    if (prng.below(2) == 0) resource->mutable_shared();
    if (prng.below(2) == 0) resource->add_reservations()->set_role(text());
  }
  for (auto n = prng.below(3); n > 0; --n) {
    pb::Attribute* attribute = offer.add_attributes();
    attribute->set_name(text());
    attribute->set_type(pb::Value::SET);
    attribute->mutable_set()->add_item(text());
  }
  if (prng.below(2) == 0) {
    offer.mutable_unavailability()->mutable_start()->set_nanoseconds(static_cast<std::int64_t>(prng.next()));
  }
  return offer;
}

}  // namespace

TEST_CASE("property: whatever is written as JSON reads back equal, and agrees with protobuf") {
  mimas::Prng prng(7);
  for (int i = 0; i < 300; ++i) {
    CAPTURE(i);
    const pb::Offer offer = random_offer(prng);
    const auto from_json = read<pb::Offer>(encode(offer, MediaType::json));
    CHECK(google::protobuf::util::MessageDifferencer::Equals(offer, from_json));
    CHECK(encode(from_json, MediaType::protobuf) == encode(offer, MediaType::protobuf));
  }
}

TEST_CASE("property: bytes cut or changed anywhere give an error or a message, never a crash") {
  mimas::Prng prng(11);
  for (int i = 0; i < 400; ++i) {
    for (const auto codec : {MediaType::json, MediaType::protobuf}) {
      std::string bytes = encode(random_offer(prng), codec);
      bytes.resize(prng.below(bytes.size() + 1));
      if (!bytes.empty()) bytes[prng.below(bytes.size())] = static_cast<char>(prng.next());
      pb::Offer offer;
      (void)decode(bytes, codec, &offer).ok();
      (void)decode_tolerant(bytes, codec, &offer).ok();
    }
  }
}
