#include "placement/demand_class.h"

#include <algorithm>

namespace mimas::placement {
namespace {

using Kind = Constraint::Kind;

void append(std::string& key, std::int64_t number) { key += std::to_string(number) + ' '; }

bool is_balance(Kind kind) { return kind == Kind::group_by || kind == Kind::max_per; }

// Does a job with these constraints ask for the attribute, so that agents that are kept for such jobs take
// it?
bool asks_for(const JobSpec& spec, const std::string& attribute) {
  return std::any_of(spec.hard_constraints.begin(), spec.hard_constraints.end(), [&](const Constraint& one) {
    if (one.attribute != attribute) return false;
    switch (one.kind) {
      case Kind::equals:
      case Kind::in:
      case Kind::like:
      case Kind::less:
      case Kind::at_most:
      case Kind::greater:
      case Kind::at_least:
      case Kind::exists: return true;
      default: return false;
    }
  });
}

std::int64_t decimal(const Attributes& attributes, std::string_view name) {
  auto at = attributes.find(name);
  if (at == attributes.end() || at->second.empty() || at->second.size() > 9) return 0;
  std::int64_t number = 0;
  for (char c : at->second) {
    if (c == '.') break;
    if (c < '0' || c > '9') return 0;
    number = number * 10 + (c - '0');
  }
  return number;
}

bool runs_any(const Host& host, const std::vector<JobNumber>& jobs) {
  return std::any_of(jobs.begin(), jobs.end(), [&](JobNumber job) { return host.count_of(job) > 0; });
}

bool holds_any(const Host& host, const std::vector<JobNumber>& jobs) {
  return !host.holds.empty() &&
         std::any_of(jobs.begin(), jobs.end(), [&](JobNumber job) { return host.holds_for(job); });
}

// Alone on the agent, but for tasks of the job itself.
bool is_alone(const Want& want, const CellKey& key, const Host* host) {
  if (key.held) return false;
  return host == nullptr ? !key.batch && !key.service : !host->has_others_than(want.demand->job);
}

std::int64_t balance_count(const Want& want, std::size_t at, const Fixed& fixed, const Host* host) {
  const Balance& balance = want.cls->balances[at];
  if (balance.attribute < 0) return host == nullptr ? 0 : host->count_of(want.demand->job);
  return want.balances[at].count(fixed.values[at]);
}

std::size_t balance_of(const DemandClass& cls, std::size_t hard) {
  std::size_t at = 0;
  while (!cls.balances[at].hard || cls.balances[at].index != hard) ++at;
  return at;
}

// A hard constraint whose answer depends on the work there, or on the agent's own name.
bool fails(const Hosts& hosts, const Want& want, const CellKey& key, const Host* host, std::size_t index,
           bool balances) {
  const Constraint& constraint = want.cls->spec->hard_constraints[index];
  const Demand& demand = *want.demand;
  switch (constraint.kind) {
    case Kind::unique_host: return host != nullptr && host->count_of(demand.job) > 0;
    case Kind::exclusive_host: return !is_alone(want, key, host);
    case Kind::with_job: return host == nullptr || !runs_any(*host, demand.with);
    case Kind::apart_from_job:
      return host != nullptr && (runs_any(*host, demand.apart) || holds_any(*host, demand.apart));
    case Kind::group_by:
    case Kind::max_per: {
      const std::size_t at = balance_of(*want.cls, index);
      const Balance& balance = want.cls->balances[at];
      if (!balances && balance.attribute >= 0) return false;
      const Fixed& fixed = want.cls->fixed(hosts, key.attributes);
      return blocks(balance, balance_count(want, at, fixed, host), want.balances[at].least);
    }
    default: return host == nullptr || !fits_hosts_name(constraint, *host);
  }
}

Reason first_constraint(const Hosts& hosts, const Want& want, const CellKey& key, const Host* host,
                        bool balances, std::size_t ignored) {
  const Fixed& fixed = want.cls->fixed(hosts, key.attributes);
  std::size_t first = fixed.failed;
  // Which of several was the second to fail does not matter: whoever ignores one wants to know if all others
  // hold.
  if (first == ignored && first != kNothing && fixed.failures == 1) first = kNothing;
  for (std::size_t index : want.cls->hard_about_work) {
    if (index >= first) break;
    if (index != ignored && fails(hosts, want, key, host, index, balances)) {
      first = index;
      break;
    }
  }
  if (first == kNothing) return {};
  return {Stage::constraint, first,
          first == fixed.failed && is_balance(want.cls->spec->hard_constraints[first].kind)};
}

Reason first_shortage(const Want& want, const CellKey& key, const Host* host) {
  const DemandClass& cls = *want.cls;
  const Charge asked = charge(want, key, host);
  if (asked.cpu > key.cpu) return {Stage::cpu};
  if (asked.mem > key.mem) return {Stage::memory};
  if (cls.request.disk_mib > key.disk) return {Stage::disk};
  if (cls.request.gpus > key.gpus) return {Stage::gpus};
  if (cls.request.ports > key.ports) return {Stage::ports};
  const Scalars& scalars = cls.request.scalars;
  for (std::size_t i = 0; i < scalars.size(); ++i) {
    if (scalars[i].second > scalar(key.scalars, scalars[i].first)) return {Stage::scalar, i};
  }
  if (asked.network && cls.network > scalar(key.scalars, kNetworkScalar))
    return {Stage::scalar, scalars.size()};
  return {};
}

}  // namespace

bool is_about_hosts(const Constraint& constraint) {
  return constraint.attribute == "hostname" || constraint.attribute == "agentId";
}

std::vector<const Constraint*> names_asked_by(const DemandClass& cls) {
  std::vector<const Constraint*> named;
  for (const Constraint& one : cls.spec->hard_constraints) {
    if (is_about_hosts(one) && is_about_attributes(one.kind)) named.push_back(&one);
  }
  return named;
}

bool fits_hosts_name(const Constraint& constraint, const Host& host) {
  const bool by_name = constraint.attribute == "hostname";
  const std::string& value = by_name ? host.facts.hostname : host.facts.agent.value;
  return satisfies(constraint, {{constraint.attribute, value}});
}

std::string DemandClass::key(const Demand& demand, NameId executor) {
  const JobSpec& spec = *demand.spec;
  const ResourceRequest& r = spec.request;
  std::string key;
  for (std::int64_t amount :
       {r.cpu_milli, r.mem_mib, r.disk_mib, r.gpus, r.ports, demand.share.cpu_milli, demand.share.mem_mib,
        spec.network_mbps, static_cast<std::int64_t>(spec.type == JobType::batch ? 0 : 1)}) {
    append(key, amount);
  }
  for (const auto& [name, amount] : r.scalars) {
    key += name + '=';
    append(key, amount);
  }
  if (executor != 0) {
    key += '\n' + demand.executor + '\n';
    append(key, executor);
  }
  for (const Constraint& constraint : spec.hard_constraints) key += '\n' + constraint.text;
  key += "\n\n";
  for (const Constraint& constraint : spec.soft_constraints) {
    key += constraint.text + '\n';
    append(key, constraint.weight);
  }
  return key;
}

std::string likeness(const Demand& demand) { return DemandClass::key(demand, 0); }

DemandClass::DemandClass(const Demand& demand, const Rules& all_rules, Hosts& hosts)
    : spec(demand.spec),
      rules(&all_rules),
      request(spec->request),
      share(demand.share),
      network(spec->network_mbps * 1'000) {
  for (std::size_t i = 0; i < spec->hard_constraints.size(); ++i) {
    sort_out(spec->hard_constraints[i], true, i, hosts);
  }
  for (std::size_t i = 0; i < spec->soft_constraints.size(); ++i) {
    sort_out(spec->soft_constraints[i], false, i, hosts);
    soft_weight += spec->soft_constraints[i].weight;
  }
  counts_images = has_term(rules->fitness, Term::same_image);
  if (has_term(rules->fitness, Term::same_job)) asks_where_it_runs = true;
  if (spec->type == JobType::service && has_term(rules->fitness, Term::spread_services))
    asks_where_it_runs = true;
}

void DemandClass::sort_out(const Constraint& constraint, bool hard, std::size_t index, Hosts& hosts) {
  const bool about_hosts = is_about_hosts(constraint);
  asks_for_hosts = asks_for_hosts || about_hosts;
  switch (constraint.kind) {
    case Kind::unique_host:
    case Kind::exclusive_host: asks_where_it_runs = true; break;
    case Kind::with_job: asks_for_company = asks_for_company || hard; break;
    case Kind::apart_from_job: asks_apart = asks_apart || hard; break;
    case Kind::group_by:
    case Kind::max_per:
      balances.push_back(
          {&constraint, index, hard, about_hosts ? -1 : hosts.balance_over(constraint.attribute)});
      balances_over_hosts = balances_over_hosts || about_hosts;
      break;
    default:
      if (about_hosts) break;
      hosts.ask_about(constraint.attribute);
      return;  // Fixed answers it
  }
  if (hard) {
    hard_about_work.push_back(index);
  } else if (!is_balance(constraint.kind)) {
    soft_about_work.push_back(&constraint);
  }
}

const Fixed& DemandClass::fixed(const Hosts& hosts, std::uint32_t attributes) const {
  if (attributes >= fixed_.size()) fixed_.resize(hosts.classes().size());
  Fixed& fixed = fixed_[attributes];
  if (fixed.known) return fixed;
  fixed = {};
  fixed.known = true;
  const AttributeClass& there = hosts.classes()[attributes];
  for (const Balance& balance : balances) {
    fixed.values.push_back(balance.attribute < 0 ? -1
                                                 : there.values[static_cast<std::size_t>(balance.attribute)]);
  }
  for (std::size_t i = 0; i < spec->hard_constraints.size(); ++i) {
    const Constraint& constraint = spec->hard_constraints[i];
    if (is_about_hosts(constraint)) continue;
    const bool lacks = is_balance(constraint.kind) && !there.asked.contains(constraint.attribute);
    const bool refused = is_about_attributes(constraint.kind) && !satisfies(constraint, there.asked);
    if (!lacks && !refused) continue;
    fixed.failed = std::min(fixed.failed, i);
    ++fixed.failures;
  }
  std::size_t number = 0;
  for (const std::string& kept : rules->dedicated) {
    if (fixed.dedicated == kNothing && there.asked.contains(kept) && !asks_for(*spec, kept))
      fixed.dedicated = number;
    ++number;
  }
  for (const Constraint& constraint : spec->soft_constraints) {
    if (!is_about_attributes(constraint.kind) || is_about_hosts(constraint)) continue;
    if (satisfies(constraint, there.asked)) fixed.soft += 1'000 * constraint.weight;
  }
  fixed.cost = decimal(there.asked, kCostAttribute);
  return fixed;
}

std::int64_t BalanceNow::count(int value) const {
  if (counts == nullptr || value < 0 || static_cast<std::size_t>(value) >= counts->size()) return 0;
  return (*counts)[static_cast<std::size_t>(value)];
}

bool blocks(const Balance& balance, std::int64_t count, std::int64_t least) {
  if (balance.constraint->kind == Kind::max_per) return count >= balance.constraint->number;
  return count > least;
}

// One step above the least costs 750 of 1000, which weigh more than all of the fitness: neither a fuller
// agent nor anything else outside of the constraints is worth an imbalance.
std::int64_t balance_score(const Balance& balance, std::int64_t count, std::int64_t least) {
  if (balance.constraint->kind == Kind::max_per) return count < balance.constraint->number ? 1'000 : 0;
  return count <= least ? 1'000 : 250 / (count - least);
}

Charge charge(const Want& want, const CellKey& key, const Host* host) {
  const DemandClass& cls = *want.cls;
  Charge charge{cls.request.cpu_milli, cls.request.mem_mib, true, false};
  if (cls.executor != 0) {
    charge.share = !std::binary_search(key.executors.begin(), key.executors.end(), cls.executor);
  } else if (want.own_executor && host != nullptr) {
    charge.share = !host->runs_executor(want.work.executor);
  }
  if (charge.share) {
    charge.cpu += cls.share.cpu_milli;
    charge.mem += cls.share.mem_mib;
  }
  charge.network = cls.network > 0 &&
                   (scalar(key.scalars_total, kNetworkScalar) > 0 || scalar(key.scalars, kNetworkScalar) > 0);
  return charge;
}

Reason why_not(const Hosts& hosts, const Want& want, const CellKey& key, const Host* host, bool balances,
               std::size_t ignored) {
  Reason reason = first_constraint(hosts, want, key, host, balances, ignored);
  if (reason.stage != Stage::none) return reason;
  const bool taken =
      key.exclusive && (host == nullptr || key.held || host->has_others_than(want.demand->job));
  if (taken) return {Stage::exclusive};
  if (!want.cls->asks_apart && host != nullptr) {
    const std::vector<JobNumber>& apart = want.demand->apart;
    for (std::size_t i = 0; i < apart.size(); ++i) {
      if (host->count_of(apart[i]) > 0 || host->holds_for(apart[i])) return {Stage::apart, i};
    }
  }
  const Fixed& fixed = want.cls->fixed(hosts, key.attributes);
  if (fixed.dedicated != kNothing) return {Stage::dedicated, fixed.dedicated};
  if (key.standing != Standing::open) return {Stage::standing, static_cast<std::size_t>(key.standing)};
  if (!key.offered) return {Stage::no_offer};
  return first_shortage(want, key, host);
}

Merit merit(const Hosts& hosts, const Want& want, const CellKey& key, const Host* host) {
  const DemandClass& cls = *want.cls;
  const Fixed& fixed = cls.fixed(hosts, key.attributes);
  const Charge asked = charge(want, key, host);
  Outlook outlook;
  outlook.cpu_total = key.cpu_total;
  outlook.cpu_used = key.cpu_total - key.cpu + asked.cpu;
  outlook.mem_total = key.mem_total;
  outlook.mem_used = key.mem_total - key.mem + asked.mem;
  outlook.disk_total = key.disk_total;
  outlook.disk_used = key.disk_total - key.disk + cls.request.disk_mib;
  outlook.network_total = scalar(key.scalars_total, kNetworkScalar);
  outlook.network_used = outlook.network_total - scalar(key.scalars, kNetworkScalar) + cls.network;
  const bool batch = cls.spec->type == JobType::batch;
  outlook.own_type = batch ? key.batch : key.service;
  outlook.other_type = batch ? key.service : key.batch;
  outlook.service = !batch;
  outlook.of_job = host == nullptr ? 0 : host->count_of(want.demand->job);
  outlook.same_image = want.work.image != 0 && host != nullptr && host->has_image(want.work.image);
  outlook.cost = fixed.cost;
  Merit merit{fitness_of(cls.rules->fitness, outlook), fixed.soft};
  for (const Constraint* soft : cls.soft_about_work) {
    std::int64_t score = 0;
    switch (soft->kind) {
      case Kind::unique_host:
        score = 1'000 / (1 + (host == nullptr ? 0 : host->count_of(want.demand->job)));
        break;
      case Kind::exclusive_host: score = is_alone(want, key, host) ? 1'000 : 0; break;
      case Kind::with_job:
        score = host != nullptr && runs_any(*host, want.demand->with_soft) ? 1'000 : 0;
        break;
      case Kind::apart_from_job:
        score = host != nullptr && runs_any(*host, want.demand->apart_soft) ? 0 : 1'000;
        break;
      default: score = host != nullptr && fits_hosts_name(*soft, *host) ? 1'000 : 0;
    }
    merit.soft += score * soft->weight;
  }
  for (std::size_t i = 0; i < cls.balances.size(); ++i) {
    const Balance& balance = cls.balances[i];
    if (balance.hard || balance.attribute >= 0) continue;
    const std::int64_t count = balance_count(want, i, fixed, host);
    merit.soft += balance_score(balance, count, want.balances[i].least) * balance.constraint->weight;
  }
  return merit;
}

std::int64_t rank(const DemandClass& cls, const Merit& merit) {
  if (cls.soft_weight == 0) return merit.fitness;
  return kSoftPercent * merit.soft + (100 - kSoftPercent) * merit.fitness * cls.soft_weight;
}

}  // namespace mimas::placement
