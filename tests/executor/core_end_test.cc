// How tasks are killed and how the executor leaves, beyond the rules (rules_test.cc).
#include <doctest/doctest.h>

#include <csignal>

#include "executor/bench.h"

namespace mimas::executor {
namespace {

TEST_CASE("KILL is SIGTERM, then SIGKILL after the grace, then TASK_KILLED") {
  struct Row {
    std::optional<std::int64_t> of_task, of_event;
    std::int64_t grace;
  };
  for (const Row& row : {Row{{}, {}, kKillGraceMs}, Row{7'000, {}, 7'000}, Row{7'000, 2'000, 2'000}}) {
    Bench b;
    b.subscribed();
    b.launch("a", row.of_task);
    b.event(Kill{"a", row.of_event});
    REQUIRE(b.count<SignalTask>() == 1);
    CHECK(b.all<SignalTask>()[0].signal == 0);
    b.pass(row.grace - 1);
    CHECK(b.count<KillTask>() == 0);
    b.pass(1);
    CHECK(b.count<KillTask>() == 1);
    b.die(100, SIGKILL);
    CHECK(b.states() == "a:TASK_RUNNING a:TASK_KILLED");
  }
}

TEST_CASE("when the leader ends first, its group may use the rest of the grace") {
  Bench b;
  b.subscribed();
  b.launch("a", 5'000);
  b.event(Kill{"a", {}});
  b.exit(100, 0, true);
  CHECK(b.states() == "a:TASK_RUNNING");
  SUBCASE("the group ends in time") { b.add(b.core.gone("a", b.now())); }
  SUBCASE("the group does not") { b.pass(5'000); }
  SUBCASE("a zero KILL arrives") { b.event(Kill{"a", 0}); }
  CHECK(b.count<KillTask>() == 1);
  CHECK(b.states() == "a:TASK_RUNNING a:TASK_KILLED");
}

TEST_CASE("a task that runs too long fails with its reason, without TASK_KILLING") {
  Bench b;
  b.subscribed(true);
  b.launch("a", {}, 10'000);
  b.pass(9'999);
  CHECK(b.count<SignalTask>() == 0);
  b.pass(1);
  CHECK(b.count<SignalTask>() == 1);
  b.die(100, SIGTERM);
  REQUIRE(b.states() == "a:TASK_RUNNING a:TASK_FAILED");
  CHECK(b.posts()[1].reason == "REASON_MAX_COMPLETION_TIME_REACHED");
}

TEST_CASE("SIGTERM to the executor is a shutdown, and a launch after it is refused") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.add(b.core.terminate(b.now()));
  b.launch("b");
  b.die(100, SIGTERM);
  CHECK(b.states() == "a:TASK_RUNNING b:TASK_KILLED a:TASK_KILLED");
  CHECK(b.count<StartTask>() == 1);
  b.acknowledge_all();
  CHECK(b.exit_code() == 0);
}

TEST_CASE("while it shuts down, a lost agent is not looked for") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.event(ShutdownOrder{});
  b.add(b.core.lost("closed", b.now()));
  b.die(100, SIGTERM);
  CHECK(b.count<Subscribe>() == 1);
  CHECK(b.exit_code() == 0);
}

TEST_CASE("ERROR drops the connection and subscribes again") {
  Bench b;
  b.subscribed();
  b.pass(5'000);
  b.event(AgentError{"something"});
  CHECK(b.count<Disconnect>() == 1);
  CHECK(b.count<Subscribe>() == 2);
}

TEST_CASE("a group starts whole or not at all") {
  Bench b;
  b.subscribed();
  Launch group;
  group.group = true;
  group.tasks.push_back({"a", "{}", {}, {}, TaskSpec{}});
  group.tasks.push_back({"b", "{}", {}, {}, make_error(Code::invalid_argument, "bad")});
  b.event(std::move(group));
  CHECK(b.states() == "a:TASK_FAILED b:TASK_FAILED");
  CHECK(b.count<StartTask>() == 0);
}

TEST_CASE("when one of a group cannot run, the others are killed") {
  Bench b;
  b.subscribed();
  Launch group;
  group.group = true;
  group.tasks.push_back({"a", "{}", {}, {}, TaskSpec{}});
  group.tasks.push_back({"b", "{}", {}, {}, TaskSpec{}});
  b.starts_slowly = true;
  b.event(std::move(group));
  REQUIRE(b.count<StartTask>() == 2);
  b.started("a");
  b.add(b.core.start_failed({"b", "cannot run", true}, b.now()));
  CHECK(b.count<SignalTask>() == 1);
  b.die(100, SIGTERM);
  CHECK(b.states() == "a:TASK_RUNNING b:TASK_FAILED a:TASK_KILLED");
}

TEST_CASE("a process of a task that the kernel killed for memory is in the message, whatever the end") {
  const auto message_of = [](int status, bool for_limit) {
    Bench b;
    b.subscribed();
    TaskSpec spec;
    spec.limits.memory_bytes = 32 << 20;
    b.launch("a", {}, {}, spec);
    ProcessEnd end;
    end.number = status;
    end.memory_kill = true;
    end.memory_limit = for_limit;
    b.ended("a", end);
    return b.posts().back().reason + "|" + b.posts().back().message;
  };
  CHECK(message_of(137, true) == "REASON_CONTAINER_LIMITATION_MEMORY|killed for its memory limit of 32 MiB");
  CHECK(
      message_of(2, false) ==
      "|exited with status 2; the kernel had killed a process of it for want of memory, of which it may have "
      "32 MiB");
}

TEST_CASE("orphans and strangers are nobody's end") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.exit(999, 0);
  b.add(b.core.gone("nobody", b.now()));
  CHECK(b.states() == "a:TASK_RUNNING");
}

}  // namespace
}  // namespace mimas::executor
