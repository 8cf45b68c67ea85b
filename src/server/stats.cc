#include "server/stats.h"

#include <algorithm>

#include "server/stats_message.h"

namespace mimas::server {
namespace {

constexpr std::size_t kRecentMax = 60;
constexpr std::size_t kMinutesMax = 60;
constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kSweepMs = 60'000;
constexpr std::int64_t kEndedKeepMs = 600'000;
constexpr std::int64_t kLateMs = 60'000;       // the last measurement and the end travel separately
constexpr std::int64_t kClockBackMs = 60'000;  // a message overtakes another by less; a clock was set

bool is_power_of_two(std::uint64_t number) { return (number & (number - 1)) == 0; }

}  // namespace

std::string Stats::take(const AgentId& agent, std::string_view executor, std::string_view data, Instant now) {
  Result<StatsMessage> message = parse_stats_message(data);
  std::lock_guard hold(mutex_);
  std::string line;
  const std::size_t wrong = message.ok() ? message->malformed : 1;
  if (wrong > 0) {
    counts_.malformed += wrong;
    if (is_power_of_two(counts_.malformed)) {
      line = "a message of executor " + std::string(executor) + " was not understood: " +
             (message.ok() ? "an entry without task or moment" : message.error().message) + " (" +
             std::to_string(counts_.malformed) + " so far)";
    }
  }
  if (!message.ok()) return line;
  ++counts_.messages;
  for (const TaskUsage& one : message->tasks) {
    if (may_speak(agent, executor, one.task, now)) {
      add(one.task, one.usage);
    } else {
      ++counts_.foreign;
    }
  }
  if (now - swept_at_ >= kSweepMs) sweep(now);
  return line;
}

bool Stats::may_speak(const AgentId& agent, std::string_view executor, const TaskId& id, Instant now) const {
  const TaskPtr task = view_.task(id);
  if (!task || task->id != id || task->agent != agent) return false;
  const std::string& its_executor = task->executor.empty() ? task->id.value : task->executor;
  if (executor != its_executor) return false;
  return !is_terminal(task->state) || now - task->ended_at <= kLateMs;
}

Stats::Share Stats::share() const {
  const std::size_t each = limits_.samples_max / std::max<std::size_t>(tasks_.size(), 1);
  const std::size_t recent = std::clamp<std::size_t>(each / 2, 2, kRecentMax);
  return {recent, each > recent ? std::min(kMinutesMax, each - recent) : 0};
}

// The oldest of the recent ones fall out, and one of each minute stays.
void Stats::trim(Series& series, const Share& to) {
  counts_.samples -= series.size();
  if (series.recent.size() > to.recent) {
    const auto end = series.recent.end() - static_cast<std::ptrdiff_t>(to.recent);
    for (auto old = series.recent.begin(); old != end; ++old) {
      if (series.minutes.empty() || old->at - series.minutes.back().at >= kMinuteMs)
        series.minutes.push_back(*old);
    }
    series.recent.erase(series.recent.begin(), end);
  }
  if (series.minutes.size() > to.minutes) {
    series.minutes.erase(series.minutes.begin(),
                         series.minutes.end() - static_cast<std::ptrdiff_t>(to.minutes));
  }
  counts_.samples += series.size();
}

void Stats::add(const TaskId& id, const Usage& usage) {
  auto found = tasks_.find(id);
  if (found == tasks_.end()) {
    if (tasks_.size() >= limits_.tasks_max) return;
    found = tasks_.try_emplace(id).first;
  }
  Series& series = found->second;
  if (!series.recent.empty()) {
    const std::int64_t since_last = usage.at - series.recent.back().at;
    if (since_last <= 0 && since_last > -kClockBackMs) return;
    if (since_last <= 0) {
      counts_.samples -= series.size();
      series = {};
    }
  }
  series.recent.push_back(usage);
  ++counts_.samples;
  trim(series, share());
  if (counts_.samples <= limits_.samples_max) return;
  for (auto& [other, its] : tasks_) {
    trim(its, share());
    its.recent.shrink_to_fit();
    its.minutes.shrink_to_fit();
  }
}

void Stats::sweep(Instant now) {
  swept_at_ = now;
  for (auto entry = tasks_.begin(); entry != tasks_.end();) {
    const TaskPtr task = view_.task(entry->first);
    Series& series = entry->second;
    if (!task) {
      counts_.samples -= series.size();
      entry = tasks_.erase(entry);
      continue;
    }
    if (is_terminal(task->state) && now - task->ended_at > kEndedKeepMs && series.size() > 1) {
      counts_.samples -= series.size() - 1;
      series = {{}, {series.recent.back()}};
    }
    ++entry;
  }
}

std::vector<Usage> Stats::history(const TaskId& id) const {
  std::lock_guard hold(mutex_);
  const auto found = tasks_.find(id);
  if (found == tasks_.end()) return {};
  std::vector<Usage> all = found->second.minutes;
  all.insert(all.end(), found->second.recent.begin(), found->second.recent.end());
  return all;
}

Stats::Counts Stats::counts() const {
  std::lock_guard hold(mutex_);
  Counts counts = counts_;
  counts.tasks = tasks_.size();
  return counts;
}

}  // namespace mimas::server
