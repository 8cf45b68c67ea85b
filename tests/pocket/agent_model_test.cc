// The agent by values, with a hand-cranked clock. Rule numbers are those of mesos-protocol §8.6.
#include "pocket/agent_model.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "pocket/call_check.h"
#include "scheduler_client.h"

namespace mimas::pocket {
namespace {

using ECall = mexecutor::Call;
using Event = mexecutor::Event;

mv1::FrameworkInfo framework() {
  mv1::FrameworkInfo info;
  info.set_user("u");
  info.set_name("n");
  info.mutable_id()->set_value("F");
  info.set_checkpoint(true);
  info.add_capabilities()->set_type(mv1::FrameworkInfo::Capability::PARTITION_AWARE);
  return info;
}

mv1::TaskInfo task(const std::string& id) {
  mv1::TaskInfo info = simple_task(id, "A");
  info.mutable_executor()->mutable_executor_id()->set_value("e");
  info.mutable_executor()->mutable_framework_id()->set_value("F");
  info.mutable_executor()->mutable_command()->set_value("./x");
  return info;
}

std::string uuid(char letter) {
  return std::string(6, letter) + "\x40" + std::string(1, letter) + "\x80" + std::string(7, letter);
}

ECall call(ECall::Type type) {
  ECall call;
  call.set_type(type);
  call.mutable_framework_id()->set_value("F");
  call.mutable_executor_id()->set_value("e");
  if (type == ECall::SUBSCRIBE) call.mutable_subscribe();
  return call;
}

ECall update(const std::string& id, mv1::TaskState state, char letter) {
  ECall out = call(ECall::UPDATE);
  auto* status = out.mutable_update()->mutable_status();
  status->mutable_task_id()->set_value(id);
  status->set_state(state);
  status->set_source(mv1::TaskStatus::SOURCE_EXECUTOR);
  status->set_uuid(uuid(letter));
  return out;
}

struct World {
  explicit World(RecoveredState recovered = {}) : model(options(), std::move(recovered), now) {
    if (!model.recovering()) command(Registered{"A", 750});
  }
  static AgentModelOptions options() {
    AgentModelOptions options;
    options.info.set_hostname("h");
    options.info.mutable_id()->set_value("A");
    return options;
  }
  void turn() {
    for (auto& output : model.take_outputs()) {
      if (const auto* start = std::get_if<StartContainer>(&output)) container = start->container;
      if (const auto* killed = std::get_if<KillContainer>(&output)) kills.push_back(killed->container);
      if (const auto* event = std::get_if<ToExecutorStream>(&output)) events.push_back(event->event);
      if (const auto* end = std::get_if<EndStream>(&output)) ended.push_back(end->stream);
      if (const auto* report = std::get_if<ToMaster>(&output)) {
        if (const auto* one = std::get_if<UpdateReport>(&report->report)) updates.push_back(one->status);
        if (const auto* one = std::get_if<ExecutorExited>(&report->report)) exits.push_back(*one);
      }
      if (std::holds_alternative<ForgetContainer>(output)) ++forgotten;
    }
  }
  void command(const Command& one) {
    model.command(one, now);
    turn();
  }
  void run(const std::string& id) { command(RunTasks{framework(), false, {}, {task(id)}}); }
  Answer subscribe(const ECall& with = call(ECall::SUBSCRIBE)) {
    const Answer answer = model.subscribe(++streams, with, now);
    turn();
    return answer;
  }
  Answer say(const ECall& what) {
    const Answer answer = model.call(what, now);
    turn();
    return answer;
  }
  void acknowledge(const std::string& id, const std::string& with) {
    command(AcknowledgeUpdate{"F", id, with});
  }
  void advance(std::int64_t ms) {
    const Instant end = now + ms;
    while (model.wake_at() <= end) {
      now = std::max(now, model.wake_at());
      model.tick(now);
      turn();
    }
    now = end;
  }
  void started() {
    model.started(container, 4242, now);
    turn();
  }
  void exited(int status) {
    model.exited(container, status, now);
    turn();
  }

  Instant now{5'000'000};
  AgentModel model;
  std::uint64_t streams = 0;
  ContainerRef container;
  std::vector<ContainerRef> kills;
  std::vector<Event> events;
  std::vector<std::uint64_t> ended;
  std::vector<mv1::TaskStatus> updates;
  std::vector<ExecutorExited> exits;
  int forgotten = 0;
};

RecoveredState recovered(std::int64_t pid, std::vector<RecoveredTask> tasks) {
  RecoveredState state;
  state.frameworks.push_back(framework());
  state.executors.push_back({{"F", "e", "c"}, task("x").executor(), pid, std::move(tasks)});
  return state;
}

RecoveredTask running(const std::string& id) {
  RecoveredTask one{task(id), {}, {uuid('r')}};
  one.updates.push_back(update(id, mv1::TASK_RUNNING, 'r').update().status());
  return one;
}

}  // namespace

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
