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

}  // namespace

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
    waiting_ = waiting_ || (queued && task.string_or("reason", "") == "NO_PLACE");
    tell(task.string_or("id", ""), state, detail, queued);
  }
  const std::string_view state = job.string_or("state", "");
  tell(job.string_or("id", ""), state, std::string(job.string_or("message", "")), false);
  ended_ =
      state == "FINISHED" || state == "FAILED" || state == "KILLED" || state == "STOPPED" || state == "ENDED";
  succeeded_ = state == "FINISHED";
  return lines;
}

}  // namespace mimas::cli
