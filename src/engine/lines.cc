#include "engine/lines.h"

#include <algorithm>

#include "engine/parts.h"
#include "engine/reconcile.h"

namespace mimas::engine {
namespace {

constexpr std::size_t kRenewedAtOnce = 256;

bool has_agents_of_its_own(const JobSpec& spec) {
  return std::any_of(spec.hard_constraints.begin(), spec.hard_constraints.end(),
                     [](const Constraint& c) { return c.kind == Constraint::Kind::exclusive_host; });
}

std::string line_key(const State::Data& data, const JobEntry& job) {
  const Job& record = *job.record;
  if (data.policy.sharing != Sharing::task || data.claimants.contains(record.number) ||
      has_agents_of_its_own(*record.spec))
    return "job " + std::to_string(record.number);
  placement::Demand demand;
  demand.spec = record.spec;
  return job.role + '\n' + std::string(group_of(*record.spec)) + '\n' + placement::likeness(demand);
}

void leave_line(State::Data& data, std::int64_t number) {
  const auto found = data.in_line.find(number);
  if (found == data.in_line.end()) return;
  auto& [line, place] = found->second;
  line->jobs.erase(place);
  if (line->jobs.empty()) data.lines.erase(std::string(line->key));
  data.in_line.erase(found);
}

void enter_line(State::Data& data, const JobEntry& job) {
  const std::int64_t number = job.record->number;
  std::string key = line_key(data, job);
  WaitingLine& line = data.lines[key];
  if (line.key.empty()) {
    line.key = std::move(key);
    line.role = job.role;
  }
  const Task& first = *job.tasks.at(*data.ready.at(number).begin()).record;
  const LinePlace place{-job.record->spec->priority, first.queued_at, number};
  line.jobs.insert(place);
  data.in_line[number] = {&line, place};
}

}  // namespace

void line_up(State::Data& data) {
  for (const std::int64_t number : std::exchange(data.lines_stale, {})) {
    leave_line(data, number);
    const auto job = data.jobs.find(number);
    if (job != data.jobs.end() && data.ready.contains(number)) enter_line(data, job->second);
  }
}

bool add_next(Turn& turn, const WaitingLine& line, WaitingRound& round) {
  State::Data& data = turn.data;
  auto [reached, fresh] = round.reached.try_emplace(&line);
  auto at = fresh ? line.jobs.begin() : line.jobs.upper_bound(reached->second.place);
  for (; at != line.jobs.end(); ++at) {
    reached->second.place = *at;
    if (round.singly.contains(at->job)) continue;
    if (add_waiting(data, data.jobs.at(at->job), round)) {
      reached->second.demand = round.queue.demands.size() - 1;
      round.lines.resize(round.queue.demands.size());
      round.lines.back() = &line;
      return true;
    }
    tell_slots_are_held(turn, data.jobs.at(at->job));
  }
  return false;
}

bool add_successor(Turn& turn, std::size_t demand, WaitingRound& round) {
  if (demand >= round.lines.size() || round.lines[demand] == nullptr) return false;
  const WaitingLine& line = *round.lines[demand];
  return round.reached.at(&line).demand == demand && add_next(turn, line, round);
}

void renew_explanations(Turn& turn) {
  State::Data& data = turn.data;
  if (explain_at(data) > turn.now) return;
  data.explained_at = turn.now;
  const std::size_t some = std::min({kRenewedAtOnce, data.explain_left, data.ready.size()});
  data.explain_left = some == 0 ? 0 : data.explain_left - some;
  auto at = data.ready.upper_bound(data.explained_to);
  for (std::size_t i = 0; i < some; ++i, ++at) {
    if (at == data.ready.end()) at = data.ready.begin();
    data.to_place.insert(data.explained_to = at->first);
  }
  if (some > 0) data.placement_stale = true;
}

Instant explain_at(const State::Data& data) {
  if (data.explain_left == 0 || !data.subscribed) return kNever;
  return data.explained_at + data.policy.explain_ms;
}

}  // namespace mimas::engine
