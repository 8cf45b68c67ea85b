#include "placement/explain.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace mimas::placement {
namespace {

using Kind = Constraint::Kind;

// How far an agent came; the better is the larger.
struct Nearness {
  std::size_t stage = 0;
  std::int64_t lacks = 0, short_by = 0;  // negative: the fewer, the nearer
  auto operator<=>(const Nearness&) const = default;
};

// Every agent is counted once; the rest is about those that came nearest.
struct Count {
  const Hosts& hosts;
  const Wanted& want;
  std::map<Reason, std::int64_t> reasons;
  std::vector<std::int64_t> without;  // by hard constraint: agents that would fit but for it
  std::map<Reason, Lack> smallest;    // of agents that lack one kind only
  std::optional<std::tuple<Nearness, AgentOrder, HostIndex, Reason>> nearest;
  bool constraints_hold = false;  // somewhere
  bool large_enough = false, large_enough_anywhere = false;
};

std::string constraint_reason(const Constraint& constraint, bool lacks_attribute) {
  switch (constraint.kind) {
    case Kind::unique_host: return "UniqueHost";
    case Kind::exclusive_host: return "ExclusiveHost";
    case Kind::with_job: return "with " + constraint.job;
    case Kind::apart_from_job: return "apart " + constraint.job;
    case Kind::group_by:
      if (!lacks_attribute) return "GroupBy(" + constraint.attribute + ")";
      break;
    case Kind::max_per:
      if (!lacks_attribute)
        return "MaxPer(" + constraint.attribute + ", " + std::to_string(constraint.number) + ")";
      break;
    default: break;
  }
  return "constraint " + constraint.text;
}

// All that the agent is short of.
std::vector<std::pair<Reason, Lack>> lacks_of(const Want& want, const CellKey& key, const Host* host) {
  const DemandClass& cls = *want.cls;
  const Charge asked = charge(want, key, host);
  std::vector<std::pair<Reason, Lack>> lacks;
  auto check = [&](Reason reason, std::string_view name, std::int64_t wanted, std::int64_t free,
                   std::int64_t total) {
    if (wanted > free) lacks.push_back({reason, {std::string(name), wanted, free, std::max(total, free)}});
  };
  check({Stage::cpu}, "cpu", asked.cpu, key.cpu, key.cpu_total);
  check({Stage::memory}, "memory", asked.mem, key.mem, key.mem_total);
  check({Stage::disk}, "disk", cls.request.disk_mib, key.disk, key.disk_total);
  check({Stage::gpus}, "gpus", cls.request.gpus, key.gpus, key.gpus_total);
  check({Stage::ports}, "ports", cls.request.ports, key.ports, key.ports_total);
  const Scalars& scalars = cls.request.scalars;
  for (std::size_t i = 0; i < scalars.size(); ++i) {
    const std::string& name = scalars[i].first;
    check({Stage::scalar, i}, name, scalars[i].second, scalar(key.scalars, name),
          scalar(key.scalars_total, name));
  }
  if (asked.network) {
    check({Stage::scalar, scalars.size()}, kNetworkScalar, cls.network, scalar(key.scalars, kNetworkScalar),
          scalar(key.scalars_total, kNetworkScalar));
  }
  return lacks;
}

bool would_fit_empty(const Want& want, const CellKey& key) {
  const DemandClass& cls = *want.cls;
  CellKey empty = key;
  empty.cpu = std::max(key.cpu, key.cpu_total);
  empty.mem = std::max(key.mem, key.mem_total);
  empty.disk = std::max(key.disk, key.disk_total);
  empty.gpus = std::max(key.gpus, key.gpus_total);
  empty.ports = std::max(key.ports, key.ports_total);
  for (const auto& [name, asked] : cls.request.scalars) {
    if (asked > std::max(scalar(key.scalars, name), scalar(key.scalars_total, name))) return false;
  }
  empty.scalars = cls.request.scalars;
  const std::int64_t network =
      std::max(scalar(key.scalars, kNetworkScalar), scalar(key.scalars_total, kNetworkScalar));
  if (network > 0 && cls.network > network) return false;
  if (network > 0) add_scalars(empty.scalars, {{std::string(kNetworkScalar), network}});
  empty.executors.clear();
  return lacks_of(want, empty, nullptr).empty();
}

// What only agents show that came as far as their resources.
void look_nearer(Count& count, const CellKey& key, const Host* host, const Reason& reason, AgentOrder order,
                 HostIndex example, std::int64_t agents) {
  const std::size_t constraints = count.want.cls->spec->hard_constraints.size();
  Nearness near;
  near.stage = reason.stage == Stage::constraint
                   ? reason.index
                   : constraints + static_cast<std::size_t>(std::min(reason.stage, Stage::cpu));
  if (reason.stage >= Stage::cpu && reason.stage < Stage::none) {
    const auto lacks = lacks_of(count.want, key, host);
    near.lacks = -static_cast<std::int64_t>(lacks.size());
    for (const auto& [kind, lack] : lacks) near.short_by -= (lack.asked - lack.free) * 1'000 / lack.asked;
    if (lacks.size() == 1) {
      auto [at, fresh] = count.smallest.try_emplace(lacks[0].first, lacks[0].second);
      const Lack& lack = lacks[0].second;
      if (!fresh && lack.asked - lack.free < at->second.asked - at->second.free) at->second = lack;
    }
  }
  if (reason.stage == Stage::constraint &&
      why_not(count.hosts, count.want, key, host, true, reason.index).stage == Stage::none) {
    count.without[reason.index] += agents;
  }
  if (!count.nearest || std::get<0>(*count.nearest) < near ||
      (std::get<0>(*count.nearest) == near && order < std::get<1>(*count.nearest))) {
    count.nearest.emplace(near, order, example, reason);
  }
}

void look_at_size(Count& count, const CellKey& key) {
  const bool large = would_fit_empty(count.want, key);
  count.large_enough_anywhere = count.large_enough_anywhere || large;
  if (!count.want.cls->fixed(count.hosts, key.attributes).is_eligible()) return;
  count.constraints_hold = true;
  count.large_enough = count.large_enough || large;
}

Count count_agents(const Search& search, const Hosts& hosts, const Wanted& want) {
  Count count{hosts, want, {}, {}, {}, {}};
  count.without.resize(want.cls->spec->hard_constraints.size());
  std::unordered_map<CellId, std::int64_t> singly;
  const std::vector<HostIndex> singled_out = search.singled_out(want);
  for (HostIndex index : singled_out) {
    const Host& host = hosts.at(index);
    std::optional<CellKey> own;
    const CellKey& key = hosts.key_on(host, want.demand->job, own);
    const Reason reason = why_not(hosts, want, key, &host, true);
    ++count.reasons[reason];
    ++singly[host.cell];
    look_nearer(count, key, &host, reason, host.order, index, 1);
  }
  for (CellId id = 0; id < hosts.cells().size(); ++id) {
    const Cell& cell = hosts.cells()[id];
    if (cell.hosts.empty()) continue;
    look_at_size(count, cell.key);
    auto some = singly.find(id);
    const std::int64_t agents =
        static_cast<std::int64_t>(cell.hosts.size()) - (some == singly.end() ? 0 : some->second);
    if (agents == 0) continue;
    const Reason reason = why_not(hosts, want, cell.key, nullptr, true);
    count.reasons[reason] += agents;
    auto example = cell.hosts.begin();
    while (some != singly.end() &&
           std::binary_search(singled_out.begin(), singled_out.end(), example->second))
      ++example;
    look_nearer(count, cell.key, nullptr, reason, example->first, example->second, agents);
  }
  return count;
}

// "2", "0.5", "1.25"
std::string thousandths(std::int64_t amount) {
  std::string text = std::to_string(amount / 1'000);
  if (amount % 1'000 == 0) return text;
  std::string rest = std::to_string(1'000 + amount % 1'000).substr(1);
  while (rest.back() == '0') rest.pop_back();
  return text + "." + rest;
}

std::string amount_more(const Reason& reason, const Lack& lack) {
  const std::int64_t more = lack.asked - lack.free;
  auto counted = [&](const char* one, const char* many) {
    return std::to_string(more) + " more " + (more == 1 ? one : many);
  };
  switch (reason.stage) {
    case Stage::cpu: return thousandths(more) + (more == 1'000 ? " more CPU" : " more CPUs");
    case Stage::memory: return std::to_string(more) + " MiB more memory";
    case Stage::disk: return std::to_string(more) + " MiB more disk";
    case Stage::gpus: return counted("GPU", "GPUs");
    case Stage::ports: return counted("port", "ports");
    default: return thousandths(more) + " more " + lack.what;
  }
}

std::vector<std::string> help_of(const Count& count) {
  std::vector<std::string> help;
  for (std::size_t i = 0; i < count.without.size(); ++i) {
    const std::int64_t agents = count.without[i];
    if (agents == 0) continue;
    help.push_back("without " + count.want.cls->spec->hard_constraints[i].text + " " +
                   std::to_string(agents) + (agents == 1 ? " agent" : " agents") + " would fit");
  }
  for (const auto& [reason, lack] : count.smallest) {
    help.push_back("an agent with " + amount_more(reason, lack) + " free would fit");
  }
  return help;
}

}  // namespace

std::string reason_text(const Want& want, const Reason& reason) {
  const DemandClass& cls = *want.cls;
  switch (reason.stage) {
    case Stage::constraint:
      return constraint_reason(cls.spec->hard_constraints[reason.index], reason.lacks_attribute);
    case Stage::exclusive: return "ExclusiveHost";
    case Stage::apart: return "apart job:" + make_job_id(want.demand->apart[reason.index]).value;
    case Stage::dedicated: {
      auto at = cls.rules->dedicated.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(reason.index));
      return "dedicated " + *at;
    }
    case Stage::standing: return std::string(standing_name(static_cast<Standing>(reason.index)));
    case Stage::no_offer: return "no offer";
    case Stage::cpu: return "cpu";
    case Stage::memory: return "memory";
    case Stage::disk: return "disk";
    case Stage::gpus: return "gpus";
    case Stage::ports: return "ports";
    case Stage::scalar:
      return "scalar " + (reason.index < cls.request.scalars.size() ? cls.request.scalars[reason.index].first
                                                                    : std::string(kNetworkScalar));
    case Stage::none: break;
  }
  return "would fit";
}

ExplanationPtr explain(const Search& search, const Hosts& hosts, const Wanted& want, std::int64_t tasks) {
  auto explanation = std::make_shared<Explanation>();
  const Count count = count_agents(search, hosts, want);
  explanation->tasks = tasks;
  explanation->agents = hosts.known();
  for (const auto& [reason, agents] : count.reasons) {
    explanation->reasons[reason_text(want, reason)] += agents;
  }
  explanation->too_large =
      hosts.known() > 0 && !(count.constraints_hold ? count.large_enough : count.large_enough_anywhere);
  if (count.nearest) {
    const auto& [near, order, index, reason] = *count.nearest;
    const Host& host = hosts.at(index);
    NearestMiss miss{host.facts.agent, host.facts.hostname, reason_text(want, reason), {}};
    if (reason.stage >= Stage::cpu && reason.stage < Stage::none) {
      std::optional<CellKey> own;
      for (auto& [kind, lack] : lacks_of(want, hosts.key_on(host, want.demand->job, own), &host)) {
        miss.lacks.push_back(std::move(lack));
      }
    }
    explanation->nearest = std::move(miss);
  }
  explanation->help = help_of(count);
  return explanation;
}

}  // namespace mimas::placement
