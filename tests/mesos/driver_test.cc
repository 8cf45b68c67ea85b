// The driver against a scripted master on loopback: what goes over the wire, and what the engine is told.
#include "mesos/driver.h"

#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "ear.h"
#include "mesos/call_queue.h"
#include "mesos/protos.h"
#include "recording.h"
#include "scripted_master.h"
#include "v1/codec.h"

using namespace mimas;
using namespace mimas::mesos;
using rules::Ear;
using rules::kSubscribed;
using scripted::Connection;
using scripted::Master;

namespace {

DriverOptions options(const Master& master) {
  DriverOptions out;
  out.masters = {master.endpoint()};
  out.codec = v1::MediaType::json;
  out.executor_base_url = "http://127.0.0.1:1";
  out.default_arch = "x86_64";
  return out;
}

const std::string kOffers =
    R"({"type":"OFFERS","offers":{"offers":[{"id":{"value":"O1"},"framework_id":{"value":"fw-1"},)"
    R"("agent_id":{"value":"S0"},"hostname":"h","allocation_info":{"role":"*"},"resources":[)"
    R"({"name":"cpus","type":"SCALAR","scalar":{"value":2},"allocation_info":{"role":"*"}},)"
    R"({"name":"mem","type":"SCALAR","scalar":{"value":512},"allocation_info":{"role":"*"}}]}]}})";

scheduler::Call call_in(const scripted::Request& request, v1::MediaType codec = v1::MediaType::json) {
  scheduler::Call call;
  const auto status = v1::decode(request.body, codec, &call);
  REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
  return call;
}

Connection subscribe(Master& master, Ear& ear, const std::string& stream_id = "stream-1") {
  Connection stream = master.accept();
  (void)stream.read_request();
  stream.begin_stream(stream_id);
  stream.event(kSubscribed);
  CHECK(ear.expect<engine::Subscribed>().framework.value == "fw-1");
  return stream;
}

engine::AcceptOffers accept_one() {
  JobSpec spec;
  spec.entry_point = "true";
  Task task;
  task.job = JobId("mimas-1");
  task.id = make_task_id(task.job, 0, 0);
  task.allocated.cpu_milli = 110;
  task.allocated.mem_mib = 36;
  engine::AcceptOffers accept;
  accept.offers = {OfferId("O1")};
  accept.agent = AgentId("S0");
  accept.launches = {{std::make_shared<const Task>(task), std::make_shared<const JobSpec>(spec), {}}};
  return accept;
}

}  // namespace

TEST_CASE("offers reach the engine, and an accept leaves on the other connection with the stream id") {
  Master master;
  Ear ear;
  Driver driver(options(master), ear.hooks());
  driver.start();
  Connection stream = subscribe(master, ear);
  stream.event(R"({"type":"HEARTBEAT"})");
  stream.event(kOffers);
  const auto offers = ear.expect<engine::OffersReceived>().offers;
  REQUIRE(offers.size() == 1);
  CHECK(offers[0].resources.cpu_milli == 2000);
  driver.send(accept_one());
  Connection calls = master.accept();
  const auto request = calls.read_request();
  CHECK(request.header("Mesos-Stream-Id") == "stream-1");
  const auto call = call_in(request);
  CHECK(call.framework_id().value() == "fw-1");
  REQUIRE(call.accept().operations_size() == 1);
  const auto& task = call.accept().operations(0).launch().task_infos(0);
  CHECK(task.task_id().value() == "mimas-1-worker-0-0");
  CHECK(task.resources(0).scalar().value() == 0.1);
  calls.accept_call();
  // The next call uses the same connection.
  driver.send(engine::Acknowledge{AgentId("S0"), TaskId("mimas-1-worker-0-0"), std::string(16, 'u')});
  CHECK(call_in(calls.read_request()).acknowledge().uuid() == std::string(16, 'u'));
  calls.accept_call();
}

TEST_CASE("a hundred thousand KILLs leave by one connection, each once, however often they are repeated") {
  constexpr int kKills = 100'000;
  Master master;
  Ear ear;
  Driver driver(options(master), ear.hooks());
  driver.start();
  Connection stream = subscribe(master, ear);
  const auto send_all = [&] {
    for (int i = 0; i < kKills; ++i) {
      driver.send(engine::KillOnAgent{TaskId("t" + std::to_string(i)), AgentId("S0"), 0});
    }
  };
  send_all();
  Connection calls = master.accept();
  send_all();  // the first is still unanswered
  std::set<std::string> killed;
  int doubled = 0;
  for (int i = 0; i < kKills; ++i) {
    const std::string body = calls.read_request().body;
    const auto at = body.find("\"task_id\":{\"value\":\"");
    if (at == std::string::npos || !killed.insert(body.substr(at, body.find('}', at) - at)).second) ++doubled;
    calls.accept_call();
  }
  CHECK(killed.size() >= kKills - 1);  // the first may have been on its way when it was repeated
  CHECK(doubled <= 1);
  CHECK(ear.quiet());
}

TEST_CASE("the reader waits for a writer that is behind with its acknowledgements, and both go on") {
  Master master;
  Ear ear;
  Driver driver(options(master), ear.hooks());
  driver.start();
  Connection stream = subscribe(master, ear);
  const auto acknowledge = [&](std::size_t i) {
    driver.send(engine::Acknowledge{AgentId("S0"), TaskId("t"), "uuid-" + std::to_string(i)});
  };
  acknowledge(0);
  Connection calls = master.accept();
  (void)calls.read_request();  // its answer is long in coming
  for (std::size_t i = 1; i <= kAnswersQueuedMax; ++i) acknowledge(i);
  stream.event(kOffers);
  CHECK_FALSE(calls.sends_within(100));
  CHECK(ear.quiet());  // not read, or the queue would grow for as long as the master talks
  calls.accept_call();
  (void)calls.read_request();
  CHECK(ear.expect<engine::OffersReceived>().offers.size() == 1);
}

TEST_CASE("golden: a recorded protobuf stream of a real master, byte for byte, through the whole driver") {
  Master master;
  Ear ear;
  auto protobuf = options(master);
  protobuf.codec = v1::MediaType::protobuf;
  Driver driver(protobuf, ear.hooks());
  driver.start();
  Connection stream = master.accept();
  const auto request = stream.read_request();
  CHECK(request.header("Content-Type") == "application/x-protobuf");
  CHECK(call_in(request, v1::MediaType::protobuf).subscribe().framework_info().user() == "root");
  stream.write(recording::bytes("p01-pb-subscribe.resp"));
  CHECK(ear.expect<engine::Subscribed>().framework.value == "53bfa8f9-895c-4051-997e-a949d542b45e-0005");
  CHECK(ear.expect<engine::OffersReceived>().offers[0].attributes.at("arch") == "arm");
  CHECK(ear.expect<engine::StatusUpdate>().state == engine::MesosState::starting);
  CHECK(ear.expect<engine::StatusUpdate>().state == engine::MesosState::running);
}

TEST_CASE("an ACCEPT without an answer is not repeated; the subscription begins anew") {
  Master master;
  Ear ear;
  Driver driver(options(master), ear.hooks());
  driver.start();
  Connection stream = subscribe(master, ear);
  stream.event(kOffers);
  ear.expect<engine::OffersReceived>();
  driver.send(accept_one());
  Connection calls = master.accept();
  CHECK(call_in(calls.read_request()).type() == scheduler::Call::ACCEPT);
  calls.close();
  ear.expect<engine::Disconnected>();
  Connection again = master.accept();
  CHECK(call_in(again.read_request()).type() == scheduler::Call::SUBSCRIBE);
}

TEST_CASE("a call that may be repeated is sent once more on a fresh connection") {
  Master master;
  Ear ear;
  Driver driver(options(master), ear.hooks());
  driver.start();
  Connection stream = subscribe(master, ear);
  driver.send(engine::ReviveOffers{});
  {
    Connection calls = master.accept();
    (void)calls.read_request();
  }
  Connection calls = master.accept();
  CHECK(call_in(calls.read_request()).type() == scheduler::Call::REVIVE);
  calls.accept_call();
  driver.send(engine::SuppressOffers{});
  CHECK(call_in(calls.read_request()).type() == scheduler::Call::SUPPRESS);
  calls.accept_call();
  CHECK(ear.quiet());
}

TEST_CASE("an ACCEPT of an offer that was rescinded is answered by the driver itself") {
  Master master;
  Ear ear;
  Driver driver(options(master), ear.hooks());
  driver.start();
  Connection stream = subscribe(master, ear);
  stream.event(kOffers);
  ear.expect<engine::OffersReceived>();
  stream.event(R"({"type":"RESCIND","rescind":{"offer_id":{"value":"O1"}}})");
  stream.event(R"({"type":"RESCIND","rescind":{"offer_id":{"value":"never-seen"}}})");
  CHECK(ear.expect<engine::OfferRescinded>().offer.value == "O1");
  ear.expect<engine::OfferRescinded>();
  driver.send(accept_one());
  const auto update = ear.expect<engine::StatusUpdate>();
  CHECK(update.state == engine::MesosState::dropped);
  CHECK(update.reason == "INVALID_OFFERS");
  CHECK(update.uuid.empty());
}

TEST_CASE("what an executor says goes past the engine, and to nobody when nobody listens") {
  for (const bool listening : {true, false}) {
    Master master;
    Ear ear;
    Driver::Hooks hooks = ear.hooks();
    if (!listening) hooks.message = nullptr;
    Driver driver(options(master), hooks);
    driver.start();
    Connection stream = subscribe(master, ear);
    stream.event(
        R"({"type":"MESSAGE","message":{"agent_id":{"value":"S0"},"executor_id":{"value":"e1"},"data":"aGk="}})");
    if (listening) CHECK(ear.message() == "S0 e1 hi");
    stream.event(R"({"type":"FAILURE","failure":{"agent_id":{"value":"S0"}}})");
    ear.expect<engine::AgentLost>();
    CHECK(ear.quiet());
  }
}

TEST_CASE("nonsense within a record is skipped, nonsense in the framing ends the stream") {
  Master master;
  Ear ear;
  Driver driver(options(master), ear.hooks());
  driver.start();
  Connection stream = subscribe(master, ear);
  stream.event("{");
  stream.event(R"({"type":"NEWS"})");
  stream.event(R"({"type":"FAILURE","failure":{"agent_id":{"value":"S0"}}})");
  CHECK(ear.expect<engine::AgentLost>().agent.value == "S0");
  stream.write("4\r\nabc\n\r\n");
  ear.expect<engine::Disconnected>();
  Connection again = master.accept();
  (void)again.read_request();
}

TEST_CASE("a driver can be stopped before it was started, and while it waits for a head") {
  Master master;
  Ear ear;
  { Driver unused(options(master), ear.hooks()); }
  Driver driver(options(master), ear.hooks());
  driver.start();
  Connection stream = master.accept();
  (void)stream.read_request();
  driver.stop();
  CHECK(ear.quiet());
}

// ---- teardown

namespace {

// Driver::teardown() on a thread of its own, as a request to the server would call it.
class Teardown {
 public:
  explicit Teardown(Driver& driver)
      : outcome_(std::async(std::launch::async, [&] { return driver.teardown(); })) {}
  Status outcome() {
    REQUIRE(outcome_.wait_for(std::chrono::milliseconds(scripted::kPatienceMs)) == std::future_status::ready);
    return outcome_.get();
  }

 private:
  std::future<Status> outcome_;
};

}  // namespace

TEST_CASE("teardown succeeds although the stream ends before its answer arrives") {
  Master master;
  Ear ear;
  Driver driver(options(master), ear.hooks());
  driver.start();
  Connection stream = subscribe(master, ear);
  Teardown teardown(driver);
  Connection calls = master.accept();
  CHECK(call_in(calls.read_request()).type() == scheduler::Call::TEARDOWN);
  stream.end_stream();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  calls.accept_call();
  CHECK(teardown.outcome().ok());
  driver.stop();
  CHECK(ear.quiet());
}

TEST_CASE("a teardown whose answer is lost is asked for again, and 'cannot be found' is success then") {
  Master master;
  Ear ear;
  Driver driver(options(master), ear.hooks());
  driver.start();
  Connection stream = subscribe(master, ear);
  Teardown teardown(driver);
  {
    Connection lost = master.accept();
    (void)lost.read_request();
  }
  Connection calls = master.accept();
  CHECK(call_in(calls.read_request()).type() == scheduler::Call::TEARDOWN);
  calls.answer(400, "Framework cannot be found");
  CHECK(teardown.outcome().ok());
}

TEST_CASE("a teardown that is refused leaves the driver at work; without a subscription there is none") {
  Master master;
  Ear ear;
  Driver driver(options(master), ear.hooks());
  CHECK(driver.teardown().error().code == Code::unavailable);
  driver.start();
  Connection stream = subscribe(master, ear);
  Teardown teardown(driver);
  Connection calls = master.accept();
  (void)calls.read_request();
  calls.answer(400, "Framework cannot be found");
  CHECK(teardown.outcome().error().code == Code::unavailable);
  ear.expect<engine::Disconnected>();
  Connection again = subscribe(master, ear);
}

// ---- a detector, and standing wishes

TEST_CASE("a driver without masters waits until one is detected, and follows the next leader") {
  Master first, second;
  Ear ear;
  auto detecting = options(first);
  detecting.masters.clear();
  Driver driver(detecting, ear.hooks());
  driver.start();
  driver.set_masters({first.endpoint()});
  Connection stream = subscribe(first, ear);
  driver.set_masters({});
  driver.set_masters({second.endpoint()});
  CHECK(ear.expect<engine::Disconnected>().reason.find(second.endpoint().text()) != std::string::npos);
  CHECK(stream.peer_closes());
  Connection next = subscribe(second, ear);
}

TEST_CASE("credentials go with every call to a known master, and to the mapped address") {
  Master master;
  Ear ear;
  auto mapped = options(master);
  mapped.masters = {{"leader.internal", 5050}};
  mapped.rewrite = [at = master.endpoint()](const wire::Endpoint&) { return at; };
  mapped.authorization = "Basic bWU6c2VjcmV0";
  mapped.principal = "me";
  Driver driver(mapped, ear.hooks());
  driver.start();
  Connection stream = master.accept();
  const auto asked = stream.read_request();
  CHECK(asked.header("Authorization") == "Basic bWU6c2VjcmV0");
  CHECK(asked.header("Host") == "leader.internal:5050");
  CHECK(call_in(asked).subscribe().framework_info().principal() == "me");
  stream.begin_stream("s");
  stream.event(kSubscribed);
  CHECK(ear.expect<engine::Subscribed>().master == "leader.internal:5050");
  driver.send(engine::ReviveOffers{});
  Connection calls = master.accept();
  CHECK(calls.read_request().header("Authorization") == "Basic bWU6c2VjcmV0");
}

TEST_CASE("credentials stay at home when a redirect leads to somebody else") {
  Master standby, stranger;
  Ear ear;
  auto secret = options(standby);
  secret.authorization = "Basic bWU6c2VjcmV0";
  Driver driver(secret, ear.hooks());
  driver.start();
  Connection first = standby.accept();
  CHECK(!first.read_request().header("Authorization").empty());
  first.answer(307, "", "Location: //" + stranger.endpoint().text() + "/api/v1/scheduler\r\n");
  Connection second = stranger.accept();
  CHECK(second.read_request().header("Authorization").empty());
}

TEST_CASE(
    "constraints leave by UPDATE_FRAMEWORK once, and go with the next SUBSCRIBE until they are refused") {
  Master master;
  Ear ear;
  Driver driver(options(master), ear.hooks());
  driver.start();
  Connection stream = subscribe(master, ear);
  engine::ConstrainOffers gpu;
  gpu.roles["*"] = {{{engine::AttributeTest::Kind::exists, {}, "gpu", ""}}};
  driver.send(gpu);
  driver.send(gpu);
  driver.send(engine::SuppressOffers{});
  Connection calls = master.accept();
  const auto update = call_in(calls.read_request());
  REQUIRE(update.type() == scheduler::Call::UPDATE_FRAMEWORK);
  CHECK(update.update_framework().framework_info().user() == "root");
  const auto& role = update.update_framework().offer_constraints().role_constraints().at("*");
  CHECK(role.groups(0).attribute_constraints(0).selector().attribute_name() == "gpu");
  calls.answer(200);
  CHECK(call_in(calls.read_request()).type() == scheduler::Call::SUPPRESS);
  calls.accept_call();
  stream.end_stream();
  ear.expect<engine::Disconnected>();
  stream = master.accept();
  CHECK(call_in(stream.read_request()).subscribe().offer_constraints().role_constraints_size() == 1);
  stream.begin_stream("s2");
  stream.event(R"({"type":"ERROR","error":{"message":"Offer constraints are not valid: no"}})");
  Connection again = master.accept();
  const auto plain = call_in(again.read_request());
  CHECK(!plain.subscribe().has_offer_constraints());
  CHECK(plain.subscribe().suppressed_roles_size() == 1);
}
