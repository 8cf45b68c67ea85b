#include "engine/index.h"

#include <algorithm>

#include "engine/holds.h"
#include "engine/standing.h"

namespace mimas::engine {
namespace {

// After a restart, until it makes an offer.
bool is_known_from_tasks_only(const Agent& agent) { return agent.total == Resources{}; }

// It has at least what ours hold there, or nobody could ever end there for another.
placement::HostFacts facts_of(const Agent& agent) {
  const bool undescribed = is_known_from_tasks_only(agent);
  placement::HostFacts facts{agent.id, agent.hostname, agent.attributes,
                             undescribed ? agent.used : agent.total, !undescribed};
  for (const char* level : {"zone", "region"}) {
    if (std::string where = domain_of(agent, level); !where.empty())
      facts.attributes[level] = std::move(where);
  }
  return facts;
}

bool is_exclusive(const JobSpec& spec) {
  return std::any_of(spec.hard_constraints.begin(), spec.hard_constraints.end(),
                     [](const Constraint& c) { return c.kind == Constraint::Kind::exclusive_host; });
}

// What placement was told of a job stays the same until the last task it was told of has ended.
placement::Work& told_work(State::Data& data, std::int64_t number) {
  auto [at, fresh] = data.told_jobs.try_emplace(number);
  ToldJob& told = at->second;
  if (fresh) {
    const JobSpec& spec = *data.jobs.at(number).record->spec;
    told.work = {number, spec.type, spec.application_name, {}, is_exclusive(spec)};
  }
  return told.work;
}

void tell_work(State::Data& data, AgentEntry& agent, const WorkKey& key, WorkCount& count) {
  placement::Work work = told_work(data, key.first);
  work.executor = key.second;
  for (auto& [role, host] : agent.hosts) {
    placement::Cluster& cluster = data.clusters.at(role);
    for (std::int64_t n = count.told; n < count.now; ++n) cluster.start(host, work);
    for (std::int64_t n = count.told; n > count.now; --n) cluster.end(host, work);
  }
  ToldJob& told = data.told_jobs.at(key.first);
  told.tasks += count.now - count.told;
  if (told.tasks == 0) data.told_jobs.erase(key.first);
  count.told = count.now;
}

void tell_all_work(State::Data& data, AgentEntry& agent) {
  for (auto at = agent.work.begin(); at != agent.work.end();) {
    if (at->second.now != at->second.told) tell_work(data, agent, at->first, at->second);
    at = at->second.now == 0 ? agent.work.erase(at) : std::next(at);
  }
}

// A view that is new to the agent is told of all that the others know already.
void put_host(State::Data& data, AgentEntry& agent, const std::string& role, placement::Cluster& cluster) {
  const placement::HostIndex host = cluster.put(facts_of(agent.record));
  agent.hosts[role] = host;
  for (const auto& [key, count] : agent.work) {
    if (count.told == 0) continue;
    placement::Work work = told_work(data, key.first);
    work.executor = key.second;
    for (std::int64_t n = 0; n < count.told; ++n) cluster.start(host, work);
  }
  const auto holds = data.holds.find(agent.record.id);
  if (holds == data.holds.end()) return;
  for (const placement::Hold& hold : holds->second) {
    if (is_held_in(data, hold, role)) cluster.hold(host, hold);
  }
}

Ports avoided_ports(const Turn& turn, AgentEntry& agent) {
  std::vector<PortRange> ranges;
  const Instant since{turn.now.ms - turn.data.policy.ports_avoid_ms};
  std::erase_if(agent.doubted_ports, [&](const auto& one) { return one.second <= since; });
  for (const auto& [port, at] : agent.doubted_ports) ranges.push_back({port, port});
  return *Ports::from_ranges(std::move(ranges));
}

void tell_offers(const AgentEntry& agent, const std::string& role, placement::HostIndex host,
                 placement::Cluster& cluster) {
  Resources free;
  bool any = false;
  for (const auto& [id, held] : agent.offers) {
    if (held.offer.role != role) continue;
    free += held.offer.resources;
    any = true;
  }
  if (any) {
    cluster.offer(host, std::move(free));
  } else {
    cluster.withdraw(host);
  }
}

}  // namespace

std::string domain_of(const Agent& agent, std::string_view level) {
  const std::string& named = level == "zone" ? agent.zone : agent.region;
  if (!named.empty()) return named;
  const auto attribute = agent.attributes.find(level);
  return attribute == agent.attributes.end() ? std::string() : attribute->second;
}

void untell_agent(State::Data& data, AgentEntry& agent) {
  for (const auto& [role, host] : agent.hosts) data.clusters.at(role).remove(host);
  agent.hosts.clear();
  for (auto& [key, count] : agent.work) {
    if (count.told == 0) continue;
    ToldJob& told = data.told_jobs.at(key.first);
    told.tasks -= count.told;
    if (told.tasks == 0) data.told_jobs.erase(key.first);
    count.told = 0;
  }
}

void tell_agent(Turn& turn, AgentEntry& agent) {
  State::Data& data = turn.data;
  if (agent.offers.empty() && agent.record.state != AgentState::active) return untell_agent(data, agent);
  const bool described = std::exchange(agent.described, true) && !is_known_from_tasks_only(agent.record);
  for (auto& [role, cluster] : data.clusters) {
    auto at = agent.hosts.find(role);
    if (at == agent.hosts.end()) {
      put_host(data, agent, role, cluster);
    } else if (!described) {
      cluster.put(facts_of(agent.record));
    }
    const placement::HostIndex host = agent.hosts.at(role);
    cluster.stand(host, standing_of(turn, agent));
    tell_offers(agent, role, host, cluster);
    cluster.avoid_ports(host, avoided_ports(turn, agent));
  }
  tell_all_work(data, agent);
}

void tell_changed_agents(Turn& turn) {
  State::Data& data = turn.data;
  for (const AgentId& id : data.agents_unpublished) {
    auto at = data.agents.find(id);
    if (at != data.agents.end()) tell_agent(turn, at->second);
  }
}

// The views that offers to the role are in. Where all roles are one, whatever its name, each that offers came
// in.
std::vector<std::string> views_of(Turn& turn, const std::string& role) {
  if (!turn.data.policy.roles.empty()) {
    (void)cluster_of(turn, role);
    return {role};
  }
  std::vector<std::string> views;
  for (const auto& [name, cluster] : turn.data.clusters) views.push_back(name);
  return views;
}

placement::Cluster& cluster_of(Turn& turn, std::string_view role) {
  State::Data& data = turn.data;
  auto at = data.clusters.find(role);
  if (at != data.clusters.end()) return at->second;
  auto [fresh, made] = data.clusters.emplace(std::string(role), placement::Cluster(data.policy.rules));
  for (auto& [id, agent] : data.agents) tell_agent(turn, agent);
  return fresh->second;
}

}  // namespace mimas::engine
