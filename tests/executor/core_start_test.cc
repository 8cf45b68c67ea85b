// Starts that take long, fail or are broken off; health; memory limits; messages. Titus's defects that
// concern the core (titus.md §3) have their cases here.
#include <doctest/doctest.h>

#include <csignal>

#include "executor/bench.h"

namespace mimas::executor {
namespace {

TaskSpec container() {
  TaskSpec spec;
  spec.runtime = RuntimeKind::docker;
  spec.container.image = "i";
  return spec;
}

// A bench whose agent knows one task that is being started.
struct Slow : Bench {
  explicit Slow(const TaskSpec& spec = container()) {
    subscribed(true);
    starts_slowly = true;
    launch("a", {}, {}, spec);
  }
  void progress(const std::string& text) { add(core.progress("a", text, now())); }
  void fails(bool final) { add(core.start_failed({"a", "why", final}, now())); }
};

HealthNews news(std::optional<bool> healthy, std::optional<bool> ready = {}) {
  return {"a", healthy, ready, "because"};
}

TEST_CASE("a long start is told as TASK_STARTING, at most once a second and once until it is recorded") {
  Slow b;
  CHECK(b.states() == "");
  b.progress("pulling");
  b.progress("pulling 2");
  CHECK(b.states() == "a:TASK_STARTING");
  CHECK(b.posts()[0].message == "pulling");
  b.pass(kProgressMs);
  b.progress("pulling 3");  // not acknowledged yet
  CHECK(b.posts().size() == 1);
  b.acknowledge_all();
  b.progress("pulling 4");
  REQUIRE(b.posts().size() == 2);
  CHECK(b.posts()[1].message == "pulling 4");
  b.acknowledge_all();
  b.pass(kProgressMs - 1);
  b.progress("pulling 5");
  CHECK(b.posts().size() == 2);
  b.started("a");
  b.pass(kProgressMs);
  b.progress("late");
  CHECK(b.states() == "a:TASK_STARTING a:TASK_STARTING a:TASK_RUNNING");
}

TEST_CASE("a kill while a container starts breaks the start off and is one TASK_KILLED") {
  Slow b;
  b.progress("pulling");
  b.event(Kill{"a", 60'000});
  b.event(Kill{"a", 0});
  CHECK(b.count<KillTask>() == 1);
  b.progress("still pulling");
  SUBCASE("the pull is given up") { b.fails(false); }
  SUBCASE("it could not have started anyway") { b.fails(true); }
  SUBCASE("it had just started") {
    b.started("a");
    b.fails(true);  // nobody says that after a start; it must not count twice
    b.die(100, SIGKILL);
  }
  SUBCASE("it ended before its start was told") {
    b.pids.push_back("a");
    b.die(100, SIGKILL);
  }
  b.fails(true);
  b.pids.assign(1, "a");
  b.die(100, SIGKILL);
  CHECK(b.states() == "a:TASK_STARTING a:TASK_KILLED");
  CHECK(b.count<TaskOver>() == 1);
  b.acknowledge_all();
  CHECK(b.exit_code() == 0);
}

TEST_CASE("a kill while a process starts leaves it what is left of its grace") {
  Slow b{TaskSpec{}};
  b.event(Kill{"a", 10'000});
  CHECK(b.count<KillTask>() == 0);
  b.pass(4'000);
  SUBCASE("it starts") {
    b.started("a");
    CHECK(b.count<SignalTask>() == 1);
    b.pass(5'999);
    CHECK(b.count<KillTask>() == 0);
    b.pass(1);
    CHECK(b.count<KillTask>() == 1);
    b.die(100, SIGKILL);
    CHECK(b.states() == "a:TASK_RUNNING a:TASK_KILLING a:TASK_KILLED");
  }
  SUBCASE("it does not") {
    b.pass(6'000);
    CHECK(b.count<KillTask>() == 1);
    b.fails(true);
    CHECK(b.states() == "a:TASK_KILLED");
  }
}

TEST_CASE("a start that failed says whose fault it was") {
  Slow b;
  SUBCASE("the task's: it counts as a failure") {
    b.fails(true);
    CHECK(b.posts()[0].reason == "");
  }
  SUBCASE("the world's: it is to be tried again at nobody's expense") {
    b.fails(false);
    CHECK(b.posts()[0].reason == "REASON_CONTAINER_LAUNCH_FAILED");
  }
  CHECK(b.states() == "a:TASK_FAILED");
  CHECK(b.posts()[0].message == "why");
}

TEST_CASE("Titus defect 3: whatever is said after the first end, there is one terminal update") {
  Slow b;
  b.fails(true);
  b.fails(false);
  b.started("a");
  b.exit(100, 0);
  b.event(Kill{"a", {}});
  b.add(b.core.health(news(false), b.now()));
  b.progress("pulling");
  b.launch("a", {}, {}, container());
  CHECK(b.states() == "a:TASK_FAILED");
  CHECK(b.count<StartTask>() == 1);
  CHECK(b.count<TaskOver>() == 1);
}

TEST_CASE("Titus defects 1 and 2: only the end of the first process is an end") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.launch("b");
  b.die(101, SIGHUP);  // somebody else's
  b.add(b.core.gone("a", b.now()));
  CHECK(b.states() == "a:TASK_RUNNING b:TASK_RUNNING b:TASK_FAILED");
}

TEST_CASE("TASK_RUNNING says who started it and where it is to be found") {
  Bench b(checkpointing(), {false, 0, "0.1.0-abc"});
  b.subscribed();
  b.starts_slowly = true;
  b.launch("a");
  RunFacts facts;
  facts.pid = 7;
  facts.container_id = "c0";
  facts.ip = "10.0.0.2";
  b.add(b.core.started("a", facts, b.now()));
  CHECK(b.posts()[0].data == R"({"v":1,"executor":"0.1.0-abc","pid":7,"containerId":"c0","ip":"10.0.0.2"})");
}

TEST_CASE("the memory limit is a reason of its own, with limit and peak") {
  TaskSpec spec;
  spec.limits.memory_bytes = 64 << 20;
  Bench b;
  b.subscribed();
  b.launch("a", {}, {}, spec);
  ProcessEnd end;
  end.signalled = true;
  end.number = SIGKILL;
  end.memory_limit = true;
  end.memory_peak_bytes = (63 << 20) + (512 << 10);
  SUBCASE("by itself") {
    b.ended("a", end);
    REQUIRE(b.states() == "a:TASK_RUNNING a:TASK_FAILED");
    CHECK(b.posts()[1].reason == "REASON_CONTAINER_LIMITATION_MEMORY");
    CHECK(b.posts()[1].message == "killed for its memory limit of 64 MiB; peak 63.5 MiB");
    CHECK(b.posts()[1].data == R"({"v":1,"signal":9,"memoryLimit":true,"memoryPeakBytes":66584576})");
  }
  SUBCASE("where the peak is not known") {
    end.memory_peak_bytes = -1;
    b.ended("a", end);
    CHECK(b.posts()[1].message == "killed for its memory limit of 64 MiB");
  }
  SUBCASE("while it was being killed anyway") {
    b.event(Kill{"a", {}});
    b.ended("a", end);
    REQUIRE(b.states() == "a:TASK_RUNNING a:TASK_KILLED");
    CHECK(b.posts()[1].reason == "");
  }
}

TEST_CASE("an end that nobody knows is a failure that says why") {
  Bench b;
  b.subscribed();
  b.launch("a");
  ProcessEnd end;
  end.unknown = "Docker was away";
  b.ended("a", end);
  CHECK(b.states() == "a:TASK_RUNNING a:TASK_FAILED");
  CHECK(b.posts()[1].message == "Docker was away");
  CHECK(b.posts()[1].data == R"({"v":1})");
}

TEST_CASE("health goes out as TASK_RUNNING with the last known of both, and only when it has changed") {
  Bench b;
  b.subscribed(true);
  b.launch("a");
  b.acknowledge_all();
  b.seen.clear();
  b.add(b.core.health(news(true), b.now()));
  b.add(b.core.health(news(true), b.now()));
  REQUIRE(b.posts().size() == 1);
  CHECK(b.posts()[0].state == "TASK_RUNNING");
  CHECK(b.posts()[0].reason == "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED");
  CHECK(b.posts()[0].healthy == true);
  CHECK(b.posts()[0].message == "because");
  CHECK(b.posts()[0].data == R"({"v":1,"pid":100})");
  b.acknowledge_all();
  b.add(b.core.health(news(true, false), b.now()));
  CHECK(b.posts()[1].data == R"({"v":1,"pid":100,"ready":false})");
  CHECK(b.posts()[1].healthy == true);
  b.acknowledge_all();
  b.event(Kill{"a", {}});
  b.add(b.core.health(news(false), b.now()));  // it is being killed: nobody is to act on it
  b.die(100, SIGTERM);
  b.add(b.core.health(news(false), b.now()));
  CHECK(b.states() == "a:TASK_RUNNING a:TASK_RUNNING a:TASK_KILLING a:TASK_KILLED");
}

TEST_CASE("an agent that records nothing collects one change of health, and gets the latest afterwards") {
  Bench b;
  b.subscribed();
  b.launch("a");
  b.acknowledge_all();
  b.seen.clear();
  for (int i = 0; i < 5'000; ++i) b.add(b.core.health(news(i % 2 == 0), b.now()));
  REQUIRE(b.posts().size() == 1);
  CHECK(b.posts()[0].healthy == true);
  b.acknowledge(b.posts()[0]);
  REQUIRE(b.posts().size() == 2);
  CHECK(b.posts()[1].healthy == false);
  b.acknowledge(b.posts()[1]);
  CHECK(b.posts().size() == 2);
  b.add(b.core.health(news(true), b.now()));
  b.add(b.core.health(news(false), b.now()));
  b.exit(100, 0);
  b.acknowledge_all();
  CHECK(b.states() == "a:TASK_RUNNING a:TASK_RUNNING a:TASK_RUNNING a:TASK_FINISHED");
}

TEST_CASE("messages go out while the agent is there, and are lost while it is not") {
  const auto messages = [](const Bench& b) {
    const auto posts = b.all<Post>();
    return std::count_if(posts.begin(), posts.end(),
                         [](const Post& post) { return post.kind == CallKind::message; });
  };
  Bench b;
  b.add(b.core.message("early", b.now()));
  CHECK(messages(b) == 0);
  b.subscribed();
  b.add(b.core.message("{}", b.now()));
  CHECK(messages(b) == 1);
  b.add(b.core.message_refused(501, "no"));
  b.add(b.core.message_refused(501, "no"));
  CHECK(b.count<Say>() == 1);
  CHECK(b.count<Disconnect>() == 0);
  b.add(b.core.lost("reset", b.now()));
  b.add(b.core.message("late", b.now()));
  CHECK(messages(b) == 1);
}

TEST_CASE("what is too much for one executor is to be tried again at nobody's expense") {
  Bench b;
  b.subscribed();
  for (std::size_t i = 0; i <= kTasksMax; ++i) b.launch("t" + std::to_string(i));
  CHECK(b.count<StartTask>() == kTasksMax);
  CHECK(b.posts().back().state == "TASK_FAILED");
  CHECK(b.posts().back().reason == "REASON_CONTAINER_LAUNCH_FAILED");
  CHECK(b.posts().back().task == "t" + std::to_string(kTasksMax));
}

TEST_CASE("an id that is no name for a folder starts nothing") {
  Bench b;
  b.subscribed();
  for (const char* id : {"a/b", ".", ".."}) b.launch(id);
  CHECK(b.states() == "a/b:TASK_FAILED .:TASK_FAILED ..:TASK_FAILED");
  CHECK(b.count<StartTask>() == 0);
  CHECK(b.count<TaskOver>() == 0);
}

}  // namespace
}  // namespace mimas::executor
