// The embedded master, rules 96 to 116 of the conformance list: by its model, with a hand-cranked clock, and
// by its HTTP face over raw sockets where a rule is about HTTP.
#include <doctest/doctest.h>

#include <cmath>

#include "base/base64.h"
#include "master_bench.h"

namespace mimas::pocket {

TEST_CASE(
    "rule 97: a bad role, a doubled role or a bad time-out is an ERROR event and the end, and no framework") {
  MasterWorld world;
  const double infinite = INFINITY;
  for (const auto& [roles, timeout] :
       std::vector<std::pair<std::vector<std::string>, double>>{{{"a b"}, 0},
                                                                {{".."}, 0},
                                                                {{"a", "a"}, 0},
                                                                {{"/a"}, 0},
                                                                {{"a//b"}, 0},
                                                                {{""}, 0},
                                                                {{"*"}, infinite}}) {
    const auto stream = world.subscribe("F", roles, timeout);
    CHECK(world.types(stream) == std::vector{Event::ERROR});
    CHECK(world.ended.back() == stream);
  }
  CHECK(world.model.frameworks().empty());
}

TEST_CASE("rule 98: unknown id 400, disconnected 403, no stream id 400, another stream id 400") {
  MasterWorld world;
  const auto stream = world.subscribe("F");
  const Call revive = world.make(Call::REVIVE);
  CHECK(world.call(world.make(Call::REVIVE, "other")) == Answer{400, "Framework cannot be found"});
  CHECK(world.model.call(revive, std::nullopt, world.now).status == 400);
  CHECK(world.model.call(revive, "junk", world.now).text ==
        "The stream ID 'junk' included in this request didn't match the stream ID currently associated with "
        "framework ID F");
  CHECK(world.call(revive) == Answer{202, ""});
  world.model.scheduler_gone(stream, world.now);
  CHECK(world.call(revive) == Answer{403, "Framework is not subscribed"});
}

TEST_CASE("rule 99: SUBSCRIBED, HEARTBEAT, OFFERS, then a heartbeat every 15 s whatever else is sent") {
  MasterWorld world;
  world.join(world.agent_info());
  const auto stream = world.subscribe("");
  CHECK(world.types(stream) == std::vector{Event::SUBSCRIBED, Event::HEARTBEAT, Event::OFFERS});
  CHECK(world.events[0].event.subscribed().framework_id().value() == "M-0000");
  world.advance(14'999);
  CHECK(world.count(Event::HEARTBEAT) == 1);
  world.advance(1);
  CHECK(world.count(Event::HEARTBEAT) == 2);
  world.advance(15'000);
  CHECK(world.count(Event::HEARTBEAT) == 3);
}

TEST_CASE(
    "rule 100: a second subscription displaces the first; offers are void without RESCIND; tasks survive") {
  MasterWorld world;
  world.join(world.agent_info());
  const auto first = world.subscribe("F");
  const std::string old_stream = world.stream_id;
  world.call(world.accept({world.offer()}, {command_task("t")}));
  world.advance(1'000);
  const std::string old_offer = world.offer();
  REQUIRE(!old_offer.empty());
  world.subscribe("F");
  CHECK(world.types(first).back() == Event::ERROR);
  CHECK(world.ended.back() == first);
  CHECK(world.count(Event::RESCIND) == 0);
  CHECK(!world.model.offers().contains(old_offer));
  CHECK(world.model.frameworks().at("F").tasks.size() == 1);
  CHECK(world.model.call(world.make(Call::REVIVE), old_stream, world.now).status == 400);
  world.model.scheduler_gone(first, world.now);  // the old connection's end means nothing any more
  CHECK(world.model.frameworks().at("F").connected);
}

TEST_CASE("rule 101: the failover timer kills what does not come back, and its id stays dead") {
  MasterWorld world;
  world.join(world.agent_info());
  auto stream = world.subscribe("F", {"*"}, 5);
  world.call(world.accept({world.offer()}, {command_task("t")}));
  world.model.scheduler_gone(stream, world.now);
  world.advance(4'000);
  stream = world.subscribe("F", {"*"}, 5);
  CHECK(world.types(stream).front() == Event::SUBSCRIBED);
  CHECK(world.model.frameworks().at("F").tasks.size() == 1);
  world.model.scheduler_gone(stream, world.now);
  world.advance(6'000);
  CHECK(world.model.frameworks().empty());
  CHECK(std::holds_alternative<ShutdownFramework>(world.commands.back()));
  CHECK(world.model.agents().at("M-S0").used.empty());
  stream = world.subscribe("F", {"*"}, 5);
  REQUIRE(world.types(stream) == std::vector{Event::ERROR});
  CHECK(world.events.back().event.error().message() == "Framework has been removed");
}

TEST_CASE("rule 102: a SUBSCRIBE with an id the master never saw is accepted under that id") {
  MasterWorld world;
  const auto stream = world.subscribe("made-up");
  REQUIRE(world.types(stream).front() == Event::SUBSCRIBED);
  CHECK(world.events.front().event.subscribed().framework_id().value() == "made-up");
  CHECK(world.model.frameworks().contains("made-up"));
}

TEST_CASE(
    "rule 103: TEARDOWN ends the stream without a word, then the id is refused, and 400 the second time") {
  MasterWorld world;
  const auto stream = world.subscribe("made-up");
  CHECK(world.call(world.make(Call::TEARDOWN, "made-up")).status == 202);
  CHECK(world.types(stream).back() == Event::HEARTBEAT);
  CHECK(world.ended.back() == stream);
  CHECK(world.call(world.make(Call::TEARDOWN, "made-up")) == Answer{400, "Framework cannot be found"});
  CHECK(world.types(world.subscribe("made-up")) == std::vector{Event::ERROR});
  CHECK(world.events.back().event.error().message() == "Framework has been removed");
}

TEST_CASE(
    "rule 104: one stale offer voids an ACCEPT: all its tasks are dropped, the live offer comes again") {
  for (const bool aware : {true, false}) {
    MasterWorld world;
    world.join(world.agent_info());
    world.subscribe("F", {"*"}, 60, aware);
    const std::string live = world.offer();
    world.call(world.accept({live, "stale"}, {command_task("a"), command_task("b")}, 3'600));
    CHECK(world.count(Event::UPDATE) == 2);
    CHECK(world.count(Event::RESCIND) == 0);
    const mv1::TaskStatus* status = world.last_status();
    REQUIRE(status != nullptr);
    CHECK(status->state() == (aware ? mv1::TASK_DROPPED : mv1::TASK_LOST));
    CHECK(status->reason() == mv1::TaskStatus::REASON_INVALID_OFFERS);
    CHECK(status->message() == "Task launched with invalid offers: Offer stale is no longer valid");
    CHECK(!status->has_uuid());
    world.advance(100);
    CHECK(!world.offer().empty());  // at once: no filter
  }
}

TEST_CASE("rule 105: the same ACCEPT twice drops the second's tasks while the first's run") {
  MasterWorld world;
  world.join(world.agent_info());
  world.subscribe("F");
  const Call accept = world.accept({world.offer()}, {command_task("c")});
  world.call(accept);
  CHECK(world.count(Event::UPDATE) == 0);
  world.call(accept);
  CHECK(world.last_status()->task_id().value() == "c");
  CHECK(world.last_status()->reason() == mv1::TaskStatus::REASON_INVALID_OFFERS);
  const auto& tasks = world.model.frameworks().at("F").tasks;
  REQUIRE(tasks.contains("c"));
  CHECK(tasks.at("c").state == mv1::TASK_STAGING);
  CHECK(tasks.at("c").charged);
}

TEST_CASE("rule 106: in a LAUNCH each task is judged alone, in a LAUNCH_GROUP all stand or fall together") {
  MasterWorld world;
  world.join(world.agent_info());
  world.subscribe("F");
  world.call(world.accept({world.offer()}, {command_task("big", 4000), command_task("small")}));
  REQUIRE(world.count(Event::UPDATE) == 1);
  CHECK(world.last_status()->state() == mv1::TASK_ERROR);
  CHECK(world.last_status()->message() ==
        "Total resources cpus(allocated: *):4000; mem(allocated: *):32 required by task and its executor is "
        "more than "
        "available cpus(allocated: *):4; mem(allocated: *):1000");
  CHECK(world.model.frameworks().at("F").tasks.contains("small"));
  world.advance(100);
  Call call = world.accept({world.offer()}, {});
  auto* operation = call.mutable_accept()->mutable_operations(0);
  operation->set_type(mv1::Offer::Operation::LAUNCH_GROUP);
  auto* group = operation->mutable_launch_group();
  *group->mutable_executor() = executor_task("x").executor();
  group->mutable_executor()->set_type(mv1::ExecutorInfo::CUSTOM);
  group->mutable_executor()->mutable_framework_id()->set_value("F");
  for (const char* id : {"g1", "g2"}) *group->mutable_task_group()->add_tasks() = simple_task(id, "M-S0");
  world.call(call);
  CHECK(world.count(Event::UPDATE) == 3);
  CHECK(world.last_status()->reason() == mv1::TaskStatus::REASON_TASK_GROUP_INVALID);
  CHECK(world.model.frameworks().at("F").tasks.size() == 1);
}

TEST_CASE("rule 107: LAUNCH fills the executor's framework id in, LAUNCH_GROUP demands it") {
  MasterWorld world;
  world.join(world.agent_info());
  world.subscribe("F");
  world.call(world.accept({world.offer()}, {executor_task("t")}));
  const auto& run = std::get<RunTasks>(world.commands.back());
  CHECK(run.tasks[0].executor().framework_id().value() == "F");
  world.advance(100);
  Call call = world.accept({world.offer()}, {});
  auto* operation = call.mutable_accept()->mutable_operations(0);
  operation->set_type(mv1::Offer::Operation::LAUNCH_GROUP);
  *operation->mutable_launch_group()->mutable_executor() = executor_task("x").executor();
  operation->mutable_launch_group()->mutable_executor()->set_type(mv1::ExecutorInfo::CUSTOM);
  *operation->mutable_launch_group()->mutable_task_group()->add_tasks() = simple_task("g", "M-S0");
  world.call(call);
  CHECK(world.last_status()->message() == "'ExecutorInfo.framework_id' must be set");
}

TEST_CASE("rule 108: one executor id means one ExecutorInfo, charged once") {
  MasterWorld world;
  world.join(world.agent_info());
  world.subscribe("F");
  world.call(
      world.accept({world.offer()}, {executor_task("a"), executor_task("b"), executor_task("c", "./other")}));
  CHECK(world.last_status()->message() ==
        "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.");
  CHECK(world.model.agents().at("M-S0").used.scalar("cpus") == 2'500);
  world.model.report(world.session, {ExecutorExited{"F", "e", 768, false}}, world.now);
  world.turn();
  CHECK(world.model.agents().at("M-S0").used.scalar("cpus") == 2'000);
  CHECK(world.events.back().event.failure().status() == 768);
}

TEST_CASE(
    "rule 109: a decline for 0 s comes back at once, for an hour only after REVIVE or with more on the "
    "agent") {
  MasterWorld world;
  world.join(world.agent_info());
  world.subscribe("F");
  const auto decline = [&](double seconds) {
    Call call = world.make(Call::DECLINE);
    call.mutable_decline()->add_offer_ids()->set_value(world.offer());
    call.mutable_decline()->mutable_filters()->set_refuse_seconds(seconds);
    world.call(call);
  };
  decline(0);
  world.advance(100);
  REQUIRE(!world.offer().empty());
  decline(-1);  // five seconds
  world.advance(4'900);
  CHECK(world.offer().empty());
  world.advance(200);
  REQUIRE(!world.offer().empty());
  decline(3'600);
  world.advance(60'000);
  CHECK(world.offer().empty());
  world.call(world.make(Call::REVIVE));
  REQUIRE(!world.offer().empty());
  decline(3'600);
  world.join(world.agent_info("M-S0", 5));  // it has grown: what is offered is no subset of what was refused
  world.advance(100);
  CHECK(!world.offer().empty());
}

TEST_CASE("rule 110: one unknown role voids a SUPPRESS; an empty REVIVE means all roles") {
  MasterWorld world;
  world.subscribe("F", {"a", "b"});
  Call suppress = world.make(Call::SUPPRESS);
  suppress.mutable_suppress()->add_roles("a");
  suppress.mutable_suppress()->add_roles("zzz");
  CHECK(world.call(suppress).status == 202);
  CHECK(world.model.frameworks().at("F").suppressed.empty());
  suppress.mutable_suppress()->clear_roles();
  world.call(suppress);
  CHECK(world.model.frameworks().at("F").suppressed.size() == 2);
  world.join(world.agent_info());
  world.advance(1'000);
  CHECK(world.offer().empty());
  world.call(world.make(Call::REVIVE));
  CHECK(!world.offer().empty());
}

TEST_CASE("rule 111: the first row of the reconciliation matrix that fits answers, or its silent one does") {
  MasterOptions options = MasterWorld::defaults();
  options.agents_before = {"old"};
  MasterWorld world(options);
  world.join(world.agent_info());
  world.subscribe("F");
  const auto ask = [&](const std::string& task, const std::string& agent) {
    const std::size_t before = world.count(Event::UPDATE);
    Call call = world.make(Call::RECONCILE);
    auto* one = call.mutable_reconcile()->add_tasks();
    one->mutable_task_id()->set_value(task);
    if (!agent.empty()) one->mutable_agent_id()->set_value(agent);
    world.call(call);
    return world.count(Event::UPDATE) == before ? std::string("silence")
                                                : mv1::TaskState_Name(world.last_status()->state());
  };
  world.call(world.accept({world.offer()}, {command_task("t")}));
  world.update("t", mv1::TASK_RUNNING);
  CHECK(ask("t", "") == "TASK_RUNNING");
  CHECK(world.last_status()->message() == "Reconciliation: Latest task state");
  CHECK(ask("x", "old") == "silence");
  CHECK(ask("x", "") == "silence");
  CHECK(ask("x", "M-S0") == "TASK_GONE");
  CHECK(ask("x", "never") == "TASK_UNKNOWN");
  world.advance(31'000);  // the old agent is no longer waited for
  CHECK(ask("x", "old") == "TASK_UNREACHABLE");
  CHECK(world.last_status()->has_unreachable_time());
  CHECK(ask("x", "") == "TASK_UNKNOWN");
  CHECK(world.model.mark_gone("old", world.now).status == 200);
  CHECK(ask("x", "old") == "TASK_GONE_BY_OPERATOR");
  const std::size_t before = world.count(Event::UPDATE);
  Call implicit = world.make(Call::RECONCILE);
  implicit.mutable_reconcile();
  world.call(implicit);
  CHECK(world.count(Event::UPDATE) == before + 1);
  CHECK(world.last_status()->task_id().value() == "t");
  world.update("t", mv1::TASK_FINISHED, "0123456789abcdeg");
  Call acknowledge = world.make(Call::ACKNOWLEDGE);
  acknowledge.mutable_acknowledge()->mutable_agent_id()->set_value("M-S0");
  acknowledge.mutable_acknowledge()->mutable_task_id()->set_value("t");
  acknowledge.mutable_acknowledge()->set_uuid("0123456789abcdeg");
  world.call(acknowledge);
  const std::size_t after = world.count(Event::UPDATE);
  world.call(implicit);
  CHECK(world.count(Event::UPDATE) == after);  // nothing is known: silence
}

TEST_CASE("rule 112: KILL of an unknown task is a reconciliation, with another agent's id it is nothing") {
  MasterWorld world;
  world.join(world.agent_info());
  world.subscribe("F");
  world.call(world.accept({world.offer()}, {command_task("t")}));
  Call kill = world.make(Call::KILL);
  kill.mutable_kill()->mutable_task_id()->set_value("nobody");
  kill.mutable_kill()->mutable_agent_id()->set_value("M-S0");
  world.call(kill);
  CHECK(world.last_status()->reason() == mv1::TaskStatus::REASON_RECONCILIATION);
  CHECK(world.last_status()->state() == mv1::TASK_GONE);
  kill.mutable_kill()->mutable_task_id()->set_value("t");
  kill.mutable_kill()->mutable_agent_id()->set_value("wrong");
  const std::size_t commands = world.commands.size();
  const std::size_t events = world.events.size();
  world.call(kill);
  CHECK(world.commands.size() == commands);
  CHECK(world.events.size() == events);
}

TEST_CASE("rule 113: task ids are checked, and one is taken until its end is acknowledged") {
  MasterWorld world;
  world.join(world.agent_info());
  world.subscribe("F");
  for (const std::string& id :
       {std::string(), std::string(256, 'a'), std::string("a/b"), std::string(".."), std::string("a\n")}) {
    world.call(world.accept({world.offer()}, {command_task(id)}));
    REQUIRE(world.last_status() != nullptr);
    CHECK(world.last_status()->state() == mv1::TASK_ERROR);
    CHECK(world.last_status()->task_id().value() == id);
    world.advance(100);
  }
  std::string long_id;
  while (long_id.size() < 254) long_id += "é";
  world.call(world.accept({world.offer()}, {command_task(long_id + "x", 0.1)}));
  CHECK(world.model.frameworks().at("F").tasks.size() == 1);
  world.advance(100);
  world.call(world.accept({world.offer()}, {command_task("t")}));
  world.update("t", mv1::TASK_FINISHED);
  world.advance(100);
  world.call(world.accept({world.offer()}, {command_task("t")}));
  CHECK(world.last_status()->message() == "Task has duplicate ID: t");
  Call acknowledge = world.make(Call::ACKNOWLEDGE);
  acknowledge.mutable_acknowledge()->mutable_agent_id()->set_value("M-S0");
  acknowledge.mutable_acknowledge()->mutable_task_id()->set_value("t");
  acknowledge.mutable_acknowledge()->set_uuid("0123456789abcdef");
  world.call(acknowledge);
  world.advance(100);
  const std::size_t updates = world.count(Event::UPDATE);
  world.call(world.accept({world.offer()}, {command_task("t")}));
  CHECK(world.count(Event::UPDATE) == updates);
}

TEST_CASE("rule 115: UPDATE_FRAMEWORK keeps user and principal, and a role removed rescinds its offers") {
  MasterWorld world;
  world.join(world.agent_info());
  world.subscribe("F", {"a"});
  Call update = world.make(Call::UPDATE_FRAMEWORK);
  auto* info = update.mutable_update_framework()->mutable_framework_info();
  *info = world.model.frameworks().at("F").info;
  info->set_user("somebody");
  CHECK(world.call(update).status == 400);
  info->set_user("u");
  info->clear_principal();
  CHECK(world.call(update).status == 400);
  info->set_principal("p");
  info->set_roles(0, "b");
  REQUIRE(!world.offer().empty());
  CHECK(world.call(update) == Answer{200, ""});
  CHECK(world.count(Event::RESCIND) == 1);
}

}  // namespace mimas::pocket
