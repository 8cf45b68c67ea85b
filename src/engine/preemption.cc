#include "engine/preemption.h"

#include <algorithm>

#include "engine/executors.h"
#include "engine/reconcile.h"
#include "placement/preemption.h"

namespace mimas::engine {
namespace {

constexpr std::size_t kEvictionsPerLookMax = 100;
constexpr std::string_view kMakesRoomFor = "makes room for ";

// It may take another's place, has waited for long enough, and nobody ends for it already.
bool is_due(const Turn& turn, const placement::Demand& demand) {
  return demand.spec->production && turn.now - demand.since >= turn.data.policy.preempt_after_ms &&
         room_made_for(turn.data, demand.job, turn.now).empty();
}

// Those that run there for the role. One that was just sent, is ending, cannot be reached or has a successor
// already gives no room that could be counted on.
std::vector<placement::Victim> victims_on(const State::Data& data, const AgentEntry& agent,
                                          const std::string& role) {
  std::vector<placement::Victim> victims;
  for (const TaskKey& key : agent.tasks) {
    const JobEntry& job = data.jobs.at(key.job);
    const Task& task = *job.tasks.at({key.index, key.number}).record;
    const bool runs = task.state == TaskState::starting || task.state == TaskState::running;
    if (!runs || task.kill_requested || task.replaced || job.role != role) continue;
    const JobSpec& spec = *job.record->spec;
    const auto group = data.groups_described.find(std::string(group_of(spec)));
    placement::Victim victim;
    victim.task = task.id;
    victim.work = data.told_jobs.at(key.job).work;
    if (is_in_shared_executor(task)) victim.work.executor = task.executor;
    victim.priority = spec.priority;
    victim.production = spec.production;
    victim.tier = group == data.groups_described.end() ? Tier::flex : group->second->tier;
    victim.started = task.running_at.ms != 0 ? task.running_at : task.starting_at;
    victim.allocated = task.allocated;
    victims.push_back(std::move(victim));
  }
  return victims;
}

void end_for(Turn& turn, const Job& job, const placement::Eviction& eviction) {
  for (const TaskId& id : eviction.victims) {
    FoundTask found = find_task(turn.data, id);
    ASSERT(found.task != nullptr);
    request_kill(turn, *found.job, found.key, kPreempted, message_to_victim(job));
  }
}

// Answers how many were helped.
std::size_t end_in_view(Turn& turn, const std::string& view, const WaitingRound& round,
                        const std::vector<placement::Unplaced>& left, std::size_t most) {
  State::Data& data = turn.data;
  const placement::Cluster& cluster = data.clusters.at(view);
  const std::string& role = data.jobs.at(round.queue.demands[left[0].demand].job).role;
  const auto victims = [&](placement::HostIndex host) {
    return victims_on(data, data.agents.at(cluster.facts(host).agent), role);
  };
  const auto evictions = placement::preempt(cluster, round.queue, {{}, left}, victims, most);
  for (const placement::Eviction& eviction : evictions) {
    end_for(turn, *data.jobs.at(round.queue.demands[eviction.demand].job).record, eviction);
  }
  return evictions.size();
}

}  // namespace

std::string message_to_victim(const Job& job) {
  return std::string(kMakesRoomFor) + job.id.value + " (" + job.spec->name + "), which is more important";
}

std::int64_t makes_room_for(const Task& victim) {
  std::string_view message = victim.message;
  if (!message.starts_with(kMakesRoomFor)) return -1;
  message.remove_prefix(kMakesRoomFor.size());
  return parse_job_number(message.substr(0, message.find(' ')));
}

std::vector<RoomMade> room_made_for(const State::Data& data, std::int64_t job, Instant now) {
  std::vector<RoomMade> made;
  const auto found = data.making_room.find(job);
  if (found == data.making_room.end()) return made;
  for (auto at = found->second.lower_bound({Instant{now.ms - data.policy.preempt_room_ms + 1}, TaskKey{}});
       at != found->second.end(); ++at) {
    const auto& [ended_at, key] = *at;
    const Task& victim = *data.jobs.at(key.job).tasks.at({key.index, key.number}).record;
    const auto agent = data.agents.find(victim.agent);
    const bool reachable = victim.state != TaskState::unreachable && agent != data.agents.end() &&
                           agent->second.record.state == AgentState::active;
    if (reachable) made.push_back({&victim, ended_at});
  }
  return made;
}

void note_waits(State::Data& data, const Job& job) {
  if (data.policy.preemption && job.spec->production) data.waits_for_room.insert(job.number);
}

void make_room(Turn& turn, const std::vector<std::string>& views, const WaitingRound& round,
               const std::vector<placement::Unplaced>& unplaced) {
  State::Data& data = turn.data;
  if (!data.policy.preemption) return;
  std::vector<placement::Unplaced> left;
  for (const placement::Unplaced& one : unplaced) {
    const placement::Demand& demand = round.queue.demands[one.demand];
    if (data.room_looked_at == turn.now && is_due(turn, demand)) left.push_back(one);
  }
  std::size_t most = kEvictionsPerLookMax;
  for (const std::string& view : views) {
    if (left.empty()) return;
    most -= end_in_view(turn, view, round, left, most);
    // What a job did not get here waits for the next look, or it would be helped twice.
    std::erase_if(
        left, [&](const placement::Unplaced& one) { return !is_due(turn, round.queue.demands[one.demand]); });
  }
}

Instant room_at(const State::Data& data) {
  if (data.waits_for_room.empty() || !data.subscribed) return kNever;
  return data.room_looked_at + data.policy.preempt_look_ms;
}

void look_for_room(Turn& turn) {
  State::Data& data = turn.data;
  if (room_at(data) > turn.now) return;
  data.room_looked_at = turn.now;
  std::erase_if(data.waits_for_room, [&](std::int64_t number) { return !data.ready.contains(number); });
  data.to_place.insert(data.waits_for_room.begin(), data.waits_for_room.end());
  if (!data.to_place.empty()) data.placement_stale = true;
}

}  // namespace mimas::engine
