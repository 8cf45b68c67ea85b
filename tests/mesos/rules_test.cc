// Framing and HTTP, rules 1 to 23 of the conformance list. Most of them through the whole driver against a
// master of raw bytes; what only the parsers can show, by the parsers.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../engine/play.h"
#include "ear.h"
#include "mesos/subscription.h"
#include "net/clock.h"
#include "net/http_client.h"
#include "recording.h"
#include "wire/recordio.h"

using namespace mimas;
using namespace mimas::mesos;
using rules::chunk;
using rules::lost;
using rules::Talk;
using scripted::Connection;
using wire::frame_record;

namespace {

// What the engine hears of a recorded stream, as text.
std::vector<std::string> heard(Talk& talk, std::size_t count) {
  std::vector<std::string> list;
  while (list.size() < count) {
    const engine::Input input = talk.ear.input();
    if (const auto* one = std::get_if<engine::Subscribed>(&input))
      list.push_back("as " + one->framework.value);
    if (const auto* one = std::get_if<engine::OffersReceived>(&input)) {
      list.push_back("offers");
      for (const auto& offer : one->offers) list.back() += " " + offer.id.value + " " + offer.hostname;
    }
    if (const auto* one = std::get_if<engine::StatusUpdate>(&input)) {
      list.push_back(one->task.value + " " + std::string(mesos_state_name(one->state)) + " " + one->uuid);
    }
  }
  return list;
}

std::size_t address_space_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages;
  return pages * 4096;
}

// The driver takes `bytes` on its open stream for broken, tells the engine nothing, and subscribes anew.
void expect_broken_by(const std::string& bytes) {
  CAPTURE(bytes);
  Talk talk;
  Connection stream = talk.subscribe();
  stream.write(chunk(bytes));
  talk.expect_new_subscription();
}

void wait_for_skipped(Talk& talk, int count) { talk.ear.line_with("(" + std::to_string(count) + " so far)"); }

}  // namespace

TEST_CASE("rule 1: a stream split at any byte gives the events of the whole one") {
  for (const char* name : {"p01-pb-subscribe.resp", "xa-executor-framework-stream.resp"}) {
    CAPTURE(name);
    const std::string whole = recording::bytes(name);
    const std::vector<std::string> wanted = recording::records(name);
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
      wire::ResponseParser parser;
      wire::RecordReader reader;
      std::vector<std::string> records;
      for (const std::string& part : {whole.substr(0, cut), whole.substr(cut)}) {
        std::string body;
        REQUIRE(parser.feed(part, body).ok());
        REQUIRE(reader.feed(body, records).ok());
      }
      REQUIRE(records == wanted);
    }
  }
  // The same through the driver, one byte at a time.
  const std::string bytes = recording::bytes("p01-pb-subscribe.resp");
  Talk at_once(v1::MediaType::protobuf), dripped(v1::MediaType::protobuf);
  Connection first = at_once.asked(), second = dripped.asked();
  first.write(bytes);
  for (const char byte : bytes) second.write({&byte, 1});
  const auto wanted = heard(at_once, 6);
  CHECK(wanted.front().starts_with("as "));
  CHECK(heard(dripped, 6) == wanted);
}

TEST_CASE("rule 2: fifty records in one chunk are fifty events in order") {
  std::string stream;
  for (int i = 0; i < 50; ++i) stream += frame_record(lost("a" + std::to_string(i)));
  wire::RecordReader reader;
  std::vector<std::string> records;
  REQUIRE(reader.feed(stream, records).ok());
  CHECK(records.size() == 50);  // all by one read
  Talk talk;
  Connection peer = talk.subscribe();
  peer.write(chunk(stream));
  for (int i = 0; i < 50; ++i)
    CHECK(talk.ear.expect<engine::AgentLost>().agent.value == "a" + std::to_string(i));
}

TEST_CASE("rule 3: a chunk may end in the length, right after it, or inside a character") {
  const std::string record = lost("\xE2\x82\xAC");  // a euro sign, three bytes
  const std::string framed = frame_record(record);
  const std::size_t sign = framed.find("\xE2");
  REQUIRE(framed.find('\n') == 2);
  Talk talk;
  Connection peer = talk.subscribe();
  for (const std::size_t cut : {std::size_t{1}, std::size_t{2}, std::size_t{3}, sign + 1, sign + 2}) {
    CAPTURE(cut);
    peer.write(chunk(framed.substr(0, cut)));
    peer.write(chunk(framed.substr(cut)));
    CHECK(talk.ear.expect<engine::AgentLost>().agent.value == "\xE2\x82\xAC");
  }
}

TEST_CASE("rule 4: a record's length counts bytes, not characters") {
  const std::string id = "caf\xC3\xA9 \xF0\x9F\x98\x80";
  const std::string record = lost(id);
  Talk talk;
  Connection peer = talk.subscribe();
  peer.write(chunk(std::to_string(record.size()) + "\n" + record));
  peer.event(lost("next"));
  CHECK(talk.ear.expect<engine::AgentLost>().agent.value == id);
  CHECK(talk.ear.expect<engine::AgentLost>().agent.value == "next");
  // Four bytes fewer, as counted in characters: the rest of the record is no header.
  expect_broken_by(std::to_string(record.size() - 4) + "\n" + record + frame_record(lost("never")));
}

TEST_CASE("rule 5: an empty record between two events is skipped") {
  Talk talk;
  Connection peer = talk.subscribe();
  peer.write(chunk(frame_record(lost("a")) + "0\n" + frame_record(lost("b"))));
  CHECK(talk.ear.expect<engine::AgentLost>().agent.value == "a");
  CHECK(talk.ear.expect<engine::AgentLost>().agent.value == "b");
}

TEST_CASE("rule 6: a malformed header ends the stream, and nothing after it is delivered") {
  for (const char* header : {"abc\n", "-5\n", "+5\n", "0x10\n", "5 \n", "\n"}) {
    expect_broken_by(std::string(header) + frame_record(lost("never")));
  }
}

TEST_CASE("rule 7: a length of too many digits or above the limit fails without its room being made") {
  for (const char* header : {"0000000000000000000000005\n", "67108865\n", "99999999999999999999\n"}) {
    expect_broken_by(std::string(header) + lost("never"));
  }
  // Even a length within the limit reserves nothing before its bytes are there.
  std::vector<wire::RecordReader> readers(16);
  std::vector<std::string> records;
  const std::size_t before = address_space_bytes();
  for (auto& reader : readers) REQUIRE(reader.feed("67108864\nx", records).ok());
  CHECK(address_space_bytes() < before + wire::kRecordBytesMax);
}

TEST_CASE(
    "rule 8: an end after a header, in a body or between records is a disconnect without half a record") {
  const std::string framed = frame_record(lost("never"));
  for (const std::string& rest : {framed.substr(0, 3), framed.substr(0, framed.size() - 1), std::string()}) {
    CAPTURE(rest);
    Talk talk;
    Connection stream = talk.subscribe();
    if (!rest.empty()) stream.write(chunk(rest));
    stream.end_stream();
    talk.expect_new_subscription();
  }
}

TEST_CASE("rule 9: a well-framed record that is no JSON event is counted and skipped") {
  Talk talk;
  Connection stream = talk.subscribe();
  for (const char* record : {"{", "[]", "\"x\"", "{\"type\":\"HEARTBEAT\"} trailing"}) stream.event(record);
  stream.event(lost("a"));
  CHECK(talk.ear.expect<engine::AgentLost>().agent.value == "a");
  wait_for_skipped(talk, 4);
}

TEST_CASE("rule 10: an unknown type is ignored and counted, unknown fields are ignored") {
  Talk talk;
  Connection stream = talk.subscribe();
  stream.event(R"({"type":"CELEBRATION","celebration":{"cake":true}})");
  stream.event(
      R"({"new":[1,{"a":null}],"type":"FAILURE","failure":{"agent_id":{"value":"a","rank":7},"x":{}}})");
  CHECK(talk.ear.expect<engine::AgentLost>().agent.value == "a");
  CHECK(talk.ear.line_with("(1 so far)").find("CELEBRATION") != std::string::npos);
}

TEST_CASE("rule 11: an unknown state, reason and source come with their text, acknowledged and not final") {
  engine::Play play;
  play.running(engine::batch_spec());
  const std::string task = play.tasks.begin()->first;
  Talk talk;
  Connection stream = talk.subscribe();
  stream.event(R"({"type":"UPDATE","update":{"status":{"task_id":{"value":")" + task +
               R"("},"agent_id":{"value":"a1"},"state":"TASK_DREAMING","reason":"REASON_SLEEP",)"
               R"("source":"SOURCE_MOON","uuid":"AAECAwQFRgeICQoLDA0ODw=="}}})");
  const auto update = talk.ear.expect<engine::StatusUpdate>();
  CHECK(update.state == engine::MesosState::unknown);
  CHECK(update.message.find("TASK_DREAMING") != std::string::npos);
  CHECK(update.reason == "SLEEP");
  CHECK(update.source == "MOON");
  play.feed(update);
  CHECK(play.only<engine::Acknowledge>()->uuid == update.uuid);
  CHECK(play.task(task).state == TaskState::running);
}

TEST_CASE("rule 12: members may come in any order and with any blanks") {
  Talk talk;
  Connection stream = talk.subscribe();
  stream.event("{\n \"failure\" : { \"agent_id\"\t:{ \"value\"  :  \"a\" } }  ,\r\n\"type\":\"FAILURE\"   }");
  CHECK(talk.ear.expect<engine::AgentLost>().agent.value == "a");
}

TEST_CASE("rule 13: OFFERS without offers, or with a bare list of them, is skipped and counted") {
  Talk talk;
  Connection stream = talk.subscribe();
  stream.event(R"({"type":"OFFERS"})");
  stream.event(R"({"type":"OFFERS","offers":[{"id":{"value":"o"},"agent_id":{"value":"a"}}]})");
  stream.event(lost("a"));
  CHECK(talk.ear.expect<engine::AgentLost>().agent.value == "a");
  wait_for_skipped(talk, 2);
}

TEST_CASE("rule 14: the last chunk ends the stream although the connection stays open") {
  Talk talk;
  Connection stream = talk.subscribe();
  stream.end_stream();
  talk.expect_new_subscription();  // long before the watchdog, whose time is 75 s
}

TEST_CASE("rule 15: a close without the last chunk is a disconnect, and so is a reset") {
  for (const bool reset : {false, true}) {
    CAPTURE(reset);
    Talk talk;
    Connection stream = talk.subscribe();
    if (reset) stream.reset();
    else stream.close();
    talk.expect_new_subscription();
  }
}

TEST_CASE("rule 16: an answer of another media type is no stream, and is backed off from") {
  for (const char* type : {"application/x-protobuf", "text/html"}) {
    CAPTURE(type);
    Talk talk;
    Connection stream = talk.asked();
    stream.begin_stream("s", type);
    stream.event(rules::kSubscribed);
    CHECK(talk.ear.line_with(type).find("media type") != std::string::npos);
    Connection again = talk.asked();
    CHECK(talk.ear.quiet());
  }
}

TEST_CASE("rule 17: a head that comes byte by byte is cut off at its deadline") {
  scripted::Master master;
  std::thread drip([&] {
    Connection connection = master.accept();
    (void)connection.read_request();
    const std::string head = "HTTP/1.1 200 OK\r\nX-Slow: " + std::string(1'000'000, 'x');
    for (const char byte : head) {
      if (!connection.write({&byte, 1})) break;  // closed by the client
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    CHECK(connection.peer_is_gone());
  });
  net::HttpClient client(master.endpoint(), net::Timeouts{kConnectMs, 200});
  wire::Request request;
  request.method = "POST";
  const auto head = client.open_stream(request);
  REQUIRE(!head.ok());
  CHECK(head.error().code == Code::timeout);
  CHECK(client.fd() < 0);
  drip.join();
  CHECK(kHeadMs <= 15'000);  // what the driver gives a master
}

TEST_CASE("rule 18: chunk extensions and trailers are tolerated") {
  Talk talk;
  Connection stream = talk.subscribe();
  const std::string framed = frame_record(lost("a"));
  std::string extended = chunk(framed);
  extended.insert(extended.find("\r\n"), ";a=b;c=\"d e\"");
  stream.write(extended);
  CHECK(talk.ear.expect<engine::AgentLost>().agent.value == "a");
  stream.write("0;last\r\nX-Checksum: 1\r\nX-More: 2\r\n\r\n");
  CHECK(talk.ear.expect<engine::Disconnected>().reason.find("ended") != std::string::npos);
}

TEST_CASE(
    "rule 19: answers on one connection belong to their calls in order, also when they come in one piece") {
  // Recorded: two requests in one segment, two answers in one segment.
  const std::string both = recording::bytes("e29-pipelined.resp");
  std::string_view rest = both;
  std::vector<std::string> bodies;
  for (int i = 0; i < 2; ++i) {
    wire::ResponseParser parser;
    const auto used = parser.feed(rest, bodies.emplace_back());
    REQUIRE(used.ok());
    REQUIRE(parser.complete());
    CHECK(parser.head().status == 400);
    rest.remove_prefix(*used);
  }
  CHECK(rest.empty());
  CHECK(bodies == std::vector<std::string>(2, "Framework cannot be found"));
  // The driver itself sends one call at a time: the second 202 is the second call's.
  Talk talk;
  Connection stream = talk.subscribe();
  talk.driver->send(engine::Acknowledge{AgentId("S0"), TaskId("t1"), std::string(16, 'a')});
  talk.driver->send(engine::Acknowledge{AgentId("S0"), TaskId("t2"), std::string(16, 'b')});
  Connection calls = talk.master.accept();
  CHECK(talk.call_in(calls.read_request()).acknowledge().task_id().value() == "t1");
  calls.accept_call();
  CHECK(talk.call_in(calls.read_request()).acknowledge().task_id().value() == "t2");
  calls.accept_call();
}

TEST_CASE("rule 20: on a connection gone stale a repeatable call is sent once more, an ACCEPT is not") {
  {
    Talk talk;
    Connection stream = talk.subscribe();
    talk.driver->send(engine::Acknowledge{AgentId("S0"), TaskId("t1"), std::string(16, 'a')});
    Connection calls = talk.master.accept();
    (void)calls.read_request();
    calls.accept_call();
    // Dead while idle, and dead after the request came: both times once more on a new connection.
    talk.driver->send(engine::Acknowledge{AgentId("S0"), TaskId("t2"), std::string(16, 'b')});
    (void)calls.read_request();
    calls.close();
    Connection fresh = talk.master.accept();
    CHECK(talk.call_in(fresh.read_request()).acknowledge().task_id().value() == "t2");
    fresh.accept_call();
    CHECK(talk.ear.quiet());
  }
  Talk talk;
  Connection stream = talk.subscribe();
  stream.event(
      R"({"type":"OFFERS","offers":{"offers":[{"id":{"value":"O1"},"framework_id":{"value":"fw-1"},)"
      R"("agent_id":{"value":"S0"},"hostname":"h","resources":[)"
      R"({"name":"cpus","type":"SCALAR","scalar":{"value":2}},{"name":"mem","type":"SCALAR","scalar":{"value":512}}]}]}})");
  talk.ear.expect<engine::OffersReceived>();
  talk.driver->send(engine::Acknowledge{AgentId("S0"), TaskId("t1"), std::string(16, 'a')});
  Connection calls = talk.master.accept();
  (void)calls.read_request();
  calls.accept_call();
  Task task;
  task.job = JobId("mimas-1");
  task.id = make_task_id(task.job, 0, 0);
  task.allocated.cpu_milli = 110;
  task.allocated.mem_mib = 36;
  JobSpec spec;
  spec.entry_point = "true";
  engine::AcceptOffers accept;
  accept.offers = {OfferId("O1")};
  accept.agent = AgentId("S0");
  accept.launches = {{std::make_shared<const Task>(task), std::make_shared<const JobSpec>(spec), {}}};
  talk.driver->send(accept);
  CHECK(talk.call_in(calls.read_request()).type() == scheduler::Call::ACCEPT);
  calls.close();
  talk.expect_new_subscription();  // the next thing on the wire is SUBSCRIBE, not the ACCEPT again
}

TEST_CASE("rule 21: nothing asks for compression, and a compressed answer is refused by name") {
  Talk talk;
  Connection stream = talk.asked();
  CHECK(talk.request.header("Accept-Encoding").empty());
  stream.write(
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  CHECK(!talk.ear.line_with("gzip").empty());
  Connection again = talk.subscribe();
  talk.driver->send(engine::Acknowledge{AgentId("S0"), TaskId("t1"), std::string(16, 'a')});
  Connection calls = talk.master.accept();
  CHECK(calls.read_request().header("Accept-Encoding").empty());
  calls.accept_call();
}

TEST_CASE("rule 22: a proxy named in the environment is not used") {
  scripted::Master proxy;
  const std::string url = "http://" + proxy.endpoint().text();
  for (const char* name :
       {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
    ::setenv(name, url.c_str(), 1);
  ::unsetenv("no_proxy");
  {
    Talk talk;
    Connection stream = talk.subscribe();
    CHECK(talk.request.start == "POST /api/v1/scheduler HTTP/1.1");
    CHECK(talk.request.header("Host") == talk.master.endpoint().text());
    talk.driver->send(engine::Acknowledge{AgentId("S0"), TaskId("t1"), std::string(16, 'a')});
    Connection calls = talk.master.accept();
    CHECK(calls.read_request().start == "POST /api/v1/scheduler HTTP/1.1");
    calls.accept_call();
  }
  CHECK(!proxy.has_caller());
  for (const char* name :
       {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
    ::unsetenv(name);
}

namespace {

// An OFFERS event of `count` offers whose attributes make it about `bytes` long.
std::string large_offers(v1::MediaType codec, int count, std::size_t bytes) {
  scheduler::Event event;
  event.set_type(scheduler::Event::OFFERS);
  for (int i = 0; i < count; ++i) {
    auto* offer = event.mutable_offers()->add_offers();
    offer->mutable_id()->set_value("M-O" + std::to_string(i));
    offer->mutable_framework_id()->set_value("fw-1");
    offer->mutable_agent_id()->set_value("M-S" + std::to_string(i));
    offer->set_hostname("host" + std::to_string(i));
    for (const char* name : {"cpus", "mem", "disk"}) {
      auto* resource = offer->add_resources();
      resource->set_name(name);
      resource->set_type(pb::Value::SCALAR);
      resource->mutable_scalar()->set_value(8000);
      resource->mutable_allocation_info()->set_role("*");
    }
    auto* attribute = offer->add_attributes();
    attribute->set_name("notes");
    attribute->set_type(pb::Value::TEXT);
    attribute->mutable_text()->set_value(std::string(
        bytes / static_cast<std::size_t>(count) - (codec == v1::MediaType::json ? 300 : 130), 'n'));
  }
  return v1::encode(event, codec);
}

// The most memory this process had since the call before, in bytes.
std::size_t peak_bytes() {
  std::ifstream file("/proc/self/status");
  std::size_t kib = 0;
  for (std::string word; file >> word;) {
    if (word == "VmHWM:") file >> kib;
  }
  std::ofstream("/proc/self/clear_refs") << "5";
  return kib * 1024;
}

}  // namespace

TEST_CASE("rule 23: 20,000 offers in a record of 32 MiB stay within bounds and do not look like silence") {
  constexpr std::size_t kBytes = 32u << 20;
  for (const auto codec : {v1::MediaType::protobuf, v1::MediaType::json}) {
    const std::string record = large_offers(codec, 20'000, kBytes);
    CAPTURE(record.size());
    CHECK(record.size() >= kBytes);
    Talk talk(codec);
    Connection stream = talk.asked();
    stream.begin_stream("s", v1::media_type_text(codec));
    scheduler::Event hello;
    hello.set_type(scheduler::Event::SUBSCRIBED);
    hello.mutable_subscribed()->mutable_framework_id()->set_value("fw-1");
    // Silence for 0.5 s would end the subscription; taking this record in takes longer.
    hello.mutable_subscribed()->set_heartbeat_interval_seconds(0.1);
    stream.event(v1::encode(hello, codec));
    talk.ear.expect<engine::Subscribed>();
    (void)peak_bytes();
    const std::size_t before = peak_bytes();
    std::atomic<bool> over{false};
    std::thread master([&] {
      char head[64];
      const std::string length = std::to_string(record.size()) + "\n";
      std::snprintf(head, sizeof head, "%zx\r\n", length.size() + record.size());
      stream.write(head + length);
      stream.write(record);
      stream.write("\r\n");
      scheduler::Event beat;
      beat.set_type(scheduler::Event::HEARTBEAT);
      while (!over) {
        stream.event(v1::encode(beat, codec));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
    const auto offers = talk.ear.expect<engine::OffersReceived>();
    const std::size_t peak = peak_bytes() - before;
    CHECK(offers.offers.size() == 20'000);
    CHECK(offers.offers.back().id.value == "M-O19999");
    MESSAGE(v1::media_type_text(codec)
            << ": " << (peak >> 20) << " MiB for " << (record.size() >> 20) << " MiB");
    CHECK(peak < 8 * kBytes);
    // Still the same subscription: the next thing heard is the next event.
    scheduler::Event next;
    next.set_type(scheduler::Event::FAILURE);
    next.mutable_failure()->mutable_agent_id()->set_value("after");
    over = true;
    master.join();
    stream.event(v1::encode(next, codec));
    CHECK(talk.ear.expect<engine::AgentLost>().agent.value == "after");
  }
}
