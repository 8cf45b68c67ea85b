// A small cluster and a queue, for examples that fit on a few lines.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "placement/cluster.h"

namespace mimas::placement {

struct Scene {
  explicit Scene(const std::string& fitness = "pack=80, same-type=20", std::set<std::string> dedicated = {})
      : cluster(rules(fitness, std::move(dedicated))) {
    queue.groups.resize(1);
  }

  static Rules rules(const std::string& fitness, std::set<std::string> dedicated) {
    Rules rules;
    rules.fitness.terms = *parse_fitness(fitness);
    rules.dedicated = std::move(dedicated);
    return rules;
  }

  // Known, and empty; answers what it offers.
  Resources agent(const std::string& id, std::int64_t cpu_milli, Attributes attributes = {},
                  std::int64_t mem_mib = 1'000) {
    Resources all{cpu_milli, mem_mib, 0, 0, {}, {}};
    hosts[id] = cluster.put({AgentId(id), "host-" + id, std::move(attributes), all});
    cluster.offer(hosts[id], all);
    return all;
  }
  // All that it has, and free.
  void offer(const std::string& id, const Resources& free) {
    HostFacts facts = cluster.facts(hosts.at(id));
    facts.total = free;
    cluster.put(facts);
    cluster.offer(hosts.at(id), free);
  }

  JobSpec& want(JobNumber job, std::int64_t cpu_milli, std::int64_t tasks,
                const std::vector<std::string>& hard = {}, const std::vector<std::string>& soft = {}) {
    auto spec = std::make_shared<JobSpec>();
    spec->request.cpu_milli = cpu_milli;
    spec->request.mem_mib = 10;
    for (const std::string& text : hard) spec->hard_constraints.push_back(*parse_constraint(text));
    for (const std::string& text : soft) spec->soft_constraints.push_back(*parse_constraint(text));
    Demand demand;
    demand.job = job;
    demand.spec = spec;
    demand.count = tasks;
    queue.demands.push_back(demand);
    return *spec;
  }

  // The agents' ids in the order of the decisions.
  std::string places(std::size_t most = SIZE_MAX) {
    plan = cluster.place(queue, most);
    std::string ids;
    for (const Assignment& one : plan.assignments) {
      ids += (ids.empty() ? "" : " ") + cluster.facts(one.host).agent.value;
    }
    return ids;
  }

  // What the plan decided has been done.
  void tell() {
    for (const Assignment& one : plan.assignments) {
      const Demand& demand = queue.demands[one.demand];
      const auto& hard = demand.spec->hard_constraints;
      const bool exclusive = std::any_of(hard.begin(), hard.end(), [](const Constraint& constraint) {
        return constraint.kind == Constraint::Kind::exclusive_host;
      });
      Resources left = cluster.free(one.host);
      left -= one.allocated;
      cluster.offer(one.host, left);
      cluster.start(one.host, {demand.job, demand.spec->type, demand.spec->application_name, demand.executor,
                               exclusive});
    }
  }

  const Explanation& why(std::size_t demand = 0) {
    for (const Unplaced& one : plan.unplaced) {
      if (one.demand == demand) return *one.why;
    }
    FAIL("the demand was placed");
    return *plan.unplaced.front().why;
  }

  Cluster cluster;
  Queue queue;
  Plan plan;
  std::map<std::string, HostIndex> hosts;
};

}  // namespace mimas::placement
