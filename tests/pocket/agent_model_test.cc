// The agent by values, with a hand-cranked clock. Its rules of the conformance list are in
// rules_agent_test.cc.
#include "pocket/agent_model.h"

#include <doctest/doctest.h>

#include "agent_bench.h"

namespace mimas::pocket {

TEST_CASE("a launch forks, the executor subscribes, gets its task, and its update goes to the master") {
  World world;
  world.run("t");
  CHECK(world.container.executor_id == "e");
  world.started();
  CHECK(world.say(update("t", mv1::TASK_RUNNING, 'a')) == Answer{403, "Executor is not subscribed"});
  CHECK(world.subscribe().status == 200);
  REQUIRE(world.events.size() == 2);
  CHECK(world.events[0].type() == Event::SUBSCRIBED);
  CHECK(world.events[0].subscribed().container_id().value() == world.container.container_id);
  CHECK(world.events[1].type() == Event::LAUNCH);
  CHECK(world.say(update("t", mv1::TASK_RUNNING, 'a')).status == 202);
  CHECK(world.events.back().type() == Event::ACKNOWLEDGED);
  REQUIRE(world.updates.size() == 1);
  CHECK(world.updates[0].agent_id().value() == "A");
  CHECK(world.updates[0].container_status().executor_pid() == 4242);
}

TEST_CASE("an executor that comes before its pid is on disk gets its task only then") {
  World world;
  world.run("t");
  world.subscribe();
  const auto launches = [&] {
    return std::count_if(world.events.begin(), world.events.end(),
                         [](const auto& one) { return one.type() == mexecutor::Event::LAUNCH; });
  };
  CHECK(launches() == 0);
  world.started();
  CHECK(launches() == 1);
}

TEST_CASE("the same update twice is acknowledged twice and told once; after a final state nothing counts") {
  World world;
  world.run("t");
  world.started();
  world.subscribe();
  world.say(update("t", mv1::TASK_FINISHED, 'a'));
  world.say(update("t", mv1::TASK_FINISHED, 'a'));
  world.say(update("t", mv1::TASK_FAILED, 'b'));
  CHECK(world.updates.size() == 1);
  CHECK(std::count_if(world.events.begin(), world.events.end(),
                      [](const Event& event) { return event.type() == Event::ACKNOWLEDGED; }) == 3);
}

TEST_CASE("a launch for an executor that is ending is dropped, and a failed start is a failed task") {
  World world;
  world.run("t");
  world.started();
  world.subscribe();
  world.command(ShutdownExecutor{"F", "e"});
  CHECK(world.events.back().type() == Event::SHUTDOWN);
  world.run("u");
  CHECK(world.updates.back().state() == mv1::TASK_DROPPED);
  World other;
  other.run("t");
  other.model.start_failed(other.container, "Failed to fetch URI 'http://x/y'", other.now);
  other.turn();
  CHECK(other.updates.back().reason() == mv1::TaskStatus::REASON_CONTAINER_LAUNCH_FAILED);
  CHECK(other.updates.back().message().find("http://x/y") != std::string::npos);
}

TEST_CASE("an executor whose only task never arrived is shut down, for it would wait for ever") {
  World agent(recovered(4242, {{task("x"), {}, {}}}));
  agent.command(Registered{"A", 750});
  CHECK(agent.subscribe().status == 200);
  REQUIRE(agent.updates.size() == 1);
  CHECK(agent.updates[0].state() == mv1::TASK_DROPPED);
  REQUIRE(agent.events.size() == 2);
  CHECK(agent.events[0].type() == Event::SUBSCRIBED);
  CHECK(agent.events[1].type() == Event::SHUTDOWN);
  agent.advance(5'000);
  CHECK(agent.kills.size() == 1);
}

TEST_CASE(
    "an executor whose only task was killed while queued is shut down after a restart of the agent, too") {
  RecoveredTask killed{task("x"), {}, {}};
  killed.updates.push_back(update("x", mv1::TASK_KILLED, 'k').update().status());
  killed.updates.back().set_source(mv1::TaskStatus::SOURCE_AGENT);
  World agent(recovered(4242, {killed}));
  agent.command(Registered{"A", 750});
  agent.subscribe();
  REQUIRE(agent.events.size() == 2);
  CHECK(agent.events[1].type() == Event::SHUTDOWN);
}

TEST_CASE("while the master is away updates wait; they go out once it is back") {
  World world;
  world.run("t");
  world.started();
  world.subscribe();
  world.model.master_gone();
  world.say(update("t", mv1::TASK_RUNNING, 'a'));
  CHECK(world.updates.empty());
  CHECK(world.model.registration("s").tasks.size() == 1);
  CHECK(world.model.registration("s").tasks[0].latest.state() == mv1::TASK_RUNNING);
  world.command(Registered{"A", 750});
  CHECK(world.updates.size() == 1);
}

}  // namespace mimas::pocket
