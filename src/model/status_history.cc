// The steps of a task's life, as they are kept and as they are told. Tested in
// tests/model/status_history_test.cc.
#include "model/task.h"

namespace mimas {
namespace {

// Not in the middle of a character of several bytes.
std::string cut(const std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

void told_by_times(const Task& task, std::vector<StatusChange>& steps) {
  const auto add = [&](TaskState state, Instant at) {
    if (at.ms != 0) steps.push_back({state, at, {}, {}});
  };
  add(TaskState::dispatched, task.dispatched_at);
  add(TaskState::starting, task.starting_at);
  add(TaskState::running, task.running_at);
  if (task.state == TaskState::unreachable) add(task.state, task.unreachable_since);
  if (is_terminal(task.state)) add(task.state, task.ended_at);
  if (steps.back().state != task.state) return;
  steps.back().reason = task.reason;
  steps.back().message = cut(task.message, kStatusMessageBytesMax);
}

}  // namespace

std::vector<StatusChange> status_history(const Task& task) {
  std::vector<StatusChange> steps;
  steps.reserve(task.history.size() + 1);
  steps.push_back({TaskState::queued, task.queued_at, {}, {}});
  if (!task.history.empty()) {
    steps.insert(steps.end(), task.history.begin(), task.history.end());
  } else if (task.state != TaskState::queued) {
    told_by_times(task, steps);
  }
  return steps;
}

void note_status(Task& task, Instant at) {
  constexpr std::size_t kKept = kStatusHistoryMax - 1;  // the first is QUEUED, which is not kept
  if (task.history.size() >= kKept) {
    task.history.erase(task.history.begin(), task.history.end() - static_cast<std::ptrdiff_t>(kKept - 1));
  }
  task.history.push_back({task.state, at, task.reason, cut(task.message, kStatusMessageBytesMax)});
}

}  // namespace mimas
