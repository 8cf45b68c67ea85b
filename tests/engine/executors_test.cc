// In which executors tasks run, and what the engine learns of a task from its executor.
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
  CHECK(run_facts(play.task(kFirst)) == RunFacts{17, "c1", "10.0.0.7", "0.2"});
  CHECK(play.task(kFirst).executor.empty());  // its own
  CHECK_FALSE(play.task(kFirst).healthy.has_value());

  StatusUpdate health = play.update(kFirst, MesosState::running, "TASK_HEALTH_CHECK_STATUS_UPDATED");
  health.healthy = true;
  health.ready = false;
  play.feed(health);
  CHECK(play.task(kFirst).healthy == true);
  CHECK(play.task(kFirst).ready == false);
  CHECK(run_facts(play.task(kFirst)).pid == 17);

  play.restart();
  play.subscribe();
  play.master_says(kFirst, MesosState::running, "RECONCILIATION");
  CHECK(play.none<Acknowledge>());
  CHECK(play.task(kFirst).healthy == true);
  CHECK(run_facts(play.task(kFirst)).ip == "10.0.0.7");
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

Policy sharing(Sharing how) {
  Policy policy;
  policy.sharing = how;
  policy.executor_stamp = "one";
  return policy;
}

// The executors of the launches of the last step, in their order.
std::vector<std::string> executors_of(const Play& play) {
  std::vector<std::string> found;
  for (const AcceptOffers* call : play.all<AcceptOffers>()) {
    for (const Launch& launch : call->launches) {
      const Task& task = *launch.task;
      CHECK(launch.shared == !task.executor.empty());
      found.push_back(launch.shared ? task.executor : task.id.value);
    }
  }
  return found;
}

// As many tasks of one job as asked for, placed on agent a1 by one offer.
std::vector<std::string> placed(Play& play, std::shared_ptr<const JobSpec> spec, std::int64_t instances) {
  play.submit(std::move(spec), instances);
  play.settle();
  play.offer_and_settle("a1", 10'000);
  return executors_of(play);
}

TEST_CASE("without sharing every task has an executor under its own id, and pays for it") {
  Play play;
  play.subscribe();
  CHECK(placed(play, service_spec(), 2) ==
        std::vector<std::string>{"mimas-1-worker-0-0", "mimas-1-worker-1-1"});
  CHECK(play.task("mimas-1-worker-1-1").allocated.cpu_milli == 500);
}

TEST_CASE("sharing by agent puts all tasks of an agent into one executor, which is paid for once") {
  Play play(sharing(Sharing::agent));
  play.subscribe();
  const auto first = placed(play, service_spec(), 2);
  const auto second = placed(play, batch_spec(), 1);
  REQUIRE(first.size() == 2);
  REQUIRE(second.size() == 1);
  CHECK(first[0] == first[1]);
  CHECK(first[0] == second[0]);
  CHECK(check_mesos_id(first[0], "executor id").ok());
  CHECK(play.task("mimas-1-worker-0-0").allocated.cpu_milli == 500);
  CHECK(play.task("mimas-1-worker-1-1").allocated.cpu_milli == 490);
  // Nobody has said yet that it runs: whether the master has it is not known, so it is reckoned with.
  CHECK(play.task("mimas-2-worker-0-0").allocated.cpu_milli == 500);
  play.says("mimas-1-worker-0-0", MesosState::running);
  CHECK(placed(play, batch_spec(), 1) == second);
  CHECK(play.task("mimas-3-worker-0-0").allocated.cpu_milli == 490);
  CHECK(State(play.policy, play.recovered()).digest() == play.state.digest());
}

TEST_CASE("what an executor's share was saved on is room for one more task") {
  Play play(sharing(Sharing::agent));
  play.subscribe();
  play.submit(service_spec(), 3);
  play.settle();
  play.offer_and_settle("a1", 1'480);  // three tasks of 490 and one share of 10
  CHECK(executors_of(play).size() == 3);
}

TEST_CASE("sharing by job keeps jobs apart, and the id is the same in another life") {
  Play play(sharing(Sharing::job));
  play.subscribe();
  const auto first = placed(play, service_spec(), 2);
  const auto second = placed(play, batch_spec(), 1);
  REQUIRE(first.size() == 2);
  CHECK(first[0] == first[1]);
  CHECK(first[0] != second.at(0));
  CHECK(first[0].starts_with("mimas-1-"));
  play.restart();
  play.subscribe();
  for (const char* task : {"mimas-1-worker-0-0", "mimas-1-worker-1-1"}) {
    play.says(task, MesosState::running);
  }
  play.feed(SetInstanceCounts{1, make_job_id(1), 3, 0, 100, "me"});
  play.settle();
  play.offer_and_settle("a1", 1'000);
  CHECK(executors_of(play) == std::vector<std::string>{first[0]});
}

TEST_CASE("another executor, or another way to start it, gets an id of its own; the old one is left alone") {
  Play play(sharing(Sharing::agent));
  play.subscribe();
  const auto old = placed(play, service_spec(), 1);
  play.says(kFirst, MesosState::running);
  play.policy.executor_stamp = "two";
  play.restart();
  play.subscribe();
  play.master_says(kFirst, MesosState::running, "RECONCILIATION");
  const auto fresh = placed(play, batch_spec(), 1);
  CHECK(fresh.at(0) != old.at(0));
  CHECK(play.task(kFirst).executor == old.at(0));
  CHECK(play.task("mimas-2-worker-0-0").allocated.cpu_milli == 500);
}

TEST_CASE("artifacts that would make a difference to others get an executor of their own") {
  const auto with = [](Sharing how, Runtime runtime, bool extract) {
    Play play(sharing(how));
    play.subscribe();
    auto spec = service_spec();
    spec->runtime = runtime;
    spec->artifacts = {{"http://h/a", extract}};
    return placed(play, spec, 1).at(0) != kFirst;
  };
  CHECK(with(Sharing::job, Runtime::process, false));
  CHECK_FALSE(with(Sharing::job, Runtime::process, true));
  CHECK_FALSE(with(Sharing::job, Runtime::docker, false));
  CHECK_FALSE(with(Sharing::agent, Runtime::process, false));
}

TEST_CASE(
    "a start that a shared executor's end came before is nobody's fault, and is repeated in an own one") {
  for (const MesosState state : {MesosState::gone, MesosState::failed, MesosState::lost, MesosState::error}) {
    CAPTURE(mesos_state_name(state));
    Play play(sharing(Sharing::agent));
    play.subscribe();
    REQUIRE(placed(play, batch_spec(), 1).at(0) != kFirst);
    const bool invalid = state == MesosState::error;
    play.says(kFirst, state, invalid ? "TASK_INVALID" : "EXECUTOR_TERMINATED", invalid ? "MASTER" : "AGENT");
    CHECK(play.task(kFirst).state == TaskState::crashed);
    CHECK(play.task("mimas-1-worker-0-1").attempt == 0);
    play.after(1'000);
    play.settle();
    play.offer_and_settle("a1");
    CHECK(executors_of(play) == std::vector<std::string>{"mimas-1-worker-0-1"});
  }
}

TEST_CASE(
    "a task that ran in a shared executor that died counts as lost, one that was refused for itself does "
    "not") {
  Play play(sharing(Sharing::agent));
  play.subscribe();
  placed(play, batch_spec(), 2);
  play.says(kFirst, MesosState::running);
  play.says(kFirst, MesosState::gone, "EXECUTOR_TERMINATED", "AGENT");
  CHECK(play.task(kFirst).state == TaskState::crashed);
  CHECK(play.task("mimas-1-worker-0-2").attempt == 0);
  play.master_says("mimas-1-worker-1-1", MesosState::error, "TASK_UNAUTHORIZED");
  CHECK(play.task("mimas-1-worker-1-1").state == TaskState::failed);
}

}  // namespace
}  // namespace mimas::engine
