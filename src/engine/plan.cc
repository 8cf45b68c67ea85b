#include "engine/plan.h"

#include <algorithm>
#include <map>

#include "engine/executors.h"
#include "engine/index.h"
#include "engine/queue.h"

namespace mimas::engine {
namespace {

Resources not_used(const Agent& agent) {
  Resources free = agent.total;
  free -= agent.used;
  free.cpu_milli = std::max<std::int64_t>(free.cpu_milli, 0);
  free.mem_mib = std::max<std::int64_t>(free.mem_mib, 0);
  free.disk_mib = std::max<std::int64_t>(free.disk_mib, 0);
  free.gpus = std::max<std::int64_t>(free.gpus, 0);
  std::erase_if(free.scalars, [](const auto& one) { return one.second < 0; });
  return free;
}

placement::Cluster as_if_all_offered(const State::Data& data, const std::string& view) {
  placement::Cluster trial = data.clusters.at(view).copy();
  for (const auto& [id, agent] : data.agents) {
    const auto host = agent.hosts.find(view);
    if (host == agent.hosts.end() || agent.record.total == Resources{}) continue;
    const bool offers = std::any_of(agent.offers.begin(), agent.offers.end(),
                                    [&](const auto& one) { return one.second.offer.role == view; });
    if (!offers) trial.offer(host->second, not_used(agent.record));
  }
  return trial;
}

JobEntry imaginary(const State::Data& data, const SubmitJob& command) {
  auto job = std::make_shared<Job>();
  job->number = data.next_job_number;
  job->id = make_job_id(job->number);
  job->spec = command.spec;
  JobEntry entry;
  entry.role = role_of(data.policy, *command.spec);
  entry.record = std::move(job);
  return entry;
}

void add_shares(const State::Data& data, const placement::Cluster& trial,
                const std::vector<placement::Assignment>& assignments,
                std::map<AgentId, PlacementPlan::Share>& shares) {
  for (const placement::Assignment& one : assignments) {
    const placement::HostFacts& host = trial.facts(one.host);
    PlacementPlan::Share& share = shares[host.agent];
    if (share.tasks++ > 0) continue;
    share.agent = host.agent;
    share.hostname = host.hostname;
    share.zone = data.agents.at(host.agent).record.zone;
    share.score = one.score;
  }
}

ExplanationPtr nobody_offers(std::int64_t tasks) {
  auto why = std::make_shared<Explanation>();
  why->tasks = tasks;
  return why;
}

ExplanationPtr foreign_role(const std::string& role, std::int64_t tasks) {
  auto why = std::make_shared<Explanation>();
  why->tasks = tasks;
  why->help.push_back("the role " + role + " is not one of this scheduler's: name one that is in the label " +
                      std::string(kRoleLabel));
  return why;
}

}  // namespace

PlacementPlanPtr plan_of(Turn& turn, const SubmitJob& command) {
  const State::Data& data = turn.data;
  auto plan = std::make_shared<PlacementPlan>();
  plan->tasks = command.instances_desired;
  const JobEntry entry = imaginary(data, command);
  if (!is_ours(data.policy, entry.role)) {
    plan->why = foreign_role(entry.role, plan->tasks);
    return plan;
  }
  tell_changed_agents(turn);
  WaitingRound round{turn.now};
  placement::Demand& demand =
      add_demand(data, *entry.record, shared_executor(data.policy, entry, Task{}), round);
  demand.count = plan->tasks;
  demand.since = turn.now;
  std::map<AgentId, PlacementPlan::Share> shares;
  if (demand.count > 0) plan->why = nobody_offers(demand.count);
  for (const std::string& view : views_of(turn, entry.role)) {
    if (demand.count == 0) break;
    placement::Cluster trial = as_if_all_offered(data, view);
    const placement::Plan placed = trial.place(round.queue);
    add_shares(data, trial, placed.assignments, shares);
    demand.count -= static_cast<std::int64_t>(placed.assignments.size());
    plan->why = placed.unplaced.empty() ? nullptr : placed.unplaced.front().why;
  }
  for (auto& [agent, share] : shares) plan->shares.push_back(std::move(share));
  return plan;
}

}  // namespace mimas::engine
