#include "pocket/agent_ports.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "pocket/agent_flags.h"

namespace mimas::pocket {
namespace {

using Intervals = std::vector<Interval>;

constexpr std::string_view kPortsName = "ports";

std::uint64_t ports_count(const Intervals& ports) {
  std::uint64_t size = 0;
  for (const Interval& one : ports) size += one.end - one.begin + 1;
  return size;
}

Intervals ports_without(const Intervals& from, const Interval& taken) {
  Intervals left;
  for (const Interval& one : from) {
    if (taken.end < one.begin || one.end < taken.begin) {
      left.push_back(one);
      continue;
    }
    if (one.begin < taken.begin) left.push_back({one.begin, taken.begin - 1});
    if (taken.end < one.end) left.push_back({taken.end + 1, one.end});
  }
  return left;
}

// The lowest `count` of them; there are so many.
Intervals take_ports(Intervals& from, std::uint64_t count) {
  Intervals taken;
  while (count > 0) {
    const Interval first = from.front();
    const std::uint64_t here = std::min(count, first.end - first.begin + 1);
    taken.push_back({first.begin, first.begin + here - 1});
    from = ports_without(from, taken.back());
    count -= here;
  }
  return taken;
}

std::string ports_text(const Intervals& ports) {
  std::string text;
  for (const Interval& one : ports)
    text += (text.empty() ? "" : ",") + std::to_string(one.begin) + "-" + std::to_string(one.end);
  return "[" + text + "]";
}

Result<Intervals> ports_of(const AgentOptions& agent) {
  const Result<Amounts> amounts = parse_resources(agent.resources);
  if (!amounts) return amounts.error();
  const auto found = amounts->ranges.find(std::string(kPortsName));
  return found == amounts->ranges.end() ? Intervals{} : found->second;
}

// In place of those that it named.
void set_ports(AgentOptions& agent, const Intervals& ports) {
  std::string rest;
  for (std::size_t at = 0; at < agent.resources.size();) {
    const std::size_t end = std::min(agent.resources.find(';', at), agent.resources.size());
    std::string_view part(agent.resources.data() + at, end - at);
    part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
    if (!part.empty() && !part.starts_with(std::string(kPortsName) + ":")) rest.append(part).append(";");
    at = end + 1;
  }
  agent.resources = rest + std::string(kPortsName) + ":" + ports_text(ports);
}

std::string agent_name(const AgentOptions& agent, std::size_t number) {
  return agent.hostname.empty() ? "agent" + std::to_string(number) + ".pocket" : agent.hostname;
}

// What both give out; nothing: they are apart.
std::optional<Interval> common_ports(const Intervals& one, const Intervals& other) {
  for (const Interval& a : one)
    for (const Interval& b : other)
      if (std::max(a.begin, b.begin) <= std::min(a.end, b.end))
        return Interval{std::max(a.begin, b.begin), std::min(a.end, b.end)};
  return std::nullopt;
}

Status check_apart(const std::vector<AgentOptions>& agents, const std::vector<Intervals>& named) {
  for (std::size_t i = 0; i < agents.size(); ++i) {
    for (std::size_t k = i + 1; k < agents.size(); ++k) {
      const std::optional<Interval> both = common_ports(named[i], named[k]);
      if (!both) continue;
      return make_error(Code::conflict,
                        "agents " + agent_name(agents[i], i) + " and " + agent_name(agents[k], k) +
                            " are on one machine and would both give out the ports " + ports_text({*both}),
                        {}, "name ports that do not overlap, or leave them out");
    }
  }
  return Done{};
}

}  // namespace

Result<std::vector<AgentOptions>> alike(const AgentOptions& same, int count) {
  Result<Intervals> ports = ports_of(same);
  if (!ports) return ports.error();
  std::vector<AgentOptions> agents(static_cast<std::size_t>(std::max(count, 0)), same);
  if (ports->empty() || agents.size() < 2) return agents;
  const std::uint64_t share = ports_count(*ports) / agents.size();
  if (share == 0)
    return make_error(Code::invalid_argument, "has fewer ports than there are agents to divide them among",
                      "resources");
  for (AgentOptions& agent : agents) set_ports(agent, take_ports(*ports, share));
  return agents;
}

Result<std::vector<AgentOptions>> share_ports(std::vector<AgentOptions> agents) {
  std::vector<Intervals> named;
  Intervals left{kPorts};
  Intervals more{kMorePorts};
  std::uint64_t unnamed = 0;
  for (const AgentOptions& agent : agents) {
    const Result<Intervals> ports = ports_of(agent);
    if (!ports) return ports.error();
    if (ports->empty()) ++unnamed;
    for (const Interval& one : *ports) {
      left = ports_without(left, one);
      more = ports_without(more, one);
    }
    named.push_back(*ports);
  }
  if (const Status apart = check_apart(agents, named); !apart) return apart.error();
  if (unnamed == 0) return agents;
  if (ports_count(left) < unnamed) left.insert(left.end(), more.begin(), more.end());
  const std::uint64_t share = ports_count(left) / unnamed;
  for (std::size_t i = 0; i < agents.size(); ++i) {
    if (!named[i].empty()) continue;
    if (share == 0)
      return make_error(Code::invalid_argument,
                        "no ports from " + std::to_string(kPorts.begin) + " to " +
                            std::to_string(kMorePorts.end) + " are left for agent " +
                            agent_name(agents[i], i),
                        {}, "name its ports: resources=ports:[begin-end]");
    set_ports(agents[i], take_ports(left, share));
  }
  return agents;
}

std::optional<Interval> free_ports(const std::vector<AgentOptions>& agents, Interval within,
                                   std::uint64_t count) {
  Intervals left{within};
  for (const AgentOptions& agent : agents) {
    const Result<Intervals> ports = ports_of(agent);
    if (!ports) continue;
    for (const Interval& one : *ports) left = ports_without(left, one);
  }
  for (const Interval& one : left)
    if (one.end - one.begin + 1 >= count) return Interval{one.begin, one.begin + count - 1};
  return std::nullopt;
}

}  // namespace mimas::pocket
