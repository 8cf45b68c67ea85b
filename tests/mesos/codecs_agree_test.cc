// The same conversation in JSON and in protobuf: what a real master was recorded to say reaches the engine
// alike, and what the engine wants reaches the master alike.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "ear.h"
#include "recording.h"

using namespace mimas;
using namespace mimas::mesos;
using rules::Talk;
using scripted::Connection;

namespace {

std::string describe(const Resources& r) {
  return std::to_string(r.cpu_milli) + "/" + std::to_string(r.mem_mib) + "/" + std::to_string(r.disk_mib) +
         "/" + r.ports.text() + "/" + std::to_string(r.gpus);
}

struct Describe {
  std::string operator()(const engine::Subscribed& e) const { return "subscribed " + e.framework.value; }
  std::string operator()(const engine::Disconnected&) const { return "disconnected"; }
  std::string operator()(const engine::OfferRescinded& e) const { return "rescinded " + e.offer.value; }
  std::string operator()(const engine::AgentLost& e) const { return "agent lost " + e.agent.value; }
  std::string operator()(const engine::OffersReceived& e) const {
    std::string text = "offers";
    for (const Offer& offer : e.offers) {
      text += " " + offer.id.value + " " + offer.agent.value + " " + offer.hostname + " " + offer.endpoint +
              " " + offer.role + " " + describe(offer.resources);
      for (const auto& [name, value] : offer.attributes) text += " " + name + "=" + value;
    }
    return text;
  }
  std::string operator()(const engine::StatusUpdate& e) const {
    return "update " + e.task.value + " " + std::string(mesos_state_name(e.state)) + " " + e.agent.value +
           " " + e.uuid + " " + e.reason + " " + e.source + " " + e.message + " " +
           (e.healthy ? (*e.healthy ? "well" : "ill") : "unsaid");
  }
  template <class Other>
  std::string operator()(const Other&) const {
    return "another input";
  }
};

std::string transcode(const std::string& record) {
  scheduler::Event event;
  REQUIRE(v1::decode_tolerant(record, v1::MediaType::json, &event).ok());
  return v1::encode(event, v1::MediaType::protobuf);
}

engine::AcceptOffers accept_of(const std::string& offer, const std::string& agent) {
  JobSpec spec;
  spec.entry_point = "echo caf\xC3\xA9";
  spec.env = {{"A", "1"}};
  Task task;
  task.job = JobId("mimas-1");
  task.id = make_task_id(task.job, 0, 0);
  task.allocated = {.cpu_milli = 110, .mem_mib = 36};
  engine::AcceptOffers accept;
  accept.offers = {OfferId(offer)};
  accept.agent = AgentId(agent);
  accept.launches = {{std::make_shared<const Task>(task), std::make_shared<const JobSpec>(spec), {}}};
  accept.refuse_ms = 1'500;
  return accept;
}

// All that is heard of a recorded stream, and all that is then said to the master, as JSON.
struct Conversation {
  std::vector<std::string> heard, said;

  Conversation(v1::MediaType codec, const std::vector<std::string>& records) {
    Talk talk(codec);
    Connection stream = talk.asked();
    note(talk.request, codec);
    stream.begin_stream("s", v1::media_type_text(codec));
    for (const std::string& record : records) {
      stream.event(codec == v1::MediaType::json ? record : transcode(record));
    }
    const std::string last = R"({"type":"FAILURE","failure":{"agent_id":{"value":"the end"}}})";
    stream.event(codec == v1::MediaType::json ? last : transcode(last));
    std::string offer, agent;
    while (heard.empty() || heard.back() != "agent lost the end") {
      const engine::Input input = talk.ear.input();
      heard.push_back(std::visit(Describe{}, input));
      const auto* offers = std::get_if<engine::OffersReceived>(&input);
      if (offers == nullptr || !offer.empty()) continue;
      offer = offers->offers.at(0).id.value;
      agent = offers->offers.at(0).agent.value;
    }
    REQUIRE(!offer.empty());
    engine::ConstrainOffers constrain;
    constrain.roles["*"] = {{{engine::AttributeTest::Kind::text_equals, {}, "rack", "r1"},
                             {engine::AttributeTest::Kind::text_not_matches,
                              engine::AttributeTest::Selector::hostname, "", "x.*"}}};
    const std::vector<engine::Effect> effects = {
        accept_of(offer, agent),
        engine::DeclineOffers{{OfferId("o2"), OfferId("o3")}, 250},
        engine::ReviveOffers{},
        engine::SuppressOffers{{"*"}},
        constrain,
        engine::KillOnAgent{TaskId("t"), AgentId(agent), 2'500},
        engine::Reconcile{{{TaskId("t"), AgentId(agent)}, {TaskId("u"), AgentId()}}},
        engine::Reconcile{},
        engine::Acknowledge{AgentId(agent), TaskId("t"), std::string("\0\xff 0123456789abc", 16)}};
    for (const engine::Effect& effect : effects) talk.driver->send(effect);
    Connection calls = talk.master.accept();
    while (said.size() < 1 + effects.size()) {
      note(calls.read_request(), codec);
      calls.accept_call();
    }
  }

 private:
  void note(const scripted::Request& request, v1::MediaType codec) {
    CHECK(request.header("Content-Type") == v1::media_type_text(codec));
    scheduler::Call call;
    REQUIRE(v1::decode(request.body, codec, &call).ok());
    std::string text = v1::encode(call, v1::MediaType::json);
    said.push_back(std::move(text));
  }
};

}  // namespace

TEST_CASE("golden: both encodings of what a master was recorded to say are heard, and answered, alike") {
  for (const char* name : {"s01-subscribe-and-stream.resp", "s35-second-subscription.resp"}) {
    CAPTURE(name);
    auto records = recording::records(name);
    // An ERROR ends the conversation, which is not the matter here.
    std::erase_if(records, [](const std::string& r) { return r.find("\"ERROR\"") != std::string::npos; });
    const Conversation json(v1::MediaType::json, records), protobuf(v1::MediaType::protobuf, records);
    CHECK(json.heard.size() > 2);
    CHECK(json.heard == protobuf.heard);
    CHECK(json.said == protobuf.said);
  }
}
