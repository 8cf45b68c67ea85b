// The master by values, with a hand-cranked clock; the numbered rules are in rules_test.cc.
#include "pocket/master_model.h"

#include <doctest/doctest.h>

#include "master_bench.h"

namespace mimas::pocket {

TEST_CASE("a silent agent is unreachable to all, and what returns with it says so") {
  MasterWorld world;
  world.join(world.agent_info());
  world.subscribe("F");
  world.call(world.accept({world.offer()}, {command_task("t")}));
  world.update("t", mv1::TASK_RUNNING);
  world.advance(200);
  REQUIRE(!world.offer().empty());
  world.session_alive = false;
  world.advance(3'100);
  CHECK(world.count(Event::RESCIND) == 1);
  CHECK(world.count(Event::FAILURE) == 1);
  CHECK(world.last_status()->state() == mv1::TASK_UNREACHABLE);
  CHECK(world.last_status()->message() == "health check timed out");
  CHECK(world.last_status()->has_unreachable_time());
  CHECK(world.model.agents().empty());
  Registration registration = world.agent_info("M-S0");
  ReportedTask task{"F", command_task("t"), "", {}};
  task.latest.mutable_task_id()->set_value("t");
  task.latest.set_state(mv1::TASK_RUNNING);
  registration.frameworks.push_back(world.model.frameworks().at("F").info);
  registration.tasks.push_back(task);
  world.join(registration);
  CHECK(world.last_status()->state() == mv1::TASK_RUNNING);
  CHECK(world.last_status()->reason() == mv1::TaskStatus::REASON_AGENT_REREGISTERED);
  CHECK(world.model.agents().at("M-S0").used.scalar("cpus") == 1'000);
}

TEST_CASE("a restarted master learns frameworks and tasks from its agents and offers what is left") {
  MasterWorld world;
  Registration registration = world.agent_info("old-S0");
  mv1::FrameworkInfo framework;
  framework.set_user("u");
  framework.set_name("n");
  framework.set_principal("p");
  framework.set_checkpoint(true);
  framework.mutable_id()->set_value("F");
  registration.frameworks.push_back(framework);
  ReportedTask task{"F", command_task("t", 3), "", {}};
  task.latest.mutable_task_id()->set_value("t");
  task.latest.set_state(mv1::TASK_RUNNING);
  registration.tasks.push_back(task);
  world.join(registration);
  CHECK(world.call(world.make(Call::REVIVE)).status == 403);  // known, not subscribed
  world.subscribe("F");
  REQUIRE(world.model.offers().size() == 1);
  CHECK(world.model.offers().begin()->second.amounts.scalar("cpus") == 1'000);
  CHECK(world.model.offers().begin()->second.agent_id == "old-S0");
}

TEST_CASE(
    "resources come back on the first terminal state and are offered again within an allocation interval") {
  MasterWorld world;
  world.join(world.agent_info());
  world.subscribe("F");
  world.call(world.accept({world.offer()}, {command_task("t", 4)}, 3'600));
  world.advance(10'000);
  CHECK(world.model.agents().at("M-S0").used.scalar("cpus") == 4'000);
  world.update("t", mv1::TASK_FINISHED);
  world.advance(100);
  REQUIRE(!world.offer().empty());
  CHECK(world.model.offers().begin()->second.amounts.scalar("cpus") == 4'000);
}

TEST_CASE("an agent told to go by the operator is shut down and never let in again") {
  MasterWorld world;
  world.join(world.agent_info());
  world.subscribe("F");
  world.call(world.accept({world.offer()}, {command_task("t")}));
  CHECK(world.model.mark_gone("M-S0", world.now).status == 200);
  world.turn();
  CHECK(world.last_status()->state() == mv1::TASK_GONE_BY_OPERATOR);
  CHECK(std::holds_alternative<LeaveCluster>(world.commands.back()));
  world.join(world.agent_info("M-S0"));
  CHECK(world.model.agents().empty());
  CHECK(world.model.mark_gone("nobody", world.now).status == 404);
}

}  // namespace mimas::pocket
