#include "cli/request_parts.h"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

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

Result<std::string> newest_task(Rest& rest, const std::string& id) {
  if (is_task_id(id)) return id;
  const Result<std::string> body = rest.get(job_target(id));
  if (!body.ok()) return body.error();
  const Result<json::Document> parsed = parse_answer(*body);
  if (!parsed.ok()) return parsed.error();
  std::string newest;
  std::int64_t newest_number = -1;
  const std::optional<json::Value> tasks = parsed->root().find("tasks");
  for (std::size_t i = 0; tasks && tasks->is_array() && i < tasks->size(); ++i) {
    const std::string task(tasks->at(i).string_or("id", ""));
    const Result<TaskName> name = parse_task_id(task);
    if (!name.ok() || name->number < newest_number) continue;
    newest_number = name->number;
    newest = task;
  }
  if (newest.empty()) return make_error(Code::not_found, "the job has no task yet", id);
  return newest;
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
