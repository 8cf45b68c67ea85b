#include "placement/cluster.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/assert.h"
#include "placement/explain.h"
#include "placement/order.h"

namespace mimas::placement {

Work work_of(const Demand& demand) {
  const JobSpec& spec = *demand.spec;
  const bool exclusive =
      std::any_of(spec.hard_constraints.begin(), spec.hard_constraints.end(),
                  [](const Constraint& c) { return c.kind == Constraint::Kind::exclusive_host; });
  return {demand.job, spec.type, spec.application_name, demand.executor, exclusive};
}

struct Cluster::Data {
  explicit Data(Rules given) : rules(std::move(given)), hosts(rules), search(rules, hosts) {}
  Data(const Data& other) : rules(other.rules), hosts(other.hosts), search(rules, hosts) {}
  Data& operator=(const Data&) = delete;

  Rules rules;
  Hosts hosts;
  Search search;
  Totals totals;
  std::uint64_t totals_at = 0;  // version of the hosts
};

Cluster::Cluster(Rules rules) : data_(std::make_unique<Data>(std::move(rules))) {}
Cluster::~Cluster() = default;
Cluster::Cluster(Cluster&&) noexcept = default;
Cluster& Cluster::operator=(Cluster&&) noexcept = default;

Cluster Cluster::copy() const {
  Cluster other;
  other.data_ = std::make_unique<Data>(*data_);
  return other;
}

HostIndex Cluster::put(HostFacts facts) { return data_->hosts.put(std::move(facts)); }
void Cluster::remove(HostIndex host) { data_->hosts.remove(host); }
void Cluster::offer(HostIndex host, Resources free) { data_->hosts.set_free(host, true, std::move(free)); }
void Cluster::withdraw(HostIndex host) { data_->hosts.set_free(host, false, {}); }
void Cluster::stand(HostIndex host, Standing standing) { data_->hosts.stand(host, standing); }

void Cluster::start(HostIndex host, const Work& work) { data_->hosts.start(host, data_->hosts.intern(work)); }

void Cluster::end(HostIndex host, const Work& work) {
  const WorkThere there = data_->hosts.look_up(work);
  data_->hosts.end(host, there);
  data_->hosts.release(there);
}

void Cluster::hold(HostIndex host, const Hold& hold) { data_->hosts.hold(host, hold); }
void Cluster::use_hold(HostIndex host, JobNumber job, const Resources& taken) {
  (void)data_->hosts.use_hold(host, job, taken);
  for (const Hold& rest : std::vector<Hold>(data_->hosts.at(host).holds)) data_->hosts.hold(host, rest);
}
void Cluster::avoid_ports(HostIndex host, Ports ports) { data_->hosts.avoid_ports(host, std::move(ports)); }

std::vector<HostIndex> Cluster::hosts() const {
  std::vector<HostIndex> all;
  all.reserve(data_->hosts.by_id().size());
  for (const auto& [id, host] : data_->hosts.by_id()) all.push_back(host);
  return all;
}

const HostFacts& Cluster::facts(HostIndex host) const { return data_->hosts.at(host).facts; }
const Resources& Cluster::free(HostIndex host) const { return data_->hosts.at(host).free; }
ResourceRequest Cluster::held_for_others(HostIndex host, JobNumber job) const {
  return data_->hosts.at(host).held_for_others(job);
}
std::int64_t Cluster::running(HostIndex host) const { return data_->hosts.at(host).tasks; }
const Rules& Cluster::rules() const { return data_->rules; }
std::uint64_t Cluster::looks() const { return data_->search.looks(); }

Totals Cluster::totals() const {
  Hosts& hosts = data_->hosts;
  if (data_->totals_at == hosts.version()) return data_->totals;
  hosts.settle();
  Totals totals;
  totals.agents = hosts.known();
  totals.offering = hosts.offering();
  totals.idle = hosts.idle();
  totals.total = hosts.total();
  totals.free = hosts.free();
  for (const Cell& cell : hosts.cells()) {
    if (cell.hosts.empty()) continue;
    totals.largest_cpu_milli = std::max(totals.largest_cpu_milli, cell.key.cpu);
    totals.largest_mem_mib = std::max(totals.largest_mem_mib, cell.key.mem);
    totals.largest_disk_mib = std::max(totals.largest_disk_mib, cell.key.disk);
    totals.largest_gpus = std::max(totals.largest_gpus, cell.key.gpus);
  }
  data_->totals = totals;
  data_->totals_at = hosts.version();
  return totals;
}

namespace {

// One call of place(): what it decides is told to the hosts, so that it counts for what follows, and taken
// back at the end.
class Round {
 public:
  Round(Hosts& hosts, Search& search, const Queue& queue, std::size_t most, const Successor& successor)
      : hosts_(hosts), search_(search), queue_(queue), most_(most), successor_(successor) {
    search_.begin_round();
    meet_demands();
  }

  Plan run() {
    Order order(queue_, hosts_.total(), successor_);
    std::vector<bool> failed;
    while (plan_.assignments.size() < most_) {
      const std::optional<std::size_t> next = order.next();
      if (!next) break;
      if (wanted_.size() < queue_.demands.size()) meet_demands();
      failed.resize(queue_.demands.size());
      Wanted& wanted = wanted_[*next];
      const std::optional<Pick> pick = search_.pick(wanted);
      if (pick) {
        assign(*next, *pick);
        order.placed(plan_.assignments.back().allocated, pick->charge.share);
      } else {
        order.failed();
      }
      failed[*next] = !pick;
      if (!pick || order.left(*next) == 0) wanted.view.reset();
    }
    failed.resize(order.demands());
    for (std::size_t at = 0; at < order.demands(); ++at) {
      const std::int64_t left = order.left(at);
      if (left == 0) continue;
      if (order.is_over_quota(at)) {
        plan_.unplaced.push_back({at, over_quota(at, left, order.quota_lacks(at))});
      } else if (failed[at]) {
        plan_.unplaced.push_back({at, why(at, left)});
      }
    }
    take_back();
    return std::move(plan_);
  }

 private:
  void meet_demands();  // those that the queue has got since
  void assign(std::size_t demand, const Pick& pick);
  ExplanationPtr over_quota(std::size_t demand, std::int64_t tasks, std::vector<Lack> lacks) const;
  ExplanationPtr why(std::size_t demand, std::int64_t tasks);
  void take_back();

  Hosts& hosts_;
  Search& search_;
  const Queue& queue_;
  const std::size_t most_;
  const Successor& successor_;
  std::deque<Wanted> wanted_;  // they stay where they are: the search remembers who has a view
  std::vector<std::pair<HostIndex, Hold>> held_;  // as it was before each assignment that used a part of it
  Plan plan_;
};

void Round::meet_demands() {
  while (wanted_.size() < queue_.demands.size()) {
    wanted_.push_back(search_.want(queue_.demands[wanted_.size()]));
  }
  hosts_.settle();  // after executors have turned out to be shared
}

void Round::assign(std::size_t demand, const Pick& pick) {
  const Wanted& wanted = wanted_[demand];
  const ResourceRequest& request = wanted.cls->request;
  Resources taken;
  taken.cpu_milli = pick.charge.cpu;
  taken.mem_mib = pick.charge.mem;
  taken.disk_mib = request.disk_mib;
  taken.gpus = request.gpus;
  taken.scalars = request.scalars;
  if (pick.charge.network) add_scalars(taken.scalars, {{std::string(kNetworkScalar), wanted.cls->network}});
  if (request.ports > 0) taken.ports = hosts_.at(pick.host).take_ports(request.ports);
  hosts_.take(pick.host, taken);
  if (auto before = hosts_.use_hold(pick.host, wanted.demand->job, taken))
    held_.emplace_back(pick.host, *std::move(before));
  hosts_.start(pick.host, wanted.work);
  hosts_.settle();
  search_.changed(pick.host);
  plan_.assignments.push_back({demand, pick.host, std::move(taken), pick.charge.share, pick.score});
}

ExplanationPtr Round::over_quota(std::size_t demand, std::int64_t tasks, std::vector<Lack> lacks) const {
  auto explanation = std::make_shared<Explanation>();
  explanation->tasks = tasks;
  explanation->agents = hosts_.known();
  explanation->group = queue_.groups[queue_.demands[demand].group].name;
  explanation->quota = std::move(lacks);
  return explanation;
}

// Demands of one class share the explanation, unless something about their own job matters.
ExplanationPtr Round::why(std::size_t demand, std::int64_t tasks) {
  Wanted& wanted = wanted_[demand];
  search_.refresh(wanted);
  const bool counts = !wanted.cls->balances.empty() && hosts_.use(wanted.demand->job) != nullptr;
  if (search_.has_special(wanted) || counts) return explain(search_, hosts_, wanted, tasks);
  Ranking& ranking = *wanted.ranking;
  if (ranking.explained == nullptr || ranking.explained_at != hosts_.version()) {
    ranking.explained = explain(search_, hosts_, wanted, tasks);
    ranking.explained_at = hosts_.version();
  } else if (ranking.explained->tasks != tasks) {
    auto other = std::make_shared<Explanation>(*ranking.explained);
    other->tasks = tasks;
    return other;
  }
  return ranking.explained;
}

void Round::take_back() {
  for (auto at = plan_.assignments.rbegin(); at != plan_.assignments.rend(); ++at) {
    hosts_.end(at->host, wanted_[at->demand].work);
    hosts_.give_back(at->host, at->allocated);
  }
  for (auto at = held_.rbegin(); at != held_.rend(); ++at) hosts_.hold(at->first, at->second);
  for (const Wanted& wanted : wanted_) search_.release(wanted);
}

}  // namespace

Plan Cluster::place(const Queue& queue, std::size_t most, const Successor& successor) {
  return Round(data_->hosts, data_->search, queue, most, successor).run();
}

}  // namespace mimas::placement
