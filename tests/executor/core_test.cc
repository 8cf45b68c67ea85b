// Tasks, updates and the connection beyond the rules (rules_test.cc). How tasks and the executor end:
// core_end_test.cc.
#include <doctest/doctest.h>

#include <csignal>

#include "executor/bench.h"

namespace mimas::executor {
namespace {

TEST_CASE("it subscribes at once, with an empty member") {
  Bench b;
  REQUIRE(b.count<Subscribe>() == 1);
  CHECK(b.all<Subscribe>()[0].body.ends_with(R"("type":"SUBSCRIBE","subscribe":{}})"));
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
  REQUIRE(b.count<KillTask>() == 1);
  CHECK(b.all<KillTask>()[0].task_id == "a");
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
  CHECK(b.count<StartTask>() == 0);
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

TEST_CASE("a stream that ends as soon as it began is not retried in a tight loop") {
  Bench b;
  b.subscribed();
  b.add(b.core.lost("closed", b.now()));
  CHECK(b.count<Subscribe>() == 1);
  CHECK(b.core.wake_at().ms > b.ms);
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

TEST_CASE("an update that meets an agent without a subscription of ours means reconnecting") {
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
