// What does not end though it was killed, and what outlives its runtime limit: an executor that hangs.
#include "play.h"

namespace mimas::engine {
namespace {

constexpr const char* kFirst = "mimas-1-worker-0-0";

// Kills go on for so long, nobody answers. When, in ms from now, an executor is first shut down; -1: never.
std::int64_t shut_down_after(Play& play, std::int64_t ms) {
  const Instant began = play.now;
  while (play.now - began <= ms) {
    play.settle();
    if (!play.none<ShutDownExecutor>()) return play.now - began;
    play.after(1'000);
  }
  return -1;
}

TEST_CASE("a task that does not end has its executor shut down after its grace and half a minute") {
  Play play;
  play.running(service_spec());
  play.feed(KillTasks{0, {TaskId(kFirst)}, false, false, "ann"});
  const std::int64_t grace = service_spec()->kill_grace_ms;
  const std::int64_t after = shut_down_after(play, 300'000);
  CHECK(after >= grace + play.policy.kill_overdue_ms);
  CHECK(after <= grace + play.policy.kill_overdue_ms + play.policy.kill_retry_max_ms);
  CHECK(play.only<ShutDownExecutor>()->agent == AgentId("a1"));
  CHECK(play.only<ShutDownExecutor>()->executor == kFirst);
  CHECK(play.all<KillOnAgent>().size() == 1);  // it goes on, too
  play.settle();
  CHECK(play.alerts.at("overdue").find(kFirst) != std::string::npos);
  play.restart();
  play.subscribe();
  play.settle();
  CHECK(play.alerts.at("overdue").find(kFirst) != std::string::npos);
  CHECK(shut_down_after(play, 120'000) >= 0);
  play.says(kFirst, MesosState::failed, "EXECUTOR_TERMINATED", "AGENT");
  play.settle();
  CHECK(play.task(kFirst).state == TaskState::stopped);
  CHECK(play.alerts.at("overdue").empty());
}

TEST_CASE("a long grace is waited for") {
  Play play;
  auto spec = service_spec();
  spec->kill_grace_ms = 600'000;
  play.running(spec);
  play.feed(KillTasks{0, {TaskId(kFirst)}, false, false, "ann"});
  CHECK(shut_down_after(play, 800'000) >= 630'000);
}

TEST_CASE("nothing is shut down where the agent cannot be reached, or while nobody listens") {
  Play play;
  play.running(service_spec());
  play.feed(KillTasks{0, {TaskId(kFirst)}, false, false, "ann"});
  SUBCASE("unreachable") { play.master_says(kFirst, MesosState::unreachable, "AGENT_REMOVED"); }
  SUBCASE("disconnected") { play.feed(Disconnected{"test"}); }
  CHECK(shut_down_after(play, 300'000) == -1);
}

TEST_CASE("an executor that others use is shut down only when all of them are to end") {
  Policy policy;
  policy.sharing = Sharing::job;
  Play play(policy);
  play.running(service_spec(), 2);
  REQUIRE(play.task(kFirst).executor == play.task("mimas-1-worker-1-1").executor);
  REQUIRE_FALSE(play.task(kFirst).executor.empty());
  play.feed(KillTasks{0, {TaskId(kFirst)}, false, false, "ann"});
  CHECK(shut_down_after(play, 300'000) == -1);
  CHECK(play.alerts.at("overdue").find("1 tasks that nobody ended") != std::string::npos);
  play.feed(KillTasks{0, {TaskId("mimas-1-worker-1-1")}, false, false, "ann"});
  CHECK(shut_down_after(play, 300'000) >= 0);
  CHECK(play.all<ShutDownExecutor>().at(0)->executor == play.task(kFirst).executor);
}

TEST_CASE("a task that outlives its runtime limit is killed, and has failed") {
  Play play;
  auto spec = batch_spec();
  spec->runtime_limit_ms = 60'000;
  spec->kill_grace_ms = 10'000;
  const JobId job = play.running(spec);
  const std::int64_t late = 60'000 + 10'000 + play.policy.runtime_overdue_ms;
  CHECK(play.last.wake_at <= play.now + late);
  play.after(late - 1);
  play.settle();
  CHECK(play.none<KillOnAgent>());  // the executor's to do
  play.after(1);
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == kFirst);
  CHECK(shut_down_after(play, 300'000) >= 0);
  SUBCASE("by force") { play.says(kFirst, MesosState::failed, "EXECUTOR_TERMINATED", "AGENT"); }
  SUBCASE("by its executor, late") { play.says(kFirst, MesosState::killed); }
  SUBCASE("after a restart") {
    play.restart();
    play.subscribe();
    play.says(kFirst, MesosState::killed);
  }
  CHECK(play.task(kFirst).state == TaskState::failed);
  CHECK(play.task(kFirst).reason == "MAX_COMPLETION_TIME_REACHED");
  CHECK(play.job(job).outcome == JobOutcome::failed);
}

TEST_CASE("a service that outlives its limit is started again as after any failure") {
  Play play;
  auto spec = service_spec();
  spec->runtime_limit_ms = 60'000;
  play.running(spec);
  play.after(600'000);
  play.settle();
  play.says(kFirst, MesosState::killed);
  play.settle();
  CHECK(play.task("mimas-1-worker-0-1").attempt == 1);
}

}  // namespace
}  // namespace mimas::engine
