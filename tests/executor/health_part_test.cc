// The part as the loop uses it: real sockets, commands answered as a runtime would, a clock of the test's
// own.
#include "executor/health_part.h"

#include <doctest/doctest.h>

#include "executor/health_server.h"
#include "net/clock.h"

namespace mimas::executor {
namespace {

constexpr Instant kStart{5'000'000};

HealthCheck http_check(std::uint16_t port) {
  HealthCheck check;
  check.kind = HealthCheck::Kind::http;
  check.port = port;
  check.grace_ms = 0;
  check.failures = 2;
  return check;
}

HealthCheck command_check() {
  HealthCheck check;
  check.kind = HealthCheck::Kind::command;
  check.argv = {"/bin/probe", "-q"};
  check.grace_ms = 0;
  check.failures = 1;
  return check;
}

TaskOrder order(std::string id, std::vector<HealthCheck> checks) {
  TaskOrder made;
  made.task_id = std::move(id);
  made.spec.checks = std::move(checks);
  return made;
}

// A part, its news so far by kind, and a clock that jumps to whenever the part next wants to be called.
struct Round {
  HealthPart part{1};
  Instant now = kStart;
  std::vector<HealthNews> said;
  std::vector<ProbeWanted> wanted;

  void pump() {
    std::vector<PartNews> news;
    part.pump(now, news);
    for (PartNews& one : news) {
      if (auto* health = std::get_if<HealthNews>(&one)) said.push_back(*health);
      if (auto* probe = std::get_if<ProbeWanted>(&one)) wanted.push_back(*probe);
    }
  }
  void jump() {
    now = std::max(now, part.wake_at());
    pump();
  }
  // Of a task with one command: the next question, answered at once.
  void answer(int status) {
    const std::size_t asked = wanted.size();
    while (wanted.size() == asked) jump();
    part.probe_ended({"a", wanted.back().probe, status, ""}, now);
    pump();
  }
  // Asks once, and stays at that moment until the answer is there.
  void exchange(HealthServer& server) {
    jump();
    const std::int64_t deadline = net::monotonic_ms() + 30'000;
    std::vector<pollfd> polled;
    for (part.add_to(polled); !polled.empty() && net::monotonic_ms() < deadline; part.add_to(polled)) {
      ::poll(polled.data(), polled.size(), 5);
      server.serve();
      pump();
      polled.clear();
    }
    CHECK(polled.empty());
  }
};

TEST_CASE("without checks nothing is watched") {
  Round round;
  round.part.started(order("a", {}), {}, kStart);
  CHECK(round.part.wake_at() == kNever);
  round.pump();
  CHECK(round.said.empty());
}

TEST_CASE("only changes are told") {
  HealthServer server;
  Round round;
  HealthCheck check = http_check(server.port());
  check.failures = 1;
  round.part.started(order("a", {check}), {}, kStart);
  for (int i = 0; i < 3; ++i) round.exchange(server);
  REQUIRE(round.said.size() == 1);
  CHECK(round.said[0].task_id == "a");
  CHECK(round.said[0].healthy == true);
  CHECK_FALSE(round.said[0].ready);
  server.answer = "HTTP/1.1 500 No\r\n\r\n";
  for (int i = 0; i < 3; ++i) round.exchange(server);
  REQUIRE(round.said.size() == 2);
  CHECK(round.said[1].healthy == false);
  CHECK(round.said[1].message.ends_with(": status 500"));
  server.answer = "HTTP/1.1 200 OK\r\n\r\n";
  for (int i = 0; i < 2; ++i) round.exchange(server);
  REQUIRE(round.said.size() == 3);
  CHECK(round.said[2].healthy == true);
}

TEST_CASE("what fails and does not count yet is told once, and judged when it does") {
  Round round;
  HealthCheck check = command_check();
  check.failures = 100;
  round.part.started(order("a", {check}), {}, kStart);
  for (int i = 0; i < 99; ++i) round.answer(1);
  REQUIRE(round.said.size() == 1);
  CHECK_FALSE(round.said[0].healthy);
  CHECK(round.said[0].message ==
        "failing, and bad after 100 in a row: check by command /bin/probe: exit status 1");
  round.answer(1);
  REQUIRE(round.said.size() == 2);
  CHECK(round.said[1].healthy == false);
}

TEST_CASE("a check that fails every other time is told of every ten seconds at most") {
  Round round;
  HealthCheck check = command_check();
  check.interval_ms = 100;
  check.failures = 2;
  round.part.started(order("a", {check}), {}, kStart);
  round.answer(0);
  REQUIRE(round.said.size() == 1);
  CHECK(round.said[0].message == "healthy");
  const Instant until = round.now + 60'000;
  for (int i = 1; round.now < until; ++i) round.answer(i % 2);
  CHECK(round.said.size() > 1);
  CHECK(round.said.size() <= 1 + 6);
  for (const HealthNews& news : round.said) CHECK(news.healthy == true);
}

TEST_CASE("an informational check is told and judges nothing") {
  Round round;
  HealthCheck check = command_check();
  check.purpose = HealthCheck::Purpose::informational;
  round.part.started(order("a", {check}), {}, kStart);
  round.answer(0);
  REQUIRE(round.said.size() == 1);
  CHECK(round.said[0].message == "for information: check by command /bin/probe: well");
  for (int i = 0; i < 200; ++i) round.answer(1);
  REQUIRE(round.said.size() == 2);
  CHECK(round.said[1].message.starts_with("for information: check by command /bin/probe: exit status 1"));
  round.answer(0);
  round.jump();
  CHECK(round.said.back().message == "for information: check by command /bin/probe: well");
  for (const HealthNews& news : round.said) {
    CHECK_FALSE(news.healthy);
    CHECK_FALSE(news.ready);
  }
}

TEST_CASE("a server that is silent is given up at the timeout, and its connection is closed") {
  HealthServer server;
  server.silent = true;
  HealthCheck check = http_check(server.port());
  check.failures = 1;
  Round round;
  round.part.started(order("a", {check}), {}, kStart);
  round.jump();
  CHECK(round.part.wake_at() == round.now + 5'000);
  round.jump();
  REQUIRE(round.said.size() == 1);
  CHECK(round.said[0].message.find("no answer within 5000 ms") != std::string::npos);
  std::vector<pollfd> polled;
  round.part.add_to(polled);
  CHECK(polled.empty());
}

TEST_CASE("a command is asked for once and judged by its exit status") {
  Round round;
  round.part.started(order("a", {command_check()}), {}, kStart);
  round.jump();
  REQUIRE(round.wanted.size() == 1);
  CHECK(round.wanted[0].argv == std::vector<std::string>{"/bin/probe", "-q"});
  CHECK(round.wanted[0].timeout_ms == 5'000);
  round.pump();
  CHECK(round.wanted.size() == 1);
  round.part.probe_ended({"a", round.wanted[0].probe + 1, 1, "of somebody else"}, round.now);
  round.pump();
  CHECK(round.said.empty());
  round.part.probe_ended({"a", round.wanted[0].probe, 3, "first\nno connection\n"}, round.now);
  CHECK(round.part.wake_at() <= round.now);
  round.pump();
  REQUIRE(round.said.size() == 1);
  CHECK(round.said[0].healthy == false);
  CHECK(round.said[0].message == "check by command /bin/probe: exit status 3: no connection");
  round.part.probe_ended({"a", round.wanted[0].probe, 0, ""}, round.now);  // said twice: not asked for
  round.pump();
  CHECK(round.said.size() == 1);
  round.jump();
  REQUIRE(round.wanted.size() == 2);
  CHECK(round.wanted[1].probe != round.wanted[0].probe);
  round.part.probe_ended({"a", round.wanted[1].probe, 0, ""}, round.now);
  round.pump();
  REQUIRE(round.said.size() == 2);
  CHECK(round.said[1].healthy == true);
}

TEST_CASE("a command that could not be run is bad") {
  Round round;
  round.part.started(order("a", {command_check()}), {}, kStart);
  round.jump();
  round.part.probe_ended({"a", round.wanted.at(0).probe, -1, ""}, round.now);
  round.pump();
  REQUIRE(round.said.size() == 1);
  CHECK(round.said[0].message == "check by command /bin/probe: could not be run, or took too long");
}

TEST_CASE("nothing is said of a task that has ended, whatever answers come late") {
  HealthServer server;
  server.silent = true;
  Round round;
  round.part.started(order("a", {command_check(), http_check(server.port())}), {}, kStart);
  round.jump();
  round.jump();
  REQUIRE(round.wanted.size() == 1);
  round.part.ended("a", {}, round.now);
  round.part.probe_ended({"a", round.wanted[0].probe, 1, ""}, round.now);
  CHECK(round.part.wake_at() == kNever);
  round.pump();
  CHECK(round.said.empty());
  std::vector<pollfd> polled;
  round.part.add_to(polled);
  CHECK(polled.empty());
}

TEST_CASE("tasks are told apart, and readiness from liveness") {
  HealthServer server;
  HealthCheck ready = http_check(server.port());
  ready.purpose = HealthCheck::Purpose::readiness;
  Round round;
  round.part.started(order("a", {ready}), {}, kStart);
  round.part.started(order("b", {http_check(server.port())}), {}, kStart);
  for (int i = 0; i < 20 && round.said.size() < 2; ++i) round.exchange(server);
  REQUIRE(round.said.size() == 2);
  const HealthNews& a = round.said[round.said[0].task_id == "a" ? 0 : 1];
  const HealthNews& b = round.said[round.said[0].task_id == "a" ? 1 : 0];
  CHECK(a.ready == true);
  CHECK_FALSE(a.healthy);
  CHECK(b.healthy == true);
  CHECK_FALSE(b.ready);
}

}  // namespace
}  // namespace mimas::executor
