// Thousands of small random worlds: what Cluster::place decides is held against an oracle that looks at every
// agent for every task (world.h, scoring.h, fair.h). A failure prints its seed.
#include <doctest/doctest.h>

#include "fair.h"
#include "random_world.h"
#include "scoring.h"

namespace mimas::placement {
namespace {

constexpr std::uint64_t kSeeds = 4'000;

Plan decide(const World& world, const std::vector<std::size_t>& order) {
  Cluster cluster(world.rules);
  const auto at = tell(cluster, world, order);
  return in_world_terms(cluster.place(world.queue), at);
}

Plan decide(const World& world) {
  std::vector<std::size_t> order(world.hosts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  return decide(world, order);
}

// Replays a plan on a world that is told each assignment, one question at a time.
class Judge {
 public:
  Judge(const World& world, const Plan& plan)
      : world_(world), plan_(plan), fair_(world.queue, total_of(world)) {}

  void judge() {
    for (const Assignment& assignment : plan_.assignments) {
      const auto turn = whose_turn();
      REQUIRE(turn.has_value());
      REQUIRE(*turn == assignment.demand);
      check_place(assignment);
      check_amounts(assignment);
      check_score(assignment);
      apply(world_, assignment);
      fair_.placed(assignment.demand, assignment.allocated);
    }
    const std::string left = placeable();
    REQUIRE(left == "");
    check_unplaced();
  }

 private:
  // The demand that fairness names, of those that an agent takes; first without those that failed before.
  std::optional<std::size_t> whose_turn() {
    for (bool second : {false, true}) {
      if (second) fair_.aside.clear();
      while (auto next = fair_.next()) {
        if (best_host(world_, world_.queue.demands[*next])) return next;
        fair_.aside.insert(*next);
      }
    }
    return std::nullopt;
  }

  std::string placeable() {
    const auto turn = whose_turn();
    if (!turn) return {};
    const Demand& demand = world_.queue.demands[*turn];
    return "demand " + std::to_string(*turn) + " fits on host " + std::to_string(*best_host(world_, demand));
  }

  void check_place(const Assignment& assignment) const {
    const WorldHost& host = world_.hosts[assignment.host];
    const Demand& demand = world_.queue.demands[assignment.demand];
    CHECK(obstacles(world_, host, demand) == std::vector<std::string>{});
    CHECK(assignment.allocated.fits(host.free));
    // What is held for others is left, as far as it was there.
    Resources left = host.free;
    left -= assignment.allocated;
    for (const Hold& hold : host.holds) {
      if (hold.job == demand.job) continue;
      CHECK(left.cpu_milli >= std::min(hold.amounts.cpu_milli, host.free.cpu_milli));
      CHECK(left.ports.count() >= std::min(hold.amounts.ports, host.free.ports.count()));
    }
    // What others were promised when they came first.
    for (const Demand& other : world_.queue.demands) {
      if (other.job == demand.job || tasks_of(host, other.job) == 0) continue;
      CHECK_FALSE((asks_exclusive(*other.spec) && is_taken_by_other(host, demand.job)));
      const bool apart = has_kind(other.spec->hard_constraints, Constraint::Kind::apart_from_job) &&
                         std::count(other.apart.begin(), other.apart.end(), demand.job) > 0;
      CHECK_FALSE(apart);
    }
  }

  void check_amounts(const Assignment& assignment) const {
    const WorldHost& host = world_.hosts[assignment.host];
    const Demand& demand = world_.queue.demands[assignment.demand];
    const ResourceRequest charge = charge_there(host, demand);
    CHECK(assignment.charged == pays_share(host, demand));
    const Resources expected{
        charge.cpu_milli, charge.mem_mib, charge.disk_mib, charge.gpus, ports_there(host, charge.ports),
        charge.scalars};
    CHECK(assignment.allocated == expected);
  }

  void check_score(const Assignment& assignment) const {
    const Demand& demand = world_.queue.demands[assignment.demand];
    CHECK(best_host(world_, demand) == assignment.host);
    const Score score = score_there(world_, world_.hosts[assignment.host], demand).score;
    CHECK(assignment.score.total == score.total);
    CHECK(assignment.score.fitness == score.fitness);
    CHECK(assignment.score.soft == score.soft);
  }

  void check_unplaced() const {
    std::size_t at = 0;
    for (std::size_t i = 0; i < world_.queue.demands.size(); ++i) {
      if (fair_.left[i] == 0) continue;
      CAPTURE(i);
      REQUIRE(at < plan_.unplaced.size());
      REQUIRE(plan_.unplaced[at].demand == i);
      REQUIRE(plan_.unplaced[at].why != nullptr);
      check_why(i, *plan_.unplaced[at++].why);
    }
    CHECK(at == plan_.unplaced.size());
  }

  void check_why(std::size_t at, const Explanation& why) const {
    const Demand& demand = world_.queue.demands[at];
    CHECK(why.tasks == fair_.left[at]);
    CHECK_FALSE(why.text().empty());
    if (!why.group.empty()) {
      CHECK(fair_.exceeds_quota(at));
      CHECK(why.group == world_.queue.groups[demand.group].name);
      return;
    }
    CHECK(why.agents == static_cast<std::int64_t>(world_.hosts.size()));
    std::map<std::string, std::int64_t> first;  // reason → agents of which it is the first
    for (const WorldHost& host : world_.hosts) ++first[obstacles(world_, host, demand).front()];
    CHECK(text_of(why.reasons) == text_of(first));
    if (why.nearest) check_nearest(demand, *why.nearest);
    if (why.too_large) check_too_large(demand);
    CHECK(without_of(why.help) == what_stands_alone(demand));
  }

  static std::string without_of(const std::vector<std::string>& help) {
    std::string text;
    for (const std::string& one : help) {
      const bool counts = !one.starts_with("without apart(") && !one.starts_with("without ExclusiveHost ");
      if (one.starts_with("without ") && counts) text += one + "; ";
    }
    return text;
  }

  // Each hard constraint but for which agents would fit, with their number. Not ExclusiveHost and apart(…):
  // what they object to is an obstacle of its own where the other job insists on it as well.
  std::string what_stands_alone(const Demand& demand) const {
    std::string text;
    for (const Constraint& constraint : demand.spec->hard_constraints) {
      if (constraint.kind == Constraint::Kind::apart_from_job ||
          constraint.kind == Constraint::Kind::exclusive_host)
        continue;
      const auto agents = std::count_if(world_.hosts.begin(), world_.hosts.end(), [&](const WorldHost& host) {
        return obstacles(world_, host, demand).size() == 1 && !keeps(world_, host, demand, constraint);
      });
      if (agents == 0) continue;
      text += "without " + constraint.text + " " + std::to_string(agents) +
              (agents == 1 ? " agent would fit; " : " agents would fit; ");
    }
    return text;
  }

  static bool is_name(const Constraint& constraint) {
    return is_about_attributes(constraint.kind) &&
           (constraint.attribute == "hostname" || constraint.attribute == "agentId");
  }

  static std::string text_of(const std::map<std::string, std::int64_t>& reasons) {
    std::string text;
    for (const auto& [reason, agents] : reasons) text += reason + ": " + std::to_string(agents) + "; ";
    return text;
  }

  // Of those that its constraints on what agents are allow, whatever their names, none has enough; where they
  // allow none, none at all.
  void check_too_large(const Demand& demand) const {
    JobSpec spec = *demand.spec;
    std::erase_if(spec.hard_constraints, [](const Constraint& c) { return is_name(c); });
    const bool some_allowed =
        std::any_of(world_.hosts.begin(), world_.hosts.end(),
                    [&](const WorldHost& host) { return is_eligible(world_, host, spec); });
    for (WorldHost host : world_.hosts) {
      if (some_allowed && !is_eligible(world_, host, spec)) continue;
      host.work.clear();
      CHECK_FALSE(short_of(charge_there(host, demand), host.facts.total).empty());
    }
  }

  void check_nearest(const Demand& demand, const NearestMiss& nearest) const {
    for (const WorldHost& host : world_.hosts) {
      if (host.facts.agent != nearest.agent) continue;
      CHECK(nearest.hostname == host.facts.hostname);
      CHECK(nearest.reason == obstacles(world_, host, demand).front());
      for (const Lack& lack : nearest.lacks) CHECK(lack.asked > lack.free);
      return;
    }
    FAIL_CHECK("the nearest miss is not an agent");
  }

  World world_;
  const Plan& plan_;
  Fair fair_;
};

bool same(const Plan& a, const Plan& b) {
  auto same_assignment = [](const Assignment& x, const Assignment& y) {
    return x.demand == y.demand && x.host == y.host && x.allocated == y.allocated && x.charged == y.charged &&
           x.score.total == y.score.total;
  };
  auto same_unplaced = [](const Unplaced& x, const Unplaced& y) {
    return x.demand == y.demand && *x.why == *y.why;
  };
  return std::equal(a.assignments.begin(), a.assignments.end(), b.assignments.begin(), b.assignments.end(),
                    same_assignment) &&
         std::equal(a.unplaced.begin(), a.unplaced.end(), b.unplaced.begin(), b.unplaced.end(),
                    same_unplaced);
}

TEST_CASE("every decision and every refusal is the one that a look at everything finds") {
  std::size_t assignments = 0, unplaced = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    const World world = WorldMaker(seed).make();
    const Plan plan = decide(world);
    Judge(world, plan).judge();
    assignments += plan.assignments.size();
    unplaced += plan.unplaced.size();
  }
  CHECK(assignments > kSeeds / 2);  // the worlds are neither empty …
  CHECK(unplaced > kSeeds);         // … nor roomy
}

TEST_CASE("the order in which agents are told changes nothing") {
  for (std::uint64_t seed = 1; seed <= kSeeds / 4; ++seed) {
    CAPTURE(seed);
    WorldMaker maker(seed);
    const World world = maker.make();
    CHECK(same(decide(world), decide(world, maker.shuffled(world.hosts.size()))));
  }
}

TEST_CASE("deciding changes no fact, and a limit only cuts the plan short") {
  for (std::uint64_t seed = 1; seed <= kSeeds / 4; ++seed) {
    CAPTURE(seed);
    WorldMaker maker(seed);
    const World world = maker.make();
    Cluster cluster(world.rules);
    const auto at = tell(cluster, world, maker.shuffled(world.hosts.size()));
    const Plan whole = in_world_terms(cluster.place(world.queue), at);
    const std::size_t most = maker.below(whole.assignments.size() + 1);
    Plan cut = in_world_terms(cluster.place(world.queue, most), at);
    REQUIRE(cut.assignments.size() == most);
    Plan begin = whole;
    begin.assignments.resize(most);
    cut.unplaced.clear();
    begin.unplaced.clear();
    CHECK(same(cut, begin));
    CHECK(same(in_world_terms(cluster.place(world.queue), at), whole));
    CHECK(same(in_world_terms(cluster.copy().place(world.queue), at), whole));
  }
}

// One cluster lives through many changes; after each it must decide as one that has just been told it all.
class Life {
 public:
  explicit Life(std::uint64_t seed) : maker_(seed), world_(maker_.make()), cluster_(world_.rules) {
    at_ = tell(cluster_, world_, maker_.shuffled(world_.hosts.size()));
  }

  void live() {
    for (int step = 0; step < 12; ++step) {
      CAPTURE(step);
      const Plan plan = in_world_terms(cluster_.place(world_.queue), at_);
      REQUIRE(same(plan, decide(world_)));
      if (maker_.one_in(3)) {
        act_on(plan);
      } else {
        change();
      }
    }
  }

 private:
  void act_on(const Plan& plan) {
    for (const Assignment& assignment : plan.assignments) {
      Demand& demand = world_.queue.demands[assignment.demand];
      apply(world_, assignment);
      --demand.count;
      cluster_.start(at_[assignment.host], work_of(demand));
      cluster_.offer(at_[assignment.host], world_.hosts[assignment.host].free);
      cluster_.use_hold(at_[assignment.host], demand.job, assignment.allocated);
    }
    for (Demand& demand : world_.queue.demands) {
      if (demand.count == 0) demand.count = maker_.amount(2);
    }
  }

  void change() {
    if (world_.hosts.empty()) return;
    const std::size_t i = maker_.below(world_.hosts.size());
    WorldHost& host = world_.hosts[i];
    switch (maker_.below(7)) {
      case 0: return end_a_task(i);
      case 1:
        host.offered = !host.offered;
        host.offered ? cluster_.offer(at_[i], host.free) : cluster_.withdraw(at_[i]);
        return;
      case 2:
        host.standing = static_cast<Standing>(maker_.one_in(2) ? 0 : maker_.below(6));
        return cluster_.stand(at_[i], host.standing);
      case 3: {  // it comes back as another, with other facts
        WorldHost other = maker_.host(i, world_.queue);
        other.work = host.work;
        other.holds = host.holds;
        other.avoided = host.avoided;
        host = other;
        at_[i] = cluster_.put(host.facts);
        cluster_.stand(at_[i], host.standing);
        return host.offered ? cluster_.offer(at_[i], host.free) : cluster_.withdraw(at_[i]);
      }
      case 4:
        cluster_.remove(at_[i]);
        host = maker_.host(i, world_.queue);
        at_[i] = cluster_.put(host.facts);
        for (const Work& work : host.work) cluster_.start(at_[i], work);
        cluster_.stand(at_[i], host.standing);
        if (host.offered) cluster_.offer(at_[i], host.free);
        for (const Hold& hold : host.holds) cluster_.hold(at_[i], hold);
        return cluster_.avoid_ports(at_[i], host.avoided);
      case 5:
        for (const Hold& hold : host.holds) cluster_.hold(at_[i], {hold.job, false, {}});
        host.holds = maker_.one_in(3) ? std::vector<Hold>() : maker_.holds(world_.queue);
        for (const Hold& hold : host.holds) cluster_.hold(at_[i], hold);
        return;
      default:
        host.work.push_back(maker_.work(world_.queue));
        return cluster_.start(at_[i], host.work.back());
    }
  }

  void end_a_task(std::size_t i) {
    WorldHost& host = world_.hosts[i];
    if (host.work.empty()) return;
    const std::size_t which = maker_.below(host.work.size());
    cluster_.end(at_[i], host.work[which]);
    host.work.erase(host.work.begin() + static_cast<std::ptrdiff_t>(which));
    host.free = host.facts.total;
    if (host.offered) cluster_.offer(at_[i], host.free);
  }

  WorldMaker maker_;
  World world_;
  Cluster cluster_;
  std::vector<HostIndex> at_;
};

TEST_CASE("what a cluster has lived through does not show in what it decides") {
  for (std::uint64_t seed = 1; seed <= kSeeds / 4; ++seed) {
    CAPTURE(seed);
    Life(seed).live();
  }
}

}  // namespace
}  // namespace mimas::placement
