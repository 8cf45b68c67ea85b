#include "cli/request_parts.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/ids.h"
#include "cli/change_feed.h"
#include "json/value.h"
#include "wire/endpoint.h"

namespace mimas::cli {
namespace {

constexpr std::size_t kFileBytesMax = 1u << 20;

std::string joined(const std::vector<std::string>& labels) {
  std::string text;
  for (const std::string& label : labels) text += (text.empty() ? "" : ",") + label;
  return text;
}

void add_labels(std::string& query, const std::vector<std::string>& labels) {
  add_parameter(query, "labels", joined(labels));
  if (labels.size() > 1) add_parameter(query, "labels.op", "and");
}

void add_limit(std::string& query, const Filter& filter) {
  if (filter.limit > 0) add_parameter(query, "limit", std::to_string(filter.limit));
}

std::string as_query(const std::string& parameters) { return parameters.empty() ? "" : "?" + parameters; }

}  // namespace

std::string job_target(std::string_view id) { return "/v2/jobs/" + wire::percent_encode(id); }
std::string task_target(std::string_view id) { return "/v2/tasks/" + wire::percent_encode(id); }

bool is_task_id(const std::string& id) { return parse_task_id(id).ok(); }

std::string job_of_task(const std::string& task) {
  const Result<TaskName> name = parse_task_id(task);
  return name.ok() ? name->job.value : "";
}

namespace {

// Of a job's tasks those that have been on an agent, by (index, number).
Result<std::vector<TaskName>> tasks_with_files(Rest& rest, const std::string& job) {
  const Result<std::string> body = rest.get(job_target(job));
  if (!body.ok()) return body.error();
  const Result<json::Document> parsed = parse_answer(*body);
  if (!parsed.ok()) return parsed.error();
  std::vector<TaskName> names;
  const std::optional<json::Value> tasks = parsed->root().find("tasks");
  for (std::size_t i = 0; tasks && tasks->is_array() && i < tasks->size(); ++i) {
    const json::Value task = tasks->at(i);
    Result<TaskName> name = parse_task_id(std::string(task.string_or("id", "")));
    if (name.ok() && !task.string_or("host", "").empty()) names.push_back(*std::move(name));
  }
  std::ranges::sort(names, {}, [](const TaskName& name) { return std::pair(name.index, name.number); });
  if (names.empty())
    return make_error(Code::not_found,
                      "none of the job's tasks has been on an agent yet, so there are no files", job,
                      "`mimas why " + job + "` says what they wait for");
  return names;
}

std::string id_of_name(const TaskName& name) { return make_task_id(name.job, name.index, name.number).value; }

}  // namespace

Result<std::string> job_id_of(Rest& rest, const std::string& job) {
  if (parse_job_number(job) >= 0) return job;
  const Result<std::string> body = rest.get(job_target(job));
  if (!body.ok()) return body.error();
  const Result<json::Document> parsed = parse_answer(*body);
  if (!parsed.ok()) return parsed.error();
  return std::string(parsed->root().string_or("id", job));
}

Result<std::string> newest_task(Rest& rest, const std::string& id, bool previous) {
  if (is_task_id(id)) return id;
  const Result<std::vector<TaskName>> names = tasks_with_files(rest, id);
  if (!names.ok()) return names.error();
  const auto newest = std::ranges::max_element(*names, {}, &TaskName::number);
  if (!previous) return id_of_name(*newest);
  if (newest == names->begin() || std::prev(newest)->index != newest->index)
    return make_error(Code::not_found, "there is no task before the newest one of its instance", id);
  return id_of_name(*std::prev(newest));
}

Result<std::vector<std::string>> newest_tasks(Rest& rest, const std::string& job) {
  const Result<std::vector<TaskName>> names = tasks_with_files(rest, job);
  if (!names.ok()) return names.error();
  std::vector<std::string> newest;
  for (std::size_t i = 0; i < names->size(); ++i) {
    if (i + 1 == names->size() || (*names)[i + 1].index != (*names)[i].index)
      newest.push_back(id_of_name((*names)[i]));
  }
  return newest;
}

std::string task_prefix(const std::string& task) {
  const Result<TaskName> name = parse_task_id(task);
  return name.ok() ? std::to_string(name->index) + "-" + std::to_string(name->number) + " | " : std::string();
}

std::string jobs_query(const Filter& filter) {
  std::string query;
  add_parameter(query, "appName", filter.app);
  add_parameter(query, "type", filter.type);
  add_parameter(query, "name", filter.name);
  add_parameter(query, "user", filter.user);
  add_parameter(query, "taskState", filter.all ? "ANY" : filter.state);
  add_labels(query, filter.labels);
  add_limit(query, filter);
  return as_query(query);
}

std::string tasks_query(const Filter& filter) {
  std::string query;
  add_parameter(query, "job", filter.job);
  add_parameter(query, "app", filter.app);
  add_parameter(query, "host", filter.host);
  add_parameter(query, "agent", filter.agent);
  add_parameter(query, "state", filter.all ? "ANY" : filter.state);
  add_labels(query, filter.labels);
  add_limit(query, filter);
  return as_query(query);
}

Result<std::string> read_json_file(const std::string& path, const char* what) {
  const std::string name = path == "-" ? "standard input" : path;
  std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rbe");
  if (file == nullptr) {
    return make_error(errno == ENOENT ? Code::not_found : Code::io,
                      std::string("cannot open ") + what + ": " + std::strerror(errno), path);
  }
  std::string text(kFileBytesMax + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  const bool failed = std::ferror(file) != 0;
  if (file != stdin) std::fclose(file);
  if (failed) return make_error(Code::io, std::string("cannot read ") + what, name);
  if (text.size() > kFileBytesMax)
    return make_error(Code::too_large, std::string(what) + " is at most 1 MiB", name);
  if (const Result<json::Document> parsed = json::parse(text); !parsed.ok())
    return make_error(Code::invalid_argument, parsed.error().message, name);
  return text;
}

std::vector<wire::Header> if_match(const std::optional<std::int64_t>& version) {
  if (!version) return {};
  return {{"If-Match", "\"" + std::to_string(*version) + "\""}};
}

std::string own_user() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : "uid-" + std::to_string(::geteuid());
}

}  // namespace mimas::cli
