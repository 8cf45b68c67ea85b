#include "executor/core.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "base/base64.h"
#include "json/value.h"

namespace mimas::executor {
namespace {

std::uint8_t next_random = 0;
RandomBytes counting() {
  RandomBytes bytes;
  bytes.fill(++next_random);
  return bytes;
}

Settings checkpointing() {
  Settings s;
  s.framework_id = "f";
  s.executor_id = "e";
  s.checkpoint = true;
  s.recovery_timeout_ms = 60'000;
  s.subscription_backoff_ms_max = 2'000;
  s.shutdown_grace_ms = 5'000;
  return s;
}

Settings not_checkpointing() {
  Settings s = checkpointing();
  s.checkpoint = false;
  return s;
}

struct Posted {
  std::string task, state, reason, message, uuid, data;
};

// A core with a hand-cranked clock. Calls append to `seen`; the getters pick from it by kind.
struct Bench {
  Core core;
  std::int64_t ms = 1'000'000;
  Actions seen;
  std::int64_t next_pid = 100;
  bool exec_works = true;

  explicit Bench(const Settings& settings = checkpointing()) : core(settings, &counting) {
    add(core.start(now()));
  }

  Now now() const { return {Instant{ms}, Instant{1'700'000'000'000 + ms}}; }

  void add(Actions actions) {
    for (Action& action : actions) {
      std::string start;
      if (auto* order = std::get_if<StartProcess>(&action)) start = order->task_id;
      seen.push_back(std::move(action));
      if (start.empty()) continue;
      add(exec_works ? core.started(start, next_pid++, now())
                     : core.start_failed(start, "cannot run 'x'", now()));
    }
  }
  void event(Event e) { add(core.event(std::move(e), now())); }
  void subscribed(bool killing = false) { event(Subscribed{killing}); }
  // Lets time pass the way the loop does: from deadline to deadline.
  void pass(std::int64_t by) {
    const std::int64_t until = ms + by;
    while (core.wake_at().ms <= until && !core.exiting()) {
      ms = std::max(ms, core.wake_at().ms);
      add(core.timer(now()));
    }
    ms = until;
  }
  void launch(const std::string& id, std::optional<std::int64_t> grace = {},
              std::optional<std::int64_t> longest = {}) {
    Launch order;
    order.tasks.push_back(
        {id, R"({"task_id":{"value":")" + id + R"("}})", grace, longest, Command{{"x"}, {}, {}}});
    event(std::move(order));
  }
  void exit(std::int64_t pid, int status, bool group = false) {
    add(core.exited(pid, {false, status}, group, now()));
  }
  void die(std::int64_t pid, int signal) { add(core.exited(pid, {true, signal}, false, now())); }
  void acknowledge(const Posted& update) { event(Acknowledged{update.task, update.uuid}); }
  void acknowledge_all() {
    for (const Posted& update : posts()) acknowledge(update);
  }

  static Posted read(const json::Value& status) {
    const auto id = status.find("task_id");
    return {std::string(id->string_or("value", "")),
            std::string(status.string_or("state", "")),
            std::string(status.string_or("reason", "")),
            std::string(status.string_or("message", "")),
            base64_decode(status.string_or("uuid", "")).value(),
            base64_decode(status.string_or("data", "")).value()};
  }
  std::vector<Posted> posts() const {
    std::vector<Posted> out;
    for (const Action& action : seen) {
      const auto* post = std::get_if<Post>(&action);
      if (post == nullptr) continue;
      const auto document = json::parse(post->body);
      out.push_back(read(*document->root().find("update")->find("status")));
    }
    return out;
  }
  std::string states() const {  // "a:TASK_RUNNING a:TASK_FINISHED"
    std::string out;
    for (const Posted& post : posts()) out += (out.empty() ? "" : " ") + post.task + ":" + post.state;
    return out;
  }
  template <class T>
  std::vector<T> all() const {
    std::vector<T> out;
    for (const Action& action : seen) {
      if (const auto* one = std::get_if<T>(&action)) out.push_back(*one);
    }
    return out;
  }
  template <class T>
  std::size_t count() const {
    return all<T>().size();
  }
  int exit_code() const { return count<Exit>() == 1 ? all<Exit>()[0].code : -1; }
};

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
  CHECK(b.posts()[0].uuid[6] >> 4 == 4);
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
    REQUIRE(b.count<SignalGroup>() == 1);
    CHECK(b.all<SignalGroup>()[0].signal == SIGTERM);
    b.pass(row.grace - 1);
    CHECK(b.count<KillTree>() == 0);
    b.pass(1);
    CHECK(b.count<KillTree>() == 1);
    b.die(100, SIGKILL);
    CHECK(b.states() == "a:TASK_RUNNING a:TASK_KILLED");
  }
}

TEST_CASE("a later KILL may shorten the grace and never extend it (rule 88)") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.event(Kill{"a", 10'000});
  b.pass(1'000);
  b.event(Kill{"a", 60'000});
  b.pass(1'000);
  b.event(Kill{"a", 2'000});
  CHECK(b.count<SignalGroup>() == 1);
  b.pass(1'999);
  CHECK(b.count<KillTree>() == 0);
  b.pass(1);
  CHECK(b.count<KillTree>() == 1);
}

TEST_CASE("a longer KILL leaves the grace as it was, a zero one ends it at once (rule 88)") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.event(Kill{"a", 10'000});
  b.event(Kill{"a", 60'000});
  SUBCASE("longer") {
    b.pass(10'000);
    CHECK(b.count<KillTree>() == 1);
  }
  SUBCASE("zero") {
    b.event(Kill{"a", 0});
    CHECK(b.count<KillTree>() == 1);
    b.pass(60'000);
    CHECK(b.count<KillTree>() == 1);
  }
}

TEST_CASE("TASK_KILLING only for a framework that knows it, as the last SUBSCRIBED says (rules 89, 95)") {
  Bench b;
  b.subscribed(false);
  b.launch("a");
  b.launch("b");
  b.event(Kill{"a", {}});
  b.subscribed(true);
  b.event(Kill{"b", {}});
  b.event(Kill{"b", {}});
  CHECK(b.states() == "a:TASK_RUNNING b:TASK_RUNNING b:TASK_KILLING");
}

TEST_CASE("exit 0 after KILL is TASK_KILLED (rule 90)") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.event(Kill{"a", {}});
  b.exit(100, 0);
  CHECK(b.states() == "a:TASK_RUNNING a:TASK_KILLED");
  CHECK(b.count<KillTree>() == 1);  // a grandchild in a session of its own would still be there
}

TEST_CASE("when the leader ends first, its group may use the rest of the grace (rule 90)") {
  Bench b;
  b.subscribed();
  b.launch("a", 5'000);
  b.event(Kill{"a", {}});
  b.exit(100, 0, true);
  CHECK(b.states() == "a:TASK_RUNNING");
  CHECK(b.core.lingering_groups() == std::vector<std::int64_t>{100});
  SUBCASE("the group ends in time") { b.add(b.core.group_gone(100, b.now())); }
  SUBCASE("the group does not") { b.pass(5'000); }
  SUBCASE("a zero KILL arrives") { b.event(Kill{"a", 0}); }
  CHECK(b.count<KillTree>() == 1);
  CHECK(b.states() == "a:TASK_RUNNING a:TASK_KILLED");
}

TEST_CASE("a task that runs too long fails with its reason, without TASK_KILLING") {
  Bench b;
  b.subscribed(true);
  b.launch("a", {}, 10'000);
  b.pass(9'999);
  CHECK(b.count<SignalGroup>() == 0);
  b.pass(1);
  CHECK(b.count<SignalGroup>() == 1);
  b.die(100, SIGTERM);
  REQUIRE(b.states() == "a:TASK_RUNNING a:TASK_FAILED");
  CHECK(b.posts()[1].reason == "REASON_MAX_COMPLETION_TIME_REACHED");
}

TEST_CASE("SHUTDOWN kills every task, says so, waits for the acknowledgements and leaves (rule 91)") {
  Bench b;
  b.subscribed(true);
  for (const char* id : {"a", "b", "c"}) b.launch(id, 60'000);
  b.acknowledge_all();
  b.seen.clear();
  b.event(ShutdownOrder{});
  CHECK(b.count<SignalGroup>() == 3);
  b.die(100, SIGTERM);
  b.die(101, SIGTERM);
  b.pass(3'500);
  REQUIRE(b.count<KillTree>() == 3);
  b.die(102, SIGKILL);
  CHECK(b.states() == "a:TASK_KILLED b:TASK_KILLED c:TASK_KILLED");
  CHECK(b.count<Exit>() == 0);
  b.acknowledge_all();
  CHECK(b.exit_code() == 0);
}

TEST_CASE("a task that cannot be killed does not hold the shutdown past its grace (rule 91)") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.event(ShutdownOrder{});
  b.pass(4'999);
  CHECK(b.count<Exit>() == 0);
  b.pass(1);
  CHECK(b.exit_code() == 1);
}

TEST_CASE("SIGTERM to the executor is a shutdown, and a launch after it is refused") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.add(b.core.terminate(b.now()));
  b.launch("b");
  b.die(100, SIGTERM);
  CHECK(b.states() == "a:TASK_RUNNING b:TASK_KILLED a:TASK_KILLED");
  CHECK(b.count<StartProcess>() == 1);
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

TEST_CASE("a second SUBSCRIBED keeps everything (rule 95)") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.acknowledge_all();
  b.subscribed();
  b.exit(100, 0);
  CHECK(b.states() == "a:TASK_RUNNING a:TASK_FINISHED");
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
  group.tasks.push_back({"a", "{}", {}, {}, Command{{"x"}, {}, {}}});
  group.tasks.push_back({"b", "{}", {}, {}, make_error(Code::invalid_argument, "bad")});
  b.event(std::move(group));
  CHECK(b.states() == "a:TASK_FAILED b:TASK_FAILED");
  CHECK(b.count<StartProcess>() == 0);
}

TEST_CASE("when one of a group cannot run, the others are killed") {
  Bench b;
  b.subscribed();
  Launch group;
  group.group = true;
  group.tasks.push_back({"a", "{}", {}, {}, Command{{"x"}, {}, {}}});
  group.tasks.push_back({"b", "{}", {}, {}, Command{{"x"}, {}, {}}});
  Actions orders = b.core.event(std::move(group), b.now());
  REQUIRE(orders.size() == 2);
  b.add(b.core.started("a", 100, b.now()));
  b.add(b.core.start_failed("b", "cannot run", b.now()));
  CHECK(b.count<SignalGroup>() == 1);
  b.die(100, SIGTERM);
  CHECK(b.states() == "a:TASK_RUNNING b:TASK_FAILED a:TASK_KILLED");
}

TEST_CASE("orphans and strangers are nobody's end") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.exit(999, 0);
  b.add(b.core.group_gone(999, b.now()));
  CHECK(b.states() == "a:TASK_RUNNING");
}

}  // namespace
}  // namespace mimas::executor
