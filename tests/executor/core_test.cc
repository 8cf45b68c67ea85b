// Tasks, updates and the connection (rules 78 to 87). How tasks and the executor end: core_end_test.cc.
#include <doctest/doctest.h>

#include <csignal>

#include "executor/bench.h"

namespace mimas::executor {
namespace {

TEST_CASE("it subscribes at once, with an empty member (rule 78)") {
  Bench b;
  REQUIRE(b.count<Subscribe>() == 1);
  CHECK(b.all<Subscribe>()[0].body.ends_with(R"("type":"SUBSCRIBE","subscribe":{}})"));
}

TEST_CASE("SHUTDOWN as the first event is a clean exit (rule 79)") {
  Bench b;
  b.event(ShutdownOrder{});
  CHECK(b.exit_code() == 0);
  CHECK(b.core.exiting());
}

TEST_CASE("a task runs, finishes, is acknowledged, and the executor leaves (rule 92)") {
  Bench b;
  b.subscribed();
  b.launch("a");
  CHECK(b.states() == "a:TASK_RUNNING");
  CHECK(b.posts()[0].data == R"({"v":1,"pid":100})");
  b.acknowledge(b.posts()[0]);
  b.exit(100, 0);
  CHECK(b.states() == "a:TASK_RUNNING a:TASK_FINISHED");
  CHECK(b.posts()[1].data == R"({"v":1,"exitCode":0})");
  CHECK(b.count<Exit>() == 0);
  b.acknowledge(b.posts()[1]);
  CHECK(b.exit_code() == 0);
}

TEST_CASE("without the last acknowledgement it leaves after the cap (rule 92)") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.exit(100, 0);
  b.pass(kLingerMs - 1);
  CHECK(b.count<Exit>() == 0);
  b.pass(1);
  CHECK(b.exit_code() == 0);
}

TEST_CASE("a failure says how it ended") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.launch("b");
  b.exit(100, 3);
  b.die(101, SIGKILL);
  REQUIRE(b.posts().size() == 4);
  CHECK(b.posts()[2].state == "TASK_FAILED");
  CHECK(b.posts()[2].message == "exited with status 3");
  CHECK(b.posts()[3].state == "TASK_FAILED");
  CHECK(b.posts()[3].message == "killed by signal 9 (Killed)");
  CHECK(b.posts()[3].data == R"({"v":1,"signal":9})");
}

TEST_CASE("what the task left running is swept when it ends by itself") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.exit(100, 0, true);
  REQUIRE(b.count<KillTree>() == 1);
  CHECK(b.all<KillTree>()[0].pid == 100);
  CHECK(b.states() == "a:TASK_RUNNING a:TASK_FINISHED");
}

TEST_CASE("a program that cannot run fails its task") {
  Bench b;
  b.subscribed();
  b.exec_works = false;
  b.launch("a");
  CHECK(b.states() == "a:TASK_FAILED");
  CHECK(b.posts()[0].message == "cannot run 'x'");
}

TEST_CASE("malformed task data fails the task and starts nothing") {
  Bench b;
  b.subscribed();
  Launch order;
  order.tasks.push_back({"a", "{}", {}, {}, make_error(Code::unsupported, "of version 2")});
  b.event(std::move(order));
  CHECK(b.states() == "a:TASK_FAILED");
  CHECK(b.posts()[0].message == "of version 2");
  CHECK(b.count<StartProcess>() == 0);
}

TEST_CASE("LAUNCH twice for a task is one process, also after its end (rule 80)") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.launch("keep");
  b.launch("a");
  CHECK(b.count<StartProcess>() == 2);
  b.exit(100, 0);
  b.launch("a");
  b.acknowledge_all();
  b.launch("a");
  CHECK(b.count<StartProcess>() == 2);
}

TEST_CASE("KILL for a task nobody launched is answered once with TASK_KILLED (rule 80)") {
  Bench b;
  b.subscribed();
  b.event(Kill{"ghost", {}});
  b.event(Kill{"ghost", {}});
  CHECK(b.states() == "ghost:TASK_KILLED");
  b.launch("ghost");
  CHECK(b.count<StartProcess>() == 0);
  b.acknowledge_all();
  CHECK(b.exit_code() == 0);
}

TEST_CASE("KILL for an ended task says nothing new (rule 80)") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.exit(100, 0);
  b.event(Kill{"a", {}});
  CHECK(b.states() == "a:TASK_RUNNING a:TASK_FINISHED");
}

TEST_CASE("every update has a version 4 uuid of its own (rule 81)") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.exit(100, 0);
  REQUIRE(b.posts().size() == 2);
  CHECK(is_uuid(b.posts()[0].uuid));
  CHECK((b.posts()[0].uuid[6] >> 4) == 4);
  CHECK(b.posts()[0].uuid != b.posts()[1].uuid);
}

TEST_CASE("an update without acknowledgement is reposted with the same uuid (rule 82)") {
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
    "with checkpointing a lost agent leaves the tasks alone, and SUBSCRIBE lists what is open (rules 83, "
    "84)") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.launch("b");
  b.acknowledge(b.posts()[0]);
  b.pass(5'000);
  b.add(b.core.lost("reset", b.now()));
  CHECK((b.count<KillTree>() + b.count<SignalGroup>() + b.count<Exit>()) == 0);
  REQUIRE(b.count<Subscribe>() == 2);  // at once
  b.exit(100, 0);
  b.add(b.core.lost("refused", b.now()));
  b.pass(2'000);
  REQUIRE(b.count<Subscribe>() >= 3);
  const auto document = json::parse(b.all<Subscribe>()[2].body);
  const auto subscribe = *document->root().find("subscribe");
  const auto tasks = *subscribe.find("unacknowledged_tasks");
  REQUIRE(tasks.size() == 1);  // a was acknowledged once
  CHECK(tasks.at(0).find("task_id")->string_or("value", "") == "b");
  const auto updates = *subscribe.find("unacknowledged_updates");
  REQUIRE(updates.size() == 2);
  CHECK(Bench::read(*updates.at(0).find("status")).task == "b");
  CHECK(Bench::read(*updates.at(1).find("status")).state == "TASK_FINISHED");
}

TEST_CASE("updates that travelled in SUBSCRIBE are not posted as well, younger ones are") {
  Bench b;
  b.launch("early");  // no subscription yet: nothing to post to
  CHECK(b.posts().empty());
  b.add(b.core.lost("reset", b.now()));
  b.pass(2'000);
  b.launch("late");
  b.subscribed();
  CHECK(b.states() == "late:TASK_RUNNING");
  b.pass(kRepostMs);
  CHECK(b.posts().size() == 3);  // both again
}

TEST_CASE("no gap between attempts is longer than the agent's maximum (rule 83)") {
  Bench b;
  b.subscribed();
  b.pass(5'000);
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
    if (i % 10 == 9) b.subscribed();
  }
}

TEST_CASE("a stream that ends as soon as it began is not retried in a tight loop") {
  Bench b;
  b.subscribed();
  b.add(b.core.lost("closed", b.now()));
  CHECK(b.count<Subscribe>() == 1);
  CHECK(b.core.wake_at().ms > b.ms);
}

TEST_CASE("a recovering agent is waited for, until the recovery timeout (rule 85)") {
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
  CHECK((b.count<SignalGroup>() + b.count<KillTree>()) == 0);
  SUBCASE("a subscription just before it cancels it") {
    b.subscribed();
    b.pass(600'000);
    CHECK((b.count<SignalGroup>() + b.count<KillTree>() + b.count<Exit>()) == 0);
  }
  SUBCASE("when it passes, the tasks are killed and the executor leaves") {
    b.pass(deadline - b.ms);
    CHECK(b.count<SignalGroup>() == 1);
    b.pass(3'000);
    CHECK(b.count<KillTree>() == 1);
    b.die(100, SIGKILL);
    CHECK(b.exit_code() == 1);
  }
}

TEST_CASE("without checkpointing a lost agent ends the tasks and the executor (rule 86)") {
  Bench b(not_checkpointing());
  b.subscribed();
  b.launch("a");
  b.add(b.core.lost("closed", b.now()));
  CHECK(b.count<SignalGroup>() == 1);
  CHECK(b.count<Subscribe>() == 1);
  b.pass(4'999);
  CHECK(b.count<KillTree>() == 1);
  CHECK(b.count<Exit>() == 0);
  b.pass(1);
  CHECK(b.exit_code() == 1);
}

TEST_CASE("before the first subscription it retries even without checkpointing") {
  Bench b(not_checkpointing());
  b.add(b.core.lost("refused", b.now()));
  b.pass(2'000);
  CHECK(b.count<Subscribe>() == 2);
  b.add(b.core.lost("refused", b.now()));
  b.pass(kRegistrationMs);
  CHECK(b.exit_code() == 1);
}

TEST_CASE("an agent that does not know us is believed after a few refusals (rule 87)") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.pass(5'000);
  b.add(b.core.lost("closed", b.now()));
  for (int i = 1; i < kRefusalsMax; ++i) {
    b.add(b.core.subscribe_refused(400, "Executor cannot be found", b.now()));
    CHECK(b.count<SignalGroup>() == 0);
    b.pass(2'000);
  }
  b.add(b.core.subscribe_refused(400, "Executor cannot be found", b.now()));
  CHECK(b.count<SignalGroup>() == 1);
  b.die(100, SIGTERM);
  CHECK(b.exit_code() == 1);
}

TEST_CASE("401 and 403 are final, with a message (rule 87)") {
  for (const int status : {401, 403}) {
    Bench b;
    b.add(b.core.subscribe_refused(status, "no", b.now()));
    CHECK(b.exit_code() == 1);
    CHECK(b.count<Say>() == 1);
  }
}

TEST_CASE("an update that meets an agent without a subscription of ours means reconnecting (rule 93)") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.pass(5'000);
  b.add(b.core.call_refused(403, "Executor is not subscribed", b.now()));
  CHECK(b.count<Disconnect>() == 1);
  CHECK(b.count<Subscribe>() == 2);
}

TEST_CASE("an update refused for what it is does not cost the subscription") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.add(b.core.call_refused(400, "Failed to validate Executor::Call: Not a valid UUID", b.now()));
  CHECK(b.count<Disconnect>() == 0);
}
}  // namespace
}  // namespace mimas::executor
