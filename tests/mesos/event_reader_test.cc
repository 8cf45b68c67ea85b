// Records sorted out, from the recordings of a real master and from peers that talk nonsense.
#include "mesos/event_reader.h"

#include <doctest/doctest.h>

#include <string>
#include <variant>
#include <vector>

#include "recording.h"

using namespace mimas;
using namespace mimas::mesos;

namespace {

ReadEvent read(const std::string& record) { return read_event(record, v1::MediaType::json); }

template <class T>
T expect(const std::string& record) {
  CAPTURE(record);
  ReadEvent event = read(record);
  REQUIRE(std::holds_alternative<T>(event));
  return std::get<T>(std::move(event));
}

struct Seen {
  std::vector<SubscribedEvent> subscribed;
  std::vector<std::string> errors;
  std::vector<Offer> offers;
  std::vector<engine::StatusUpdate> updates;
  std::vector<std::string> lost, rescinded;
  int skipped = 0;
};

Seen replay(const std::string& name, v1::MediaType codec) {
  Seen seen;
  for (const auto& record : recording::records(name)) {
    ReadEvent event = read_event(record, codec);
    if (auto* e = std::get_if<SubscribedEvent>(&event)) seen.subscribed.push_back(*e);
    if (auto* e = std::get_if<ErrorEvent>(&event)) seen.errors.push_back(e->message);
    if (auto* e = std::get_if<OffersEvent>(&event)) {
      CHECK(e->offers.size() == e->input.offers.size());
      seen.offers.insert(seen.offers.end(), e->input.offers.begin(), e->input.offers.end());
    }
    if (std::holds_alternative<Skipped>(event)) ++seen.skipped;
    auto* input = std::get_if<engine::Input>(&event);
    if (input == nullptr) continue;
    if (auto* i = std::get_if<engine::StatusUpdate>(input)) seen.updates.push_back(*i);
    if (auto* i = std::get_if<engine::AgentLost>(input)) seen.lost.push_back(i->agent.value);
    if (auto* i = std::get_if<engine::OfferRescinded>(input)) seen.rescinded.push_back(i->offer.value);
  }
  return seen;
}

}  // namespace

TEST_CASE("golden: the life of a framework in JSON, from SUBSCRIBED to its eviction") {
  const Seen seen = replay("s01-subscribe-and-stream.resp", v1::MediaType::json);
  REQUIRE(seen.subscribed.size() == 1);
  CHECK(seen.subscribed[0].framework.value == "53bfa8f9-895c-4051-997e-a949d542b45e-0004");
  CHECK(seen.subscribed[0].heartbeat_seconds == 15.0);
  REQUIRE(!seen.offers.empty());
  const Offer& offer = seen.offers[0];
  CHECK(offer.id.value == "53bfa8f9-895c-4051-997e-a949d542b45e-O7");
  CHECK(offer.agent.value == "53bfa8f9-895c-4051-997e-a949d542b45e-S0");
  CHECK(offer.endpoint == "127.0.0.1:5051");
  CHECK(offer.role == "*");
  CHECK(offer.resources.cpu_milli == 4000);
  CHECK(offer.resources.mem_mib == 900);
  CHECK(offer.resources.ports.text() == "[31000-31099]");
  CHECK(offer.attributes.at("arch") == "arm");
  CHECK(seen.errors == std::vector<std::string>{"Framework failed over"});
  CHECK(seen.skipped == 0);
  bool killed = false, dropped = false, gone = false;
  for (const auto& update : seen.updates) {
    if (update.state == engine::MesosState::killed && !update.uuid.empty()) killed = true;
    if (update.state == engine::MesosState::dropped && update.reason == "INVALID_OFFERS" &&
        update.uuid.empty()) {
      dropped = true;
    }
    if (update.state == engine::MesosState::gone || update.state == engine::MesosState::unknown) gone = true;
  }
  CHECK(killed);
  CHECK(dropped);
  CHECK(gone);
}

TEST_CASE("golden: the same in protobuf") {
  const Seen seen = replay("p01-pb-subscribe.resp", v1::MediaType::protobuf);
  REQUIRE(seen.subscribed.size() == 1);
  CHECK(seen.offers.size() >= 2);
  REQUIRE(seen.updates.size() == 3);
  CHECK(seen.updates[0].state == engine::MesosState::starting);
  CHECK(seen.updates[1].state == engine::MesosState::running);
  CHECK(seen.updates[2].state == engine::MesosState::finished);
  for (const auto& update : seen.updates) {
    CHECK(update.uuid.size() == 16);
    CHECK(update.source == "EXECUTOR");
  }
  CHECK(seen.skipped == 0);
}

TEST_CASE(
    "golden: an agent that is killed gives unreachable tasks and is named lost; one that leaves, lost "
    "tasks") {
  const Seen killed = replay("h-hard-pa-stream.resp", v1::MediaType::json);
  CHECK(!killed.lost.empty());
  bool unreachable = false;
  for (const auto& update : killed.updates) unreachable |= update.state == engine::MesosState::unreachable;
  CHECK(unreachable);
  const Seen left = replay("h-usr1-pa-stream.resp", v1::MediaType::json);
  bool lost = false;
  for (const auto& update : left.updates) lost |= update.state == engine::MesosState::lost;
  CHECK(lost);
}

TEST_CASE("golden: the end of an executor is no loss of its agent") {
  CHECK(replay("x00-exec-stream.resp", v1::MediaType::json).lost.empty());
}

TEST_CASE("golden: a rejected FrameworkInfo is an ERROR event") {
  const Seen seen = replay("n1-bad-role.resp", v1::MediaType::json);
  REQUIRE(seen.errors.size() == 1);
  CHECK(seen.errors[0].starts_with("'FrameworkInfo.roles' contains invalid role"));
}

TEST_CASE("well-framed nonsense is skipped with a reason") {
  for (const char* record : {"{", "[]", "\"x\"", "", "{\"type\":\"HEARTBEAT\"} x", "null"}) {
    CHECK(!expect<Skipped>(record).why.empty());
  }
}

TEST_CASE("an unknown type is skipped by its name, unknown members are ignored") {
  CHECK(expect<Skipped>(R"({"type":"CELEBRATION"})").why.find("CELEBRATION") != std::string::npos);
  CHECK(expect<Skipped>("{}").why.find("without a type") != std::string::npos);
  expect<NothingToDo>(R"({"x":1,"type":"HEARTBEAT","y":{"z":[]}})");
}

TEST_CASE("members may stand in any order") {
  const auto event = expect<SubscribedEvent>(
      R"({ "subscribed" : {"heartbeat_interval_seconds":2,"framework_id":{"value":"f"}},
                                   "type":"SUBSCRIBED"})");
  CHECK(event.framework.value == "f");
  CHECK(event.heartbeat_seconds == 2.0);
}

TEST_CASE("an event without its content, or with the wrong kind of content, is skipped") {
  for (const char* type : {"SUBSCRIBED", "OFFERS", "RESCIND", "UPDATE", "FAILURE", "ERROR"}) {
    expect<Skipped>("{\"type\":\"" + std::string(type) + "\"}");
  }
  expect<Skipped>(R"({"type":"OFFERS","offers":[{"id":{"value":"o"}}]})");
  expect<Skipped>(R"({"type":"UPDATE","update":{}})");
  expect<Skipped>(R"({"type":"RESCIND","rescind":{}})");
}

TEST_CASE(
    "FAILURE with an executor, or with neither id, is nothing to do; with an agent alone it is "
    "lost") {
  expect<NothingToDo>(R"({"type":"FAILURE","failure":{}})");
  expect<NothingToDo>(
      R"({"type":"FAILURE","failure":{"agent_id":{"value":"a"},"executor_id":{"value":"e"},"status":-1}})");
  const auto input = expect<engine::Input>(R"({"type":"FAILURE","failure":{"agent_id":{"value":"a"}}})");
  CHECK(std::get<engine::AgentLost>(input).agent.value == "a");
}

TEST_CASE("offers without usable ids are left out and counted, the others come through") {
  const auto event = expect<OffersEvent>(
      R"({"type":"OFFERS","offers":{"offers":[{"hostname":"h"},{"id":{"value":"o"},"agent_id":{"value":"a"}}]}})");
  CHECK(event.malformed == 1);
  REQUIRE(event.offers.size() == 1);
  CHECK(event.input.offers[0].id.value == "o");
}

TEST_CASE("what we have no use for is nothing to do") { expect<NothingToDo>(R"({"type":"HEARTBEAT"})"); }

TEST_CASE("golden: what an executor says to its framework, with the bytes as it said them") {
  std::vector<MessageEvent> said;
  for (const auto& record : recording::records("xl-executor-framework-stream.resp")) {
    ReadEvent event = read_event(record, v1::MediaType::json);
    if (auto* e = std::get_if<MessageEvent>(&event)) said.push_back(*e);
  }
  REQUIRE(said.size() == 1);
  CHECK(said[0].agent.value == "4e07b0f7-bab6-4422-b995-9562f1a97244-S0");
  CHECK(said[0].executor == "exl");
  CHECK(said[0].data == "msg from executor");
}

TEST_CASE("a message that names no agent, has no content or is too long is skipped") {
  expect<Skipped>(R"({"type":"MESSAGE"})");
  expect<Skipped>(R"({"type":"MESSAGE","message":{"executor_id":{"value":"e"},"data":"YQ=="}})");
  const auto message = [](std::size_t triples) {
    std::string data;
    for (std::size_t i = 0; i < triples; ++i) data += "YWFh";
    return R"({"type":"MESSAGE","message":{"agent_id":{"value":"a"},"executor_id":{"value":"e"},"data":")" +
           data + R"("}})";
  };
  CHECK(expect<MessageEvent>(message(kMessageDataBytesMax / 3)).data.size() == kMessageDataBytesMax / 3 * 3);
  expect<Skipped>(message(kMessageDataBytesMax / 3 + 1));
}

TEST_CASE("inverse offers come with their agent and when its maintenance is") {
  const auto input = expect<engine::Input>(R"({"type":"INVERSE_OFFERS","inverse_offers":{"inverse_offers":[
    {"id":{"value":"i1"},"framework_id":{"value":"f"},"agent_id":{"value":"a"},
     "unavailability":{"start":{"nanoseconds":5000000},"duration":{"nanoseconds":60000000000}}},
    {"id":{"value":"i2"},"framework_id":{"value":"f"},"unavailability":{"start":{"nanoseconds":-1}}}]}})");
  const auto& event = std::get<engine::InverseOffersReceived>(input);
  REQUIRE(event.offers.size() == 1);
  CHECK(event.offers[0].id.value == "i1");
  CHECK(event.offers[0].agent.value == "a");
  CHECK(event.offers[0].unavailability == Unavailability{Instant{5}, 60'000});
  const auto rescinded = expect<engine::Input>(
      R"({"type":"RESCIND_INVERSE_OFFER","rescind_inverse_offer":{"inverse_offer_id":{"value":"i1"}}})");
  CHECK(std::get<engine::InverseOfferRescinded>(rescinded).offer.value == "i1");
  for (const char* type : {"INVERSE_OFFERS", "RESCIND_INVERSE_OFFER", "UPDATE_OPERATION_STATUS"}) {
    expect<Skipped>("{\"type\":\"" + std::string(type) + "\"}");
  }
}

TEST_CASE("an operation's status comes with its raw uuid, and a state of the future changes nothing") {
  const auto input =
      expect<engine::Input>(R"({"type":"UPDATE_OPERATION_STATUS","update_operation_status":{"status":
    {"operation_id":{"value":"mimas-op-1.1"},"state":"OPERATION_FINISHED","message":"m","agent_id":{"value":"a"},
     "uuid":{"value":"AAECAwQFBgcICQoLDA0ODw=="}}}})");
  const auto& update = std::get<engine::OperationUpdate>(input);
  CHECK(update.operation.value == "mimas-op-1.1");
  CHECK(update.state == engine::MesosOperationState::finished);
  CHECK(update.agent.value == "a");
  CHECK(update.message == "m");
  REQUIRE(update.uuid.size() == 16);
  CHECK(update.uuid[15] == 15);
  const auto strange =
      expect<engine::Input>(R"({"type":"UPDATE_OPERATION_STATUS","update_operation_status":{"status":
    {"operation_id":{"value":"x"},"state":"OPERATION_PONDERING"}}})");
  CHECK(std::get<engine::OperationUpdate>(strange).state == engine::MesosOperationState::unsupported);
}
