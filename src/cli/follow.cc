#include "cli/follow.h"

#include <optional>

#include "cli/job_text.h"
#include "cli/table.h"
#include "json/writer.h"

namespace mimas::cli {
namespace {

std::string line(std::string_view at, std::string_view id, std::string_view state, const std::string& detail,
                 bool as_json) {
  if (as_json) {
    json::Writer out;
    out.begin_object()
        .member("at", at)
        .member("id", id)
        .member("state", state)
        .member("detail", detail)
        .end_object();
    return out.take();
  }
  std::string text = std::string(at) + "  " + printable(id) + "  " + printable(state);
  if (!detail.empty()) text += "  " + printable(detail);
  return text;
}

std::string detail_of(json::Value task) {
  const std::string why = task_detail(task);
  const std::string_view host = task.string_or("host", "");
  if (host.empty()) return why;
  return "on " + std::string(host) + (why.empty() ? "" : ": " + why);
}

struct Counts {
  std::int64_t wanted = 0, running = 0, starting = 0, queued = 0, finished = 0, failed = 0;
  std::string why;  // the first queued task waits
};

Counts count(json::Value job) {
  Counts counts;
  counts.wanted = job.int64_or("instances", 0);
  const std::optional<json::Value> tasks = job.find("tasks");
  for (std::size_t i = 0; tasks && tasks->is_array() && i < tasks->size(); ++i) {
    const json::Value task = tasks->at(i);
    const std::string_view state = task.string_or("state", "");
    counts.running += state == "RUNNING";
    counts.starting += state == "STARTING" || state == "DISPATCHED";
    counts.queued += state == "QUEUED";
    counts.finished += state == "FINISHED";
    counts.failed += state == "FAILED" || state == "CRASHED";
    if (state == "QUEUED" && counts.why.empty()) counts.why = task.string_or("message", "");
  }
  return counts;
}

std::string summary_of(const Counts& counts) {
  std::string text = std::to_string(counts.running) + "/" + std::to_string(counts.wanted) + " running";
  const auto add = [&](std::int64_t number, const char* what) {
    if (number > 0) text += ", " + std::to_string(number) + what;
  };
  add(counts.starting, " starting");
  add(counts.queued, " queued");
  if (counts.queued > 0 && !counts.why.empty()) text += " (" + printable(counts.why) + ")";
  add(counts.finished, " finished");
  add(counts.failed, " failed");
  return text;
}

// "2026-11-21T10:04:17.123Z" → "10:04:17", or all of it for programs.
std::string time_of(json::Value step, std::string_view otherwise, bool as_json) {
  const std::string_view at = step.string_or("at", "");
  if (at.size() < 19) return std::string(otherwise);
  return std::string(as_json ? at : at.substr(11, 8));
}

}  // namespace

std::string summary_text(json::Value job) { return summary_of(count(job)); }

std::vector<std::string> Follower::update(json::Value job, std::string_view at, bool as_json) {
  std::vector<std::string> lines;
  const auto tell = [&](std::string_view id, std::string_view state, const std::string& detail,
                        bool every_detail) {
    const std::string said = std::string(state) + (every_detail ? " " + detail : "");
    auto [known, fresh] = told_.try_emplace(std::string(id), said);
    if (!fresh && known->second == said) return;
    known->second = said;
    lines.push_back(line(at, id, state, detail, as_json));
  };
  waiting_ = false;
  const std::optional<json::Value> tasks = job.find("tasks");
  for (std::size_t i = 0; tasks && tasks->is_array() && i < tasks->size(); ++i) {
    const json::Value task = tasks->at(i);
    const std::string_view state = task.string_or("state", "");
    const bool queued = state == "QUEUED";
    const std::string detail = detail_of(task);
    // Steps that came and went since the last answer; the last of them is the state itself.
    const std::optional<json::Value> history = task.find("statusHistory");
    std::size_t& steps = steps_[std::string(task.string_or("id", ""))];
    for (; history && history->is_array() && steps + 1 < history->size(); ++steps) {
      const json::Value step = history->at(steps);
      const std::string_view was = step.string_or("state", "");
      const auto known = told_.find(task.string_or("id", ""));
      if (known != told_.end() && (known->second == was || known->second.starts_with(std::string(was) + " ")))
        continue;  // told when it was the present
      lines.push_back(line(time_of(step, at, as_json), task.string_or("id", ""), was,
                           std::string(step.string_or("message", "")), as_json));
    }
    waiting_ = waiting_ || (queued && task.string_or("reason", "") == "NO_PLACE");
    tell(task.string_or("id", ""), state, detail, queued);
  }
  const std::string_view state = job.string_or("state", "");
  tell(job.string_or("id", ""), state, std::string(job.string_or("message", "")), false);
  ended_ =
      state == "FINISHED" || state == "FAILED" || state == "KILLED" || state == "STOPPED" || state == "ENDED";
  succeeded_ = state == "FINISHED";
  const Counts counts = count(job);
  const std::int64_t ready = job.int64_or("instancesReady", counts.running);
  settled_ =
      counts.running == counts.wanted && ready >= counts.wanted && counts.starting == 0 && counts.queued == 0;
  summary_ = summary_of(counts);
  return lines;
}

}  // namespace mimas::cli
