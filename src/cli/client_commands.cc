#include "cli/client_commands.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <thread>

#include "base/ids.h"
#include "base/time.h"
#include "cli/exit.h"
#include "cli/follow.h"
#include "cli/job_text.h"
#include "cli/print.h"
#include "cli/rest.h"
#include "cli/table.h"
#include "json/writer.h"
#include "net/clock.h"
#include "wire/endpoint.h"

namespace mimas::cli {
namespace {

constexpr std::size_t kJobFileBytesMax = 1u << 20;
constexpr std::chrono::milliseconds kFollowPause{250};
constexpr int kFollowFailuresMax = 120;        // in a row: outlasts a restart of the server by half a minute
constexpr std::int64_t kTeardownMs = 120'000;  // two tries at the master, and a commit
constexpr std::int64_t kNoWaitMs =
    3'000;  // offers need a moment to arrive before "cannot be placed" is believed

std::string job_target(std::string_view id) { return "/v2/jobs/" + wire::percent_encode(id); }

Status print_json(const std::string& body) {
  return print(body.empty() || body.back() != '\n' ? body + "\n" : body);
}

// One GET, shown as a table or as it came.
Result<int> show(const Client& client, const std::string& target, std::string (*text)(json::Value, bool)) {
  Result<std::string> body = Rest(client.server).get(target);
  if (!body.ok()) return body.error();
  const Result<json::Document> parsed = parse_answer(*body);
  if (!parsed.ok()) return parsed.error();
  const Status printed = client.json ? print_json(*body) : print(text(parsed->root(), colour_wanted()));
  if (!printed.ok()) return printed.error();
  return kExitOk;
}

Result<std::string> read_job_file(const std::string& path) {
  std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rbe");
  if (file == nullptr)
    return make_error(Code::io, "cannot open the job file: " + std::string(std::strerror(errno)), path);
  std::string text(kJobFileBytesMax + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  const bool failed = std::ferror(file) != 0;
  if (file != stdin) std::fclose(file);
  if (failed) return make_error(Code::io, "cannot read the job file", path);
  if (text.size() > kJobFileBytesMax) return make_error(Code::too_large, "a job file is at most 1 MiB", path);
  // Caught here, a slip gets its line and column without a server.
  if (const Result<json::Document> parsed = json::parse(text); !parsed.ok()) {
    return make_error(Code::invalid_argument, parsed.error().message, path == "-" ? "standard input" : path);
  }
  return text;
}

Result<std::string> submitted_id(const std::string& answer) {
  const Result<json::Document> parsed = parse_answer(answer);
  if (!parsed.ok()) return parsed.error();
  const std::string_view uri = parsed->root().string_or("jobUri", "");
  const std::string id(uri.substr(uri.rfind('/') + 1));
  if (id.empty()) return make_error(Code::protocol, "the server accepted the job but did not name it");
  return id;
}

Result<int> follow(Rest& rest, const Client& client, const std::string& id, bool wait) {
  Follower follower;
  const std::int64_t give_up_at = net::monotonic_ms() + kNoWaitMs;
  for (int failures = 0;;) {
    const Result<std::string> body = rest.get(job_target(id));
    if (!body.ok()) {
      const bool may_return = body.error().code == Code::unavailable || body.error().code == Code::timeout;
      if (!may_return || ++failures >= kFollowFailuresMax) return body.error();
      if (failures == 1) complain(body.error().message + "; trying again");
    } else {
      failures = 0;
      const Result<json::Document> parsed = parse_answer(*body);
      if (!parsed.ok()) return parsed.error();
      const std::string now = format_rfc3339(net::wall_now());
      const std::string at = client.json ? now : now.substr(11, 8);
      for (const std::string& line : follower.update(parsed->root(), at, client.json)) {
        if (const Status printed = print(line + "\n"); !printed.ok()) return printed.error();
      }
      if (follower.ended()) return follower.succeeded() ? kExitOk : kExitJobFailed;
      if (!wait && follower.waiting_for_place() && net::monotonic_ms() >= give_up_at) return kExitPending;
    }
    std::this_thread::sleep_for(kFollowPause);
  }
}

Status kill_job(Rest& rest, const std::string& id) {
  json::Writer body;
  body.begin_object().member("jobId", id).member("user", own_user()).end_object();
  const Result<std::string> answer = rest.post("/v2/jobs/kill", body.take());
  if (!answer.ok()) return answer.error();
  return Done{};
}

Status kill_tasks(Rest& rest, const std::vector<std::string>& ids) {
  json::Writer body;
  body.begin_object().member("user", own_user()).member("shrink", false).member("strict", true);
  body.key("taskIds").begin_array();
  for (const std::string& id : ids) body.string(id);
  body.end_array().end_object();
  const Result<std::string> answer = rest.post("/v2/tasks/kill", body.take());
  if (!answer.ok()) return answer.error();
  return Done{};
}

bool is_task_id(const std::string& id) { return parse_task_id(id).ok(); }

// The task that started last: numbers grow with every start within a job.
Result<std::string> newest_task(Rest& rest, const std::string& job) {
  const Result<std::string> body = rest.get(job_target(job));
  if (!body.ok()) return body.error();
  const Result<json::Document> parsed = parse_answer(*body);
  if (!parsed.ok()) return parsed.error();
  std::string newest;
  std::int64_t newest_number = -1;
  const std::optional<json::Value> tasks = parsed->root().find("tasks");
  for (std::size_t i = 0; tasks && tasks->is_array() && i < tasks->size(); ++i) {
    const std::string id(tasks->at(i).string_or("id", ""));
    const Result<TaskName> name = parse_task_id(id);
    if (!name.ok() || name->number < newest_number) continue;
    newest_number = name->number;
    newest = id;
  }
  if (newest.empty()) return make_error(Code::not_found, "the job has no task yet", job);
  return newest;
}

}  // namespace

std::string own_user() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : "uid-" + std::to_string(::geteuid());
}

Result<int> run_job(const Run& command) {
  Result<std::string> body = command.file.empty() ? job_body(command.request) : read_job_file(command.file);
  if (!body.ok()) return body.error();
  Rest rest(command.client.server);
  const Result<std::string> answer = rest.post("/v2/jobs", std::move(*body));
  if (!answer.ok()) return answer.error();
  const Result<std::string> id = submitted_id(*answer);
  if (!id.ok()) return id.error();
  const Status printed = command.client.json ? print_json(*answer) : print(*id + "\n");
  if (!printed.ok()) return printed.error();
  if (!command.follow) return kExitOk;
  return follow(rest, command.client, *id, command.wait);
}

Result<int> list_jobs(const ListJobs& command) {
  return show(command.client, command.all ? "/v2/jobs?taskState=ANY" : "/v2/jobs", jobs_table);
}

Result<int> show_job(const ShowJob& command) {
  return show(command.client, job_target(command.id), job_page);
}

Result<int> list_agents(const ListAgents& command) {
  return show(command.client, "/v2/agents", agents_table);
}

Result<int> kill(const Kill& command) {
  Rest rest(command.client.server);
  std::vector<std::string> tasks;
  int code = kExitOk;
  const auto done = [&](const Status& status) {
    if (status.ok()) return;
    complain(status.error());
    if (code == kExitOk) code = exit_code(status.error().code);  // the first failure names the exit code
  };
  for (const std::string& id : command.ids) {
    if (is_task_id(id)) {
      tasks.push_back(id);
    } else {
      done(kill_job(rest, id));
    }
  }
  if (!tasks.empty()) done(kill_tasks(rest, tasks));
  return code;
}

Result<int> scale(const Scale& command) {
  Rest rest(command.client.server);
  const Result<std::string> current = rest.get(job_target(command.id));
  if (!current.ok()) return current.error();
  const Result<json::Document> job = parse_answer(*current);
  if (!job.ok()) return job.error();
  // The bounds give way to the person who scales by hand.
  const std::int64_t wanted = command.instances;
  json::Writer body;
  body.begin_object()
      .member("jobId", command.id)
      .member("user", own_user())
      .member("instancesMin", std::min(wanted, job->root().int64_or("instancesMin", 0)))
      .member("instancesDesired", wanted)
      .member("instancesMax", std::max(wanted, job->root().int64_or("instancesMax", 0)))
      .end_object();
  const Result<std::string> answer = rest.post("/v2/jobs/setinstancecounts", body.take());
  if (!answer.ok()) return answer.error();
  return kExitOk;
}

Result<int> teardown(const Teardown& command) {
  net::Timeouts patient;
  patient.response_ms = kTeardownMs;
  Rest rest(command.client.server, patient);
  const Result<std::string> health = rest.get("/health");
  if (!health.ok()) return health.error();
  const Result<json::Document> parsed = parse_answer(*health);
  if (!parsed.ok()) return parsed.error();
  const std::string framework(parsed->root().string_or("frameworkId", ""));
  if (framework.empty())
    return make_error(Code::conflict, "the server has no framework that could be torn down");
  const Result<std::string> answer = rest.remove("/v2/framework/" + wire::percent_encode(framework));
  if (!answer.ok()) return answer.error();
  const Status printed = print("framework " + printable(framework) +
                               " is torn down and the server stops; jobs stay on record\n");
  if (!printed.ok()) return printed.error();
  return kExitOk;
}

Result<int> print_logs(const Logs& command) {
  Rest rest(command.client.server);
  std::string task = command.id;
  if (!is_task_id(task)) {
    const Result<std::string> newest = newest_task(rest, task);
    if (!newest.ok()) return newest.error();
    task = *newest;
  }
  std::string target =
      "/v2/logs/" + wire::percent_encode(task) + (command.standard_error ? "/stderr" : "/stdout");
  if (command.follow) target += "?follow=true";
  Status printed = Done{};
  const Status streamed = rest.stream(target, [&](std::string_view bytes) {
    printed = print(bytes);
    return printed.ok();
  });
  if (!printed.ok()) return printed.error();
  if (!streamed.ok()) return streamed.error();
  return kExitOk;
}

}  // namespace mimas::cli
