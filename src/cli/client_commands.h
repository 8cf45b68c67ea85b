// The commands that talk to a server: each does its work, writes to stdout, and answers an exit code
// (cli/exit.h). An Error is already final: main prints it and turns its code into the exit code.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/commands.h"

namespace mimas::cli {

Result<int> run_job(const Run& command);
Result<int> list_jobs(const ListJobs& command);
Result<int> show_job(const ShowJob& command);
Result<int> kill(const Kill& command);
Result<int> scale(const Scale& command);
Result<int> print_logs(const Logs& command);
Result<int> show_stats(const ShowStats& command);  // stats_command.cc
Result<int> teardown(const Teardown& command);
Result<int> list_agents(const ListAgents& command);
Result<int> orphans(const Orphans& command);
Result<int> operations(const Operations& command);

// The body of POST /v2/operations. Errors: invalid_argument with the flag in `where`.
Result<std::string> operation_body(const Operations& command);

// Who asks, for the server's records; nobody checks it.
std::string own_user();

}  // namespace mimas::cli
