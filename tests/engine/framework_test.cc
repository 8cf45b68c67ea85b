// A framework given up or torn down: its tasks end, its jobs do not.
#include <doctest/doctest.h>

#include "play.h"

using namespace mimas;
using namespace mimas::engine;

namespace {

// A running service, a running batch job, a batch task on its way out, and one job that still waits.
struct Cluster : Play {
  Cluster() {
    subscribe();
    submit(service_spec());
    submit(batch_spec());
    submit(batch_spec());
    offer_and_settle("a1", 2'000);
    for (const char* id : {kService, kBatch, kLeaving}) says(id, MesosState::running);
    feed(KillTasks{0, {TaskId(kLeaving)}, false, false, ""});
    submit(batch_spec());
  }
  static constexpr const char* kService = "mimas-1-worker-0-0";
  static constexpr const char* kBatch = "mimas-2-worker-0-0";
  static constexpr const char* kLeaving = "mimas-3-worker-0-0";
  static constexpr const char* kWaiting = "mimas-4-worker-0-0";
};

}  // namespace

TEST_CASE(
    "a torn down framework takes its tasks with it; jobs wait for the next one, and nothing is launched") {
  Cluster cluster;
  cluster.feed(ForgetFramework{7, true});
  CHECK(cluster.only<Reply>()->answer.ok());
  CHECK(cluster.framework.empty());
  for (const char* id : {Cluster::kService, Cluster::kBatch, Cluster::kLeaving}) {
    CHECK(cluster.task(id).state == TaskState::stopped);
    CHECK(cluster.task(id).reason == "FRAMEWORK_TORN_DOWN");
  }
  CHECK(cluster.task(Cluster::kWaiting).state == TaskState::queued);
  CHECK(cluster.task("mimas-1-worker-0-1").state == TaskState::queued);
  CHECK(cluster.task("mimas-2-worker-0-1").state == TaskState::queued);
  CHECK(!cluster.tasks.contains("mimas-3-worker-0-1"));  // somebody had asked for its end
  cluster.settle();
  CHECK(cluster.none<AcceptOffers>());
  CHECK(cluster.none<KillOnAgent>());
}

TEST_CASE("a framework given up after a restart: launched tasks are lost and start again under the new id") {
  Cluster cluster;
  cluster.restart();
  cluster.feed(ForgetFramework{});
  CHECK(cluster.framework.empty());
  CHECK(cluster.task(Cluster::kService).state == TaskState::crashed);
  CHECK(cluster.task(Cluster::kService).reason == "FRAMEWORK_REMOVED");
  CHECK(cluster.task(Cluster::kLeaving).state == TaskState::stopped);
  cluster.restart();
  cluster.feed(Subscribed{FrameworkId("F2"), "master:5050"});
  CHECK(cluster.framework.value == "F2");
  CHECK(cluster.questions().empty());  // nothing is left to ask about
  cluster.offer_and_settle("a1", 2'000);
  CHECK(cluster.only<AcceptOffers>()->launches.size() == 3);
}

TEST_CASE("a new subscription keeps what is suppressed, and work revives it") {
  Play play;
  play.subscribe();
  play.offer_and_settle("a1");
  REQUIRE(play.all<SuppressOffers>().size() == 1);
  play.feed(Disconnected{"eof"});
  play.subscribe();
  play.settle();
  CHECK(play.none<SuppressOffers>());
  CHECK(play.none<ReviveOffers>());
  play.submit(batch_spec());
  play.settle();
  CHECK(play.all<ReviveOffers>().size() == 1);
}
