// Who has to end for whom: by examples, and against an oracle that tries every set of tasks on every agent.
#include "placement/preemption.h"

#include <doctest/doctest.h>

#include <set>

#include "fair.h"
#include "random_world.h"
#include "scoring.h"

namespace mimas::placement {
namespace {

// A world whose tasks can be ended.
struct Stage {
  World world;
  std::vector<std::vector<Victim>> live;  // by host

  WorldHost& host(std::int64_t cpu_milli) {
    WorldHost host;
    const std::string number = std::to_string(world.hosts.size());
    host.facts.agent = AgentId("agent-" + number);
    host.facts.hostname = "host-" + number;
    host.facts.total.cpu_milli = host.free.cpu_milli = cpu_milli;
    world.hosts.push_back(std::move(host));
    live.emplace_back();
    return world.hosts.back();
  }
  // On the last host, whose free amounts it takes.
  Victim& task(const std::string& id, std::int64_t cpu_milli, std::int64_t priority,
               std::int64_t started = 0) {
    Victim victim;
    victim.task = TaskId(id);
    victim.work.job = 100;
    victim.priority = priority;
    victim.started = Instant{started};
    victim.allocated.cpu_milli = cpu_milli;
    world.hosts.back().free.cpu_milli -= cpu_milli;
    live.back().push_back(std::move(victim));
    return live.back().back();
  }
  Group& group(const std::string& name) {
    world.queue.groups.push_back({});
    world.queue.groups.back().name = name;
    return world.queue.groups.back();
  }
  // Of a production job, in the last group.
  Demand& demand(std::int64_t cpu_milli, std::int64_t priority,
                 const std::vector<std::string>& constraints = {}, std::int64_t count = 1,
                 bool production = true) {
    if (world.queue.groups.empty()) group("g");
    auto spec = std::make_shared<JobSpec>();
    spec->request.cpu_milli = cpu_milli;
    spec->production = production;
    for (const std::string& text : constraints) spec->hard_constraints.push_back(*parse_constraint(text));
    Demand demand;
    demand.job = static_cast<JobNumber>(world.queue.demands.size()) + 1;
    demand.spec = std::move(spec);
    demand.priority = priority;
    demand.count = count;
    demand.group = world.queue.groups.size() - 1;
    world.queue.demands.push_back(std::move(demand));
    return world.queue.demands.back();
  }
};

struct Answer {
  Plan plan;
  std::vector<Eviction> evictions;  // hosts as in the world
};

Answer ask(const Stage& stage, std::size_t most = 100) {
  World world = stage.world;
  for (std::size_t i = 0; i < world.hosts.size(); ++i) {
    for (const Victim& victim : stage.live[i]) world.hosts[i].work.push_back(victim.work);
  }
  Cluster cluster(world.rules);
  std::vector<std::size_t> order(world.hosts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto at = tell(cluster, world, order);
  auto number = [&](HostIndex host) {
    return static_cast<HostIndex>(std::find(at.begin(), at.end(), host) - at.begin());
  };
  const Plan plan = cluster.place(world.queue);
  Answer answer;
  answer.evictions = preempt(
      cluster, world.queue, plan, [&](HostIndex host) { return stage.live[number(host)]; }, most);
  for (Eviction& eviction : answer.evictions) eviction.host = number(eviction.host);
  answer.plan = in_world_terms(plan, at);
  return answer;
}

// The tasks that have to end, in the order of the answer; a blank between evictions.
std::string ended(const Stage& stage, std::size_t most = 100) {
  std::string text;
  for (const Eviction& eviction : ask(stage, most).evictions) {
    if (!text.empty()) text += " ";
    std::set<std::string> names;
    for (const TaskId& task : eviction.victims) names.insert(task.value);
    for (const std::string& name : names) text += name;
  }
  return text;
}

TEST_CASE("as few as possible, then the least important, then the youngest") {
  Stage stage;
  stage.demand(1'000, 9);
  stage.host(1'000);
  stage.task("a", 500, 0);
  stage.task("b", 500, 0);
  stage.host(1'000);
  stage.task("c", 1'000, 5);
  CHECK(ended(stage) == "c");
  stage.host(1'000);
  stage.task("d", 1'000, 4, 10);
  CHECK(ended(stage) == "d");
  stage.host(1'000);
  stage.task("e", 1'000, 4, 20);
  CHECK(ended(stage) == "e");
}

TEST_CASE("what is free already is counted, so that no more end than have to") {
  Stage stage;
  stage.demand(900, 9);
  stage.host(1'200);
  stage.task("a", 300, 0, 1);
  stage.task("b", 300, 0, 2);
  stage.task("c", 400, 0, 3);
  CHECK(ended(stage) == "bc");  // 200 are free: a and b together are not enough
}

TEST_CASE("nothing ends where the task fits, now or next to what was decided") {
  Stage stage;
  stage.demand(500, 9, {}, 2);
  stage.host(500);
  stage.task("a", 500, 0);
  stage.host(500);
  CHECK(ended(stage) == "a");  // one of two fits
  stage.host(500);
  CHECK(ended(stage).empty());
}

TEST_CASE("only production takes another's place, and never that of production") {
  Stage stage;
  stage.demand(500, 9, {}, 1, false);
  stage.host(500);
  stage.task("a", 500, 0);
  CHECK(ended(stage).empty());
  stage.demand(500, 9);
  CHECK(ended(stage) == "a");
  stage.live[0][0].production = true;
  CHECK(ended(stage).empty());
}

TEST_CASE("in one tier the priority has to be higher; a critical group takes the place of flex ones") {
  Stage stage;
  stage.demand(500, 5);
  stage.host(500);
  stage.task("a", 500, 5);
  CHECK(ended(stage).empty());
  stage.live[0][0].priority = 4;
  CHECK(ended(stage) == "a");
  stage.live[0][0].tier = Tier::critical;
  CHECK(ended(stage).empty());
  stage.world.queue.groups[0].tier = Tier::critical;
  CHECK(ended(stage) == "a");
  stage.live[0][0].tier = Tier::flex;
  stage.live[0][0].priority = 99;
  CHECK(ended(stage) == "a");
}

TEST_CASE("several tasks are helped together, and one that fits behind another ends nobody") {
  Stage stage;
  stage.demand(500, 9, {}, 3);
  stage.host(1'000);
  stage.task("a", 1'000, 0);
  stage.host(500);
  stage.task("b", 500, 1);
  CHECK(ended(stage) == "a b");  // two tasks fit where a was
  CHECK(ended(stage, 1) == "a");
  CHECK(ended(stage, 0).empty());
}

TEST_CASE("a task that keeps the demand away has to end, and bars the agent if it may not") {
  for (const char* constraint : {"ExclusiveHost", "apart(job:x)"}) {
    CAPTURE(constraint);
    Stage stage;
    stage.demand(500, 9, {constraint}).apart = {100};
    stage.host(9'000);
    stage.task("a", 100, 0);
    CHECK(ended(stage) == "a");
    stage.task("b", 100, 0);
    CHECK(ended(stage) == "ab");
    stage.task("c", 100, 9);
    CHECK(ended(stage).empty());
  }
  Stage stage;  // a job that has the agent for itself
  stage.demand(500, 9);
  stage.host(9'000);
  stage.task("a", 100, 0).work.exclusive = true;
  CHECK(ended(stage) == "a");
}

TEST_CASE("nobody ends on an agent that would not take the task all the same") {
  Stage stage;
  Demand& demand = stage.demand(500, 9, {"zone=z1", "UniqueHost"});
  stage.host(500).facts.attributes["zone"] = "z2";
  stage.task("a", 500, 0);
  WorldHost& own = stage.host(500);
  own.facts.attributes["zone"] = "z1";
  stage.task("b", 400, 0);
  Victim& mine = stage.task("c", 100, 9);
  mine.work.job = demand.job;
  mine.production = true;
  WorldHost& drained = stage.host(500);
  drained.facts.attributes["zone"] = "z1";
  drained.standing = Standing::drained;
  stage.task("d", 500, 0);
  WorldHost& dedicated = stage.host(500);
  dedicated.facts.attributes = {{"zone", "z1"}, {"gpu", "k80"}};
  stage.task("e", 500, 0);
  stage.host(499).facts.attributes["zone"] = "z1";
  stage.task("f", 499, 0);
  stage.world.rules.dedicated = {"gpu"};
  CHECK(ended(stage).empty());
  stage.world.rules.dedicated.clear();
  CHECK(ended(stage) == "e");
}

TEST_CASE("those whom the task wants to be with stay") {
  Stage stage;
  stage.demand(500, 9, {"with(job:x)"}).with = {7};
  stage.host(1'000);
  stage.task("a", 500, 0).work.job = 7;
  stage.task("b", 500, 5).work.job = 8;
  CHECK(ended(stage) == "b");
  stage.live[0][1].production = true;
  CHECK(ended(stage).empty());
}

TEST_CASE("a group at its quota ends nobody") {
  Stage stage;
  stage.group("g").quota = ResourceRequest{500, 0, 0, 0, 0, {}};
  stage.demand(500, 9, {}, 2);
  for (const char* id : {"a", "b"}) {
    stage.host(500);
    stage.task(id, 500, 0);
  }
  CHECK(ended(stage) == "a");
  stage.world.queue.groups[0].used.cpu_milli = 1;
  CHECK(ended(stage).empty());
}

TEST_CASE("an agent that is full and offers nothing can be made room on") {
  Stage stage;
  stage.demand(500, 9);
  stage.host(500).offered = false;
  stage.task("a", 500, 0);
  stage.world.hosts[0].free = {};
  CHECK(ended(stage) == "a");
}

TEST_CASE("ports and custom scalars are made room for too") {
  Stage stage;
  Demand& demand = stage.demand(100, 9);
  auto spec = std::make_shared<JobSpec>(*demand.spec);
  spec->request.ports = 2;
  spec->request.scalars = {{"fpga", 1'000}};
  demand.spec = spec;
  WorldHost& host = stage.host(1'000);
  const Ports ports = *Ports::from_ranges({{31'000, 31'001}});
  host.facts.total.ports = ports;
  host.facts.total.scalars = {{"fpga", 1'000}};
  stage.task("a", 10, 0).allocated.ports = *Ports::from_ranges({{31'000, 31'000}});
  stage.task("b", 10, 0).allocated.ports = *Ports::from_ranges({{31'001, 31'001}});
  stage.task("c", 10, 0).allocated.scalars = {{"fpga", 1'000}};
  stage.task("d", 10, 0);
  CHECK(ended(stage) == "abc");
}

TEST_CASE("where there are too many sets to look at, the least important end, and none too many") {
  Stage stage;
  stage.demand(2'000, 99);
  stage.host(4'000);
  for (int i = 0; i < 40; ++i) stage.task("t" + std::to_string(100 + i), 100, i);
  const Answer answer = ask(stage);
  REQUIRE(answer.evictions.size() == 1);
  CHECK(answer.evictions[0].victims.size() == 20);
  std::set<std::string> names;
  for (const TaskId& task : answer.evictions[0].victims) names.insert(task.value);
  CHECK(*names.begin() == "t100");
  CHECK(*names.rbegin() == "t119");
}

// --- the oracle

using Importance = std::pair<bool, std::int64_t>;

struct Cost {
  std::size_t tasks = 0;
  std::multiset<Importance, std::greater<>> importance;
  std::multiset<std::int64_t> starts;

  bool operator<(const Cost& other) const {
    if (tasks != other.tasks) return tasks < other.tasks;
    if (importance != other.importance)
      return std::lexicographical_compare(importance.begin(), importance.end(), other.importance.begin(),
                                          other.importance.end());
    // Of the oldest ones first, the later start is the better.
    return std::lexicographical_compare(other.starts.begin(), other.starts.end(), starts.begin(),
                                        starts.end());
  }
};

bool may_end(const Victim& victim, const Demand& demand, const Group& group) {
  if (victim.production || victim.work.job == demand.job) return false;
  if (group.tier == victim.tier) return victim.priority < demand.priority;
  return group.tier == Tier::critical;
}

// The world with each of these tasks gone from the host.
World without(World world, std::size_t host, const std::vector<Victim>& gone) {
  for (const Victim& victim : gone) {
    std::vector<Work>& work = world.hosts[host].work;
    work.erase(std::find_if(work.begin(), work.end(), [&](const Work& one) {
      return one.job == victim.work.job && one.executor == victim.work.executor &&
             one.exclusive == victim.work.exclusive && one.image == victim.work.image &&
             one.type == victim.work.type;
    }));
    world.hosts[host].free += victim.allocated;
    world.hosts[host].offered = true;
  }
  return world;
}

struct Best {
  std::size_t host = 0;
  std::vector<Victim> victims;
  Cost cost;
};

std::optional<Best> cheapest(const World& world, const std::vector<std::vector<Victim>>& live,
                             const Demand& demand) {
  std::optional<Best> best;
  for (std::size_t i = 0; i < world.hosts.size(); ++i) {
    std::vector<Victim> may;
    for (const Victim& victim : live[i]) {
      if (may_end(victim, demand, world.queue.groups[demand.group])) may.push_back(victim);
    }
    for (std::size_t set = 1; set < (std::size_t{1} << may.size()); ++set) {
      Best one{i, {}, {}};
      for (std::size_t bit = 0; bit < may.size(); ++bit) {
        if ((set >> bit & 1) == 0) continue;
        one.victims.push_back(may[bit]);
        ++one.cost.tasks;
        one.cost.importance.emplace(may[bit].tier == Tier::critical, may[bit].priority);
        one.cost.starts.insert(may[bit].started.ms);
      }
      if (best && !(one.cost < best->cost)) continue;
      if (takes(without(world, i, one.victims), i, demand)) best = std::move(one);
    }
  }
  return best;
}

// A random world in which every task holds something and may or may not be ended.
Stage random_stage(std::uint64_t seed) {
  WorldMaker maker(seed);
  Stage stage;
  stage.world = maker.make();
  for (Demand& demand : stage.world.queue.demands) {
    auto spec = std::make_shared<JobSpec>(*demand.spec);
    spec->production = !maker.one_in(3);
    demand.spec = std::move(spec);
    demand.priority += 1;
  }
  for (WorldHost& host : stage.world.hosts) {
    if (!host.offered || !maker.one_in(4)) host.free = {};
    for (std::size_t n = maker.below(4); n > 0; --n) host.work.push_back(maker.work(stage.world.queue));
    std::vector<Victim>& live = stage.live.emplace_back();
    for (const Work& work : host.work) {
      Victim victim;
      victim.task = TaskId(host.facts.hostname + "-" + std::to_string(live.size()));
      victim.work = work;
      victim.priority = maker.amount(2);
      // Each start once, so that no two sets cost the same.
      victim.started = Instant{static_cast<std::int64_t>(1'000 + 100 * stage.live.size() + live.size())};
      victim.production = maker.one_in(5) || (work.job <= 7 && !maker.one_in(3));
      victim.tier = maker.one_in(3) ? Tier::critical : Tier::flex;
      victim.allocated = {250 * maker.amount(6), 128 * maker.amount(6), 500 * maker.amount(2), 0, {}, {}};
      if (maker.one_in(3)) {
        const int port = 32'000 + static_cast<int>(10 * live.size());
        victim.allocated.ports = *Ports::from_ranges({{port, port + 1}});
      }
      if (maker.one_in(3)) victim.allocated.scalars = {{"fpga", 1'000}};
      live.push_back(std::move(victim));
    }
    host.work.clear();
  }
  return stage;
}

std::string text_of(const std::set<TaskId>& tasks) {
  std::string text;
  for (const TaskId& task : tasks) text += task.value + " ";
  return text;
}

// Serves what the plan left, task by task, as preempt() says it does.
class Replay {
 public:
  Replay(const Stage& stage, const Answer& answer)
      : answer_(answer), live_(stage.live), world_(stage.world), queue_(stage.world.queue) {
    for (std::size_t i = 0; i < world_.hosts.size(); ++i) {
      for (const Victim& victim : live_[i]) world_.hosts[i].work.push_back(victim.work);
    }
    for (Demand& demand : queue_.demands) demand.count = 0;
    for (const Assignment& assignment : answer.plan.assignments) apply(world_, assignment);
    for (const Unplaced& one : answer.plan.unplaced) {
      const bool served =
          queue_.demands[one.demand].spec->production && one.why->group.empty() && !one.why->too_large;
      if (served) queue_.demands[one.demand].count = one.why->tasks;
    }
  }

  // How many evictions there were.
  std::size_t judge() {
    Fair fair(queue_, total_of(world_));
    for (const Assignment& assignment : answer_.plan.assignments) {
      fair.placed(assignment.demand, assignment.allocated);
      ++fair.left[assignment.demand];
    }
    while (auto next = turn(fair)) serve(fair, *next);
    REQUIRE(at_ == answer_.evictions.size());
    return at_;
  }

 private:
  std::optional<std::size_t> turn(Fair& fair) {
    for (bool second : {false, true}) {
      if (second) fair.aside.clear();
      while (auto next = fair.next()) {
        const Demand& demand = queue_.demands[*next];
        if (best_host(world_, demand) || cheapest(world_, live_, demand)) return next;
        fair.aside.insert(*next);
      }
    }
    return std::nullopt;
  }

  void serve(Fair& fair, std::size_t next) {
    const Demand& demand = queue_.demands[next];
    CAPTURE(next);
    std::optional<std::size_t> host = best_host(world_, demand);
    if (!host) {
      const Best best = *cheapest(world_, live_, demand);
      REQUIRE(at_ < answer_.evictions.size());
      const Eviction& eviction = answer_.evictions[at_++];
      CHECK(eviction.demand == next);
      REQUIRE(eviction.host == best.host);
      std::set<TaskId> victims(eviction.victims.begin(), eviction.victims.end()), expected;
      for (const Victim& victim : best.victims) expected.insert(victim.task);
      REQUIRE(text_of(victims) == text_of(expected));
      world_ = without(world_, best.host, best.victims);
      std::erase_if(live_[best.host], [&](const Victim& victim) { return victims.contains(victim.task); });
      host = best.host;
    }
    const ResourceRequest charge = charge_there(world_.hosts[*host], demand);
    const Resources taken{charge.cpu_milli,
                          charge.mem_mib,
                          charge.disk_mib,
                          charge.gpus,
                          ports_there(world_.hosts[*host], charge.ports),
                          charge.scalars};
    apply(world_, {next, static_cast<HostIndex>(*host), taken, true, {}});
    fair.placed(next, taken);
  }

  const Answer& answer_;
  std::vector<std::vector<Victim>> live_;
  World world_;
  Queue queue_;
  std::size_t at_ = 0;
};

TEST_CASE("in thousands of random worlds nobody ends but those whom the oracle names") {
  std::size_t evictions = 0;
  const std::uint64_t seeds = 3'000;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    const Stage stage = random_stage(seed);
    const Answer answer = ask(stage);
    evictions += Replay(stage, answer).judge();
  }
  CHECK(evictions > seeds / 10);
}

}  // namespace
}  // namespace mimas::placement
