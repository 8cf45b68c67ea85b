#include "server/log_routes.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "api/render.h"
#include "server/answers.h"
#include "server/log_reader.h"
#include "server/sandbox.h"
#include "wire/archive_url.h"
#include "wire/endpoint.h"

namespace mimas::server {
namespace {

constexpr std::int64_t kRoundBytes = 256 << 10;
constexpr std::chrono::milliseconds kFollowPause{200};
constexpr int kAgentAbsencesMax = 50;  // a follower outlasts an agent's restart of about ten seconds

struct Range {
  std::int64_t offset = 0;
  std::int64_t length = INT64_MAX;
  bool follow = false;
};

bool parse_integer(std::string_view text, std::int64_t& into) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), into);
  return failure == std::errc{} && end == text.data() + text.size();
}

api::Checked<Range> parse_range(const http::Request& request) {
  api::Checked<Range> checked;
  const auto fault = [&](const std::string& name, const std::string& detail, const std::string& value) {
    checked.faults.push_back({name, detail, value, {}});
  };
  for (const auto& [name, value] : request.query) {
    if (name == "offset") {
      if (!parse_integer(value, checked.value.offset)) fault(name, "must be a whole number of bytes", value);
    } else if (name == "length") {
      const bool fits = parse_integer(value, checked.value.length) && checked.value.length >= 0;
      if (!fits) fault(name, "must be a number of bytes, 0 or more", value);
    } else if (name == "follow") {
      if (value != "true" && value != "false") fault(name, "must be true or false", value);
      checked.value.follow = value == "true";
    } else {
      fault(name, "unknown query parameter; there are offset, length and follow", value);
    }
  }
  return checked;
}

bool task_over(const PublishedView& view, const TaskId& id) {
  const TaskPtr task = view.task(id);
  return !task || is_terminal(task->state);
}

// Copies the file to the client until the range, the task or the client ends. Without follow: to the end of
// the file as it was when we came, also when it is rotated meanwhile.
void copy_file(const PublishedView& view, const Sandbox& sandbox, const TaskId& id, const std::string& file,
               Range range, http::StreamWriter& out) {
  LogReader reader(sandbox, file, range.offset);
  int absences = 0;
  while (range.length > 0 && out.peer_alive()) {
    // Asked before the read: what was written before the end is then surely read.
    const bool over = task_over(view, id);
    const auto round = reader.next(std::min(range.length, kRoundBytes), over || !range.follow);
    if (!round.ok()) {
      const bool may_return = range.follow && !over && ++absences < kAgentAbsencesMax;
      if (!may_return) return;
      std::this_thread::sleep_for(kFollowPause);
      continue;
    }
    absences = 0;
    if (!round->bytes.empty()) {
      if (!out.write(round->bytes)) return;
      range.length -= static_cast<std::int64_t>(round->bytes.size());
    }
    if (!range.follow && reader.first_is_over()) return;
    if (!round->at_end) continue;
    if (!range.follow || over) return;
    std::this_thread::sleep_for(kFollowPause);
  }
}

Error not_started(const TaskId& id) {
  return make_error(Code::not_found, "the task has not been placed on an agent, so it has no files yet",
                    id.value, "GET /v2/tasks/" + id.value + " tells what it waits for");
}

}  // namespace

http::Reply log_urls(const PublishedView& view, const http::Request& request, const http::Captures& captures,
                     std::string_view archive) {
  const TaskPtr task = view.task(TaskId(captures.at("taskId")));
  if (!task) return problem(make_error(Code::not_found, "no task has the id " + captures.at("taskId")));
  api::LogPlaces places;
  places.base_url = "http://" + std::string(request.header("Host"));
  const auto agent = wire::parse_endpoint(task->agent_endpoint);
  if (!task->agent.empty() && agent.ok()) {
    // What the agent does not tell now (it is away, the sandbox was swept) is left out: the two that every
    // task has stand there anyway.
    const auto names = Sandbox(*agent, view.connection().framework, task->id, task->executor).names();
    if (names.ok()) std::copy_if(names->begin(), names->end(), std::back_inserter(places.names), is_log_name);
  }
  const auto url = wire::parse_archive_url(archive);
  if (url.ok()) places.archive = url->object_url(task->job.value + "/" + task->id.value);
  return json_reply(api::render_log_urls(*task, places));
}

http::Reply log_bytes(const PublishedView& view, const http::Request& request,
                      const http::Captures& captures) {
  const TaskId id(captures.at("taskId"));
  const std::string& file = captures.at("file");
  auto range = parse_range(request);
  if (!range.ok()) return faults(range.faults);
  if (Status named = check_file_name(file); !named.ok()) return problem(named.error());
  const TaskPtr task = view.task(id);
  if (!task) return problem(make_error(Code::not_found, "no task has the id " + id.value, id.value));
  const auto agent = wire::parse_endpoint(task->agent_endpoint);
  if (task->agent.empty() || !agent.ok()) return problem(not_started(id));

  const Sandbox sandbox(*agent, view.connection().framework, id, task->executor);
  // One look before the headers leave, so that a missing file is a 404 and not an empty 200.
  const auto first = sandbox.read(file, 0, 0);
  const bool may_appear = range.value.follow && !is_terminal(task->state);
  if (!first.ok() && !may_appear) return problem(first.error());
  if (range.value.offset < 0) {
    const std::int64_t size = first.ok() ? first->file_size : 0;
    range.value.offset = std::max<std::int64_t>(0, size + range.value.offset);
  }
  http::Reply reply;
  reply.content_type = "text/plain; charset=utf-8";
  reply.stream = [&view, sandbox, id, file, wanted = range.value](http::StreamWriter& out) {
    copy_file(view, sandbox, id, file, wanted, out);
  };
  return reply;
}

}  // namespace mimas::server
