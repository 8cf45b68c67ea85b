// Every kind of constraint, hard and soft, by examples.
#include <doctest/doctest.h>

#include "scene.h"

namespace mimas::placement {
namespace {

// Three agents: a has arch=arm, b arch=x86 and zone=z1, c nothing but zone=z2.
Scene three(const std::string& fitness = "first-fit=1") {
  Scene scene(fitness);
  scene.agent("a", 1'000, {{"arch", "arm"}});
  scene.agent("b", 1'000, {{"arch", "x86"}, {"zone", "z1"}});
  scene.agent("c", 1'000, {{"zone", "z2"}});
  return scene;
}

std::string soft_pick(const char* text) {
  Scene scene = three();
  scene.want(1, 100, 1, {}, {text});
  return scene.places();
}

TEST_CASE("hard and soft constraints on attributes") {
  struct Row {
    const char* text;
    const char* hard;
    const char* soft;
  };
  const Row rows[] = {
      {"arch=x86", "b", "b"},
      {"arch!=arm", "b", "b"},
      {"arch in (x86, ppc)", "b", "b"},
      {"arch not in (arm, x86)", "c", "c"},
      {"arch", "a", "a"},
      {"!arch", "c", "c"},
      {"hostname=host-c", "c", "c"},
      {"agentId!=a", "b", "b"},
      {"zone=z2", "c", "c"},
      {"arch like x.*", "b", "b"},
      {"hostname like .*-[bc]", "b", "b"},
      {"hostname not like .*-[ab]", "c", "c"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    Scene scene = three();
    scene.want(1, 100, 1, {row.text});
    CHECK(scene.places() == row.hard);
    CHECK(soft_pick(row.text) == row.soft);
  }
}

TEST_CASE("a soft constraint excludes nobody") {
  Scene scene = three();
  scene.want(1, 600, 4, {}, {"arch=x86"});
  CHECK(scene.places() == "b a c");
  CHECK(scene.plan.assignments[0].score.soft == 1'000);
  CHECK(scene.plan.assignments[0].score.total == 1'000);
  CHECK(scene.plan.assignments[1].score.soft == 0);
  CHECK(scene.plan.assignments[1].score.total == 400);
}

TEST_CASE("without soft constraints the score is the fitness") {
  Scene scene = three("pack-cpu=1");
  scene.want(1, 500, 1);
  CHECK(scene.places() == "a");
  CHECK(scene.plan.assignments[0].score.total == 500);
  CHECK(scene.plan.assignments[0].score.fitness == 500);
  CHECK(scene.plan.assignments[0].score.soft == -1);
}

TEST_CASE("soft constraints are weighed against each other") {
  Scene scene = three();
  JobSpec& spec = scene.want(1, 100, 1, {}, {"arch=arm", "zone=z2"});
  CHECK(scene.places() == "a");
  CHECK(scene.plan.assignments[0].score.soft == 500);
  spec.soft_constraints[1].weight = 3;
  scene.cluster = Cluster(scene.cluster.rules());
  scene.agent("a", 1'000, {{"arch", "arm"}});
  scene.agent("c", 1'000, {{"zone", "z2"}});
  CHECK(scene.places() == "c");
  CHECK(scene.plan.assignments[0].score.soft == 750);
}

TEST_CASE("UniqueHost soft: fewer tasks of the job are better") {
  Scene scene = three("pack=1");
  scene.want(1, 100, 4, {}, {"UniqueHost"});
  CHECK(scene.places() == "a b c a");
  CHECK(scene.plan.assignments[3].score.soft == 500);
}

TEST_CASE("ExclusiveHost: no other job before or after, by the job or against it") {
  Scene scene = three();
  scene.cluster.start(scene.hosts.at("a"), {9, JobType::batch, "", "", false});
  scene.want(1, 400, 3, {"ExclusiveHost"});
  scene.want(2, 100, 12);
  CHECK(scene.places() == "b b c a a a a a a a a a a");
  CHECK(scene.why(1).reasons == std::map<std::string, std::int64_t>{{"ExclusiveHost", 2}, {"cpu", 1}});
  scene.tell();
  Scene again = three();
  again.want(1, 400, 1, {}, {"ExclusiveHost"});
  again.cluster.start(again.hosts.at("a"), {9, JobType::batch, "", "", false});
  CHECK(again.places() == "b");
}

TEST_CASE("ExclusiveHost: an agent that is the job's own takes more of it, and others when it is gone") {
  Scene scene;
  scene.agent("a", 1'000);
  scene.want(1, 400, 1, {"ExclusiveHost"});
  CHECK(scene.places() == "a");
  scene.tell();
  CHECK(scene.places() == "a");
  scene.queue.demands.clear();
  scene.want(2, 100, 1);
  CHECK(scene.places() == "");
  scene.cluster.end(scene.hosts.at("a"), {1, JobType::batch, "", "", true});
  CHECK(scene.places() == "a");
}

TEST_CASE("agents with a dedicated attribute take only jobs that ask for it") {
  struct Row {
    const char* text;
    bool asks;
  };
  for (const Row& row : {Row{"gpu=k80", true}, Row{"gpu in (k80, p4)", true}, Row{"gpu", true},
                         Row{"gpu!=p4", false}, Row{"arch!=arm", false}}) {
    Scene scene("first-fit=1", {"gpu"});
    scene.agent("a", 1'000, {{"gpu", "k80"}});
    scene.want(1, 100, 1, {row.text});
    CAPTURE(row.text);
    CHECK(scene.places() == (row.asks ? "a" : ""));
    if (!row.asks) CHECK(scene.why().reasons == std::map<std::string, std::int64_t>{{"dedicated gpu", 1}});
  }
  Scene scene("first-fit=1", {"gpu"});
  scene.agent("a", 1'000, {{"gpu", "k80"}});
  scene.want(1, 100, 1, {}, {"gpu=k80"});
  CHECK(scene.places() == "");
}

TEST_CASE("with: where the job runs, in the same round too") {
  Scene scene = three();
  scene.want(1, 100, 1, {"with(job:db)"});
  scene.queue.demands[0].with = {7};
  CHECK(scene.places() == "");
  CHECK(scene.why().reasons == std::map<std::string, std::int64_t>{{"with job:db", 3}});
  scene.want(7, 100, 1, {"arch=x86"});
  CHECK(scene.places() == "b b");
}

TEST_CASE("with and apart as wishes") {
  for (const bool with : {true, false}) {
    Scene scene = three();
    scene.cluster.start(scene.hosts.at("b"), {7, JobType::batch, "", "", false});
    scene.cluster.start(scene.hosts.at("a"), {8, JobType::batch, "", "", false});
    scene.want(1, 100, 1, {}, {with ? "with(job:db)" : "apart(job:db)"});
    scene.queue.demands[0].with_soft = {7};
    scene.queue.demands[0].apart_soft = {7, 8};
    CHECK(scene.places() == (with ? "b" : "c"));
  }
}

TEST_CASE("apart: not where the job runs, nor where one runs that asks to be apart from this one") {
  Scene scene = three();
  scene.cluster.start(scene.hosts.at("a"), {7, JobType::batch, "", "", false});
  scene.want(1, 600, 3, {"apart(job:db)"});
  scene.queue.demands[0].apart = {7};
  CHECK(scene.places() == "b c");
  CHECK(scene.why().reasons == std::map<std::string, std::int64_t>{{"apart job:db", 1}, {"cpu", 2}});
  scene.queue.demands.clear();
  scene.want(2, 600, 3);
  scene.queue.demands[0].apart = {7};
  CHECK(scene.places() == "b c");
  CHECK(scene.why().reasons == std::map<std::string, std::int64_t>{{"apart job:mimas-7", 1}, {"cpu", 2}});
}

TEST_CASE("bandwidth is charged where an agent has any") {
  Scene scene("first-fit=1");
  Resources all = scene.agent("a", 1'000);
  all.scalars = {{"network", 100'000}};
  scene.offer("a", all);
  scene.agent("b", 1'000);
  scene.want(1, 100, 3).network_mbps = 60;
  CHECK(scene.places() == "a b b");
  CHECK(scene.plan.assignments[0].allocated.scalars == Scalars{{"network", 60'000}});
  CHECK(scene.plan.assignments[1].allocated.scalars.empty());
}

TEST_CASE("other scalars are needed wherever they are asked for") {
  Scene scene("first-fit=1");
  scene.agent("a", 1'000);
  Resources all = scene.agent("b", 1'000);
  all.scalars = {{"fpga", 3'000}};
  scene.offer("b", all);
  scene.want(1, 100, 2).request.scalars = {{"fpga", 2'000}};
  CHECK(scene.places() == "b");
  CHECK(scene.plan.assignments[0].allocated.scalars == Scalars{{"fpga", 2'000}});
  CHECK(scene.why().reasons == std::map<std::string, std::int64_t>{{"scalar fpga", 2}});
}

}  // namespace
}  // namespace mimas::placement
