// Placement by examples: each fact and each constraint, by values.
#include "placement/cluster.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "scene.h"

namespace mimas::placement {
namespace {

TEST_CASE("tasks go to the first agent by id that fits, whatever the order in which agents were told") {
  Scene scene("first-fit=1");
  scene.agent("b", 1'000);
  scene.agent("a", 250);
  scene.want(1, 100, 4);
  CHECK(scene.places() == "a a b b");
  CHECK(scene.plan.unplaced.empty());
}

TEST_CASE("a demand that does not fit does not block the next one") {
  Scene scene;
  scene.agent("a", 500);
  scene.want(1, 600, 1);
  scene.want(2, 500, 1);
  CHECK(scene.places() == "a");
  REQUIRE(scene.plan.unplaced.size() == 1);
  CHECK(scene.plan.unplaced[0].demand == 0);
}

TEST_CASE("what was decided counts only once it is told") {
  Scene scene;
  scene.agent("a", 500);
  scene.want(1, 300, 2);
  CHECK(scene.places() == "a");
  CHECK(scene.places() == "a");
  scene.tell();
  CHECK(scene.places() == "");
  CHECK(scene.cluster.running(scene.hosts.at("a")) == 1);
}

TEST_CASE("no more than the caller wants is placed, and who was not tried is not called unplaced") {
  Scene scene;
  scene.agent("a", 500);
  scene.want(1, 100, 3);
  scene.want(2, 100, 3);
  CHECK(scene.places(2) == "a a");
  CHECK(scene.plan.unplaced.empty());
}

TEST_CASE("agents are filled one after another, and types of jobs stay apart") {
  Scene scene("pack=20, same-type=80");
  scene.agent("a", 1'000);
  scene.agent("b", 1'000);
  scene.agent("c", 1'000);
  scene.want(1, 300, 2);
  scene.want(2, 300, 2).type = JobType::service;
  scene.want(3, 300, 2);
  CHECK(scene.places() == "a a b b a c");
}

TEST_CASE("host ports are the lowest free ones, and never given twice") {
  Scene scene;
  Resources free = scene.agent("a", 1'000);
  free.ports = *Ports::from_ranges({{31'005, 31'006}, {31'000, 31'001}});
  scene.offer("a", free);
  scene.want(1, 100, 2).request.ports = 2;
  CHECK(scene.places() == "a a");
  CHECK(scene.plan.assignments[0].allocated.ports.text() == "[31000-31001]");
  CHECK(scene.plan.assignments[1].allocated.ports.text() == "[31005-31006]");
}

TEST_CASE("an executor's share is paid by each task, or once on each agent by those who share it") {
  Scene scene;
  scene.agent("a", 330);
  scene.want(1, 100, 3);
  scene.queue.demands[0].share = {10, 4, 0, 0, 0, {}};
  CHECK(scene.places() == "a a a");
  CHECK(scene.plan.assignments[2].allocated.cpu_milli == 110);
  CHECK(scene.plan.assignments[2].allocated.mem_mib == 14);
  CHECK(scene.plan.assignments[2].charged);
  scene.agent("a", 329);
  CHECK(scene.places() == "a a");

  scene.agent("a", 310);
  scene.queue.demands[0].executor = "x";
  CHECK(scene.places() == "a a a");
  CHECK(scene.plan.assignments[0].allocated.cpu_milli == 110);
  CHECK(scene.plan.assignments[0].charged);
  CHECK(scene.plan.assignments[1].allocated.cpu_milli == 100);
  CHECK_FALSE(scene.plan.assignments[1].charged);

  // It runs there already, for this job or for another.
  for (JobNumber job : {1, 2}) {
    Scene other;
    other.agent("a", 300);
    other.cluster.start(other.hosts.at("a"), {job, JobType::batch, "", "x", false});
    other.want(1, 100, 3);
    other.queue.demands[0].share = {10, 4, 0, 0, 0, {}};
    other.queue.demands[0].executor = "x";
    CHECK(other.places() == "a a a");
    CHECK_FALSE(other.plan.assignments[0].charged);
  }
}

TEST_CASE("hostname and agentId are attributes like others") {
  for (const char* text : {"hostname=host-b", "agentId=b", "hostname in (host-x, host-b)", "agentId!=a"}) {
    Scene scene;
    scene.agent("a", 1'000);
    scene.agent("b", 1'000);
    scene.want(1, 100, 1, {text});
    CHECK(scene.places() == "b");
  }
}

TEST_CASE("UniqueHost: one task of the job on each agent") {
  Scene scene;
  scene.agent("a", 1'000);
  scene.agent("b", 1'000);
  scene.want(1, 100, 3, {"UniqueHost"});
  CHECK(scene.places() == "a b");
  scene.tell();
  CHECK(scene.places() == "");
  scene.cluster.end(scene.hosts.at("b"), {1, JobType::batch, "", "", false});
  CHECK(scene.places() == "b");
}

}  // namespace
}  // namespace mimas::placement
