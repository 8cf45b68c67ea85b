// The embedded agent, rules 117 to 125 and 134 of the conformance list: by the pure model where the rule is a
// decision, over loopback where it is about processes or connections.
#include <doctest/doctest.h>

#include "agent_bench.h"
#include "pocket/call_check.h"

namespace mimas::pocket {

TEST_CASE(
    "rule 117: updates of a task wait for the acknowledgement of the one before; retries at 10, 30, 70 s") {
  World world;
  world.run("t");
  world.run("u");
  world.started();
  world.subscribe();
  world.say(update("t", mv1::TASK_RUNNING, 'a'));
  world.say(update("t", mv1::TASK_FINISHED, 'b'));
  world.say(update("u", mv1::TASK_RUNNING, 'c'));
  REQUIRE(world.updates.size() == 2);  // t's first, u's first
  world.acknowledge("t", uuid('z'));
  CHECK(world.updates.size() == 2);
  world.acknowledge("u", uuid('c'));
  std::vector<std::int64_t> at;
  const Instant begin = world.now;
  for (int second = 1; second <= 2'000; ++second) {
    const std::size_t before = world.updates.size();
    world.advance(1'000);
    if (world.updates.size() > before) at.push_back((world.now - begin) / 1000);
  }
  REQUIRE(at.size() >= 8);
  CHECK(std::vector(at.begin(), at.begin() + 6) == std::vector<std::int64_t>{10, 30, 70, 150, 310, 630});
  CHECK(at[7] - at[6] == 600);
  world.acknowledge("t", uuid('a'));
  CHECK(world.updates.back().state() == mv1::TASK_FINISHED);
}

TEST_CASE("rule 118: what an update must not be") {
  ECall bad = update("t", mv1::TASK_RUNNING, 'a');
  CHECK(check_call(bad) == "");
  bad.mutable_update()->mutable_status()->clear_source();
  CHECK(check_call(bad).find("expecting 'SOURCE_EXECUTOR'") != std::string::npos);
  bad = update("t", mv1::TASK_STAGING, 'a');
  CHECK(check_call(bad).find("TASK_STAGING") != std::string::npos);
  bad = update("t", mv1::TASK_RUNNING, 'a');
  bad.mutable_update()->mutable_status()->mutable_executor_id()->set_value("other");
  CHECK(check_call(bad) == "ExecutorID in Call: e does not match ExecutorID in TaskStatus: other");
  bad = update("t", mv1::TASK_RUNNING, 'a');
  bad.mutable_update()->mutable_status()->set_uuid("b5f3c2f0-7a2f-4a3e-8a55-0f5c2b9a1d10");
  CHECK(check_call(bad) == "Not a valid UUID");
  World world;
  world.run("t");
  world.subscribe();
  ECall foreign = update("t", mv1::TASK_RUNNING, 'a');
  foreign.mutable_update()->mutable_status()->mutable_agent_id()->set_value("B");
  CHECK(world.say(foreign).status == 202);
  CHECK(world.updates.empty());
}

TEST_CASE("rule 119: an executor's crash fails its open task; the finished one is told until acknowledged") {
  World world;
  world.run("t");
  world.run("u");
  world.started();
  world.subscribe();
  world.say(update("t", mv1::TASK_RUNNING, 'a'));
  world.acknowledge("t", uuid('a'));
  world.say(update("u", mv1::TASK_FINISHED, 'b'));
  world.exited(768);
  REQUIRE(world.exits.size() == 1);
  CHECK(world.exits[0].status == 768);
  CHECK(world.updates.back().state() == mv1::TASK_FAILED);
  CHECK(world.updates.back().reason() == mv1::TaskStatus::REASON_EXECUTOR_TERMINATED);
  CHECK(world.updates.back().source() == mv1::TaskStatus::SOURCE_AGENT);
  const std::string failed = world.updates.back().uuid();
  world.updates.clear();
  world.advance(10'000);
  CHECK(world.updates.size() == 2);
  CHECK(world.forgotten == 0);
  world.acknowledge("u", uuid('b'));
  world.acknowledge("t", failed);
  CHECK(world.forgotten == 1);
  CHECK(world.model.frameworks().empty());
}

TEST_CASE(
    "rule 120: after a restart an executor that comes back goes on, a silent one is killed, a lost task is "
    "dropped") {
  SUBCASE("back in time") {
    World world(recovered(7, {running("t"), {task("lost"), {}, {}}}));
    world.command(Registered{"A", 750});
    CHECK(world.say(update("t", mv1::TASK_FINISHED, 'b')).status == 503);
    world.advance(1'000);
    ECall back = call(ECall::SUBSCRIBE);
    *back.mutable_subscribe()->add_unacknowledged_updates() = update("t", mv1::TASK_FINISHED, 'b').update();
    CHECK(world.subscribe(back).status == 200);
    CHECK(!world.model.recovering());
    REQUIRE(world.updates.size() == 2);
    CHECK(world.updates[0].state() == mv1::TASK_FINISHED);
    CHECK(world.updates[1].state() == mv1::TASK_DROPPED);
    CHECK(world.updates[1].reason() == mv1::TaskStatus::REASON_AGENT_RESTARTED);
  }
  SUBCASE("too late") {
    World world(recovered(7, {running("t")}));
    world.command(Registered{"A", 750});
    world.advance(2'000);
    REQUIRE(world.kills.size() == 1);
    world.container = world.kills[0];
    world.exited(-1);
    CHECK(world.updates.back().state() == mv1::TASK_GONE);
    CHECK(world.updates.back().reason() == mv1::TaskStatus::REASON_EXECUTOR_REREGISTRATION_TIMEOUT);
  }
  SUBCASE("dead meanwhile") {
    World world(recovered(0, {running("t")}));
    world.command(Registered{"A", 750});
    REQUIRE(!world.updates.empty());
    CHECK(world.updates.back().state() == mv1::TASK_FAILED);
  }
}

TEST_CASE(
    "rule 121: a task killed while its executor registers never starts, and the executor is told to go") {
  World world;
  world.run("t");
  world.started();
  world.command(KillTask{"F", "t", std::nullopt});
  REQUIRE(world.updates.size() == 1);
  CHECK(world.updates[0].state() == mv1::TASK_KILLED);
  CHECK(world.updates[0].reason() == mv1::TaskStatus::REASON_TASK_KILLED_DURING_LAUNCH);
  world.subscribe();
  CHECK(world.events.back().type() == Event::SHUTDOWN);
  world.advance(5'000);
  CHECK(world.kills.size() == 1);
}

TEST_CASE("rule 122: an executor that never subscribes is killed after the registration time-out") {
  World world;
  world.run("t");
  world.started();
  world.advance(59'999);
  CHECK(world.kills.empty());
  world.advance(1);
  CHECK(world.kills.size() == 1);
  world.exited(9);
  CHECK(world.updates.back().state() == mv1::TASK_FAILED);
  CHECK(world.updates.back().reason() == mv1::TaskStatus::REASON_EXECUTOR_REGISTRATION_TIMEOUT);
}

TEST_CASE("rule 125: a second SUBSCRIBE ends the first stream without a word") {
  World world;
  world.run("t");
  world.started();
  world.subscribe();
  const std::size_t events = world.events.size();
  world.subscribe();
  CHECK(world.ended == std::vector<std::uint64_t>{1});
  CHECK(world.events.size() > events);
  CHECK(world.updates.size() == 1);  // the first life never confirmed its LAUNCH: that task is dropped
  CHECK(world.updates[0].state() == mv1::TASK_DROPPED);
  CHECK(world.subscribe(update("t", mv1::TASK_RUNNING, 'a')).status == 200);
  ECall stranger = call(ECall::SUBSCRIBE);
  stranger.mutable_executor_id()->set_value("forged");
  CHECK(world.subscribe(stranger) == Answer{400, "Executor cannot be found"});
  stranger.mutable_framework_id()->set_value("G");
  CHECK(world.subscribe(stranger) == Answer{400, "Framework cannot be found"});
}

}  // namespace mimas::pocket
