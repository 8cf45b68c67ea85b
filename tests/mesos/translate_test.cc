// Events as the engine's nouns: amounts, attributes, statuses (mesos-protocol §2.4, §2.5, §4.4).
#include "mesos/translate.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "v1/codec.h"

using namespace mimas;
using namespace mimas::mesos;

namespace {

template <class Message>
Message read(const std::string& json) {
  Message message;
  const auto status = v1::decode_tolerant(json, v1::MediaType::json, &message);
  REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
  return message;
}

pb::Offer offer_with(const std::string& resources) {
  return read<pb::Offer>(R"({"id":{"value":"o"},"agent_id":{"value":"a"},"hostname":"h","resources":[)" +
                         resources + "]}");
}

Resources amounts(const std::string& resources) { return to_resources(offer_with(resources).resources()); }

}  // namespace

TEST_CASE("scalars become thousandths by rounding, as Mesos counts") {
  CHECK(thousandths(0.1) == 100);
  CHECK(thousandths(0.0004) == 0);
  CHECK(thousandths(0.0005) == 1);
  CHECK(thousandths(2.9999) == 3000);
  CHECK(thousandths(-1) == 0);
  CHECK(thousandths(std::nan("")) == 0);
  CHECK(thousandths(std::numeric_limits<double>::infinity()) == 0);
  CHECK(thousandths(1e300) == 0);
}

TEST_CASE("mem and disk are rounded down to whole MiB after adding up, gpus to whole ones") {
  const auto sum = amounts(R"({"name":"mem","type":"SCALAR","scalar":{"value":0.6}},
    {"name":"mem","type":"SCALAR","scalar":{"value":1.9}},{"name":"disk","type":"SCALAR","scalar":{"value":9.999}},
    {"name":"gpus","type":"SCALAR","scalar":{"value":1.5}},{"name":"cpus","type":"SCALAR","scalar":{"value":0.5}},
    {"name":"cpus","type":"SCALAR","scalar":{"value":0.25}}, {"name":"bugles","type":"SCALAR","scalar":{"value":3}})");
  CHECK(sum.mem_mib == 2);
  CHECK(sum.disk_mib == 9);
  CHECK(sum.gpus == 1);
  CHECK(sum.cpu_milli == 750);
}

TEST_CASE("ports are ranges below 65536; what lies above, or is upside down, is left out") {
  const auto sum = amounts(R"({"name":"ports","type":"RANGES","ranges":{"range":[{"begin":31000,"end":31002},
    {"begin":65534,"end":18446744073709551615},{"begin":70000,"end":70001},{"begin":9,"end":8}]}})");
  CHECK(sum.ports.text() == "[31000-31002, 65534-65535]");
}

TEST_CASE("what no plain task may have is not counted: revocable, shared, volumes, other disks, providers") {
  const auto sum = amounts(R"({"name":"cpus","type":"SCALAR","scalar":{"value":1},"revocable":{}},
    {"name":"disk","type":"SCALAR","scalar":{"value":5},"disk":{"persistence":{"id":"x"}}},
    {"name":"disk","type":"SCALAR","scalar":{"value":5},"disk":{"source":{"type":"NEWFANGLED"}}},
    {"name":"disk","type":"SCALAR","scalar":{"value":5},"shared":{}},
    {"name":"disk","type":"SCALAR","scalar":{"value":5},"provider_id":{"value":"p"}},
    {"name":"mem","type":"SCALAR","scalar":{"value":64},"reservations":[{"type":"STATIC","role":"r"}]})");
  CHECK(sum.cpu_milli == 0);
  CHECK(sum.disk_mib == 0);
  CHECK(sum.mem_mib == 64);
}

TEST_CASE("attributes of every type become text, and the first of a name wins") {
  const auto offer = read<pb::Offer>(R"({"attributes":[
    {"name":"rack","type":"TEXT","text":{"value":"r1"}}, {"name":"rack","type":"TEXT","text":{"value":"r2"}},
    {"name":"level","type":"SCALAR","scalar":{"value":2}}, {"name":"load","type":"SCALAR","scalar":{"value":-2.50}},
    {"name":"slots","type":"RANGES","ranges":{"range":[{"begin":1,"end":2},{"begin":5,"end":5}]}},
    {"name":"tags","type":"SET","set":{"item":["a","b"]}}, {"name":"small","type":"SCALAR","scalar":{"value":0.001}}]})");
  const auto map = to_attributes(offer.attributes());
  CHECK(map.at("rack") == "r1");
  CHECK(map.at("level") == "2");
  CHECK(map.at("load") == "-2.5");
  CHECK(map.at("slots") == "[1-2, 5-5]");
  CHECK(map.at("tags") == "{a, b}");
  CHECK(map.at("small") == "0.001");
}

TEST_CASE("an offer keeps its ids, role, domain and the agent's address, by ip where there is one") {
  auto from = read<pb::Offer>(R"x({"id":{"value":"o"},"agent_id":{"value":"a"},"hostname":"pi1",
    "url":{"scheme":"http","address":{"hostname":"pi1","ip":"10.0.0.1","port":5051},"path":"/slave(1)"},
    "domain":{"fault_domain":{"region":{"name":"eu"},"zone":{"name":"z1"}}},"allocation_info":{"role":"web"},
    "unavailability":{"start":{"nanoseconds":1792584000123456789},"duration":{"nanoseconds":1}}})x");
  const auto offer = to_offer(from);
  REQUIRE(offer.ok());
  CHECK(offer->id.value == "o");
  CHECK(offer->agent.value == "a");
  CHECK(offer->hostname == "pi1");
  CHECK(offer->endpoint == "10.0.0.1:5051");
  CHECK(offer->role == "web");
  CHECK(offer->region == "eu");
  CHECK(offer->zone == "z1");
  REQUIRE(offer->unavailability.has_value());
  CHECK(offer->unavailability->start == Instant{1'792'584'000'123});
  CHECK(offer->unavailability->duration_ms == 1);
  from.mutable_url()->mutable_address()->clear_ip();
  CHECK(to_offer(from)->endpoint == "pi1:5051");
  from.mutable_url()->mutable_address()->set_ip("::1");
  CHECK(to_offer(from)->endpoint == "[::1]:5051");
  from.mutable_url()->mutable_address()->set_port(70'000);
  CHECK(to_offer(from)->endpoint.empty());
}

TEST_CASE("an offer without usable ids is refused") {
  CHECK(!to_offer(read<pb::Offer>(R"({"agent_id":{"value":"a"}})")).ok());
  CHECK(!to_offer(read<pb::Offer>(R"({"id":{"value":"o"}})")).ok());
  CHECK(!to_offer(read<pb::Offer>(R"({"id":{"value":"o/p"},"agent_id":{"value":"a"}})")).ok());
}

TEST_CASE("a status keeps everything the engine wants to know") {
  const auto update = to_status(read<pb::TaskStatus>(R"({"task_id":{"value":"t"},"state":"TASK_FAILED",
    "agent_id":{"value":"a"},"reason":"REASON_EXECUTOR_TERMINATED","source":"SOURCE_AGENT","message":"gone",
    "uuid":"AAECAwQFRgeICQoLDA0ODw==","data":"eyJ2IjoxLCJleGl0Q29kZSI6M30=","healthy":false,
    "executor_id":{"value":"e"}})"));
  REQUIRE(update.ok());
  CHECK(update->task.value == "t");
  CHECK(update->state == engine::MesosState::failed);
  CHECK(update->agent.value == "a");
  CHECK(update->reason == "EXECUTOR_TERMINATED");
  CHECK(update->source == "AGENT");
  CHECK(update->message == "gone");
  CHECK(update->uuid.size() == 16);
  CHECK(update->exit.code == 3);
  CHECK(!update->exit.signal);
  CHECK(update->healthy == false);
  CHECK(update->executor == "e");
}

TEST_CASE("a missing health flag and a missing reason differ from false and from reason 0") {
  const auto bare = to_status(read<pb::TaskStatus>(R"({"task_id":{"value":"t"},"state":"TASK_RUNNING"})"));
  CHECK(!bare->healthy.has_value());
  CHECK(bare->reason.empty());
  CHECK(bare->source.empty());
  CHECK(bare->uuid.empty());
  const auto zero = to_status(read<pb::TaskStatus>(
      R"({"task_id":{"value":"t"},"state":"TASK_RUNNING","reason":"REASON_COMMAND_EXECUTOR_FAILED"})"));
  CHECK(zero->reason == "COMMAND_EXECUTOR_FAILED");
}

TEST_CASE("unknown states, reasons and sources are delivered with their text and are not terminal") {
  const auto update = to_status(read<pb::TaskStatus>(
      R"({"task_id":{"value":"t"},"state":"TASK_DREAMING","reason":"REASON_NEW","source":"SOURCE_CLOUD",
          "uuid":"AAECAwQFRgeICQoLDA0ODw=="})"));
  REQUIRE(update.ok());
  CHECK(update->state == engine::MesosState::unknown);
  CHECK(update->message.find("TASK_DREAMING") != std::string::npos);
  CHECK(update->reason == "NEW");
  CHECK(update->source == "CLOUD");
  CHECK(update->uuid.size() == 16);
}

TEST_CASE("every state of the protocol has its own name in the engine") {
  for (int number = 0; number <= 13; ++number) {
    pb::TaskStatus status;
    status.mutable_task_id()->set_value("t");
    status.set_state(static_cast<pb::TaskState>(number));
    CHECK(engine::mesos_state_name(to_status(status)->state) == pb::TaskState_Name(status.state()));
  }
}

TEST_CASE(
    "a task id that no task of ours can have comes through all the same, an empty or endless one does not") {
  pb::TaskStatus status;
  status.mutable_task_id()->set_value("bad/id");
  CHECK(to_status(status)->task.value == "bad/id");
  status.mutable_task_id()->set_value("");
  CHECK(!to_status(status).ok());
  status.mutable_task_id()->set_value(std::string(2'000, 'x'));
  CHECK(!to_status(status).ok());
}

TEST_CASE("a uuid that no agent would send is nothing to acknowledge") {
  CHECK(to_status(read<pb::TaskStatus>(R"({"task_id":{"value":"t"},"state":"TASK_RUNNING","uuid":"AAA="})"))
            ->uuid.empty());
}

TEST_CASE("a long message is cut between characters") {
  pb::TaskStatus status;
  status.mutable_task_id()->set_value("t");
  std::string text(kMessageTextBytesMax - 1, 'x');
  status.set_message(text + "\xc3\xa9 and more");
  CHECK(to_status(status)->message == text);
}

TEST_CASE("exit data is read as its schema says and anything else is no exit") {
  CHECK(to_status_data(R"({"v":1,"exitCode":0})").exit.code == 0);
  CHECK(to_status_data(R"({"v":1,"signal":9})").exit.signal == 9);
  const Exit limit =
      to_status_data(R"({"v":1,"signal":9,"memoryLimit":true,"memoryPeakBytes":67108864})").exit;
  CHECK(limit.memory_limit);
  CHECK(limit.memory_peak_bytes == 67'108'864);
  CHECK(to_status_data(R"({"v":1,"memoryPeakBytes":0})").exit.memory_peak_bytes == 0);
  for (const char* data : {"", "{", "[]", "3", R"({"v":2,"exitCode":0})", R"({"exitCode":0})",
                           R"({"v":1,"exitCode":256})", R"({"v":1,"exitCode":"0"})", R"({"v":1,"signal":0})",
                           R"({"v":1,"memoryPeakBytes":-1})", R"({"v":1,"memoryLimit":1})"}) {
    CAPTURE(data);
    CHECK(to_status_data(data).exit == Exit{});
    CHECK_FALSE(to_status_data(data).facts.has_value());
    CHECK_FALSE(to_status_data(data).ready.has_value());
  }
}

TEST_CASE("what the executor says of where a task runs is read, and what it does not say is not made up") {
  const StatusData all = to_status_data(
      R"({"v":1,"executor":"0.2-abc","pid":17,"containerId":"c1","ip":"10.0.0.7","ready":false})");
  REQUIRE(all.facts.has_value());
  CHECK(*all.facts == RunFacts{17, "c1", "10.0.0.7", "0.2-abc"});
  CHECK(all.ready == false);
  const StatusData ready = to_status_data(R"({"v":1,"ready":true})");
  CHECK_FALSE(ready.facts.has_value());
  CHECK(ready.ready == true);
  CHECK_FALSE(to_status_data(R"({"v":1,"ready":"yes"})").ready.has_value());
  CHECK_FALSE(to_status_data(R"({"v":1,"pid":0})").facts.has_value());
  CHECK_FALSE(to_status_data("{\"v\":1,\"ip\":\"" + std::string(200, '1') + "\"}").facts.has_value());
}
