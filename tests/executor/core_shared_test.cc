// A shared executor's leaving, and waiting for parts that are busy.
#include <doctest/doctest.h>

#include <csignal>

#include "executor/bench.h"

namespace mimas::executor {
namespace {

constexpr std::int64_t kIdleMs = 10'000;
const Options kShared{true, kIdleMs, ""};

// Time passes, and the agent says nothing meanwhile.
void pass_quietly(Bench& b, std::int64_t by, bool quiet = true) {
  const std::int64_t until = b.ms + by;
  while (b.core.wake_at().ms <= until && !b.core.exiting()) {
    b.ms = std::max(b.ms, b.core.wake_at().ms);
    b.add(b.core.timer(b.now()));
    b.add(b.core.idle(quiet, b.now()));
  }
  b.ms = until;
}

TEST_CASE("a shared executor outlives its tasks and leaves when nothing came for a while") {
  Bench b(checkpointing(), kShared);
  b.subscribed();
  b.launch("a");
  b.launch("b");
  b.acknowledge_all();
  b.exit(100, 0);
  b.acknowledge_all();
  pass_quietly(b, 10 * kIdleMs);
  b.exit(101, 0);
  b.acknowledge_all();
  CHECK(b.count<Exit>() == 0);
  pass_quietly(b, kIdleMs - 1);
  CHECK(b.count<Exit>() == 0);
  SUBCASE("a launch starts the clock anew") {
    b.launch("c");
    b.acknowledge_all();
    pass_quietly(b, 10 * kIdleMs);
    b.exit(102, 0);
    b.acknowledge_all();
    pass_quietly(b, kIdleMs - 1);
    CHECK(b.count<Exit>() == 0);
  }
  SUBCASE("nothing") {}
  pass_quietly(b, 1);
  CHECK(b.exit_code() == 0);
}

TEST_CASE("a shared executor whose first task never comes leaves too") {
  Bench b(checkpointing(), kShared);
  pass_quietly(b, 2 * kIdleMs);
  CHECK(b.count<Exit>() == 0);  // not subscribed yet: the first task may wait with the agent
  b.subscribed();
  pass_quietly(b, kIdleMs - 1);
  b.subscribed();  // again: no reason to stay longer
  pass_quietly(b, 1);
  CHECK(b.exit_code() == 0);
}

TEST_CASE("while the agent is in the middle of an event, a shared executor does not leave") {
  Bench b(checkpointing(), kShared);
  b.subscribed();
  pass_quietly(b, 3 * kIdleMs, false);
  CHECK(b.count<Exit>() == 0);
  b.launch("late");
  CHECK(b.states() == "late:TASK_RUNNING");
  b.exit(100, 0);
  b.acknowledge_all();
  pass_quietly(b, kIdleMs);
  CHECK(b.exit_code() == 0);
}

TEST_CASE("a shared executor waits for its last acknowledgements, as long as any other") {
  Bench b(checkpointing(), kShared);
  b.subscribed();
  b.launch("a");
  b.exit(100, 0);
  pass_quietly(b, kLingerMs - 1);
  CHECK(b.count<Exit>() == 0);
  pass_quietly(b, 1);
  CHECK(b.exit_code() == 0);
  CHECK(b.all<Say>().back().text.find("not acknowledged") != std::string::npos);
}

TEST_CASE("SHUTDOWN ends a shared executor at once") {
  Bench b(checkpointing(), kShared);
  b.subscribed();
  SUBCASE("idle") {}
  SUBCASE("with a task") {
    b.launch("a");
    b.event(ShutdownOrder{});
    CHECK(b.count<Exit>() == 0);
    b.die(100, SIGTERM);
    b.acknowledge_all();
  }
  b.event(ShutdownOrder{});
  CHECK(b.exit_code() == 0);
}

TEST_CASE("parts that are busy are waited for, up to the linger time") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.core.set_busy(true);
  b.exit(100, 0);
  b.acknowledge_all();
  CHECK(b.count<Exit>() == 0);
  SUBCASE("they finish") {
    b.pass(kLingerMs - 1);
    b.core.set_busy(false);
    b.add(b.core.timer(b.now()));
  }
  SUBCASE("they finish while the agent is away") {
    b.add(b.core.lost("closed", b.now()));
    b.pass(1'000);
    b.core.set_busy(false);
    b.add(b.core.timer(b.now()));
  }
  SUBCASE("they do not") {
    b.pass(kLingerMs - 1);
    CHECK(b.count<Exit>() == 0);
    b.pass(1);
    CHECK(b.all<Say>().back().text.find("not done in time") != std::string::npos);
  }
  CHECK(b.exit_code() == 0);
}

TEST_CASE("parts that are busy do not hold a shutdown past its grace") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.core.set_busy(true);
  b.event(ShutdownOrder{});
  b.die(100, SIGTERM);
  b.acknowledge_all();
  CHECK(b.count<Exit>() == 0);
  b.pass(checkpointing().shutdown_grace_ms - 1);
  CHECK(b.count<Exit>() == 0);
  b.pass(1);
  CHECK(b.exit_code() == 0);
}

TEST_CASE("parts that are busy hold a shared executor as they do any other") {
  Bench b(checkpointing(), kShared);
  b.subscribed();
  b.launch("a");
  b.core.set_busy(true);
  b.exit(100, 0);
  b.acknowledge_all();
  pass_quietly(b, kLingerMs - 1);
  CHECK(b.count<Exit>() == 0);
  SUBCASE("they finish") { b.core.set_busy(false); }
  SUBCASE("they do not") { b.ms += 1; }
  b.add(b.core.idle(true, b.now()));
  CHECK(b.exit_code() == 0);
}

}  // namespace
}  // namespace mimas::executor
