#include "placement/hosts.h"

#include <algorithm>

#include "base/assert.h"

namespace mimas::placement {
namespace {

constexpr AgentOrder kOrderGap = AgentOrder{1} << 40;  // eight million agents fit, forty between any two

void mix(std::uint64_t& hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  hash ^= hash >> 29;
}

void mix(std::uint64_t& hash, const Scalars& scalars) {
  for (const auto& [name, amount] : scalars) {
    for (char c : name) mix(hash, static_cast<unsigned char>(c));
    mix(hash, static_cast<std::uint64_t>(amount));
  }
}

void add_amounts(Resources& to, const Resources& more, std::int64_t sign) {
  to.cpu_milli += sign * more.cpu_milli;
  to.mem_mib += sign * more.mem_mib;
  to.disk_mib += sign * more.disk_mib;
  to.gpus += sign * more.gpus;
  if (sign > 0) add_scalars(to.scalars, more.scalars);
  else subtract_scalars(to.scalars, more.scalars);
}

}  // namespace

NameId Names::find(const std::string& name) const {
  auto at = ids_.find(name);
  return at == ids_.end() ? 0 : at->second;
}

NameId Names::acquire(const std::string& name) {
  if (name.empty()) return 0;
  auto [at, fresh] = ids_.try_emplace(name, 0);
  if (fresh) {
    if (spare_.empty()) {
      at->second = static_cast<NameId>(entries_.size());
      entries_.emplace_back(name, 0);
    } else {
      at->second = spare_.back();
      spare_.pop_back();
      entries_[at->second] = {name, 0};
    }
  }
  ++entries_[at->second].second;
  return at->second;
}

bool Names::release(NameId id) {
  if (id == 0 || --entries_[id].second > 0) return false;
  ids_.erase(entries_[id].first);
  entries_[id].first.clear();
  spare_.push_back(id);
  return true;
}

std::size_t CellKeyHash::operator()(const CellKey& key) const noexcept {
  std::uint64_t hash = key.attributes;
  for (std::int64_t amount : {key.cpu_total, key.mem_total, key.disk_total, key.gpus_total, key.cpu, key.mem,
                              key.disk, key.gpus, key.ports, key.ports_total}) {
    mix(hash, static_cast<std::uint64_t>(amount));
  }
  mix(hash, key.scalars_total);
  mix(hash, key.scalars);
  mix(hash, static_cast<std::uint64_t>(key.standing) << 4 | (key.offered ? 8u : 0u) | (key.batch ? 4u : 0u) |
                (key.service ? 2u : 0u) | (key.exclusive ? 1u : 0u) | (key.held ? 256u : 0u));
  for (NameId executor : key.executors) mix(hash, executor);
  return static_cast<std::size_t>(hash);
}

std::int64_t Host::count_of(JobNumber job) const {
  for (const JobThere& one : jobs) {
    if (one.job == job) return one.count;
  }
  return 0;
}

bool Host::holds_for(JobNumber job) const {
  return std::any_of(holds.begin(), holds.end(), [&](const Hold& hold) { return hold.job == job; });
}

ResourceRequest Host::held_for_others(JobNumber job) const {
  ResourceRequest held;
  for (const Hold& hold : holds) {
    if (hold.job != job) mimas::add_amounts(held, hold.amounts);
  }
  return held;
}

Resources Host::free_for(JobNumber job) const {
  const ResourceRequest held = held_for_others(job);
  auto left = [](std::int64_t have, std::int64_t kept) { return std::max<std::int64_t>(have - kept, 0); };
  Resources rest;
  rest.cpu_milli = left(free.cpu_milli, held.cpu_milli);
  rest.mem_mib = left(free.mem_mib, held.mem_mib);
  rest.disk_mib = left(free.disk_mib, held.disk_mib);
  rest.gpus = left(free.gpus, held.gpus);
  rest.ports = free.ports.take_lowest(left(free.ports.count(), held.ports));
  for (const auto& [name, amount] : free.scalars) {
    const std::int64_t more = left(amount, scalar(held.scalars, name));
    if (more > 0) rest.scalars.emplace_back(name, more);
  }
  return rest;
}

Ports Host::take_ports(std::int64_t how_many) const {
  Ports good = free.ports;
  good.subtract(avoided);
  if (how_many <= good.count()) return good.take_lowest(how_many);
  Ports rest = free.ports;
  rest.subtract(good);
  good.add(rest.take_lowest(how_many - good.count()));
  return good;
}

bool Host::runs_executor(NameId executor) const {
  return std::any_of(works.begin(), works.end(),
                     [&](const WorkThere& work) { return work.executor == executor; });
}

bool Host::has_image(NameId image) const {
  return std::any_of(works.begin(), works.end(), [&](const WorkThere& work) { return work.image == image; });
}

Hosts::Hosts(const Rules& rules) : images_matter_(has_term(rules.fitness, Term::same_image)) {
  for (const std::string& attribute : rules.dedicated) asked_.insert(attribute);
  if (has_term(rules.fitness, Term::cheap)) asked_.insert(std::string(kCostAttribute));
}

// --- agents

HostIndex Hosts::put(HostFacts facts) {
  ++version_;
  auto [at, fresh] = by_id_.try_emplace(facts.agent, 0);
  if (fresh) {
    if (spare_hosts_.empty()) {
      at->second = static_cast<HostIndex>(hosts_.size());
      hosts_.emplace_back();
    } else {
      at->second = spare_hosts_.back();
      spare_hosts_.pop_back();
    }
    hosts_[at->second].known = true;
    ++idle_;
    give_order(at);
  }
  const HostIndex index = at->second;
  Host& host = hosts_[index];
  if (!fresh) {
    add_totals(host, -1);
    std::erase(by_hostname_[host.facts.hostname], index);
  }
  if (fresh || host.facts.hostname != facts.hostname) ++names_version_;
  const bool same = !fresh && host.facts.attributes == facts.attributes;
  if (!fresh && !same) count_all_jobs(host, -1);
  const std::uint32_t before = host.attributes;
  host.facts = std::move(facts);
  by_hostname_[host.facts.hostname].push_back(index);
  add_totals(host, 1);
  touch(index);
  if (same) return index;
  classify(host);  // before the old class goes: it may be the same one
  if (!fresh) declassify(before);
  count_all_jobs(host, 1);
  return index;
}

void Hosts::remove(HostIndex index) {
  ++version_;
  ++names_version_;
  ASSERT(index < hosts_.size() && hosts_[index].known);
  while (!hosts_[index].works.empty()) {
    const WorkThere work = hosts_[index].works.back();
    end(index, work);
    release(work);
  }
  while (!hosts_[index].holds.empty()) hold(index, {hosts_[index].holds.back().job, false, {}});
  set_free(index, false, {});
  Host& host = hosts_[index];
  add_totals(host, -1);
  --idle_;
  if (host.cell != kNoCell) leave(index);
  declassify(host.attributes);
  auto named = by_hostname_.find(host.facts.hostname);
  std::erase(named->second, index);
  if (named->second.empty()) by_hostname_.erase(named);
  by_id_.erase(host.facts.agent);
  const bool changed = host.changed;  // it may stand in changed_
  host = Host{};
  host.changed = changed;
  spare_hosts_.push_back(index);
}

// By id, with gaps, so that a new agent seldom changes the others' numbers.
void Hosts::give_order(std::map<AgentId, HostIndex>::iterator at) {
  AgentOrder& order = hosts_[at->second].order;
  const AgentOrder before = at == by_id_.begin() ? 0 : hosts_[std::prev(at)->second].order;
  if (std::next(at) == by_id_.end()) {
    order = before + kOrderGap;
    return;
  }
  const AgentOrder after = hosts_[std::next(at)->second].order;
  order = before + (after - before) / 2;
  if (order == before) relabel();
}

void Hosts::relabel() {
  AgentOrder next = kOrderGap;
  for (const auto& [id, index] : by_id_) {
    hosts_[index].order = next;
    next += kOrderGap;
  }
  for (Cell& cell : cells_) {
    std::set<std::pair<AgentOrder, HostIndex>> hosts;
    for (const auto& [old, index] : cell.hosts) hosts.emplace_hint(hosts.end(), hosts_[index].order, index);
    cell.hosts = std::move(hosts);
  }
  ++topology_;
}

void Hosts::set_free(HostIndex index, bool offered, Resources free) {
  ++version_;
  Host& host = hosts_[index];
  ASSERT(host.known);
  add_amounts(free_, host.free, -1);
  offering_ += (offered ? 1 : 0) - (host.offered ? 1 : 0);
  host.free = std::move(free);
  host.offered = offered;
  add_amounts(free_, host.free, 1);
  touch(index);
}

void Hosts::take(HostIndex index, const Resources& amounts) {
  ++version_;
  hosts_[index].free -= amounts;
  add_amounts(free_, amounts, -1);
  touch(index);
}

void Hosts::give_back(HostIndex index, const Resources& amounts) {
  ++version_;
  hosts_[index].free += amounts;
  add_amounts(free_, amounts, 1);
  touch(index);
}

void Hosts::stand(HostIndex index, Standing standing) {
  ++version_;
  ASSERT(hosts_[index].known);
  hosts_[index].standing = standing;
  touch(index);
}

void Hosts::hold(HostIndex index, const Hold& hold) {
  Host& host = hosts_[index];
  ASSERT(host.known);
  auto at = std::find_if(host.holds.begin(), host.holds.end(),
                         [&](const Hold& other) { return other.job >= hold.job; });
  const bool is_there = at != host.holds.end() && at->job == hold.job;
  if (hold.amounts == ResourceRequest()) {
    if (!is_there) return;
    host.holds.erase(at);
    auto agents = held_for_.find(hold.job);
    agents->second.erase(index);
    if (agents->second.empty()) held_for_.erase(agents);
  } else if (is_there) {
    if (*at == hold) return;
    *at = hold;
  } else {
    host.holds.insert(at, hold);
    held_for_[hold.job].insert(index);
  }
  ++version_;
  touch(index);
}

std::optional<Hold> Hosts::use_hold(HostIndex index, JobNumber job, const Resources& taken) {
  for (Hold& rest : hosts_[index].holds) {
    if (rest.job != job) continue;
    const Hold before = rest;
    auto use = [](std::int64_t& held, std::int64_t used) { held = std::max<std::int64_t>(held - used, 0); };
    use(rest.amounts.cpu_milli, taken.cpu_milli);
    use(rest.amounts.mem_mib, taken.mem_mib);
    use(rest.amounts.disk_mib, taken.disk_mib);
    use(rest.amounts.gpus, taken.gpus);
    use(rest.amounts.ports, taken.ports.count());
    for (auto& [name, amount] : rest.amounts.scalars) use(amount, scalar(taken.scalars, name));
    std::erase_if(rest.amounts.scalars, [](const auto& named) { return named.second == 0; });
    ++version_;
    touch(index);
    return before;
  }
  return std::nullopt;
}

const std::set<HostIndex>& Hosts::held_for(JobNumber job) const {
  static const std::set<HostIndex> nowhere;
  if (held_for_.empty()) return nowhere;
  auto at = held_for_.find(job);
  return at == held_for_.end() ? nowhere : at->second;
}

void Hosts::touch(HostIndex index) {
  if (hosts_[index].changed) return;
  hosts_[index].changed = true;
  changed_.push_back(index);
}

void Hosts::add_totals(const Host& host, std::int64_t sign) { add_amounts(total_, host.facts.total, sign); }

const std::vector<HostIndex>& Hosts::named(const std::string& hostname) const {
  static const std::vector<HostIndex> nobody;
  auto at = by_hostname_.find(hostname);
  return at == by_hostname_.end() ? nobody : at->second;
}

// --- attributes

void Hosts::classify(Host& host) {
  Attributes asked;
  for (const std::string& name : asked_) {
    auto at = host.facts.attributes.find(name);
    if (at != host.facts.attributes.end()) asked.emplace_hint(asked.end(), *at);
  }
  auto [at, fresh] = class_of_.try_emplace(std::move(asked), 0);
  if (fresh) {
    ++topology_;
    if (spare_classes_.empty()) {
      at->second = static_cast<std::uint32_t>(classes_.size());
      classes_.emplace_back();
    } else {
      at->second = spare_classes_.back();
      spare_classes_.pop_back();
    }
    AttributeClass& one = classes_[at->second];
    one.asked = at->first;
    one.values.clear();
    for (std::size_t i = 0; i < balanced_.size(); ++i) one.values.push_back(value_number(i, one.asked));
  }
  ++classes_[at->second].hosts;
  host.attributes = at->second;
}

void Hosts::declassify(std::uint32_t number) {
  AttributeClass& one = classes_[number];
  if (--one.hosts > 0) return;
  ++topology_;
  class_of_.erase(one.asked);
  one = {};
  spare_classes_.push_back(number);
}

int Hosts::value_number(std::size_t balanced, const Attributes& attributes) {
  auto at = attributes.find(balanced_[balanced]);
  if (at == attributes.end()) return -1;
  std::map<std::string, int>& numbers = values_[balanced];
  return numbers.try_emplace(at->second, static_cast<int>(numbers.size())).first->second;
}

void Hosts::ask_about(const std::string& attribute) {
  if (!asked_.insert(attribute).second) return;
  for (HostIndex index = 0; index < hosts_.size(); ++index) {
    Host& host = hosts_[index];
    if (!host.known || !host.facts.attributes.contains(attribute)) continue;
    const std::uint32_t before = host.attributes;
    classify(host);
    declassify(before);
    touch(index);
  }
}

int Hosts::balance_over(const std::string& attribute) {
  auto at = std::find(balanced_.begin(), balanced_.end(), attribute);
  if (at != balanced_.end()) return static_cast<int>(at - balanced_.begin());
  ask_about(attribute);
  ++topology_;
  balanced_.push_back(attribute);
  values_.emplace_back();
  const std::size_t number = balanced_.size() - 1;
  for (const auto& [asked, id] : class_of_) classes_[id].values.push_back(value_number(number, asked));
  for (auto& [job, use] : uses_) use.counts.emplace_back();
  for (const Host& host : hosts_) {
    for (const JobThere& one : host.jobs) {
      const int value = classes_[host.attributes].values[number];
      if (value < 0) continue;
      auto& counts = uses_.at(one.job).counts[number];
      if (counts.size() <= static_cast<std::size_t>(value))
        counts.resize(static_cast<std::size_t>(value) + 1);
      counts[static_cast<std::size_t>(value)] += one.count;
    }
  }
  return static_cast<int>(number);
}

void Hosts::count(const Host& host, JobUse& use, std::int64_t change) const {
  if (balanced_.empty()) return;
  const std::vector<int>& values = classes_[host.attributes].values;
  use.counts.resize(balanced_.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0) continue;
    const auto value = static_cast<std::size_t>(values[i]);
    if (use.counts[i].size() <= value) use.counts[i].resize(value + 1);
    use.counts[i][value] += change;
  }
}

void Hosts::count_all_jobs(const Host& host, std::int64_t change) {
  for (const JobThere& one : host.jobs) count(host, uses_.at(one.job), change * one.count);
}

// --- work

WorkThere Hosts::intern(const Work& work) {
  WorkThere there{work.job, work.type, 0, executors_.acquire(work.executor), work.exclusive, 1};
  if (images_matter_) there.image = images_.acquire(work.image);
  if (there.executor != 0) note_executor(there.executor, work.job);
  return there;
}

WorkThere Hosts::look_up(const Work& work) const {
  return {work.job,
          work.type,
          images_matter_ ? images_.find(work.image) : 0,
          executors_.find(work.executor),
          work.exclusive,
          1};
}

void Hosts::release(const WorkThere& work) {
  images_.release(work.image);
  if (executors_.release(work.executor)) {
    executor_of_.erase(work.executor);
    shared_.erase(work.executor);
  }
}

// An executor that is one job's own is looked for where that job runs; one of several jobs tells agents
// apart.
void Hosts::note_executor(NameId executor, JobNumber job) {
  auto [at, fresh] = executor_of_.try_emplace(executor, job);
  if (fresh || at->second == job || !shared_.insert(executor).second) return;
  auto use = uses_.find(at->second);
  if (use == uses_.end()) return;
  for (HostIndex host : use->second.hosts) touch(host);
}

void Hosts::start(HostIndex index, const WorkThere& work) {
  ++version_;
  Host& host = hosts_[index];
  ASSERT(host.known);
  auto alike = std::find_if(host.works.begin(), host.works.end(),
                            [&](const WorkThere& other) { return other.is_like(work); });
  if (alike == host.works.end()) {
    host.works.push_back(work);
    host.works.back().count = 1;
  } else {
    ++alike->count;
  }
  if (host.tasks++ == 0) --idle_;
  JobUse& use = uses_[work.job];
  auto job = std::find_if(host.jobs.begin(), host.jobs.end(),
                          [&](const JobThere& other) { return other.job == work.job; });
  if (job == host.jobs.end()) {
    host.jobs.push_back({work.job, 1, use.hosts.size()});
    use.hosts.push_back(index);
  } else {
    ++job->count;
  }
  if (work.exclusive) ++use.exclusive;
  count(host, use, 1);
  if (work.image != 0) image_hosts_[work.image].insert(index);
  touch(index);
}

void Hosts::end(HostIndex index, const WorkThere& work) {
  ++version_;
  Host& host = hosts_[index];
  auto alike = std::find_if(host.works.begin(), host.works.end(),
                            [&](const WorkThere& other) { return other.is_like(work); });
  ASSERT(host.known && alike != host.works.end());
  if (--alike->count == 0) host.works.erase(alike);
  if (--host.tasks == 0) ++idle_;
  auto found = uses_.find(work.job);
  JobUse& use = found->second;
  if (work.exclusive) --use.exclusive;
  count(host, use, -1);
  auto job = std::find_if(host.jobs.begin(), host.jobs.end(),
                          [&](const JobThere& other) { return other.job == work.job; });
  if (--job->count == 0) {
    const std::size_t place = job->place;
    host.jobs.erase(job);
    const HostIndex last = use.hosts.back();
    use.hosts[place] = last;
    use.hosts.pop_back();
    if (last != index) {
      for (JobThere& other : hosts_[last].jobs) {
        if (other.job == work.job) other.place = place;
      }
    }
    if (use.hosts.empty()) uses_.erase(found);
  }
  if (work.image != 0 && !host.has_image(work.image)) {
    auto at = image_hosts_.find(work.image);
    at->second.erase(index);
    if (at->second.empty()) image_hosts_.erase(at);
  }
  touch(index);
}

const JobUse* Hosts::use(JobNumber job) const {
  auto at = uses_.find(job);
  return at == uses_.end() ? nullptr : &at->second;
}

const std::set<HostIndex>& Hosts::with_image(NameId image) const {
  static const std::set<HostIndex> nobody;
  auto at = image_hosts_.find(image);
  return at == image_hosts_.end() ? nobody : at->second;
}

}  // namespace mimas::placement
