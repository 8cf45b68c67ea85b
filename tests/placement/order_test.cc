// The order in which a round gives tasks out: by examples, and against a slow oracle that looks at every
// group for every task.
#include "placement/order.h"

#include <doctest/doctest.h>

#include <map>

#include "base/prng.h"
#include "fair.h"

namespace mimas::placement {
namespace {

Resources cluster(std::int64_t cpu_milli, std::int64_t mem_mib) { return {cpu_milli, mem_mib, 0, 0, {}, {}}; }

struct Line {
  Queue queue;

  Group& group(std::string name, std::int64_t weight = 100) {
    Group group;
    group.name = std::move(name);
    group.weight = weight;
    queue.groups.push_back(std::move(group));
    return queue.groups.back();
  }
  // Into the last group.
  Demand& demand(JobNumber job, std::int64_t count, std::int64_t cpu_milli, std::int64_t mem_mib = 0) {
    auto spec = std::make_shared<JobSpec>();
    spec->request = {cpu_milli, mem_mib, 0, 0, 0, {}};
    Demand demand;
    demand.job = job;
    demand.spec = spec;
    demand.count = count;
    demand.group = queue.groups.size() - 1;
    queue.demands.push_back(std::move(demand));
    return queue.demands.back();
  }
};

Resources charge(const Demand& demand) {
  const ResourceRequest& asked = demand.spec->request;
  return {asked.cpu_milli + demand.share.cpu_milli,
          asked.mem_mib + demand.share.mem_mib,
          asked.disk_mib,
          asked.gpus,
          {},
          asked.scalars};
}

// The jobs in the order in which their tasks get a place, where everything that may be tried has one.
std::vector<JobNumber> served(const Queue& queue, const Resources& total, std::size_t most = 100) {
  Order order(queue, total);
  std::vector<JobNumber> jobs;
  while (jobs.size() < most) {
    auto next = order.next();
    if (!next) break;
    jobs.push_back(queue.demands[*next].job);
    order.placed(charge(queue.demands[*next]), true);
  }
  return jobs;
}

using Jobs = std::vector<JobNumber>;

TEST_CASE("within a group: priority, then who waits longest, then the lower job number") {
  Line line;
  line.group("a");
  line.demand(1, 1, 10).since = Instant{50};
  line.demand(4, 2, 10).since = Instant{40};
  line.demand(3, 1, 10).since = Instant{40};
  line.demand(9, 1, 10).priority = 7;
  CHECK(served(line.queue, cluster(1'000, 1'000)) == Jobs{9, 3, 4, 4, 1});
}

TEST_CASE("the group with the smaller dominant share goes next, ties by name") {
  // The example of the paper: 9 CPUs and 18 GB; one user's tasks ask for 1 CPU and 4 GB, the other's for 3
  // CPUs and 1 GB. They end with three and two tasks, each with two thirds of what matters to it.
  Line line;
  line.group("a");
  line.demand(1, 10, 1'000, 4'096);
  line.group("b");
  line.demand(2, 10, 3'000, 1'024);
  CHECK(served(line.queue, cluster(9'000, 18 * 1'024), 5) == Jobs{1, 2, 1, 2, 1});
}

TEST_CASE("a group of three times the weight gets three times the share") {
  Line line;
  line.group("heavy", 300);
  line.demand(1, 100, 10);
  line.group("light", 100);
  line.demand(2, 100, 10);
  Jobs jobs = served(line.queue, cluster(1'000, 1'000), 40);
  CHECK(std::count(jobs.begin(), jobs.end(), 1) == 30);
}

TEST_CASE("what a group used before the round counts") {
  Line line;
  line.group("a").used.mem_mib = 500;
  line.demand(1, 2, 100);
  line.group("b");
  line.demand(2, 6, 100);
  CHECK(served(line.queue, cluster(1'000, 1'000)) == Jobs{2, 2, 2, 2, 2, 1, 1, 2});
}

TEST_CASE("kinds of which the cluster has none make no share") {
  Line line;
  line.group("a").used.gpus = 8;
  line.demand(1, 1, 100);
  line.group("b").used.cpu_milli = 1;
  line.demand(2, 1, 100);
  CHECK(served(line.queue, cluster(1'000, 1'000)) == Jobs{1, 2});
}

TEST_CASE("a custom scalar makes a share like other kinds") {
  Line line;
  line.group("a").used.scalars = {{"fpga", 2'000}};
  line.demand(1, 1, 100);
  line.group("b").used.cpu_milli = 499;
  line.demand(2, 1, 100);
  Resources total = cluster(1'000, 1'000);
  total.scalars = {{"fpga", 4'000}};
  CHECK(served(line.queue, total) == Jobs{2, 1});
}

TEST_CASE("critical groups go before flex ones, whatever these use and are promised") {
  Line line;
  line.group("a").guarantee.cpu_milli = 1'000;
  line.demand(1, 2, 10);
  Group& critical = line.group("z");
  critical.tier = Tier::critical;
  critical.used.cpu_milli = 900;
  line.demand(2, 2, 10);
  CHECK(served(line.queue, cluster(1'000, 1'000)) == Jobs{2, 2, 1, 1});
}

TEST_CASE("a group goes first until one of the kinds that it is promised is used up") {
  Line line;
  line.group("a");
  line.demand(1, 1, 100);
  Group& promised = line.group("b");
  promised.guarantee.cpu_milli = 600;
  promised.guarantee.mem_mib = 1'000;
  promised.used.cpu_milli = 400;
  line.demand(2, 4, 100, 1);
  // 400 and 500 are below 600; at 600 its share is the larger one.
  CHECK(served(line.queue, cluster(1'000, 1'000)) == Jobs{2, 2, 1, 2, 2});
}

TEST_CASE("a quota stops the demand that would exceed it, and no smaller one") {
  Line line;
  line.group("a").quota = ResourceRequest{250, 0, 0, 0, 0, {}};
  line.demand(1, 3, 100, 400);
  line.demand(2, 2, 50);
  line.group("b").quota = ResourceRequest{};  // bounds nothing
  line.demand(3, 1, 500);
  Order order(line.queue, cluster(1'000, 1'000));
  std::map<JobNumber, int> placed;
  while (auto next = order.next()) {
    ++placed[line.queue.demands[*next].job];
    order.placed(charge(line.queue.demands[*next]), true);
  }
  CHECK(placed == std::map<JobNumber, int>{{1, 2}, {2, 1}, {3, 1}});
  CHECK(order.is_over_quota(0));
  CHECK(order.left(0) == 1);
  CHECK(order.is_over_quota(1));
  CHECK(order.left(1) == 1);
  CHECK_FALSE(order.is_over_quota(2));
}

TEST_CASE("a quota counts the executor's share, bandwidth and custom scalars") {
  Line line;
  line.group("a").quota = ResourceRequest{100, 0, 0, 0, 0, {}};
  line.demand(1, 1, 95).share.cpu_milli = 10;
  line.group("b").quota = ResourceRequest{0, 0, 0, 0, 0, {{"network", 99'000}}};
  auto fast = std::make_shared<JobSpec>();
  fast->network_mbps = 100;
  line.demand(2, 1, 1).spec = fast;
  line.group("c").quota = ResourceRequest{0, 0, 0, 0, 0, {{"fpga", 500}}};
  auto fpga = std::make_shared<JobSpec>();
  fpga->request.scalars = {{"fpga", 501}};
  line.demand(3, 1, 1).spec = fpga;
  Order order(line.queue, cluster(1'000, 1'000));
  CHECK(order.next() == std::nullopt);
  for (std::size_t demand : {0, 1, 2}) CHECK(order.is_over_quota(demand));
}

TEST_CASE("a quota below what is used holds back only tasks that ask for more of that kind") {
  Line line;
  Group& group = line.group("a");
  group.quota = ResourceRequest{100, 0, 0, 2, 0, {}};
  group.used.gpus = 3;
  line.demand(1, 1, 100);
  CHECK(served(line.queue, cluster(1'000, 1'000)) == Jobs{1});
}

TEST_CASE("a demand that finds no place steps aside and blocks nobody") {
  Line line;
  line.group("a");
  line.demand(1, 5, 100).priority = 9;
  line.demand(2, 1, 100);
  line.group("b");
  line.demand(3, 1, 100);
  Order order(line.queue, cluster(1'000, 1'000));
  REQUIRE(order.next() == 0);
  order.placed(charge(line.queue.demands[0]), true);
  REQUIRE(order.next() == 2);
  order.failed();
  REQUIRE(order.next() == 0);
  order.failed();
  CHECK(order.left(0) == 4);
  REQUIRE(order.next() == 1);
  CHECK(order.next() == 1);  // the same until it is told
  order.placed(charge(line.queue.demands[1]), true);
  CHECK(order.next() == std::nullopt);
  CHECK_FALSE(order.is_over_quota(0));
}

TEST_CASE("who failed for want of another job's task gets a second turn after it, once all had their first") {
  Line line;
  line.group("a");
  line.demand(1, 1, 100).with = {3};
  line.demand(2, 1, 100).executor = "shared";
  line.demand(3, 1, 100);
  line.demand(4, 2, 100).executor = "shared";
  Order order(line.queue, cluster(1'000, 1'000));
  order.next();
  order.failed();
  REQUIRE(order.next() == 1);
  order.failed();
  REQUIRE(order.next() == 2);
  order.placed(charge(line.queue.demands[2]), true);
  REQUIRE(order.next() == 3);
  order.placed(charge(line.queue.demands[3]), false);
  REQUIRE(order.next() == 3);
  order.failed();
  REQUIRE(order.next() == 0);
  order.placed(charge(line.queue.demands[0]), true);
  CHECK(order.next() == std::nullopt);  // no executor was started that the others would share
}

TEST_CASE("a job whose balance was refused is tried again when another demand of it was placed") {
  Line line;
  line.group("a");
  auto balanced = std::make_shared<JobSpec>();
  Constraint zones;
  zones.kind = Constraint::Kind::group_by;
  balanced->hard_constraints = {zones};
  line.demand(1, 1, 100).spec = balanced;
  line.demand(1, 1, 100).executor = "shared";
  Order order(line.queue, cluster(1'000, 1'000));
  REQUIRE(order.next() == 0);
  order.failed();
  REQUIRE(order.next() == 1);
  order.placed(charge(line.queue.demands[1]), true);
  REQUIRE(order.next() == 0);
  order.failed();
  CHECK(order.next() == std::nullopt);
}

TEST_CASE("two hopes that come true give no turn to a demand that is placed already") {
  Line line;
  line.group("a").tier = Tier::critical;
  line.demand(1, 1, 100).with = {3, 4};
  line.demand(3, 1, 100);
  line.group("b");
  line.demand(4, 1, 100).with = {3};
  Order order(line.queue, cluster(1'000, 1'000));
  REQUIRE(order.next() == 0);
  order.failed();
  REQUIRE(order.next() == 1);
  order.placed(charge(line.queue.demands[1]), true);
  REQUIRE(order.next() == 2);
  order.failed();
  REQUIRE(order.next() == 0);
  order.placed(charge(line.queue.demands[0]), true);
  CHECK(order.next() == std::nullopt);

  Order other(line.queue, cluster(1'000, 1'000));
  other.next();
  other.failed();
  other.next();
  other.placed(charge(line.queue.demands[1]), true);
  REQUIRE(other.next() == 2);
  other.placed(charge(line.queue.demands[2]), true);
  REQUIRE(other.next() == 0);
  other.placed(charge(line.queue.demands[0]), true);
  CHECK(other.next() == std::nullopt);
}

TEST_CASE("shares are compared exactly, also where they need more than 64 bits") {
  // 3/7 against 3/7 minus a hair, of totals near the largest that there may be.
  const std::int64_t total = (std::int64_t{1} << 50) - 1;
  Line line;
  line.group("a", 9'999).used.cpu_milli = total / 7 * 3;
  line.demand(1, 1, 1);
  line.group("b", 9'999).used.mem_mib = total / 7 * 3 - 1;
  line.demand(2, 1, 1);
  CHECK(served(line.queue, cluster(total, total)) == Jobs{2, 1});
  line.queue.groups[1].used.mem_mib += 2;
  CHECK(served(line.queue, cluster(total, total)) == Jobs{1, 2});
}

TEST_CASE("nothing waits: nothing is next") {
  Line line;
  CHECK(served(line.queue, cluster(1, 1)).empty());
  line.group("a");
  line.demand(1, 0, 10);
  CHECK(served(line.queue, cluster(1, 1)).empty());
}

Queue random_queue(Prng& random) {
  Line line;
  const std::uint64_t groups = 1 + random.below(5);
  for (std::uint64_t g = 0; g < groups; ++g) {
    Group& group = line.group("g" + std::to_string(g), static_cast<std::int64_t>(1 + random.below(4)));
    auto small = [&] { return static_cast<std::int64_t>(random.below(8)); };
    if (random.below(3) == 0) group.tier = Tier::critical;
    if (random.below(3) == 0) group.guarantee = {small(), small(), 0, 0, 0, {}};
    if (random.below(3) == 0) group.quota = ResourceRequest{small() * 2, small() * 2, 0, 0, 0, {}};
    group.used = {small(), small(), 0, 0, 0, {}};
    for (std::uint64_t d = random.below(5); d > 0; --d) {
      const auto job = static_cast<JobNumber>(line.queue.demands.size());
      Demand& demand = line.demand(job, small(), small() % 4, small() % 4);
      demand.priority = small() % 3;
      demand.since = Instant{small() % 3};
    }
  }
  return line.queue;
}

TEST_CASE("thousands of random queues are served as the oracle says") {
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    CAPTURE(seed);
    Prng random(seed);
    const Queue queue = random_queue(random);
    const Resources total = cluster(20, 30);
    Fair fair(queue, total);
    Order order(queue, total);
    for (;;) {
      const auto next = order.next();
      REQUIRE(next == fair.next());
      if (!next) break;
      const Demand& demand = queue.demands[*next];
      if (random.below(5) == 0) {
        order.failed();
        fair.aside.insert(*next);
        continue;
      }
      order.placed(charge(demand), true);
      fair.placed(*next, charge(demand));
    }
    for (std::size_t i = 0; i < queue.demands.size(); ++i) REQUIRE(order.left(i) == fair.left[i]);
  }
}

}  // namespace
}  // namespace mimas::placement
