// Why not: every agent counted once, in words that people read. The texts are what the API and the CLI show.
#include <doctest/doctest.h>

#include "scene.h"

namespace mimas::placement {
namespace {

using Reasons = std::map<std::string, std::int64_t>;

TEST_CASE("every agent is counted once, under the first reason that excludes it") {
  Scene scene;
  scene.agent("a", 1'000);
  scene.agent("b", 1);
  for (const char* id : {"c", "d", "e"}) scene.agent(id, 1'000, {{"arch", "arm"}}, 100);
  scene.cluster.start(scene.hosts.at("d"), {1, JobType::batch, "", "", false});
  scene.cluster.withdraw(scene.hosts.at("e"));
  scene.want(1, 100, 2, {"arch=arm", "UniqueHost"}).request.mem_mib = 500;
  CHECK(scene.places() == "");
  const Explanation& why = scene.why();
  CHECK(why.tasks == 2);
  CHECK(why.agents == 5);
  CHECK(why.reasons ==
        Reasons{{"constraint arch=arm", 2}, {"UniqueHost", 1}, {"memory", 1}, {"no offer", 1}});
  CHECK(
      why.text() ==
      "no agent fits: 2 of 5 fail constraint arch=arm, 1 runs the job already (UniqueHost), 1 has too little "
      "memory, 1 makes no offer now");
}

TEST_CASE("every resource has its own name when it is short") {
  auto reason = [](auto change) {
    Scene scene;
    scene.agent("a", 1'000);
    change(scene.want(1, 1, 1));
    scene.places();
    return scene.why().text();
  };
  CHECK(reason([](JobSpec& spec) { spec.request.cpu_milli = 1'001; }) ==
        "no agent fits: 1 of 1 has too little cpu");
  CHECK(reason([](JobSpec& spec) { spec.request.mem_mib = 1'001; }) ==
        "no agent fits: 1 of 1 has too little memory");
  CHECK(reason([](JobSpec& spec) { spec.request.disk_mib = 1; }) ==
        "no agent fits: 1 of 1 has too little disk");
  CHECK(reason([](JobSpec& spec) { spec.request.gpus = 1; }) == "no agent fits: 1 of 1 has too few gpus");
  CHECK(reason([](JobSpec& spec) { spec.request.ports = 1; }) == "no agent fits: 1 of 1 has too few ports");
  CHECK(reason([](JobSpec& spec) {
          spec.request.scalars = {{"fpga", 1}};
        }) == "no agent fits: 1 of 1 has too little fpga");
  CHECK(Explanation{}.text() == "no agent offers anything");
}

TEST_CASE("the order of reasons: constraints as the job names them, dedication, standing, offer, amounts") {
  Scene scene("first-fit=1", {"gpu"});
  scene.agent("a", 1, {{"gpu", "k80"}, {"arch", "arm"}});
  const HostIndex host = scene.hosts.at("a");
  scene.cluster.start(host, {1, JobType::batch, "", "", false});
  scene.cluster.withdraw(host);
  scene.cluster.stand(host, Standing::drained);
  JobSpec& spec = scene.want(1, 100, 1, {"UniqueHost", "arch=x86", "zone=z1"});
  auto next = [&](auto mend) {
    scene.places();
    const std::string reason = scene.why().reasons.begin()->first;
    mend();
    return reason;
  };
  auto without_first = [&] {
    auto other = std::make_shared<JobSpec>(spec);
    other->hard_constraints.erase(other->hard_constraints.begin());
    scene.queue.demands[0].spec = other;
    return other;
  };
  CHECK(next([] {}) == "UniqueHost");
  auto second = without_first();
  CHECK(next([] {}) == "constraint arch=x86");
  auto third = std::make_shared<JobSpec>(*second);
  third->hard_constraints.erase(third->hard_constraints.begin());
  scene.queue.demands[0].spec = third;
  CHECK(next([] {}) == "constraint zone=z1");
  auto bare = std::make_shared<JobSpec>(*third);
  bare->hard_constraints.clear();
  scene.queue.demands[0].spec = bare;
  CHECK(next([] {}) == "dedicated gpu");
  auto asking = std::make_shared<JobSpec>(*bare);
  asking->hard_constraints.push_back(*parse_constraint("gpu"));
  scene.queue.demands[0].spec = asking;
  CHECK(next([&] { scene.cluster.stand(host, Standing::open); }) == "drained");
  CHECK(next([&] { scene.cluster.offer(host, {1, 1, 0, 0, {}, {}}); }) == "no offer");
  CHECK(next([&] { scene.cluster.offer(host, {100, 1, 0, 0, {}, {}}); }) == "cpu");
  CHECK(next([&] { scene.cluster.offer(host, {100, 10, 0, 0, {}, {}}); }) == "memory");
  CHECK(scene.places() == "a");
}

TEST_CASE("sentences for one agent and for several") {
  auto text = [](const char* reason) {
    Explanation one;
    one.agents = 3;
    one.reasons = {{reason, 1}};
    Explanation two = one;
    two.reasons = {{reason, 2}};
    return one.text().substr(22) + " | " + two.text().substr(22);
  };
  CHECK(text("dedicated gpu") == "is kept for jobs that ask for gpu | are kept for jobs that ask for gpu");
  CHECK(text("maintenance") ==
        "is about to be taken down for maintenance | are about to be taken down for maintenance");
  CHECK(text("drained") == "is being drained | are being drained");
  CHECK(text("disabled") == "is disabled | are disabled");
  CHECK(text("quarantined") == "is in quarantine after failures | are in quarantine after failures");
  CHECK(text("launching") == "is busy with launches | are busy with launches");
  CHECK(text("ExclusiveHost") ==
        "is not for this job alone (ExclusiveHost) | are not for this job alone (ExclusiveHost)");
  CHECK(text("GroupBy(zone)") ==
        "has more of the job than others already (GroupBy(zone)) | have more of the job than others already "
        "(GroupBy(zone))");
  CHECK(text("MaxPer(rack, 2)") ==
        "has enough of the job already (MaxPer(rack, 2)) | have enough of the job already (MaxPer(rack, 2))");
  CHECK(text("with job:db") == "runs no task of job:db | run no task of job:db");
  CHECK(text("apart app:db") == "runs a task of app:db | run a task of app:db");
  Explanation quota;
  quota.group = "batch";
  CHECK(quota.text() == "the quota of group batch is used up");
  quota.quota = {{"cpu", 400, 250, 1'000}, {"memory", 64, 0, 512}};
  CHECK(quota.text() ==
        "the quota of group batch is used up: a task asks for 0.4 of 1 cpu, 64 of 512 MiB of memory");
  quota.quota = {{"cpu", 100, 50, 50}, {"memory", 64, 0, 512}, {"fpga", 2'000, 0, 1'000}};
  CHECK(quota.text() ==
        "the quota of group batch is less than one task asks for: 0.1 of 0.05 cpu, 2 of 1 fpga");
}

TEST_CASE("the nearest agent is the one past most reasons, then the one that lacks least") {
  Scene scene;
  scene.agent("a", 8'000, {{"arch", "x86"}}, 8'000);
  scene.agent("b", 1'000, {{"arch", "arm"}}, 100);
  scene.agent("c", 3'000, {{"arch", "arm"}}, 8'000);
  scene.agent("d", 2'000, {{"arch", "arm"}}, 8'000);
  scene.want(1, 4'000, 1, {"arch=arm"}).request.mem_mib = 1'000;
  scene.places();
  REQUIRE(scene.why().nearest.has_value());
  const NearestMiss& nearest = *scene.why().nearest;
  CHECK(nearest.agent.value == "c");
  CHECK(nearest.hostname == "host-c");
  CHECK(nearest.reason == "cpu");
  REQUIRE(nearest.lacks.size() == 1);
  CHECK(nearest.lacks[0].what == "cpu");
  CHECK(nearest.lacks[0].asked == 4'000);
  CHECK(nearest.lacks[0].free == 3'000);
  CHECK(nearest.lacks[0].total == 3'000);
  CHECK(scene.why().help == std::vector<std::string>{"without arch=arm 1 agent would fit",
                                                     "an agent with 1 more CPU free would fit"});
}

TEST_CASE("help names each constraint that alone stands in the way, and each amount") {
  Scene scene;
  scene.agent("a", 8'000, {{"arch", "x86"}});
  scene.agent("b", 8'000, {{"arch", "x86"}});
  scene.agent("c", 8'000, {{"arch", "arm"}});
  scene.agent("d", 500, {{"arch", "arm"}});
  scene.cluster.start(scene.hosts.at("c"), {1, JobType::batch, "", "", false});
  scene.want(1, 750, 1, {"arch=arm", "UniqueHost"});
  scene.places();
  CHECK(scene.why().help == std::vector<std::string>{"without arch=arm 2 agents would fit",
                                                     "without UniqueHost 1 agent would fit",
                                                     "an agent with 0.25 more CPUs free would fit"});
  Scene other;
  other.agent("a", 8'000);
  auto help = [&](ResourceRequest request) {
    other.queue.demands.clear();
    other.want(1, 100, 1).request = std::move(request);
    other.places();
    return other.why().help.at(0);
  };
  CHECK(help({1, 1'001, 0, 0, 0, {}}) == "an agent with 1 MiB more memory free would fit");
  CHECK(help({1, 1, 5, 0, 0, {}}) == "an agent with 5 MiB more disk free would fit");
  CHECK(help({1, 1, 0, 1, 0, {}}) == "an agent with 1 more GPU free would fit");
  CHECK(help({1, 1, 0, 0, 2, {}}) == "an agent with 2 more ports free would fit");
  CHECK(help({1, 1, 0, 0, 0, {{"fpga", 2'000}}}) == "an agent with 2 more fpga free would fit");
}

TEST_CASE("agents that only their names tell apart are counted by their names") {
  Scene scene;
  for (const char* id : {"a", "b", "c", "d"}) scene.agent(id, 1'000);
  scene.cluster.start(scene.hosts.at("c"), {1, JobType::batch, "", "", false});
  scene.want(1, 100, 1, {"agentId!=a", "UniqueHost", "hostname=host-a"});
  scene.places();
  CHECK(scene.why().reasons ==
        Reasons{{"constraint agentId!=a", 1}, {"UniqueHost", 1}, {"constraint hostname=host-a", 2}});
  CHECK(scene.why().help == std::vector<std::string>{"without agentId!=a 1 agent would fit",
                                                     "without hostname=host-a 2 agents would fit"});
  CHECK(scene.why().nearest->agent.value == "b");
  CHECK(scene.why().nearest->reason == "constraint hostname=host-a");
}

TEST_CASE("too large is what no agent could run, were it empty") {
  Scene scene;
  scene.agent("a", 1'000, {{"arch", "arm"}});
  scene.agent("b", 4'000);
  scene.cluster.offer(scene.hosts.at("a"), {10, 10, 0, 0, {}, {}});
  scene.cluster.withdraw(scene.hosts.at("b"));
  auto too_large = [&](std::int64_t cpu_milli, const std::vector<std::string>& hard = {}) {
    scene.queue.demands.clear();
    scene.want(1, cpu_milli, 1, hard);
    scene.places();
    return scene.why().too_large;
  };
  CHECK_FALSE(too_large(4'000));
  CHECK(too_large(4'001));
  CHECK_FALSE(too_large(1'000, {"arch=arm"}));
  CHECK(too_large(1'001, {"arch=arm"}));
  CHECK_FALSE(too_large(1'000, {"arch=ppc"}));  // that is not what is in the way
}

TEST_CASE("a quota that is used up is the reason, and no agent is looked at") {
  Scene scene;
  scene.agent("a", 10'000);
  scene.queue.groups[0].name = "batch";
  scene.queue.groups[0].quota = ResourceRequest{200, 0, 0, 0, 0, {}};
  scene.want(1, 100, 3);
  CHECK(scene.places() == "a a");
  CHECK(scene.why().group == "batch");
  CHECK(scene.why().tasks == 1);
  CHECK(scene.why().reasons.empty());
  REQUIRE(scene.why().quota.size() == 1);
  const Lack& lack = scene.why().quota[0];
  CHECK(lack.what == "cpu");
  CHECK(lack.asked == 100);
  CHECK(lack.free == 0);
  CHECK(lack.total == 200);
}

TEST_CASE("a task larger than its group's quota says so, with numbers, whatever is used of it") {
  Scene scene;
  scene.agent("a", 10'000);
  scene.queue.groups[0].name = "tiny";
  scene.queue.groups[0].quota = ResourceRequest{50, 0, 0, 0, 0, {}};
  scene.want(1, 100, 1);
  scene.places();
  CHECK(scene.why().text() == "the quota of group tiny is less than one task asks for: 0.1 of 0.05 cpu");
}

TEST_CASE("balanced demands that have nothing running share it too, the others do not") {
  Scene scene;
  scene.agent("a", 1'000, {{"zone", "z1"}});
  scene.agent("b", 100, {{"zone", "z2"}});
  scene.cluster.start(scene.hosts.at("a"), {3, JobType::batch, "", "", false});
  for (JobNumber job : {1, 2, 3}) scene.want(job, 5'000, 1, {"ZoneBalance"});
  scene.places();
  CHECK(scene.plan.unplaced[0].why == scene.plan.unplaced[1].why);
  CHECK(scene.why(0).reasons == Reasons{{"cpu", 2}});
  CHECK(scene.why(2).reasons == Reasons{{"GroupBy(zone)", 1}, {"cpu", 1}});
}

TEST_CASE("demands that are alike share what is said of them, until something changes") {
  Scene scene;
  scene.agent("a", 100);
  for (JobNumber job : {1, 2, 3}) scene.want(job, 500, job == 3 ? 2 : 1);
  scene.places();
  CHECK(scene.plan.unplaced[0].why == scene.plan.unplaced[1].why);
  CHECK(scene.plan.unplaced[2].why->tasks == 2);
  const ExplanationPtr before = scene.plan.unplaced[0].why;
  scene.places();
  CHECK(scene.plan.unplaced[0].why == before);
  scene.cluster.withdraw(scene.hosts.at("a"));
  scene.places();
  CHECK(scene.why().reasons == Reasons{{"no offer", 1}});
  scene.cluster.offer(scene.hosts.at("a"), {500, 100, 0, 0, {}, {}});
  CHECK(scene.places() == "a");
}

}  // namespace
}  // namespace mimas::placement
