// What the engine learns of a task from its executor.
#include "play.h"

namespace mimas::engine {
namespace {

constexpr const char* kFirst = "mimas-1-worker-0-0";

TEST_CASE("where a task runs is kept, also over a restart, and what later updates leave out stays") {
  Play play;
  play.subscribe();
  play.submit(service_spec());
  play.settle();
  play.offer_and_settle("a1");
  StatusUpdate running = play.update(kFirst, MesosState::running);
  running.facts = RunFacts{17, "c1", "10.0.0.7", "0.2"};
  running.executor = kFirst;
  play.feed(running);
  CHECK(play.task(kFirst).facts == RunFacts{17, "c1", "10.0.0.7", "0.2"});
  CHECK(play.task(kFirst).executor == kFirst);
  CHECK_FALSE(play.task(kFirst).healthy.has_value());

  StatusUpdate health = play.update(kFirst, MesosState::running, "TASK_HEALTH_CHECK_STATUS_UPDATED");
  health.healthy = true;
  health.ready = false;
  play.feed(health);
  CHECK(play.task(kFirst).healthy == true);
  CHECK(play.task(kFirst).ready == false);
  CHECK(play.task(kFirst).facts.pid == 17);

  play.restart();
  play.subscribe();
  play.master_says(kFirst, MesosState::running, "RECONCILIATION");
  CHECK(play.none<Acknowledge>());
  CHECK(play.task(kFirst).healthy == true);
  CHECK(play.task(kFirst).facts.ip == "10.0.0.7");
  CHECK(State(play.policy, play.recovered()).digest() == play.state.digest());
}

TEST_CASE("an update that repeats what is known changes no record") {
  Play play;
  play.running(service_spec());
  StatusUpdate health = play.update(kFirst, MesosState::running);
  health.healthy = true;
  play.feed(health);
  REQUIRE(play.last.changes.size() == 1);
  health.uuid = "another";
  play.feed(health);
  CHECK(play.last.changes.empty());
  CHECK(play.only<Acknowledge>()->uuid == "another");
}

TEST_CASE("how much memory a task had at its end is kept, and its health as it last was") {
  Play play;
  play.running(batch_spec());
  StatusUpdate sick = play.update(kFirst, MesosState::running);
  sick.healthy = false;
  play.feed(sick);
  StatusUpdate end = play.update(kFirst, MesosState::failed, "CONTAINER_LIMITATION_MEMORY");
  end.exit.signal = 9;
  end.exit.memory_limit = true;
  end.exit.memory_peak_bytes = 100 << 20;
  end.healthy = true;  // an end says nothing of it
  play.feed(end);
  CHECK(play.task(kFirst).state == TaskState::failed);
  CHECK(play.task(kFirst).exit.memory_limit);
  CHECK(play.task(kFirst).exit.memory_peak_bytes == 100 << 20);
  CHECK(play.task(kFirst).healthy == false);
}

}  // namespace
}  // namespace mimas::engine
