// What several client commands make their requests of.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/client_requests.h"
#include "cli/rest.h"

namespace mimas::cli {

std::string job_target(std::string_view id);
std::string task_target(std::string_view id);
bool is_task_id(const std::string& id);
std::string job_of_task(const std::string& task);  // "mimas-7-worker-0-3" → "mimas-7"

// The id of the job that an id or a name stands for; asks the server only about names.
Result<std::string> job_id_of(Rest& rest, const std::string& job);

// The task that started last, of those that have files: numbers grow with every start within a job, and what
// has no agent yet has written nothing. `previous`: the one before it, of the same instance. `id` itself if
// it is a task's.
Result<std::string> newest_task(Rest& rest, const std::string& id, bool previous = false);
// The same, of every instance of the job, by their places.
Result<std::vector<std::string>> newest_tasks(Rest& rest, const std::string& job);
std::string task_prefix(const std::string& task);  // "mimas-7-worker-0-3" → "0-3 | "

// "?appName=x&limit=5"; empty without parameters.
std::string jobs_query(const Filter& filter);
std::string tasks_query(const Filter& filter);

// A JSON file, or standard input for "-": parsed, so that a slip gets its line and column without a server.
// Bound: 1 MiB.
Result<std::string> read_json_file(const std::string& path, const char* what);

std::vector<wire::Header> if_match(const std::optional<std::int64_t>& version);

// Who asks, for the records of a server that does not know otherwise; nobody checks it.
std::string own_user();

}  // namespace mimas::cli
