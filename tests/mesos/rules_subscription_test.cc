// The subscription, rules 24 to 36 of the conformance list: how it comes to be, and what is waited out.
// Through the whole driver against a master of raw bytes; timing by the machine, which is handed its time.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ear.h"
#include "machine.h"
#include "recording.h"
#include "scheduler.h"

using namespace mimas;
using namespace mimas::mesos;
using namespace rules;
using scripted::Connection;
using scripted::Master;
using Next = Reaction::Next;

TEST_CASE("rule 24: the first SUBSCRIBE names no framework and no stream, and its media types are exact") {
  for (const auto codec : {v1::MediaType::json, v1::MediaType::protobuf}) {
    Talk talk(codec, [](DriverOptions& options) { options.roles = {"prod/a", "dev"}; });
    Connection stream = talk.asked();
    const scripted::Request& request = talk.request;
    CHECK(request.start == "POST /api/v1/scheduler HTTP/1.1");
    CHECK(request.header("Host") == talk.master.endpoint().text());
    CHECK(request.header("Content-Type") == v1::media_type_text(codec));
    CHECK(request.header("Accept") == v1::media_type_text(codec));
    for (const char* absent : {"Mesos-Stream-Id", "Accept-Encoding", "Expect", "Authorization"}) {
      CAPTURE(absent);
      CHECK(request.header(absent).empty());
    }
    scheduler::Call call;
    REQUIRE(v1::decode(request.body, codec, &call).ok());
    CHECK(call.type() == scheduler::Call::SUBSCRIBE);
    CHECK(!call.has_framework_id());
    const auto& info = call.subscribe().framework_info();
    CHECK(!info.has_id());
    CHECK(info.checkpoint());
    CHECK(info.failover_timeout() == 604'800.0);
    CHECK(std::vector<std::string>(info.roles().begin(), info.roles().end()) ==
          std::vector<std::string>{"prod/a", "dev"});
    CHECK(info.capabilities_size() == 5);
    CHECK(call.subscribe().suppressed_roles().empty());
    CHECK(!call.subscribe().has_offer_constraints());
  }
}

TEST_CASE("rule 25: the framework id is on disk before any other call leaves") {
  const Directory directory;
  Master master;
  Scheduler scheduler(master, directory.path);
  scheduler.submit();
  Connection stream = master.accept();
  (void)stream.read_request();
  stream.begin_stream("s");
  CHECK(scheduler.stored_framework().empty());
  stream.event(kSubscribed);
  Connection calls = master.accept();
  (void)calls.read_request();
  const auto found = scheduler.on_disk_at_calls();
  REQUIRE(!found.empty());
  CHECK(found.front() == "fw-1");
}

TEST_CASE("rule 26: after a restart both id fields carry the stored id") {
  const Directory directory;
  {
    Master master;
    Scheduler scheduler(master, directory.path);
    Connection stream = master.accept();
    (void)stream.read_request();
    stream.begin_stream("s");
    stream.event(kSubscribed);
    scheduler.ear.line_with("as fw-1");
    (void)master.accept();  // its first call: the id is stored
  }
  Master master;
  Scheduler scheduler(master, directory.path);
  Connection stream = master.accept();
  scheduler::Call call;
  REQUIRE(v1::decode(stream.read_request().body, v1::MediaType::json, &call).ok());
  CHECK(call.framework_id().value() == "fw-1");
  CHECK(call.subscribe().framework_info().id().value() == "fw-1");
}

TEST_CASE("rule 27: SUBSCRIBED under another id than asked for ends it: no call, and the stored id stays") {
  const Directory directory;
  {
    auto store = store::Store::open(directory.path);
    REQUIRE(store.ok());
    REQUIRE((*store)->commit({engine::PutFramework{FrameworkId("fw-0")}}).ok());
  }
  Master master;
  Scheduler scheduler(master, directory.path);
  Connection stream = master.accept();
  (void)stream.read_request();
  stream.begin_stream("s");
  stream.event(kSubscribed);
  const auto [fatal, why] = scheduler.ear.fatal();
  CHECK(fatal == Fatal::wrong_framework_id);
  CHECK(why.find("fw-0") != std::string::npos);
  CHECK(why.find("fw-1") != std::string::npos);
  scheduler.submit();
  CHECK(!master.anybody_within(200));
  CHECK(scheduler.on_disk_at_calls().empty());
  CHECK(scheduler.stored_framework() == "fw-0");
}

TEST_CASE("rule 28: a HEARTBEAT before SUBSCRIBED is taken") {
  Talk talk;
  Connection stream = talk.asked();
  stream.begin_stream("s");
  stream.event(R"({"type":"HEARTBEAT"})");
  stream.event(kSubscribed);
  stream.event(lost("a1"));
  talk.ear.expect<engine::Subscribed>();
  talk.ear.expect<engine::AgentLost>();
}

TEST_CASE("rule 29: silence for five heartbeats closes both connections and subscribes anew") {
  auto m = machine();
  const auto generation = rules::subscribe(m, 0, "fw", 2.5);  // seconds
  CHECK(m.time_passed(12'499).next == Next::go_on);
  m.bytes_came(generation, 12'499);  // of any event, or part of one
  CHECK(m.time_passed(24'998).next == Next::go_on);
  CHECK(m.time_passed(24'999).next == Next::reconnect);
  auto silent_about_it = machine();
  rules::subscribe(silent_about_it, 0, "fw", 0);
  CHECK(silent_about_it.deadline_ms() == 75'000);

  Talk talk;
  Connection stream = talk.asked();
  stream.begin_stream("s");
  stream.event(
      R"({"type":"SUBSCRIBED","subscribed":{"framework_id":{"value":"fw-1"},"heartbeat_interval_seconds":0.5}})");
  talk.ear.expect<engine::Subscribed>();
  talk.driver->send(engine::ReviveOffers{});
  Connection calls = talk.master.accept();
  (void)calls.read_request();
  calls.accept_call();
  CHECK(talk.ear.expect<engine::Disconnected>().reason.find("5 heartbeats") != std::string::npos);
  CHECK(stream.peer_closes());
  CHECK(calls.peer_closes());
  (void)talk.asked();
  CHECK(talk.call_in(talk.request).framework_id().value() == "fw-1");
}

TEST_CASE("rule 30: a head that no event follows has a deadline, which dripping bytes do not move") {
  auto m = machine();
  const auto attempt = m.next_attempt(0);
  m.answered(attempt.generation, stream_head(), "", 100);
  m.bytes_came(attempt.generation, 20'000);
  CHECK(m.time_passed(100 + kFirstEventMs - 1).next == Next::go_on);
  const auto reaction = m.time_passed(100 + kFirstEventMs);
  CHECK(reaction.next == Next::reconnect);
  CHECK(!reaction.disconnected);
  CHECK(m.next_attempt(40'000).to == kB);
}

TEST_CASE("rule 31: a redirect in any spelling is followed by the same POST") {
  const auto with = [](const std::string& before, const std::string& after) {
    Master leader;
    Talk talk;
    Connection standby = talk.asked();
    standby.answer(307, "", "Location: " + before + leader.endpoint().text() + after + "\r\n");
    Connection stream = leader.accept();
    const auto again = stream.read_request();
    CHECK(again.start == "POST /api/v1/scheduler HTTP/1.1");
    CHECK(again.header("Host") == leader.endpoint().text());
    CHECK(again.header("Content-Type") == talk.request.header("Content-Type"));
    CHECK(again.body == talk.request.body);
  };
  with("//", "/api/v1/scheduler");
  with("//", "/master/api/v1/scheduler");
  with("//", "");
  with("", "");
  with("http://", "/api/v1/scheduler");
  for (const char* location :
       {"//[::1]:5051/api/v1/scheduler", "//[::1]:5051", "[::1]:5051", "http://[::1]:5051/"}) {
    CAPTURE(location);
    auto m = machine({kA});
    m.answered(m.next_attempt(0).generation, redirect(location), "", 0);
    const auto attempt = m.next_attempt(0);
    CHECK(attempt.to == wire::Endpoint{"::1", 5051});
    CHECK(attempt.to.text() == "[::1]:5051");
  }
  auto m = machine({kA});
  const auto recorded = recording::answer("z1-standby-subscribe.resp");
  m.answered(m.next_attempt(0).generation, recorded.head, recorded.body, 0);
  CHECK(m.next_attempt(0).to == wire::Endpoint{"127.0.0.1", 5070});
}

TEST_CASE("rule 32: masters that point at each other are waited out in bounded hops") {
  auto m = machine({kA});
  std::int64_t now = 0;
  int hops = 0, in_a_row = 0, longest_run = 0;
  while (now < 60'000) {
    const auto attempt = m.next_attempt(now);
    in_a_row = attempt.at_ms - now < 50 ? in_a_row + 1 : 0;
    longest_run = std::max(longest_run, in_a_row);
    now = attempt.at_ms;
    m.answered(attempt.generation, redirect(attempt.to == kA ? "//b:5050" : "//a:5050"), "", now);
    REQUIRE(++hops < 200);
  }
  CHECK(hops < 60);
  CHECK(longest_run <= 2);
  // b is the leader now.
  for (int i = 0; i < 20; ++i) {
    const auto attempt = m.next_attempt(now);
    now = attempt.at_ms;
    if (attempt.to == kB) {
      m.answered(attempt.generation, stream_head(), "", now);
      CHECK(m.subscribed_event(attempt.generation, FrameworkId("fw"), 15, now).subscribed);
      break;
    }
    m.answered(attempt.generation, redirect("//b:5050"), "", now);
  }
  CHECK(m.phase() == Phase::subscribed);
}

TEST_CASE("rule 33: an ACK that is redirected was not sent, and the subscription is lost") {
  const Directory directory;
  Master master, leader;
  Scheduler scheduler(master, directory.path);
  Connection stream = master.accept();
  (void)stream.read_request();
  stream.begin_stream("s1");
  stream.event(kSubscribed);
  Connection calls = master.accept();
  (void)next_of(calls, Call::RECONCILE);
  calls.accept_call();
  const std::string update =
      R"({"type":"UPDATE","update":{"status":{"task_id":{"value":"mimas-9-worker-0-0"},"state":"TASK_FINISHED",)"
      R"("agent_id":{"value":"S0"},"uuid":"AAAAAAAAQACAAAAAAAAAAA=="}}})";
  stream.event(update);
  (void)next_of(calls, Call::ACKNOWLEDGE);
  calls.answer(307, "", "Location: //" + leader.endpoint().text() + "/api/v1/scheduler\r\n");
  Connection again = leader.accept();
  CHECK(call_in(again.read_request()).framework_id().value() == "fw-1");
  again.begin_stream("s2");
  again.event(kSubscribed);
  Connection more = leader.accept();
  (void)next_of(more, Call::RECONCILE);
  more.accept_call();
  again.event(update);  // the agent repeats what was not acknowledged
  const auto [acknowledge, stream_id] = next_of(more, Call::ACKNOWLEDGE);
  CHECK(acknowledge.acknowledge().task_id().value() == "mimas-9-worker-0-0");
  CHECK(stream_id == "s2");
}

TEST_CASE("rule 34: 503 is met with growing pauses at random; they start over only after stability") {
  auto m = machine({kA});
  std::int64_t now = 0;
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 200; ++i) {
    const auto attempt = m.next_attempt(now);
    pauses.push_back(attempt.at_ms - now);
    now = attempt.at_ms;
    m.answered(attempt.generation, head(503), "No leader elected", now);
  }
  CHECK(pauses[0] == 0);
  for (int n = 1; n < 7; ++n) CHECK(pauses[n] <= std::min<std::int64_t>(15'000, 500 << (n - 1)));
  CHECK(*std::max_element(pauses.begin(), pauses.end()) > 10'000);
  CHECK(*std::max_element(pauses.begin(), pauses.end()) <= 15'000);
  CHECK(pauses[20] != pauses[21]);
  // Streams that live for a second change nothing; one that lives for a heartbeat does.
  std::int64_t longest = 0;
  for (int i = 0; i < 30; ++i) {
    const std::int64_t before = now;
    const auto generation = rules::subscribe(m, now);
    now = m.attempt().at_ms;
    longest = std::max(longest, now - before);
    m.bytes_came(generation, now + 1'000);
    m.stream_ended(generation, "eof", now += 1'000);
  }
  CHECK(longest > 4'000);
  const auto generation = rules::subscribe(m, now);
  now = m.attempt().at_ms + 15'000;
  m.bytes_came(generation, now);
  m.stream_ended(generation, "eof", now);
  CHECK(m.next_attempt(now).at_ms - now <= 500);

  Talk talk;
  for (const char* name : {"z5-no-leader-subscribe.resp", "z0-elected-not-recovered-subscribe.resp"}) {
    talk.asked().write(recording::bytes(name));
    CHECK(talk.ear.line_with("503").find(recording::answer(name).body) != std::string::npos);
  }
  Connection stream = talk.subscribe();
}

TEST_CASE("rule 35: 404 passes; one that stays is said to be a wrong address, and asked rarely") {
  Talk talk;
  talk.asked().answer(404);
  Connection stream = talk.subscribe();

  auto m = machine({kA});
  std::int64_t now = 0;
  for (int i = 1; i < kNotFoundMax; ++i) {
    now = m.next_attempt(now).at_ms;
    const auto reaction = m.answered(m.generation(), head(404), "", now);
    CHECK(reaction.next == Next::reconnect);
    CHECK(reaction.text.find("address") == std::string::npos);
  }
  for (int i = 0; i < 3; ++i) {
    now = m.next_attempt(now).at_ms;
    CHECK(m.answered(m.generation(), head(404), "", now).text.find("address of a Mesos master") !=
          std::string::npos);
    CHECK(m.next_attempt(now).at_ms == now + kNotFoundSlowMs);
    m.attempt_failed(m.generation(), "for another round", now);
    now += kNotFoundSlowMs;
  }
}

TEST_CASE("rule 36: 401 stops with what the master said, and nobody is asked again") {
  Talk talk;
  talk.asked().write(recording::bytes("a01-no-credentials.resp"));
  const auto [fatal, why] = talk.ear.fatal();
  CHECK(fatal == Fatal::unauthorized);
  CHECK(why.find("401 Unauthorized") != std::string::npos);
  CHECK(!talk.master.anybody_within(200));
  CHECK(talk.ear.quiet());
}
