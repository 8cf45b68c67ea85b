#include "engine/agent_health.h"

#include <algorithm>

#include "engine/parts.h"
#include "engine/standing.h"

namespace mimas::engine {
namespace {

constexpr std::size_t kJobsRemembered = 100;  // per agent; the oldest goes

AgentEntry* agent_of(State::Data& data, const Task& task) {
  const auto found = data.agents.find(task.agent);
  return found == data.agents.end() ? nullptr : &found->second;
}

void forget_before(std::map<std::int64_t, Instant>& jobs, Instant at) {
  std::erase_if(jobs, [&](const auto& entry) { return entry.second < at; });
  if (jobs.size() < kJobsRemembered) return;
  const auto older = [](const auto& left, const auto& right) { return left.second < right.second; };
  jobs.erase(std::min_element(jobs.begin(), jobs.end(), older));
}

// May one more be left out? Few of all may be, at least one, and never the last that takes work.
bool has_room_in_quarantine(const Turn& turn, const AgentEntry& agent) {
  std::int64_t active = 0, quarantined = 0, others = 0;
  for (const auto& [id, entry] : turn.data.agents) {
    if (entry.record.state != AgentState::active) continue;
    ++active;
    const Standing standing = standing_of(turn, entry);
    if (turn.now < entry.record.quarantined_until) ++quarantined;
    if (&entry != &agent && (standing == Standing::open || standing == Standing::launching)) ++others;
  }
  const std::int64_t most =
      std::max<std::int64_t>(active * turn.data.policy.quarantine_share_percent / 100, 1);
  return others > 0 && quarantined < most;
}

void set_quarantine(Turn& turn, AgentEntry& agent, Instant until) {
  Agent& record = agent.record;
  turn.data.standing_due.erase({record.quarantined_until, record.id});
  record.quarantined_until = until;
  if (until.ms != 0) turn.data.standing_due.insert({until, record.id});
  note_standing(turn.data, agent);
}

void quarantine(Turn& turn, AgentEntry& agent) {
  const Policy& policy = turn.data.policy;
  Agent& record = agent.record;
  // One that did well for as long as a quarantine can last begins anew.
  if (turn.now >= record.quarantine_ended_at + policy.quarantine_max_ms) record.quarantines = 0;
  std::int64_t length = policy.quarantine_first_ms;
  for (std::int64_t i = 0; i < record.quarantines && length < policy.quarantine_max_ms; ++i) length *= 2;
  length = std::min(length, policy.quarantine_max_ms);
  ++record.quarantines;
  record.failure_score /= 2;  // afterwards it takes half as many failures to be back
  set_quarantine(turn, agent, turn.now + length);
  turn.reason("agent " + record.id.value + " (" + record.hostname + ") is quarantined for " +
              std::to_string(length / 1'000) + " s: " + record.last_failure);
}

void add_failure(Turn& turn, AgentEntry& agent, std::string what) {
  Agent& record = agent.record;
  const Policy& policy = turn.data.policy;
  record.failure_score = failure_score_at(policy, record, turn.now) + kFailureScore;
  record.failures_at = turn.now;
  record.last_failure = std::move(what);
  turn.data.agents_unpublished.insert(record.id);
  if (record.failure_score < policy.quarantine_score || turn.now < record.quarantined_until) return;
  if (has_room_in_quarantine(turn, agent)) {
    quarantine(turn, agent);
  } else {
    turn.reason("agent " + record.id.value + " (" + record.hostname +
                ") would be quarantined, but too many others are out of use");
  }
}

void note_failed_start(Turn& turn, AgentEntry& agent, const JobEntry& job, std::string what) {
  const Instant fresh{turn.now.ms - turn.data.policy.failure_half_life_ms};
  const std::int64_t number = job.record->number;
  const auto before = agent.failed_starts.find(number);
  const bool again = before != agent.failed_starts.end() && before->second > fresh;
  const bool runs_elsewhere = std::ranges::any_of(
      job.ran_on, [&](const AgentId& id) { return !id.empty() && id != agent.record.id; });
  if (again && !runs_elsewhere) return;
  forget_before(agent.failed_starts, fresh);
  agent.failed_starts[number] = turn.now;
  add_failure(turn, agent, std::move(what));
}

template <class Map, class TimeOf>
void forget_oldest(Map& map, std::size_t most, TimeOf time_of) {
  if (map.size() <= most) return;
  const auto older = [&](const auto& a, const auto& b) { return time_of(a.second) < time_of(b.second); };
  map.erase(std::min_element(map.begin(), map.end(), older));
}

// Something there may be in the way of just this job, or of whoever gets these ports.
void note_avoided(Turn& turn, AgentEntry& agent, JobEntry& job, const Task& last) {
  FailedStarts& failed = job.failed_on[agent.record.id];
  if (failed.last + turn.data.policy.failure_half_life_ms <= turn.now) failed.count = 0;
  failed.last = turn.now;
  ++failed.count;
  forget_oldest(job.failed_on, kFailedOnMax, [](const FailedStarts& one) { return one.last; });
  for (const std::int32_t port : last.allocated.ports.list()) {
    agent.doubted_ports[port] = turn.now;
    forget_oldest(agent.doubted_ports, kDoubtedPortsMax, [](Instant at) { return at; });
  }
  turn.data.agents_unpublished.insert(agent.record.id);
}

bool is_early_end(const Turn& turn, const Task& last) {
  const Instant from = last.running_at.ms != 0 ? last.running_at : last.starting_at;
  return last.allocated.ports.count() > 0 && turn.now - from < kEarlyEndMs;
}

void note_failed_run(Turn& turn, AgentEntry& agent, const JobEntry& job) {
  forget_before(agent.failed_runs, Instant{turn.now.ms - kFailedTogetherMs});
  agent.failed_runs[job.record->number] = turn.now;
  if (agent.failed_runs.size() < kFailedTogether) return;
  agent.failed_runs.clear();
  add_failure(turn, agent, "tasks of " + std::to_string(kFailedTogether) + " jobs failed within a minute");
}

}  // namespace

std::int64_t failure_score_at(const Policy& policy, const Agent& agent, Instant now) {
  const std::int64_t half = std::max<std::int64_t>(policy.failure_half_life_ms, 1);
  const std::int64_t age = std::max<std::int64_t>(now - agent.failures_at, 0);
  if (age / half >= 62) return 0;
  const std::int64_t whole = agent.failure_score >> (age / half);
  return whole - whole * (age % half) / (2 * half);
}

std::vector<AgentId> avoided_by(const Policy& policy, const JobEntry& job, Instant now) {
  std::vector<AgentId> avoided;
  for (const auto& [agent, failed] : job.failed_on) {
    const bool recent = failed.last + policy.failure_half_life_ms > now;
    if (recent && failed.count >= kFailedStartsAvoided) avoided.push_back(agent);
  }
  return avoided;
}

void note_end_on_agent(Turn& turn, JobEntry& job, const Task& last, Ending ending, const std::string& what) {
  AgentEntry* agent = agent_of(turn.data, last);
  if (agent == nullptr || last.kill_requested) return;
  const bool early = ending == Ending::failure && is_early_end(turn, last);
  if (early || ending == Ending::never_ran || ending == Ending::never_ran_artifact)
    note_avoided(turn, *agent, job, last);
  if (ending == Ending::never_ran || ending == Ending::never_ran_artifact) {
    note_failed_start(turn, *agent, job,
                      "a start of job " + job.record->id.value + " came to nothing" +
                          (what.empty() ? std::string() : " (" + what + ")"));
  } else if (ending == Ending::failure) {
    note_failed_run(turn, *agent, job);
  }
}

void note_run_on_agent(Turn& turn, JobEntry& job, const Task& task) {
  AgentEntry* agent = agent_of(turn.data, task);
  if (agent == nullptr) return;
  if (std::ranges::find(job.ran_on, task.agent) == job.ran_on.end()) {
    job.ran_on[1] = std::exchange(job.ran_on[0], task.agent);
  }
  Agent& record = agent->record;
  if (record.failure_score == 0) return;
  record.failure_score = failure_score_at(turn.data.policy, record, turn.now);
  record.failure_score -= (record.failure_score + 9) / 10;
  record.failures_at = turn.now;
}

void forgive(Turn& turn, AgentEntry& agent) {
  agent.failed_starts.clear();
  agent.failed_runs.clear();
  agent.doubted_ports.clear();
  for (auto& [number, job] : turn.data.jobs) job.failed_on.erase(agent.record.id);
  agent.record.failure_score = 0;
  agent.record.failures_at = turn.now;
  agent.record.quarantines = 0;
  if (agent.record.quarantined_until.ms != 0) set_quarantine(turn, agent, Instant{});
}

void look_at_standings(Turn& turn) {
  State::Data& data = turn.data;
  while (!data.standing_due.empty() && data.standing_due.begin()->first <= turn.now) {
    const AgentId id = data.standing_due.begin()->second;
    data.standing_due.erase(data.standing_due.begin());
    const auto found = data.agents.find(id);
    if (found == data.agents.end()) continue;
    Agent& record = found->second.record;
    if (record.quarantined_until.ms != 0 && record.quarantined_until <= turn.now) {
      record.quarantine_ended_at = record.quarantined_until;
      record.quarantined_until = Instant{};
      turn.reason("agent " + id.value + " (" + record.hostname + ") leaves its quarantine");
    }
    note_standing(data, found->second);
  }
}

Instant standings_at(const State::Data& data) {
  return data.standing_due.empty() ? kNever : data.standing_due.begin()->first;
}

}  // namespace mimas::engine
