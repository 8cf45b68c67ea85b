// Which instances end when a service is to have fewer: those that do the least work.
#include "play.h"

namespace mimas::engine {
namespace {

std::string id_of(const JobId& job, std::int64_t index, std::int64_t number) {
  return make_task_id(job, index, number).value;
}

struct Scaled {
  Play play;
  JobId job;

  // Instances 0 and 1, each running on an agent of its own.
  explicit Scaled(std::shared_ptr<JobSpec> spec = service_spec()) {
    play.subscribe();
    job = play.submit(std::move(spec), 2);
    play.settle();
    play.offer_and_settle("a1", 500);
    play.offer_and_settle("a2", 500);
    for (std::int64_t i : {0, 1}) play.says(id_of(job, i, i), MesosState::running);
    play.settle();
  }
  void scale(std::int64_t instances) {
    play.feed(SetInstanceCounts{0, job, instances, 0, 10, "ann"});
    play.settle();
  }
  bool goes(const std::string& task) const {
    const Task& one = play.task(task);
    return one.reason == "SCALED_DOWN" && (one.kill_requested || one.state == TaskState::stopped);
  }
};

TEST_CASE("of equals the youngest ends") {
  Scaled scaled;
  SUBCASE("the higher slot") {
    scaled.scale(1);
    CHECK(scaled.goes(id_of(scaled.job, 1, 1)));
    CHECK_FALSE(scaled.goes(id_of(scaled.job, 0, 0)));
  }
  SUBCASE("a lower slot that was started later") {
    scaled.play.says(id_of(scaled.job, 0, 0), MesosState::gone_by_operator, "", "MASTER");
    scaled.play.settle();
    scaled.play.offer_and_settle("a3", 500);
    scaled.play.says(id_of(scaled.job, 0, 2), MesosState::running);
    scaled.scale(1);
    CHECK(scaled.goes(id_of(scaled.job, 0, 2)));
    CHECK_FALSE(scaled.goes(id_of(scaled.job, 1, 1)));
  }
}

TEST_CASE("an instance that waits to be started again goes before one that runs") {
  auto spec = service_spec();
  spec->retry_policy = {60'000, 60'000};
  Scaled scaled(spec);
  scaled.play.says(id_of(scaled.job, 0, 0), MesosState::failed);
  scaled.play.settle();
  REQUIRE(scaled.play.task(id_of(scaled.job, 0, 2)).state == TaskState::queued);
  scaled.scale(1);
  CHECK(scaled.goes(id_of(scaled.job, 0, 2)));
  CHECK_FALSE(scaled.goes(id_of(scaled.job, 1, 1)));
}

TEST_CASE("one that is being started goes before one that runs, after one that waits") {
  Scaled scaled;
  scaled.play.says(id_of(scaled.job, 0, 0), MesosState::gone_by_operator, "", "MASTER");
  scaled.play.settle();
  scaled.play.offer_and_settle("a3", 500);
  REQUIRE(scaled.play.task(id_of(scaled.job, 0, 2)).state == TaskState::dispatched);
  scaled.scale(3);
  REQUIRE(scaled.play.task(id_of(scaled.job, 2, 3)).state == TaskState::queued);
  scaled.scale(2);
  CHECK(scaled.goes(id_of(scaled.job, 2, 3)));
  scaled.scale(1);
  CHECK(scaled.goes(id_of(scaled.job, 0, 2)));
  CHECK_FALSE(scaled.goes(id_of(scaled.job, 1, 1)));
}

TEST_CASE("one that cannot be reached goes before one that can") {
  Scaled scaled;
  scaled.play.master_says(id_of(scaled.job, 0, 0), MesosState::unreachable, "AGENT_REMOVED");
  scaled.scale(1);
  CHECK(scaled.goes(id_of(scaled.job, 0, 0)));
  CHECK_FALSE(scaled.goes(id_of(scaled.job, 1, 1)));
}

TEST_CASE("one that is ill, or not ready, goes before one that is well") {
  auto spec = service_spec();
  spec->health_checks.emplace_back();
  spec->readiness.emplace();
  Scaled scaled(spec);
  const auto says = [&](std::int64_t i, bool healthy, bool ready) {
    StatusUpdate update = scaled.play.update(id_of(scaled.job, i, i), MesosState::running);
    update.reason = "TASK_HEALTH_CHECK_STATUS_UPDATED";
    update.healthy = healthy;
    update.ready = ready;
    scaled.play.feed(update);
  };
  says(1, true, true);
  SUBCASE("ill") { says(0, false, true); }
  SUBCASE("not ready") { says(0, true, false); }
  scaled.scale(1);
  CHECK(scaled.goes(id_of(scaled.job, 0, 0)));
  CHECK_FALSE(scaled.goes(id_of(scaled.job, 1, 1)));
}

TEST_CASE("one on an agent that is drained goes with its successor, before one that is to stay") {
  Scaled scaled;
  scaled.play.feed(OrderAgent{0, AgentId("a1"), AgentOrder::Kind::drain, {}, "", "ann", ""});
  scaled.play.settle();
  REQUIRE(scaled.play.task(id_of(scaled.job, 0, 0)).replaced);
  scaled.scale(1);
  CHECK(scaled.goes(id_of(scaled.job, 0, 2)));
  CHECK(scaled.play.task(id_of(scaled.job, 0, 0)).kill_requested);
  CHECK_FALSE(scaled.play.task(id_of(scaled.job, 1, 1)).kill_requested);
}

TEST_CASE("one that ends anyway is the first to be given up") {
  Scaled scaled;
  scaled.play.feed(KillTasks{0, {TaskId(id_of(scaled.job, 0, 0))}, false, false, "ann"});
  scaled.scale(1);
  scaled.play.says(id_of(scaled.job, 0, 0), MesosState::killed);
  scaled.play.settle();
  CHECK_FALSE(scaled.play.task(id_of(scaled.job, 1, 1)).kill_requested);
  CHECK(scaled.play.tasks.size() == 2);
}

}  // namespace
}  // namespace mimas::engine
