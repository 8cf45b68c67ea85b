#include "server/log_routes.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "api/render.h"
#include "http/byte_range.h"
#include "http/refusal.h"
#include "json/utf8.h"
#include "json/writer.h"
#include "server/answers.h"
#include "server/log_query.h"
#include "server/log_reader.h"
#include "server/lookup.h"
#include "server/sandbox.h"
#include "wire/archive_url.h"
#include "wire/endpoint.h"

namespace mimas::server {
namespace {

constexpr std::int64_t kRoundBytes = 256 << 10;
constexpr std::chrono::milliseconds kFollowPause{200};
constexpr int kAgentAbsencesMax = 50;  // a follower outlasts an agent's restart of about ten seconds

// One file of one task on its way to one client.
struct Copy {
  Copy(const PublishedView& of, Sandbox from, TaskId whose, const std::string& file)
      : view(of), sandbox(std::move(from)), reader(sandbox, file, 0), id(std::move(whose)) {}
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;

  const PublishedView& view;
  const Sandbox sandbox;
  LogReader reader;
  TaskId id;
};

bool task_over(const PublishedView& view, const TaskId& id) {
  const TaskPtr task = view.task(id);
  return !task || is_terminal(task->state);
}

// Exactly so many bytes of the file that was pinned, also when it is rotated meanwhile. Returns early when
// they cannot be had: the listener then cuts the connection.
void copy_part(Copy& copy, std::int64_t length, http::StreamWriter& out) {
  while (length > 0 && out.peer_alive()) {
    const auto round = copy.reader.next(std::min(length, kRoundBytes), true);
    if (!round.ok() || round->ours || round->at_end || copy.reader.first_is_over()) return;
    if (round->bytes.empty()) continue;
    if (!out.write(round->bytes)) return;
    length -= static_cast<std::int64_t>(round->bytes.size());
  }
}

// Until the length is reached or the task or the client ends, over rotations.
void follow(Copy& copy, std::int64_t length, http::StreamWriter& out) {
  int absences = 0;
  while (length > 0 && out.peer_alive()) {
    // Asked before the read: what was written before the end is then surely read.
    const bool over = task_over(copy.view, copy.id);
    const auto round = copy.reader.next(std::min(length, kRoundBytes), over);
    if (!round.ok()) {
      if (over || ++absences >= kAgentAbsencesMax) return out.cut();
      std::this_thread::sleep_for(kFollowPause);
      continue;
    }
    absences = 0;
    if (!round->bytes.empty()) {
      if (!out.write(round->bytes)) return;
      length -= static_cast<std::int64_t>(round->bytes.size());
    }
    if (!round->at_end) continue;
    if (over) return;
    std::this_thread::sleep_for(kFollowPause);
  }
}

std::string archive_of(const LogContext& context, const Task& task) {
  const auto url = wire::parse_archive_url(context.archive);
  return url.ok() ? url->object_url(task.job.value + "/" + task.id.value) : std::string();
}

Error not_started(const TaskId& id) {
  return make_error(Code::not_found, "the task has not been placed on an agent, so it has no files yet",
                    id.value, "GET /v2/tasks/" + id.value + " tells what it waits for");
}

http::Reply no_file(const LogContext& context, const Task& task, const std::string& file, Error error) {
  const std::string archive = archive_of(context, task);
  if (error.code == Code::not_found) {
    error.hint = !archive.empty() && is_log_name(file)
                     ? "what was archived of it is at " + archive + "/" + file
                     : "GET /v2/logs/download/" + task.id.value + " lists the files there are";
  }
  return problem(error);
}

// A strong tag names bytes: those of a log change only by growing, or by becoming another generation. Files
// that the task writes itself may change as they like and have none.
std::string etag_of(const std::string& file, const LogReader::Pinned& pinned) {
  if (!is_log_name(file)) return {};
  return "\"" + std::to_string(pinned.generation) + "-" + std::to_string(pinned.size) + "\"";
}

std::string_view content_type_of(const std::string& file) {
  if (file.ends_with(".gz")) return "application/gzip";
  return is_log_name(file) ? "text/plain; charset=utf-8" : "application/octet-stream";
}

http::Reply not_satisfiable(const http::ByteRange& range, std::int64_t size) {
  http::Reply reply;
  reply.status = 416;
  reply.content_type = http::kProblemType;
  reply.headers = {{"Content-Range", http::content_range(range, size)}};
  reply.body = http::problem_body(
      416, "the file has " + std::to_string(size) + " bytes, and none of them is in that range");
  return reply;
}

// The bytes that the file has now.
http::Reply part_reply(const http::Request& request, const std::string& file, const LogQuery& query,
                       std::shared_ptr<Copy> copy, const LogReader::Pinned& pinned) {
  const std::string etag = etag_of(file, pinned);
  http::ByteRange range{http::ByteRange::Kind::whole, query.offset, 0};
  range.length = std::max<std::int64_t>(0, std::min(query.length, pinned.size - query.offset));
  http::Reply reply;
  reply.content_type = content_type_of(file);
  reply.headers = {{"Accept-Ranges", "bytes"}, {"X-Content-Type-Options", "nosniff"}};
  if (!etag.empty()) reply.headers.push_back({"ETag", etag});
  if (!query.any) {
    range = http::select_range(request.header("Range"), request.header("If-Range"), etag, pinned.size);
    if (range.kind == http::ByteRange::Kind::unsatisfiable) return not_satisfiable(range, pinned.size);
    if (range.kind == http::ByteRange::Kind::part) {
      reply.status = 206;
      reply.headers.push_back({"Content-Range", http::content_range(range, pinned.size)});
    }
  }
  copy->reader.seek(range.offset);
  reply.stream_bytes = range.length;
  reply.stream = [copy = std::move(copy), length = range.length](http::StreamWriter& out) {
    copy_part(*copy, length, out);
  };
  return reply;
}

}  // namespace

http::Reply log_urls(const LogContext& context, const http::Request& request,
                     const http::Captures& captures) {
  const TaskPtr task = context.view.task(TaskId(captures.at("taskId")));
  if (!task) return problem(no_such_task(captures.at("taskId")));
  api::LogPlaces places;
  places.base_url = base_url(request);
  const auto agent = wire::parse_endpoint(task->agent_endpoint);
  if (!task->agent.empty() && agent.ok()) {
    // What the agent does not tell now (it is away, the sandbox was swept) is left out: the two that every
    // task has stand there anyway.
    const auto names =
        Sandbox(*agent, context.agents, context.view.connection().framework, task->id, task->executor)
            .names();
    if (names.ok()) std::copy_if(names->begin(), names->end(), std::back_inserter(places.names), is_log_name);
  }
  places.archive = archive_of(context, *task);
  return json_reply(api::render_log_urls(*task, places));
}

http::Reply log_downloads(const LogContext& context, const http::Request& request,
                          const http::Captures& captures) {
  const TaskPtr task = context.view.task(TaskId(captures.at("taskId")));
  if (!task) return problem(no_such_task(captures.at("taskId")));
  std::vector<std::string> names{"stdout", "stderr"};
  std::string base = base_url(request) + "/v2/logs/" + task->id.value;
  const auto agent = wire::parse_endpoint(task->agent_endpoint);
  if (task->agent.empty() || !agent.ok()) {
    names.clear();
  } else {
    const auto files =
        Sandbox(*agent, context.agents, context.view.connection().framework, task->id, task->executor)
            .files();
    const std::string archive = archive_of(context, *task);
    if (files.ok()) {
      names.clear();
      for (const SandboxFile& file : *files) {
        const bool shown = file.plain && check_file_name(file.name).ok() &&
                           json::valid_utf8_prefix(file.name) == file.name.size();
        if (shown && names.size() < kFilesListedMax) names.push_back(file.name);
      }
    } else if (!archive.empty()) {
      base = archive;
    } else if (files.error().code == Code::not_found) {
      names.clear();
    }
  }
  json::Writer out;
  out.begin_object();
  for (const std::string& name : names) out.member(name, base + "/" + wire::percent_encode(name));
  out.end_object();
  return json_reply(out.take());
}

http::Reply log_bytes(const LogContext& context, const http::Request& request,
                      const http::Captures& captures) {
  const TaskId id(captures.at("taskId"));
  const std::string& file = captures.at("file");
  auto query = parse_log_query(request);
  if (!query.ok()) return faults(query.faults);
  if (Status named = check_file_name(file); !named.ok()) return problem(named.error());
  const TaskPtr task = context.view.task(id);
  if (!task) return problem(no_such_task(id.value));
  const auto agent = wire::parse_endpoint(task->agent_endpoint);
  if (task->agent.empty() || !agent.ok()) return problem(not_started(id));

  const auto copy = std::make_shared<Copy>(
      context.view, Sandbox(*agent, context.agents, context.view.connection().framework, id, task->executor),
      id, file);
  // One look before the headers leave, so that a missing file is a 404 and not an empty 200.
  auto pinned = copy->reader.pin();
  const bool may_appear = query.value.follow && !is_terminal(task->state);
  if (!pinned.ok()) {
    if (!may_appear) return no_file(context, *task, file, pinned.error());
    pinned = LogReader::Pinned{};
  }
  if (query.value.offset < 0)
    query.value.offset = std::max<std::int64_t>(0, pinned->size + query.value.offset);
  if (query.value.tail > 0) {
    const auto begin = find_tail(copy->sandbox, file, pinned->size, query.value.tail);
    if (!begin.ok()) return no_file(context, *task, file, begin.error());
    query.value.offset = *begin;
  }
  if (!query.value.follow) return part_reply(request, file, query.value, copy, *pinned);

  copy->reader.seek(query.value.offset);
  http::Reply reply;
  reply.content_type = content_type_of(file);
  reply.headers = {{"X-Content-Type-Options", "nosniff"}};
  reply.stream = [copy, length = query.value.length](http::StreamWriter& out) { follow(*copy, length, out); };
  return reply;
}

}  // namespace mimas::server
