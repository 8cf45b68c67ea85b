#include "placement/place.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace mimas::placement::first_fit {
namespace {

// A host as the search sees it: attributes with the pseudo-attributes of model/constraint.h mixed in.
struct Candidate {
  Host* host = nullptr;
  std::size_t index = 0;  // in the caller's order
  Attributes attributes;
};

std::vector<Candidate> in_agent_order(std::vector<Host>& hosts) {
  std::vector<Candidate> candidates;
  candidates.reserve(hosts.size());
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    Candidate candidate{&hosts[i], i, hosts[i].attributes};
    candidate.attributes["hostname"] = hosts[i].hostname;
    candidate.attributes["agentId"] = hosts[i].agent.value;
    candidates.push_back(std::move(candidate));
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.host->agent < b.host->agent; });
  return candidates;
}

bool pays_share(const Host& host, const Demand& demand) {
  return demand.executor.empty() || !host.executors.contains(demand.executor);
}

// What the next task of the demand takes of the host.
ResourceRequest request_there(const Host& host, const Demand& demand) {
  ResourceRequest request = demand.request;
  if (!pays_share(host, demand)) return request;
  request.cpu_milli += demand.share.cpu_milli;
  request.mem_mib += demand.share.mem_mib;
  return request;
}

// Why a task of the demand cannot go there now; empty: it can. Constraints come first: resources may change.
std::string excluded_by(const Candidate& candidate, const Demand& demand) {
  const Host& host = *candidate.host;
  for (const Constraint& constraint : demand.constraints) {
    if (constraint.kind == Constraint::Kind::unique_host) {
      auto running = host.running.find(demand.job);
      if (running != host.running.end() && running->second > 0) return "UniqueHost";
    } else if (!satisfies(constraint, candidate.attributes)) {
      return "constraint " + constraint.text;
    }
  }
  if (host.leaving) return "maintenance";
  if (!host.offered) return "no offer";
  const ResourceRequest request = request_there(host, demand);
  if (request.cpu_milli > host.free.cpu_milli) return "cpu";
  if (request.mem_mib > host.free.mem_mib) return "memory";
  if (request.disk_mib > host.free.disk_mib) return "disk";
  if (request.gpus > host.free.gpus) return "gpus";
  if (request.ports > 0 && request.ports > host.free.ports.count()) return "ports";
  return {};
}

Resources take(const ResourceRequest& request, Resources& free) {
  Resources taken{request.cpu_milli, request.mem_mib, request.disk_mib, request.gpus,
                  free.ports.take_lowest(request.ports)};
  free -= taken;
  return taken;
}

std::map<std::string, std::int64_t> explain(const std::vector<Candidate>& candidates, const Demand& demand) {
  std::map<std::string, std::int64_t> reasons;
  for (const Candidate& candidate : candidates) ++reasons[excluded_by(candidate, demand)];
  return reasons;
}

std::string sentence(const std::string& reason, std::int64_t hosts) {
  bool one = hosts == 1;
  if (reason == "UniqueHost")
    return one ? "runs the job already (UniqueHost)" : "run the job already (UniqueHost)";
  if (reason == "maintenance")
    return one ? "is about to be taken down for maintenance" : "are about to be taken down for maintenance";
  if (reason == "no offer") return one ? "makes no offer now" : "make no offer now";
  if (reason.starts_with("constraint ")) return (one ? "fails " : "fail ") + reason;
  std::string has = one ? "has too " : "have too ";
  bool countable = reason == "gpus" || reason == "ports";
  return has + (countable ? "few " : "little ") + reason;
}

}  // namespace

std::string Shortfall::text() const {
  if (hosts == 0) return "no agent offers anything";
  std::vector<std::pair<std::string, std::int64_t>> ranked(reasons.begin(), reasons.end());
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text = "no agent fits: ";
  bool first = true;
  for (const auto& [reason, count] : ranked) {
    if (!first) text += ", ";
    text += std::to_string(count);
    if (first) text += " of " + std::to_string(hosts);
    text += " " + sentence(reason, count);
    first = false;
  }
  return text;
}

namespace {

// What is known of demands that ask for the same: hosts only fill up, so a host that refused one of them
// refuses all that follow. Ten thousand jobs of one template then cost one walk over the hosts, not ten
// thousand.
struct Likeness {
  std::size_t at = 0;                           // every host before this one has refused
  std::size_t assignments = 0;                  // as many were made when the reasons were found
  std::map<std::string, std::int64_t> reasons;  // of all hosts; empty: not looked at yet
};

bool wants_unique_host(const Demand& demand) {
  return std::any_of(demand.constraints.begin(), demand.constraints.end(),
                     [](const Constraint& c) { return c.kind == Constraint::Kind::unique_host; });
}

// Its executor runs somewhere: a host may then have room for it that has none for others. One that is yet to
// be started changes nothing, for every host before it was refused with the share included.
bool has_executor(const std::vector<Host>& hosts, const Demand& demand) {
  if (demand.executor.empty()) return false;
  return std::any_of(hosts.begin(), hosts.end(),
                     [&](const Host& host) { return host.executors.contains(demand.executor); });
}

std::string likeness_key(const std::vector<Host>& hosts, const Demand& demand) {
  const ResourceRequest& r = demand.request;
  std::string key;
  for (std::int64_t amount :
       {r.cpu_milli, r.mem_mib, r.disk_mib, r.gpus, r.ports, demand.share.cpu_milli, demand.share.mem_mib})
    key += std::to_string(amount) + ' ';
  if (has_executor(hosts, demand)) key += demand.executor + '\n';
  for (const Constraint& constraint : demand.constraints) key += constraint.text + '\n';
  if (wants_unique_host(demand)) key += demand.job.value;
  return key;
}

// The same agent may stand there once per role; UniqueHost is about the agent.
void count_running(std::vector<Candidate>& candidates, std::size_t at, const JobId& job) {
  const AgentId& agent = candidates[at].host->agent;
  for (std::size_t i = at; i < candidates.size() && candidates[i].host->agent == agent; ++i) {
    ++candidates[i].host->running[job];
  }
  for (std::size_t i = at; i > 0 && candidates[i - 1].host->agent == agent; --i) {
    ++candidates[i - 1].host->running[job];
  }
}

}  // namespace

Plan place(std::vector<Host> hosts, const std::vector<Demand>& demands) {
  Plan plan;
  std::vector<Candidate> candidates = in_agent_order(hosts);
  std::map<std::string, Likeness> alike;
  for (const Demand& demand : demands) {
    Likeness& like = alike[likeness_key(hosts, demand)];
    std::size_t placed = 0;
    while (placed < demand.tasks.size() && like.at < candidates.size()) {
      if (!excluded_by(candidates[like.at], demand).empty()) {
        ++like.at;
        continue;
      }
      Host& host = *candidates[like.at].host;
      const bool charged = pays_share(host, demand);
      plan.assignments.push_back({demand.tasks[placed], candidates[like.at].index,
                                  take(request_there(host, demand), host.free), charged});
      if (!demand.executor.empty()) host.executors.insert(demand.executor);
      ++placed;
      count_running(candidates, like.at, demand.job);
    }
    if (placed == demand.tasks.size()) continue;
    if (like.reasons.empty() || like.assignments != plan.assignments.size()) {
      like.reasons = explain(candidates, demand);
      like.assignments = plan.assignments.size();
    }
    plan.shortfalls.push_back({demand.job, static_cast<std::int64_t>(demand.tasks.size() - placed),
                               static_cast<std::int64_t>(candidates.size()), like.reasons});
  }
  return plan;
}

}  // namespace mimas::placement::first_fit
