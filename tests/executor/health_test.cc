// When a health check is asked, and what its answers mean, by values.
#include "executor/health.h"

#include <doctest/doctest.h>

#include <set>

namespace mimas::executor {
namespace {

constexpr Instant kStart{1'000'000};

HealthCheck http_check() {
  HealthCheck check;
  check.kind = HealthCheck::Kind::http;
  check.port = 8080;
  check.path = "/health";
  return check;
}

// One question at `at`, answered at once.
void answer(CheckRun& run, Instant at, bool good, std::string_view what = "status 500") {
  run.asked(at);
  run.answered(good, what, at);
}

TEST_CASE("the first question comes at a moment of its own within two seconds") {
  std::set<std::int64_t> moments;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const CheckRun run(http_check(), kStart, seed);
    CHECK_FALSE(run.due(kStart + -1));
    CHECK(run.due(kStart + kFirstQuestionMs));
    moments.insert(run.wake_at().ms);
  }
  CHECK(moments.size() > 100);  // of 2000 possible ones
}

TEST_CASE("with a short interval the first question comes within that") {
  HealthCheck check = http_check();
  check.interval_ms = 100;
  for (std::uint64_t seed = 0; seed < 50; ++seed) CHECK(CheckRun(check, kStart, seed).due(kStart + 100));
}

TEST_CASE("questions follow each other by the interval, give or take a tenth") {
  std::set<std::int64_t> pauses;
  CheckRun run(http_check(), kStart, 7);
  Instant now = kStart;
  for (int i = 0; i < 100; ++i) {
    answer(run, now, true);
    const std::int64_t pause = run.wake_at() - now;
    CHECK(pause >= 9'000);
    CHECK(pause <= 11'000);
    pauses.insert(pause);
    now = run.wake_at();
  }
  CHECK(pauses.size() > 50);
}

TEST_CASE("until it is up for the first time it is asked every second, a command is not") {
  CheckRun run(http_check(), kStart, 7);
  answer(run, kStart, false);
  CHECK(run.wake_at() - kStart <= 1'100);
  answer(run, kStart + 1'000, true);
  CHECK(run.wake_at() - (kStart + 1'000) >= 9'000);

  HealthCheck command = http_check();
  command.kind = HealthCheck::Kind::command;
  CheckRun slow(command, kStart, 7);
  answer(slow, kStart, false);
  CHECK(slow.wake_at() - kStart >= 9'000);
}

TEST_CASE("a question is never asked while the last one is open") {
  CheckRun run(http_check(), kStart, 7);
  run.asked(kStart);
  CHECK_FALSE(run.due(kStart + 3'600'000));
  CHECK(run.wake_at() == kStart + 5'000);  // its timeout
  run.answered(true, {}, kStart + 60'000);
  CHECK(run.wake_at() == kStart + 60'000);  // the next one is late already, so it comes at once
  CHECK(run.due(kStart + 60'000));
}

TEST_CASE("an answer that nobody asked for changes nothing") {
  CheckRun run(http_check(), kStart, 7);
  run.answered(true, {}, kStart);
  CHECK_FALSE(run.good());
}

TEST_CASE("failures within the grace do not count until the first success") {
  CheckRun run(http_check(), kStart, 7);
  for (int i = 0; i < 10; ++i) answer(run, kStart + 1'000 * i, false);
  CHECK_FALSE(run.good());
  SUBCASE("when it is over they begin to") {
    answer(run, kStart + 15'000, false);
    answer(run, kStart + 25'000, false);
    CHECK_FALSE(run.good());
    answer(run, kStart + 35'000, false);
    CHECK(run.good() == false);
    CHECK(run.message() == "http check of port 8080/health: status 500 (failure 3 in a row)");
  }
  SUBCASE("after a success they count at once") {
    answer(run, kStart + 10'000, true);
    CHECK(run.good() == true);
    answer(run, kStart + 11'000, false);
    answer(run, kStart + 12'000, false);
    CHECK(run.good() == true);
    answer(run, kStart + 13'000, false);
    CHECK(run.good() == false);
  }
}

TEST_CASE("a success in between starts the count anew, and makes a bad one good again") {
  HealthCheck check = http_check();
  check.grace_ms = 0;
  check.failures = 2;
  CheckRun run(check, kStart, 7);
  answer(run, kStart, false);
  answer(run, kStart, true);
  answer(run, kStart, false);
  CHECK(run.good() == true);
  answer(run, kStart, false);
  CHECK(run.good() == false);
  answer(run, kStart, false);
  CHECK(run.good() == false);
  answer(run, kStart, true);
  CHECK(run.good() == true);
  CHECK(run.message().empty());
}

TEST_CASE("no answer in time is a failure, and the question is over") {
  HealthCheck check = http_check();
  check.grace_ms = 0;
  check.failures = 1;
  CheckRun run(check, kStart, 7);
  run.asked(kStart);
  run.overdue(kStart + 5'000);
  CHECK(run.good() == false);
  CHECK(run.message() == "http check of port 8080/health: no answer within 5000 ms");
  CHECK_FALSE(run.asking());
}

TEST_CASE("a command that does not end fails once an interval and is not run a second time meanwhile") {
  HealthCheck check;
  check.kind = HealthCheck::Kind::command;
  check.argv = {"probe"};
  check.grace_ms = 0;
  check.failures = 2;
  CheckRun run(check, kStart, 7);
  run.asked(kStart);
  CHECK(run.wake_at() == kStart + 5'000 + kCommandSlackMs);
  run.overdue(run.wake_at());
  CHECK_FALSE(run.good());
  CHECK(run.asking());
  run.overdue(run.wake_at());
  CHECK(run.good() == false);
  CHECK(run.asking());
  run.answered(true, {}, run.wake_at());
  CHECK(run.good() == true);
  CHECK_FALSE(run.asking());
}

TEST_CASE("liveness is what all its checks say together; readiness stands apart") {
  HealthCheck live = http_check();
  live.grace_ms = 0;
  live.failures = 1;
  HealthCheck other = live;
  other.kind = HealthCheck::Kind::tcp;
  HealthCheck ready = live;
  ready.purpose = HealthCheck::Purpose::readiness;
  ready.path = "/ready";
  std::vector<CheckRun> checks{{live, kStart, 1}, {other, kStart, 2}, {ready, kStart, 3}};

  CHECK(verdict_of({}).same_as({}));
  CHECK(verdict_of(checks).same_as({}));
  answer(checks[0], kStart, true);
  CHECK(verdict_of(checks).same_as({}));  // the other one has not answered
  answer(checks[2], kStart, false);
  CHECK(verdict_of(checks).same_as({std::nullopt, false, {}}));
  CHECK(verdict_of(checks).message == "not ready: http check of port 8080/ready: status 500");
  answer(checks[1], kStart, true);
  CHECK(verdict_of(checks).same_as({true, false, {}}));
  answer(checks[2], kStart, true);
  CHECK(verdict_of(checks).same_as({true, true, {}}));
  CHECK(verdict_of(checks).message == "healthy and ready");
  answer(checks[1], kStart, false, "Connection refused");
  CHECK(verdict_of(checks).same_as({false, true, {}}));
  CHECK(verdict_of(checks).message == "tcp check of port 8080: Connection refused");
}

TEST_CASE("one bad liveness check is enough, whatever the others have yet to say") {
  HealthCheck live = http_check();
  live.grace_ms = 0;
  live.failures = 1;
  std::vector<CheckRun> checks{{live, kStart, 1}, {live, kStart, 2}};
  answer(checks[1], kStart, false);
  CHECK(verdict_of(checks).healthy == false);
}

TEST_CASE("readiness alone says nothing about liveness") {
  HealthCheck ready = http_check();
  ready.purpose = HealthCheck::Purpose::readiness;
  std::vector<CheckRun> checks{{ready, kStart, 1}};
  answer(checks[0], kStart, true);
  CHECK(verdict_of(checks).same_as({std::nullopt, true, {}}));
  CHECK(verdict_of(checks).message == "ready");
}

TEST_CASE("an informational check is neither needed for health nor harmful to it") {
  HealthCheck live = http_check();
  live.grace_ms = 0;
  live.failures = 1;
  HealthCheck told = live;
  told.purpose = HealthCheck::Purpose::informational;
  told.kind = HealthCheck::Kind::tcp;
  std::vector<CheckRun> checks{{told, kStart, 1}, {live, kStart, 2}};
  answer(checks[1], kStart, true);
  CHECK(verdict_of(checks).healthy == true);
  answer(checks[0], kStart, false, "Connection refused");
  CHECK(verdict_of(checks).healthy == true);
  CHECK(verdict_of(checks).message == "healthy; for information: tcp check of port 8080: Connection refused");
  answer(checks[1], kStart, false);
  CHECK(verdict_of(checks).healthy == false);
  CHECK(verdict_of(checks).message.starts_with(
      "http check of port 8080/health: status 500; for information: "));
}

TEST_CASE("the words of many checks are cut") {
  HealthCheck check = http_check();
  check.grace_ms = 0;
  check.failures = 9;
  std::vector<CheckRun> checks;
  for (std::uint64_t i = 0; i < 10; ++i) {
    checks.emplace_back(check, kStart, i);
    answer(checks.back(), kStart, false, std::string(400, 'x'));
  }
  CHECK(verdict_of(checks).message.size() == kHealthTextMax);
}

TEST_CASE("a long answer is cut") {
  HealthCheck check = http_check();
  check.grace_ms = 0;
  CheckRun run(check, kStart, 7);
  answer(run, kStart, false, std::string(10'000, 'x'));
  CHECK(run.message().size() < 1'000);
}

}  // namespace
}  // namespace mimas::executor
