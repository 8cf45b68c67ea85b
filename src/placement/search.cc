#include "placement/search.h"

#include <algorithm>

#include "base/assert.h"

namespace mimas::placement {
namespace {

void sort_uniquely(std::vector<HostIndex>& hosts) {
  std::sort(hosts.begin(), hosts.end());
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
}

constexpr std::size_t kRanksMax = std::size_t{1} << 22;   // of all classes together, some 40 bytes each
constexpr std::size_t kViewedMax = std::size_t{1} << 22;  // entries of all views together, 24 bytes each
constexpr std::size_t kRankingsMax = 4'096;               // remembered from one round to the next
constexpr std::size_t kHeapSpare = 256;                   // entries that have gone stale
constexpr std::int64_t kAvoided = std::int64_t{1} << 48;  // below every rank that an agent can have otherwise

bool is_worse(const Entry& a, const Entry& b) {
  return a.rank != b.rank ? a.rank < b.rank : a.order > b.order;
}

void push(Heap& heap, const Entry& entry) {
  heap.push_back(entry);
  std::push_heap(heap.begin(), heap.end(), is_worse);
}

Entry pop(Heap& heap) {
  std::pop_heap(heap.begin(), heap.end(), is_worse);
  const Entry first = heap.back();
  heap.pop_back();
  return first;
}

void prefer(std::optional<Entry>& best, Entry entry, std::int64_t bonus) {
  entry.rank += bonus;
  if (!best || is_worse(*best, entry)) best = entry;
}

void note(std::vector<int>& values, int value) {
  if (value >= 0 && std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
}

}  // namespace

std::optional<std::int64_t> lane_score(const Want& want, const std::vector<int>& values) {
  std::int64_t score = 0;
  const std::vector<Balance>& balances = want.cls->balances;
  for (std::size_t i = 0; i < balances.size(); ++i) {
    const Balance& balance = balances[i];
    if (balance.attribute < 0) continue;
    const std::int64_t count = want.balances[i].count(values[i]);
    if (balance.hard) {
      if (blocks(balance, count, want.balances[i].least)) return std::nullopt;
    } else if (values[i] >= 0) {
      score += balance_score(balance, count, want.balances[i].least) * balance.constraint->weight;
    }
  }
  return score;
}

void Search::begin_round() {
  ++round_;
  changes_.clear();
  viewing_.clear();
  viewed_ = 0;
  if (rankings_.size() > kRankingsMax) {
    rankings_.clear();
    ranks_kept_ = 0;
  }
}

// --- demands

Ranking& Search::ranking_of(const Demand& demand, NameId shared_executor) {
  auto [at, fresh] = rankings_.try_emplace(DemandClass::key(demand, shared_executor));
  if (fresh) {
    at->second = std::make_unique<Ranking>(demand, *rules_, *hosts_);
    at->second->cls.executor = shared_executor;
    hosts_->settle();  // what it asks about may be new, and tell agents apart
  }
  return *at->second;
}

Wanted Search::want(const Demand& demand) {
  Wanted want;
  want.demand = &demand;
  want.work = hosts_->intern(work_of(demand));
  for (const AgentId& agent : demand.avoid) {
    auto at = hosts_->by_id().find(agent);
    if (at != hosts_->by_id().end()) want.avoided.push_back(at->second);
  }
  return want;
}

void Search::refresh(Wanted& want) {
  const NameId shared = hosts_->is_shared_by_jobs(want.work.executor) ? want.work.executor : 0;
  if (want.ranking == nullptr) {
    want.ranking = &ranking_of(*want.demand, shared);
    want.cls = &want.ranking->cls;
    want.own_executor = want.work.executor != 0 && shared == 0;
    want.balances.resize(want.cls->balances.size());
  }
  want.ranking->used = round_;
  sync(*want.ranking);
  want.is_listed = want.cls->asks_for_hosts;
  const JobUse* use = hosts_->use(want.demand->job);
  for (std::size_t i = 0; i < want.balances.size(); ++i) {
    BalanceNow& now = want.balances[i];
    const int attribute = want.cls->balances[i].attribute;
    if (attribute < 0) continue;  // scan() counts agents
    const auto number = static_cast<std::size_t>(attribute);
    now.counts = use == nullptr || use->counts.size() <= number ? nullptr : &use->counts[number];
    const std::vector<int>& values = want.ranking->eligible[i];
    now.least = values.empty() ? 0 : INT64_MAX;
    for (int value : values) now.least = std::min(now.least, now.count(value));
  }
}

// Looked up where the constraint says which names, else every name is compared. In no order, and one may
// stand there twice.
std::vector<HostIndex> Search::allowed_by(const Constraint& constraint) const {
  std::vector<HostIndex> allowed;
  const bool looks_up =
      constraint.kind == Constraint::Kind::equals || constraint.kind == Constraint::Kind::in;
  if (looks_up && constraint.attribute == "hostname") {
    for (const std::string& value : constraint.values) {
      const auto& hosts = hosts_->named(value);
      allowed.insert(allowed.end(), hosts.begin(), hosts.end());
    }
  } else if (looks_up) {
    for (const std::string& value : constraint.values) {
      auto at = hosts_->by_id().find(AgentId(value));
      if (at != hosts_->by_id().end()) allowed.push_back(at->second);
    }
  } else {
    for (const auto& [id, host] : hosts_->by_id()) {
      if (fits_hosts_name(constraint, hosts_->at(host))) allowed.push_back(host);
    }
  }
  return allowed;
}

// Kept while no agent comes, goes or is named otherwise.
void Search::list_hosts(Ranking& ranking) {
  if (ranking.listed_at == hosts_->names_version()) return;
  ranking.listed_at = hosts_->names_version();
  const std::vector<const Constraint*> named = names_asked_by(ranking.cls);
  std::vector<HostIndex>& listed = ranking.listed;
  listed.clear();
  if (named.empty()) {
    for (const auto& [id, host] : hosts_->by_id()) listed.push_back(host);
  } else {
    auto looked_up = std::find_if(named.begin(), named.end(), [](const Constraint* one) {
      return one->kind == Constraint::Kind::equals || one->kind == Constraint::Kind::in;
    });
    listed = allowed_by(looked_up == named.end() ? *named.front() : **looked_up);
  }
  std::erase_if(listed, [&](HostIndex host) {
    return !std::all_of(named.begin(), named.end(),
                        [&](const Constraint* one) { return fits_hosts_name(*one, hosts_->at(host)); });
  });
  sort_uniquely(listed);
}

bool Search::is_avoided(const Wanted& want, const Host& host) const {
  return std::any_of(want.avoided.begin(), want.avoided.end(),
                     [&](HostIndex index) { return &hosts_->at(index) == &host; });
}

bool Search::is_special(const Wanted& want, const Host& host) const {
  if (want.is_listed) return true;  // those that are not listed are in no heap
  const Demand& demand = *want.demand;
  auto runs = [&](const std::vector<JobNumber>& jobs) {
    return std::any_of(jobs.begin(), jobs.end(), [&](JobNumber job) { return host.count_of(job) > 0; });
  };
  const JobUse* use = hosts_->use(demand.job);
  const bool own =
      want.cls->asks_where_it_runs || want.own_executor || (use != nullptr && use->exclusive > 0);
  if (own && host.count_of(demand.job) > 0) return true;
  if (host.holds_for(demand.job) || is_avoided(want, host)) return true;
  if (!host.holds.empty() && std::any_of(demand.apart.begin(), demand.apart.end(),
                                         [&](JobNumber job) { return host.holds_for(job); }))
    return true;
  if (want.work.image != 0 && host.has_image(want.work.image)) return true;
  return runs(demand.with) || runs(demand.apart) || runs(demand.with_soft) || runs(demand.apart_soft);
}

std::vector<HostIndex> Search::special(const Wanted& want) const {
  if (want.is_listed) return want.ranking->listed;
  std::vector<HostIndex> special;
  add_those_at_work(want, special);
  sort_uniquely(special);
  return special;
}

// Who fails the first constraint on names, whatever its work, is one of many only if the job has no interest
// in it; and who holds none but that one, only if it fails the second too. So whoever holds either is singled
// out.
std::vector<HostIndex> Search::singled_out(const Wanted& want) const {
  if (!want.is_listed) return special(want);
  const std::vector<const Constraint*> named = names_asked_by(*want.cls);
  if (named.empty()) return want.ranking->listed;  // everybody
  std::vector<HostIndex> singly;
  for (std::size_t i = 0; i < std::min<std::size_t>(named.size(), 2); ++i) {
    const std::vector<HostIndex> allowed = allowed_by(*named[i]);
    singly.insert(singly.end(), allowed.begin(), allowed.end());
  }
  add_those_at_work(want, singly);
  sort_uniquely(singly);
  return singly;
}

void Search::add_those_at_work(const Wanted& want, std::vector<HostIndex>& hosts) const {
  auto add = [&](JobNumber job) {
    if (const JobUse* use = hosts_->use(job); use != nullptr) {
      hosts.insert(hosts.end(), use->hosts.begin(), use->hosts.end());
    }
  };
  const Demand& demand = *want.demand;
  const JobUse* use = hosts_->use(demand.job);
  if (use != nullptr && (want.cls->asks_where_it_runs || want.cls->balances_over_hosts || want.own_executor ||
                         use->exclusive > 0))
    add(demand.job);
  for (const auto* jobs : {&demand.with, &demand.apart, &demand.with_soft, &demand.apart_soft}) {
    for (JobNumber job : *jobs) add(job);
  }
  auto add_all = [&](const auto& more) { hosts.insert(hosts.end(), more.begin(), more.end()); };
  add_all(hosts_->with_image(want.work.image));
  add_all(hosts_->held_for(demand.job));
  for (JobNumber job : demand.apart) add_all(hosts_->held_for(job));
  add_all(want.avoided);
}

bool Search::has_special(const Wanted& want) const {
  if (want.is_listed) return true;
  const Demand& demand = *want.demand;
  const JobUse* own = hosts_->use(demand.job);
  if (own != nullptr && (want.cls->asks_where_it_runs || want.own_executor || own->exclusive > 0))
    return true;
  if (!hosts_->with_image(want.work.image).empty()) return true;
  if (!want.avoided.empty() || !hosts_->held_for(demand.job).empty()) return true;
  if (std::any_of(demand.apart.begin(), demand.apart.end(),
                  [&](JobNumber job) { return !hosts_->held_for(job).empty(); }))
    return true;
  for (const auto* jobs : {&demand.with, &demand.apart, &demand.with_soft, &demand.apart_soft}) {
    for (JobNumber job : *jobs) {
      if (hosts_->use(job) != nullptr) return true;
    }
  }
  return false;
}

// --- the ranks of cells

std::optional<std::int64_t> Search::judge(const Wanted& want, const CellKey& key, const Host* host,
                                          bool balances) {
  ++looks_;
  std::optional<CellKey> own;
  const CellKey& there = host == nullptr ? key : hosts_->key_on(*host, want.demand->job, own);
  if (why_not(*hosts_, want, there, host, balances).stage != Stage::none) return std::nullopt;
  const std::int64_t value = rank(*want.cls, merit(*hosts_, want, there, host));
  return host != nullptr && is_avoided(want, *host) ? value - kAvoided : value;
}

std::uint32_t Search::lane_of(Ranking& ranking, const std::vector<int>& values) {
  for (std::size_t i = 0; i < ranking.lanes.size(); ++i) {
    if (ranking.lanes[i].values == values) return static_cast<std::uint32_t>(i);
  }
  ranking.lanes.push_back({values, {}});
  return static_cast<std::uint32_t>(ranking.lanes.size() - 1);
}

void Search::consider(Ranking& ranking, CellId id) {
  const Cell& cell = hosts_->cells()[id];
  if (cell.hosts.empty()) return;
  if (id >= ranking.ranks.size()) {
    ranks_kept_ += hosts_->cells().size() - ranking.ranks.size();
    ranking.ranks.resize(hosts_->cells().size());
  }
  Ranking::Rank& rank = ranking.ranks[id];
  if (rank.generation != cell.generation) {
    Wanted typical;  // of the class: no job, nothing special
    static const Demand nobody;
    typical.demand = &nobody;
    typical.cls = &ranking.cls;
    typical.balances.resize(ranking.cls.balances.size());
    rank.generation = cell.generation;
    rank.rank = judge(typical, cell.key, nullptr, false).value_or(-1);
    if (rank.rank >= 0) rank.lane = lane_of(ranking, ranking.cls.fixed(*hosts_, cell.key.attributes).values);
  }
  if (rank.rank >= 0) push(ranking.lanes[rank.lane].cells, {rank.rank, cell.hosts.begin()->first, id});
}

void Search::build(Ranking& ranking) {
  if (ranks_kept_ > kRanksMax) forget_rankings();
  ranking.cls.forget_fixed();
  ranking.lanes.clear();
  ranks_kept_ -= ranking.ranks.size();
  ranking.ranks.clear();
  ranking.pending.clear();
  ranking.eligible.assign(ranking.cls.balances.size(), {});
  auto note_values = [&](std::uint32_t attributes) {
    const Fixed& fixed = ranking.cls.fixed(*hosts_, attributes);
    if (!fixed.is_eligible()) return;
    for (std::size_t i = 0; i < ranking.eligible.size(); ++i) note(ranking.eligible[i], fixed.values[i]);
  };
  if (ranking.cls.asks_for_hosts) {
    list_hosts(ranking);
    for (HostIndex host : ranking.listed) note_values(hosts_->at(host).attributes);
  } else {
    for (std::uint32_t id = 0; id < hosts_->classes().size(); ++id) {
      if (hosts_->classes()[id].hosts > 0) note_values(id);
    }
  }
  ranking.built = ++builds_;
  ranking.topology = hosts_->topology();
  ranking.seen = hosts_->news_end();
  if (ranking.cls.asks_for_hosts || ranking.cls.asks_for_company) return;  // agents are looked at singly
  const bool any_will_do = rules_->fitness.good_enough <= 1'000;
  for (CellId id = 0; id < hosts_->cells().size(); ++id) {
    const Cell& cell = hosts_->cells()[id];
    if (!any_will_do) {
      consider(ranking, id);
    } else if (!cell.hosts.empty()) {
      ranking.pending.push_back({0, cell.hosts.begin()->first, id});
    }
  }
  std::make_heap(ranking.pending.begin(), ranking.pending.end(), is_worse);
}

void Search::consider_pending(Ranking& ranking) {
  const Entry next = pop(ranking.pending);
  consider(ranking, next.what);
}

bool Search::is_good_enough(const DemandClass& cls, std::int64_t rank) const {
  const std::int64_t scale = cls.soft_weight == 0 ? 1 : 100 * cls.soft_weight;
  return rank / scale >= rules_->fitness.good_enough;
}

void Search::sync(Ranking& ranking) {
  std::size_t entries = 0;
  for (const Lane& lane : ranking.lanes) entries += lane.cells.size();
  const bool renamed = ranking.cls.asks_for_hosts && ranking.listed_at != hosts_->names_version();
  if (renamed || ranking.built == 0 || ranking.topology != hosts_->topology() ||
      ranking.seen < hosts_->news_begin() || entries > 4 * hosts_->cells_in_use() + kHeapSpare) {
    build(ranking);
    return;
  }
  const bool singly = ranking.cls.asks_for_hosts || ranking.cls.asks_for_company;
  for (; ranking.seen < hosts_->news_end(); ++ranking.seen) {
    if (!singly) consider(ranking, hosts_->news(ranking.seen));
  }
}

// All but those that this round has used are dropped, and of those the ranks.
void Search::forget_rankings() {
  ranks_kept_ = 0;
  for (auto at = rankings_.begin(); at != rankings_.end();) {
    if (at->second->used != round_) {
      at = rankings_.erase(at);
      continue;
    }
    at->second->built = 0;
    at->second->lanes.clear();
    at->second->ranks = {};
    at->second->pending = {};
    ++at;
  }
}

// --- views

void Search::consider_single(Wanted& want, HostIndex index) {
  const Host& host = hosts_->at(index);
  std::optional<std::int64_t> rank = judge(want, hosts_->cells()[host.cell].key, &host, false);
  if (!rank) return;
  const std::uint32_t lane = lane_of(*want.ranking, want.cls->fixed(*hosts_, host.attributes).values);
  if (lane >= want.view->singles.size()) {
    want.view->singles.resize(lane + 1);
    want.view->cells.resize(lane + 1);
  }
  push(want.view->singles[lane], {*rank, host.order, index});
}

void Search::build_view(Wanted& want) {
  Ranking& ranking = *want.ranking;
  while (!ranking.pending.empty()) consider_pending(ranking);
  if (viewed_ > kViewedMax) {  // others make theirs again when it is their turn
    for (Wanted* other : viewing_) other->view.reset();
    viewing_.clear();
    viewed_ = 0;
  }
  viewing_.push_back(&want);
  want.view.emplace();
  View& view = *want.view;
  view.built = ranking.built;
  view.seen = ranking.seen;
  view.changes = changes_.size();
  for (const Lane& lane : ranking.lanes) {
    view.cells.push_back(lane.cells);
    viewed_ += lane.cells.size();
  }
  view.singles.resize(view.cells.size());
  for (HostIndex index : special(want)) consider_single(want, index);
}

void Search::sync_view(Wanted& want) {
  const Ranking& ranking = *want.ranking;
  if (!want.view || want.view->built != ranking.built || want.view->seen < hosts_->news_begin()) {
    build_view(want);
    return;
  }
  View& view = *want.view;
  for (; view.seen < hosts_->news_end(); ++view.seen) {
    const CellId id = hosts_->news(view.seen);
    const Cell& cell = hosts_->cells()[id];
    if (cell.hosts.empty() || id >= ranking.ranks.size()) continue;
    const Ranking::Rank& rank = ranking.ranks[id];
    if (rank.generation != cell.generation || rank.rank < 0) continue;
    if (rank.lane >= view.cells.size()) {
      view.cells.resize(rank.lane + 1);
      view.singles.resize(rank.lane + 1);
    }
    push(view.cells[rank.lane], {rank.rank, cell.hosts.begin()->first, id});
  }
  for (; view.changes < changes_.size(); ++view.changes) {
    const HostIndex index = changes_[view.changes];
    if (is_special(want, hosts_->at(index))) consider_single(want, index);
  }
}

// --- the search

void Search::search_cells(const Wanted& want, Heap& heap, std::int64_t bonus, std::optional<Entry>& best) {
  while (!heap.empty()) {
    Entry entry = heap.front();
    if (best && entry.rank + bonus < best->rank) return;
    const Cell& cell = hosts_->cells()[entry.what];
    const Ranking::Rank& rank = want.ranking->ranks[entry.what];
    if (rank.generation != cell.generation || rank.rank != entry.rank) {
      pop(heap);
      continue;
    }
    auto member = want.view ? cell.hosts.lower_bound({entry.order, 0}) : cell.hosts.begin();
    if (want.view) {
      while (member != cell.hosts.end() && is_special(want, hosts_->at(member->second))) ++member;
    }
    if (member != cell.hosts.end() && member->first == entry.order) {
      entry.what = member->second;
      prefer(best, entry, bonus);
      return;
    }
    pop(heap);  // the agent that it stood for has left the cell, or is special
    if (member == cell.hosts.end()) continue;
    entry.order = member->first;
    push(heap, entry);
  }
}

void Search::search_singles(Wanted& want, Heap& heap, std::int64_t bonus, std::optional<Entry>& best) {
  while (!heap.empty()) {
    const Entry& entry = heap.front();
    if (best && entry.rank + bonus < best->rank) return;
    const Host& host = hosts_->at(entry.what);
    // Whatever changes is entered again, so that an entry that is no longer true may go.
    if (judge(want, hosts_->cells()[host.cell].key, &host, false) == entry.rank) {
      prefer(best, entry, bonus);
      return;
    }
    pop(heap);
  }
}

// Balances over agents: every answer changes with every task.
std::optional<Entry> Search::scan(Wanted& want) {
  std::int64_t least = INT64_MAX;
  for (HostIndex index : want.ranking->listed) {
    const Host& host = hosts_->at(index);
    if (!want.cls->fixed(*hosts_, host.attributes).is_eligible()) continue;
    least = std::min(least, host.count_of(want.demand->job));
  }
  for (std::size_t i = 0; i < want.balances.size(); ++i) {
    if (want.cls->balances[i].attribute < 0) want.balances[i].least = least;
  }
  std::optional<Entry> best;
  for (HostIndex index : want.ranking->listed) {
    const Host& host = hosts_->at(index);
    std::optional<std::int64_t> rank = judge(want, hosts_->cells()[host.cell].key, &host, true);
    if (!rank) continue;
    const std::int64_t bonus =
        kSoftPercent * lane_score(want, want.cls->fixed(*hosts_, host.attributes).values).value_or(0);
    prefer(best, {*rank, host.order, index}, bonus);
  }
  return best;
}

std::optional<Entry> Search::search_lanes(Wanted& want) {
  std::optional<Entry> best;
  for (std::size_t lane = 0; lane < want.ranking->lanes.size(); ++lane) {
    const std::optional<std::int64_t> score = lane_score(want, want.ranking->lanes[lane].values);
    if (!score) continue;
    const std::int64_t bonus = kSoftPercent * *score;
    if (!want.view) {
      search_cells(want, want.ranking->lanes[lane].cells, bonus, best);
    } else if (lane < want.view->cells.size()) {
      search_cells(want, want.view->cells[lane], bonus, best);
      search_singles(want, want.view->singles[lane], bonus, best);
    }
  }
  return best;
}

std::optional<Pick> Search::pick(Wanted& want) {
  refresh(want);
  std::optional<Entry> best;
  if (want.cls->balances_over_hosts) {
    best = scan(want);
  } else {
    if (want.view || has_special(want)) sync_view(want);
    best = search_lanes(want);
    Ranking& ranking = *want.ranking;
    while (!ranking.pending.empty() && !(best && is_good_enough(*want.cls, best->rank))) {
      consider_pending(ranking);
      best = search_lanes(want);
    }
  }
  if (!best) return std::nullopt;
  return picked(want, best->what);
}

Pick Search::picked(const Wanted& want, HostIndex index) const {
  const Host& host = hosts_->at(index);
  std::optional<CellKey> own;
  const CellKey& key = hosts_->key_on(host, want.demand->job, own);
  const DemandClass& cls = *want.cls;
  Merit value = merit(*hosts_, want, key, &host);
  value.soft += lane_score(want, cls.fixed(*hosts_, host.attributes).values).value_or(0);
  Pick pick{index, charge(want, key, &host), {}};
  pick.score.fitness = value.fitness;
  pick.score.total = rank(cls, value);
  if (cls.soft_weight > 0) {
    pick.score.soft = value.soft / cls.soft_weight;
    pick.score.total /= 100 * cls.soft_weight;
  }
  return pick;
}

}  // namespace mimas::placement
