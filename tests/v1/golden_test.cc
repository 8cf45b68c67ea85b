// Every recorded message both ways: as a real Mesos 1.12 wrote it, and as we would.
#include <doctest/doctest.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "json/value.h"
#include "mesos/v1/executor.pb.h"
#include "mesos/v1/master.pb.h"
#include "mesos/v1/mesos.pb.h"
#include "mesos/v1/scheduler.pb.h"
#include "transcript.h"
#include "v1/codec.h"

using mimas::v1::MediaType;
namespace scheduler = mesos::v1::scheduler;
namespace executor = mesos::v1::executor;
namespace master = mesos::v1::master;

namespace {

// Equal as JSON values: numbers by value, objects without regard to order.
bool same(mimas::json::Value a, mimas::json::Value b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case mimas::json::Kind::null: return true;
    case mimas::json::Kind::boolean: return *a.boolean() == *b.boolean();
    case mimas::json::Kind::string: return *a.string() == *b.string();
    case mimas::json::Kind::number: {
      const auto x = a.int64(), y = b.int64();
      if (x.ok() && y.ok()) return *x == *y;
      return *a.number() == *b.number();
    }
    case mimas::json::Kind::array: {
      if (a.size() != b.size()) return false;
      for (std::size_t i = 0; i < a.size(); ++i) {
        if (!same(a.at(i), b.at(i))) return false;
      }
      return true;
    }
    case mimas::json::Kind::object: break;
  }
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto other = b.find(a.name(i));
    if (!other || !same(a.at(i), *other)) return false;
  }
  return true;
}

template <class Message>
void check_record(const std::string& record) {
  CAPTURE(record);
  Message message;
  const auto status = mimas::v1::decode(record, MediaType::json, &message);
  REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
  const std::string again = mimas::v1::encode(message, MediaType::json);
  CAPTURE(again);
  const auto before = mimas::json::parse(record), after = mimas::json::parse(again);
  REQUIRE(before.ok());
  REQUIRE(after.ok());
  CHECK(same(before->root(), after->root()));

  // JSON and protobuf agree, and tolerance changes nothing about a message that is whole.
  Message from_binary, tolerant;
  REQUIRE(
      mimas::v1::decode(mimas::v1::encode(message, MediaType::protobuf), MediaType::protobuf, &from_binary)
          .ok());
  CHECK(google::protobuf::util::MessageDifferencer::Equals(message, from_binary));
  REQUIRE(mimas::v1::decode_tolerant(record, MediaType::json, &tolerant).ok());
  CHECK(google::protobuf::util::MessageDifferencer::Equals(message, tolerant));
}

}  // namespace

namespace {

// Members of recorded JSON that the schema does not have, "Message.member", and why not.
const std::set<std::string> kNotInSchema = {
    "AgentInfo.checkpoint",  // operator answers are written from Mesos's older SlaveInfo, which still has it
};

// Adds every member, at any depth, that its message does not have, and every member that stands twice.
void collect_unknown(mimas::json::Value value, const google::protobuf::Descriptor* type,
                     std::vector<std::string>& into) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string name(value.name(i));
    const std::string full = type->name() + "." + name;
    if (!names.insert(value.name(i)).second) into.push_back(full + " twice");
    const auto* field = type->FindFieldByName(name);
    if (field == nullptr) {
      if (!kNotInSchema.contains(full)) into.push_back(full);
      continue;
    }
    const auto member = value.at(i);
    const auto* of = field->message_type();
    if (of == nullptr) continue;
    if (field->is_map()) {
      of = of->map_value()->message_type();
      for (std::size_t k = 0; of != nullptr && k < member.size(); ++k)
        collect_unknown(member.at(k), of, into);
    } else if (member.is_array()) {
      for (std::size_t k = 0; k < member.size(); ++k) collect_unknown(member.at(k), of, into);
    } else {
      collect_unknown(member, of, into);
    }
  }
}

template <class Message>
void check_known(const std::string& record) {
  CAPTURE(record);
  const auto document = mimas::json::parse(record);
  REQUIRE(document.ok());
  std::vector<std::string> unknown;
  collect_unknown(document->root(), Message::descriptor(), unknown);
  for (const auto& member : unknown) FAIL_CHECK(member << " is not in the schema");
  Message message;
  const auto status = mimas::v1::decode(record, MediaType::json, &message);
  CHECK_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
}

// The recorded answers whose names begin so and that are JSON, in order.
std::vector<std::string> json_answers(const std::string& prefix) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(GOLDEN_DIR)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix) || entry.path().extension() != ".resp") continue;
    const std::string bytes = transcript::bytes(name);
    const std::string head = bytes.substr(0, bytes.find("\r\n\r\n"));
    if (head.starts_with("HTTP/1.1 200") && head.find("application/json") != std::string::npos &&
        head.find("gzip") == std::string::npos) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_stream(const std::string& name) {
  return transcript::bytes(name).find("Transfer-Encoding: chunked") != std::string::npos;
}

bool is_executor_stream(const std::string& name) {
  return name.find("-executor-subscribe") != std::string::npos;
}

}  // namespace

TEST_CASE(
    "every JSON event of a real master has no member we do not know and is written again as the same "
    "value") {
  int streams = 0, seen = 0;
  for (const std::string& name : json_answers("")) {
    if (!is_stream(name) || is_executor_stream(name) || name.starts_with("o-")) continue;
    CAPTURE(name);
    ++streams;
    for (const auto& record : transcript::records(name)) {
      check_known<scheduler::Event>(record);
      check_record<scheduler::Event>(record);
      ++seen;
    }
  }
  CHECK(streams > 35);
  CHECK(seen > 240);
}

TEST_CASE(
    "every JSON event of a real agent to an executor has no member we do not know and is written again as "
    "the same value") {
  int seen = 0;
  for (const std::string& name : json_answers("x")) {
    if (!is_executor_stream(name)) continue;
    CAPTURE(name);
    for (const auto& record : transcript::records(name)) {
      check_known<executor::Event>(record);
      check_record<executor::Event>(record);
      ++seen;
    }
  }
  CHECK(seen > 10);
}

TEST_CASE("every operator answer of a real master has no member we do not know") {
  int seen = 0;
  for (const std::string& name : json_answers("o-")) {
    CAPTURE(name);
    ++seen;
    if (is_stream(name)) {
      for (const auto& record : transcript::records(name)) check_known<master::Event>(record);
    } else {
      check_known<master::Response>(transcript::body(name));
    }
  }
  CHECK(seen == 12);
}

TEST_CASE("the first JSON event is written byte for byte as Mesos wrote it, in the order of declaration") {
  const auto records = transcript::records("s01-subscribe-and-stream.resp");
  for (const auto& record : {records[0], records[1], records[2]}) {
    scheduler::Event event;
    REQUIRE(mimas::v1::decode(record, MediaType::json, &event).ok());
    CHECK(mimas::v1::encode(event, MediaType::json) == record);
  }
}

TEST_CASE("every protobuf event of a real master is known to the last field and is written byte for byte") {
  for (const auto& record : transcript::records("p01-pb-subscribe.resp")) {
    scheduler::Event event;
    REQUIRE(mimas::v1::decode(record, MediaType::protobuf, &event).ok());
    CHECK(mimas::v1::encode(event, MediaType::protobuf) == record);
    // A field we did not know would survive as bytes and be missing in JSON.
    scheduler::Event again;
    REQUIRE(mimas::v1::decode(mimas::v1::encode(event, MediaType::json), MediaType::json, &again).ok());
    again.DiscardUnknownFields();
    event.DiscardUnknownFields();
    CHECK(mimas::v1::encode(again, MediaType::json) == mimas::v1::encode(event, MediaType::json));
  }
}

TEST_CASE("every protobuf call that a real master accepted decodes to what was meant") {
  scheduler::Call call;
  REQUIRE(mimas::v1::decode(transcript::body("p01-pb-subscribe.req"), MediaType::protobuf, &call).ok());
  CHECK(call.type() == scheduler::Call::SUBSCRIBE);
  CHECK(call.subscribe().framework_info().name() == "pb");
  CHECK(call.subscribe().framework_info().capabilities(0).type() ==
        mesos::v1::FrameworkInfo::Capability::MULTI_ROLE);
  REQUIRE(mimas::v1::decode(transcript::body("p02-pb-accept.req"), MediaType::protobuf, &call).ok());
  REQUIRE(call.accept().operations_size() == 1);
  CHECK(call.accept().operations(0).launch().task_infos(0).task_id().value() == "pt1");
  CHECK(call.accept().filters().refuse_seconds() == 1.0);
  REQUIRE(
      mimas::v1::decode(transcript::body("p03-pb-ack-TASK_RUNNING.req"), MediaType::protobuf, &call).ok());
  CHECK(call.acknowledge().uuid().size() == 16);
  REQUIRE(mimas::v1::decode(transcript::body("p05-pb-teardown.req"), MediaType::protobuf, &call).ok());
  CHECK(call.type() == scheduler::Call::TEARDOWN);
  CHECK(call.IsInitialized());
}

TEST_CASE("every JSON call that a real master accepted decodes with the type it names") {
  const struct {
    const char* name;
    scheduler::Call::Type type;
  } calls[] = {{"s01-subscribe-and-stream", scheduler::Call::SUBSCRIBE},
               {"s08-accept-launch", scheduler::Call::ACCEPT},
               {"s09-ack-TASK_RUNNING", scheduler::Call::ACKNOWLEDGE},
               {"s12-reconcile-explicit", scheduler::Call::RECONCILE},
               {"s13-reconcile-implicit", scheduler::Call::RECONCILE},
               {"s14-kill", scheduler::Call::KILL},
               {"s23-decline", scheduler::Call::DECLINE},
               {"s26-revive", scheduler::Call::REVIVE},
               {"s27-suppress", scheduler::Call::SUPPRESS},
               {"s31-update-framework", scheduler::Call::UPDATE_FRAMEWORK},
               {"x01-accept-custom-executor", scheduler::Call::ACCEPT},
               {"y01-launch-group", scheduler::Call::ACCEPT}};
  for (const auto& expected : calls) {
    CAPTURE(expected.name);
    scheduler::Call call;
    const auto status =
        mimas::v1::decode(transcript::body(std::string(expected.name) + ".req"), MediaType::json, &call);
    REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
    CHECK(call.type() == expected.type);
  }
  executor::Call update;
  REQUIRE(
      mimas::v1::decode(transcript::body("x-executor-update-TASK_RUNNING-xt1.req"), MediaType::json, &update)
          .ok());
  CHECK(update.update().status().state() == mesos::v1::TASK_RUNNING);
}

TEST_CASE("a refused body gets the very text that a real master answered") {
  for (const char* name :
       {"e01-malformed-json", "e02-empty-body", "e03-json-array", "e07-json-missing-required", "n1-int-role",
        "e18-pb-garbage", "s10d-ack-notbase64"}) {
    CAPTURE(name);
    const auto codec = std::string(name).starts_with("e18") ? MediaType::protobuf : MediaType::json;
    scheduler::Call call;
    const auto status = mimas::v1::decode(transcript::body(std::string(name) + ".req"), codec, &call);
    REQUIRE(!status.ok());
    CHECK(mimas::v1::refusal_text(status.error()) == transcript::body(std::string(name) + ".resp"));
  }
}

TEST_CASE("an unknown call type is not an error of the body: it reads as no type") {
  scheduler::Call call;
  REQUIRE(mimas::v1::decode(transcript::body("e05-json-unknown-enum.req"), MediaType::json, &call).ok());
  CHECK(!call.has_type());
}
