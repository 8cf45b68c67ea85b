// The executor's decisions, rules 79 to 89, 92 and 95 of the conformance list, by values and in virtual time.
// Those about sockets and processes are in rules_link_test.cc.
#include <doctest/doctest.h>

#include <csignal>
#include <set>

#include "executor/bench.h"

namespace mimas::executor {
namespace {

// Ids and states as a re-SUBSCRIBE lists them: "tasks: b; updates: b:TASK_RUNNING a:TASK_FINISHED".
std::string listed(const Subscribe& call) {
  const auto document = json::parse(call.body);
  const auto subscribe = *document->root().find("subscribe");
  std::string text = "tasks:";
  const auto tasks = subscribe.find("unacknowledged_tasks");
  for (std::size_t i = 0; tasks && i < tasks->size(); ++i)
    text += " " + std::string(tasks->at(i).find("task_id")->string_or("value", ""));
  text += "; updates:";
  const auto updates = subscribe.find("unacknowledged_updates");
  for (std::size_t i = 0; updates && i < updates->size(); ++i) {
    const Posted update = Bench::read(*updates->at(i).find("status"));
    text += " " + update.task + ":" + update.state;
  }
  return text;
}

std::size_t harm(const Bench& b) { return b.count<SignalTask>() + b.count<KillTask>() + b.count<Exit>(); }

}  // namespace

TEST_CASE("rule 79: SHUTDOWN as the first event is a clean exit") {
  Bench b;
  b.event(ShutdownOrder{});
  CHECK(b.exit_code() == 0);
  CHECK(b.core.exiting());
}

TEST_CASE("rule 80: LAUNCH twice is one process; KILL of an unknown task is one TASK_KILLED") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.launch("keep");
  b.launch("a");
  CHECK(b.count<StartTask>() == 2);
  b.exit(100, 0);
  b.launch("a");
  b.event(Kill{"a", {}});  // over already: nothing new
  b.acknowledge_all();
  b.launch("a");
  CHECK(b.count<StartTask>() == 2);
  CHECK(b.states() == "a:TASK_RUNNING keep:TASK_RUNNING a:TASK_FINISHED");
  b.seen.clear();
  b.event(Kill{"ghost", {}});
  b.event(Kill{"ghost", {}});
  b.launch("ghost");
  CHECK(b.states() == "ghost:TASK_KILLED");
  CHECK(b.count<StartTask>() == 0);
}

TEST_CASE("rule 81: an update names its source, its executor, a time and a version 4 uuid; never STAGING") {
  Bench b;
  b.subscribed(true);
  b.launch("a");
  b.launch("b");
  b.event(Kill{"a", {}});
  b.die(100, SIGTERM);
  b.exit(101, 1);
  b.event(Kill{"ghost", {}});
  std::set<std::string> uuids;
  for (const Post& post : b.all<Post>()) {
    const auto document = json::parse(post.body);
    const auto status = *document->root().find("update")->find("status");
    CHECK(status.string_or("source", "") == "SOURCE_EXECUTOR");
    CHECK(status.string_or("state", "") != "TASK_STAGING");
    CHECK(status.find("executor_id")->string_or("value", "") == "e");
    CHECK(status.find("timestamp").has_value());
    const std::string uuid = Bench::read(status).uuid;
    CHECK(uuid.size() == 16);
    CHECK(is_uuid(uuid));
    CHECK((static_cast<unsigned char>(uuid[6]) >> 4) == 4);
    uuids.insert(uuid);
  }
  CHECK(uuids.size() == 6);
}

TEST_CASE(
    "rule 82: an unacknowledged update is reposted with its uuid until it is; others' uuids are ignored") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.pass(kRepostMs - 1);
  CHECK(b.posts().size() == 1);
  b.pass(1);
  REQUIRE(b.posts().size() == 2);
  CHECK(b.posts()[0].uuid == b.posts()[1].uuid);
  b.event(Acknowledged{"a", "an unknown uuid"});
  b.event(Acknowledged{"other", b.posts()[0].uuid});
  b.pass(kRepostMs);
  CHECK(b.posts().size() == 3);
  b.acknowledge(b.posts()[0]);
  b.pass(10 * kRepostMs);
  CHECK(b.posts().size() == 3);
}

TEST_CASE(
    "rule 83: with checkpointing a drop spares the tasks, and SUBSCRIBE with all that is open follows soon") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.launch("b");
  b.pass(5'000);
  b.add(b.core.lost("reset", b.now()));
  CHECK(harm(b) == 0);
  REQUIRE(b.count<Subscribe>() == 2);  // at once
  b.exit(100, 0);
  for (int i = 0; i < 50; ++i) {
    const std::size_t before = b.count<Subscribe>();
    const std::int64_t at = b.ms;
    b.add(b.core.lost("refused", b.now()));
    if (b.count<Subscribe>() == before) {
      CHECK(b.core.wake_at().ms - at <= 2'000);
      b.ms = b.core.wake_at().ms;
      b.add(b.core.timer(b.now()));
    }
    REQUIRE(b.count<Subscribe>() == before + 1);
    CHECK(listed(b.all<Subscribe>().back()) ==
          "tasks: a b; updates: a:TASK_RUNNING b:TASK_RUNNING a:TASK_FINISHED");
    if (i % 10 == 9) b.subscribed();
  }
}

TEST_CASE("rule 84: a task is listed as unacknowledged until its first acknowledgement") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.launch("b");
  b.acknowledge(b.posts()[0]);
  b.pass(5'000);
  b.add(b.core.lost("reset", b.now()));
  CHECK(listed(b.all<Subscribe>().back()) == "tasks: b; updates: b:TASK_RUNNING");
}

TEST_CASE("rule 85: a recovering agent is waited for until the recovery timeout, and not a moment longer") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.acknowledge_all();
  b.pass(5'000);
  b.add(b.core.lost("closed", b.now()));
  const std::int64_t deadline = b.ms + 60'000;
  for (int i = 0; b.ms < deadline - 2'100; ++i) {
    b.add(i % 3 == 0   ? b.core.subscribe_refused(503, "recovering", b.now())
          : i % 3 == 1 ? b.core.subscribe_refused(404, "", b.now())
                       : b.core.lost("connection refused", b.now()));
    b.ms = b.core.wake_at().ms;
    b.add(b.core.timer(b.now()));
  }
  CHECK(harm(b) == 0);
  b.ms = deadline - 1;
  b.add(b.core.timer(b.now()));
  CHECK(harm(b) == 0);
  SUBCASE("a subscription just before it cancels it") {
    b.subscribed();
    b.pass(600'000);
    CHECK(harm(b) == 0);
  }
  SUBCASE("when it passes, the tasks are killed and the executor leaves") {
    b.pass(1);
    CHECK(b.count<SignalTask>() == 1);
    b.pass(3'000);
    CHECK(b.count<KillTask>() == 1);
    b.die(100, SIGKILL);
    CHECK(b.exit_code() == 1);
  }
}

TEST_CASE("rule 86: without checkpointing a drop ends the tasks, and the executor within its grace") {
  Bench b(not_checkpointing());
  b.subscribed();
  b.launch("a");
  b.add(b.core.lost("closed", b.now()));
  CHECK(b.count<SignalTask>() == 1);
  CHECK(b.count<Subscribe>() == 1);
  b.pass(4'999);
  CHECK(b.count<KillTask>() == 1);
  CHECK(b.count<Exit>() == 0);
  b.pass(1);
  CHECK(b.exit_code() == 1);
}

TEST_CASE("rule 87: 400 is believed after a few tries; 401 and 403 at once, with a message") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.pass(5'000);
  b.add(b.core.lost("closed", b.now()));
  for (int i = 1; i < kRefusalsMax; ++i) {
    b.add(b.core.subscribe_refused(400, "Executor cannot be found", b.now()));
    CHECK(harm(b) == 0);
    b.pass(2'000);
  }
  b.add(b.core.subscribe_refused(400, "Executor cannot be found", b.now()));
  CHECK(b.count<SignalTask>() == 1);
  b.die(100, SIGTERM);
  CHECK(b.exit_code() == 1);
  for (const int status : {401, 403}) {
    Bench refused;
    refused.add(refused.core.subscribe_refused(status, "no", refused.now()));
    CHECK(refused.exit_code() == 1);
    REQUIRE(refused.count<Say>() == 1);
    CHECK(refused.all<Say>()[0].text.find(std::to_string(status)) != std::string::npos);
  }
}

TEST_CASE("rule 88: a later KILL may shorten the grace, never extend it; zero is at once") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.event(Kill{"a", 10'000});
  b.pass(1'000);
  SUBCASE("2 s") {
    b.event(Kill{"a", 2'000});
    b.pass(1'999);
    CHECK(b.count<KillTask>() == 0);
    b.pass(1);
  }
  SUBCASE("60 s") {
    b.event(Kill{"a", 60'000});
    b.pass(8'999);
    CHECK(b.count<KillTask>() == 0);
    b.pass(1);
  }
  SUBCASE("zero") { b.event(Kill{"a", 0}); }
  CHECK(b.count<KillTask>() == 1);
  CHECK(b.count<SignalTask>() == 1);
}

TEST_CASE("rule 89: TASK_KILLING only for a framework that knows it, as the latest SUBSCRIBED says") {
  Bench b;
  b.subscribed(false);
  b.launch("a");
  b.launch("b");
  b.launch("c");
  b.event(Kill{"a", {}});
  b.subscribed(true);
  b.event(Kill{"b", {}});
  b.event(Kill{"b", {}});
  b.subscribed(false);
  b.event(Kill{"c", {}});
  CHECK(b.states() == "a:TASK_RUNNING b:TASK_RUNNING c:TASK_RUNNING b:TASK_KILLING");
}

TEST_CASE("rule 92: after the last task it leaves when the last update is acknowledged, or after the cap") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.acknowledge(b.posts()[0]);
  b.exit(100, 0);
  CHECK(b.states() == "a:TASK_RUNNING a:TASK_FINISHED");
  CHECK(b.count<Exit>() == 0);
  SUBCASE("acknowledged") { b.acknowledge(b.posts()[1]); }
  SUBCASE("never") {
    b.pass(kLingerMs - 1);
    CHECK(b.count<Exit>() == 0);
    b.pass(1);
  }
  CHECK(b.exit_code() == 0);
}

TEST_CASE(
    "rule 95: SUBSCRIBED again keeps everything; a refused HEARTBEAT is the last one and costs nothing") {
  const auto heartbeats = [](const Bench& b) {
    const auto posts = b.all<Post>();
    return std::count_if(posts.begin(), posts.end(),
                         [](const Post& post) { return post.kind == CallKind::heartbeat; });
  };
  Bench b;
  b.subscribed();
  b.launch("a");
  b.acknowledge_all();
  b.subscribed();
  b.pass(kHeartbeatMs);
  REQUIRE(heartbeats(b) == 1);
  CHECK(b.all<Post>().back().body.ends_with(R"("type":"HEARTBEAT"})"));
  b.pass(kHeartbeatMs);
  CHECK(heartbeats(b) == 2);
  for (const int status : {400, 501}) b.add(b.core.heartbeat_refused(status));
  b.subscribed();
  b.pass(600'000);
  CHECK(heartbeats(b) == 2);
  CHECK(b.count<Subscribe>() == 1);
  CHECK(b.count<Disconnect>() == 0);
  b.exit(100, 0);
  CHECK(b.states() == "a:TASK_RUNNING a:TASK_FINISHED");
}

}  // namespace mimas::executor
