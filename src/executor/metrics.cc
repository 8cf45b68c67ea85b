#include "executor/metrics.h"

#include <algorithm>
#include <utility>

#include "net/clock.h"

namespace mimas::executor {
namespace {

// What may only grow does so although the processes counted in it are gone; the peak of what was seen stands
// in for one that the kernel does not tell.
Usage followed_by(const Usage& before, Usage now) {
  const auto keep = [&](std::int64_t Usage::*count) { now.*count = std::max(now.*count, before.*count); };
  keep(&Usage::cpu_ms);
  keep(&Usage::throttled_ms);
  keep(&Usage::peak_bytes);
  keep(&Usage::read_bytes);
  keep(&Usage::write_bytes);
  keep(&Usage::net_in_bytes);
  keep(&Usage::net_out_bytes);
  keep(&Usage::log_bytes);
  return now;
}

}  // namespace

Metrics::Metrics(std::int64_t interval_ms, std::uint64_t seed, const OutputSink* log)
    : interval_ms_(std::max<std::int64_t>(interval_ms, 1)), prng_(seed), log_(log) {}

Metrics::Measured* Metrics::find(std::string_view task_id) {
  for (Measured& task : running_) {
    if (task.task_id == task_id) return &task;
  }
  return nullptr;
}

void Metrics::started(const TaskOrder& order, const RunFacts& facts, Instant now) {
  if (running_.empty()) {
    const auto half = static_cast<std::uint64_t>(interval_ms_ / 2);
    next_ = now + (interval_ms_ - static_cast<std::int64_t>(prng_.below(half + 1)));
  }
  running_.push_back({order.task_id, facts, find_cgroup(facts), {}});
}

void Metrics::measure(Measured& task, const std::vector<OwnChild>* children) const {
  Usage now;
  if (task.cgroup.any()) now = read_cgroup(task.cgroup);
  const bool complete = now.cpu_ms >= 0 && now.rss_bytes >= 0 && now.read_bytes >= 0 && now.processes >= 0;
  if (!complete && children != nullptr) now = completed(now, read_tree(task.facts.pid, *children));
  if (!task.facts.ip.empty() && children != nullptr) {
    const Transfer moved = read_network(task.facts.pid);
    now.net_in_bytes = moved.in;
    now.net_out_bytes = moved.out;
  }
  if (log_ != nullptr) now.log_bytes = log_->bytes_written(task.task_id);
  if (now.peak_bytes < 0) now.peak_bytes = std::max(now.memory_bytes, now.rss_bytes);
  task.usage = followed_by(task.usage, now);
}

void Metrics::child_used(std::int64_t pid, const Used& used, Instant /*now*/) {
  for (Measured& task : running_) {
    if (task.facts.pid != pid) continue;
    task.usage.cpu_ms = std::max(task.usage.cpu_ms, used.cpu_ms);
    task.usage.peak_bytes = std::max(task.usage.peak_bytes, used.rss_peak_bytes);
  }
}

void Metrics::ended(std::string_view task_id, const ProcessEnd& end, Instant /*now*/) {
  Measured* task = find(task_id);
  if (task == nullptr) return;
  measure(*task, nullptr);  // its pid may be somebody else's by now
  Usage usage = task->usage;
  if (end.memory_peak_bytes >= 0) usage.peak_bytes = end.memory_peak_bytes;
  usage.memory_bytes = usage.rss_bytes = usage.processes = -1;  // what is left of it is about to go
  finals_.push_back({task->task_id, net::wall_now(), usage});
  running_.erase(running_.begin() + (task - running_.data()));
  if (running_.empty()) next_ = kNever;
}

Instant Metrics::wake_at() const { return finals_.empty() ? next_ : Instant{}; }

void Metrics::pump(Instant now, std::vector<PartNews>& news) {
  std::vector<TaskUsage> all = std::exchange(finals_, {});
  for (TaskUsage& last : all) {  // its pipes were drained after its end
    if (log_ != nullptr)
      last.usage.log_bytes = std::max(last.usage.log_bytes, log_->bytes_written(last.task_id));
  }
  if (now >= next_) {
    const auto tenth = static_cast<std::uint64_t>(interval_ms_ / 10);
    next_ = now + (interval_ms_ - static_cast<std::int64_t>(tenth) +
                   static_cast<std::int64_t>(prng_.below(2 * tenth + 1)));
    const bool any_tree = std::any_of(running_.begin(), running_.end(),
                                      [](const Measured& task) { return !task.cgroup.any(); });
    const std::vector<OwnChild> children = any_tree ? own_children() : std::vector<OwnChild>();
    const Instant wall = net::wall_now();
    for (Measured& task : running_) {
      measure(task, &children);
      all.push_back({task.task_id, wall, task.usage});
    }
  }
  for (std::string& text : stats_messages(all)) news.push_back(MessageNews{std::move(text)});
}

}  // namespace mimas::executor
