#include "engine/holds.h"

#include <algorithm>

#include "engine/preemption.h"
#include "placement/order.h"

namespace mimas::engine {
namespace {

using Holds = std::map<AgentId, std::vector<placement::Hold>>;

ResourceRequest need_of(const Job& job) {
  placement::Demand demand;
  demand.spec = job.spec;
  demand.share = {kExecutorCpuMilli, kExecutorMemMib, 0, 0, 0, {}};
  ResourceRequest need = placement::charge_at_most(demand);
  need.ports = job.spec->request.ports;
  return need;
}

ResourceRequest multiple_of(ResourceRequest one, std::int64_t n) {
  for (std::int64_t* amount : {&one.cpu_milli, &one.mem_mib, &one.disk_mib, &one.gpus, &one.ports})
    *amount *= n;
  for (auto& [name, amount] : one.scalars) amount *= n;
  return one;
}

// How many times the need is in what they held.
std::int64_t fits_into(const ResourceRequest& need, const Resources& room) {
  std::int64_t most = INT64_MAX;
  auto look = [&](std::int64_t asked, std::int64_t have) {
    if (asked > 0) most = std::min(most, have / asked);
  };
  look(need.cpu_milli, room.cpu_milli);
  look(need.mem_mib, room.mem_mib);
  look(need.disk_mib, room.disk_mib);
  look(need.gpus, room.gpus);
  look(need.ports, room.ports.count());
  for (const auto& [name, amount] : need.scalars) look(amount, scalar(room.scalars, name));
  return most == INT64_MAX ? 0 : most;
}

// What tasks of one job ended for on one agent.
struct Made {
  std::int64_t victims = 0;
  Resources room;
  Instant since = kNever;  // the first of their ends
};

std::int64_t placed_since(const State::Data& data, const AgentId& id, const JobEntry& job, Instant since) {
  const std::int64_t number = job.record->number;
  const std::set<TaskKey>& tasks = data.agents.at(id).tasks;
  std::int64_t placed = 0;
  for (auto at = tasks.lower_bound({number, INT64_MIN, INT64_MIN}); at != tasks.end() && at->job == number;
       ++at) {
    if (job.tasks.at({at->index, at->number}).record->dispatched_at >= since) ++placed;
  }
  return placed;
}

// Does anybody end for it, or has of late?
bool is_claimant(const State::Data& data, std::int64_t number, Instant now) {
  const auto found = data.making_room.find(number);
  return found != data.making_room.end() &&
         found->second.rbegin()->first > Instant{now.ms - data.policy.preempt_room_ms};
}

// Of the job, on every agent where others end for it.
void add_holds(State::Data& data, std::int64_t number, Instant now, Holds& holds) {
  std::map<AgentId, Made> by_agent;
  for (const RoomMade& one : room_made_for(data, number, now)) {
    Made& made = by_agent[one.victim->agent];
    ++made.victims;
    made.room += one.victim->allocated;
    made.since = std::min(made.since, one.ended_at);
    if (one.ended_at != kNever)
      data.holds_look_at = std::min(data.holds_look_at, one.ended_at + data.policy.preempt_room_ms);
  }
  const auto found = data.jobs.find(number);
  if (found == data.jobs.end() || found->second.record->state != JobState::active) return;
  const JobEntry& job = found->second;
  const ResourceRequest need = need_of(*job.record);
  const auto& constraints = job.record->spec->hard_constraints;
  const bool exclusive = std::any_of(constraints.begin(), constraints.end(), [](const Constraint& c) {
    return c.kind == Constraint::Kind::exclusive_host;
  });
  // Everywhere as many as fit into what was made for sure; what is left waiting may need each victim's room.
  std::int64_t waiting = job.queued;
  std::map<AgentId, std::int64_t> tasks;
  for (const bool all : {false, true}) {
    for (const auto& [agent, made] : by_agent) {
      const std::int64_t sure = std::max<std::int64_t>(fits_into(need, made.room), 1);
      const std::int64_t helped = all ? std::max(made.victims, sure) : sure;
      const std::int64_t held = tasks[agent] + placed_since(data, agent, job, made.since);
      const std::int64_t more = std::clamp<std::int64_t>(helped - held, 0, waiting);
      tasks[agent] += more;
      waiting -= more;
    }
  }
  for (const auto& [agent, count] : tasks) {
    if (count > 0) holds[agent].push_back({number, exclusive, multiple_of(need, count)});
  }
}

void tell_holds(State::Data& data, const AgentId& id, const std::vector<placement::Hold>& holds, bool held) {
  const auto agent = data.agents.find(id);
  if (agent == data.agents.end()) return;
  for (const auto& [view, host] : agent->second.hosts) {
    for (const placement::Hold& hold : holds) {
      if (!is_held_in(data, hold, view)) continue;
      data.clusters.at(view).hold(host, held ? hold : placement::Hold{hold.job, false, {}});
    }
  }
}

}  // namespace

bool is_held_in(const State::Data& data, const placement::Hold& hold, const std::string& view) {
  if (data.policy.roles.empty()) return true;
  const auto job = data.jobs.find(hold.job);
  return job != data.jobs.end() && job->second.role == view;
}

void hold_rooms(Turn& turn) {
  State::Data& data = turn.data;
  if (data.claimants.empty() && data.holds.empty()) return;
  Holds holds;
  data.holds_look_at = kNever;
  for (auto at = data.claimants.begin(); at != data.claimants.end();) {
    if (is_claimant(data, *at, turn.now)) {
      add_holds(data, *at++, turn.now, holds);
    } else {
      data.lines_stale.insert(*at);
      at = data.claimants.erase(at);
    }
  }
  if (holds == data.holds) return;
  for (const auto& [agent, before] : data.holds) tell_holds(data, agent, before, false);
  if (!data.holds.empty()) data.placement_stale = data.place_all = true;
  data.holds = std::move(holds);
  for (const auto& [agent, now] : data.holds) tell_holds(data, agent, now, true);
}

}  // namespace mimas::engine
