// The commands that talk to a server: each does its work, writes to stdout what was asked for and to stderr
// how it goes, and answers an exit code (cli/exit.h). An Error is already final: main prints it and turns its
// code into the exit code. Tested in tests/e2e/cli_test.py; what is pure of them by unit tests.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/client_requests.h"

namespace mimas::cli {

// job_commands.cc
Result<int> run_job(const Run& command);
Result<int> list_jobs(const ListJobs& command);
Result<int> show_job(const ShowJob& command);
Result<int> kill(const Kill& command);
Result<int> scale(const Scale& command);
Result<int> set_service(const SetService& command);
Result<int> set_processes(const SetProcesses& command);
Result<int> change_job(const Change& command);

// history_commands.cc
Result<int> show_history(const History& command);
Result<int> list_versions(const Versions& command);
Result<int> show_diff(const Diff& command);
Result<int> list_audit(const ListAudit& command);

// task_commands.cc
Result<int> list_tasks(const ListTasks& command);
Result<int> show_task(const ShowTask& command);
Result<int> print_logs(const Logs& command);
Result<int> list_files(const Files& command);
Result<int> show_stats(const ShowStats& command);  // stats_command.cc

// why_commands.cc
Result<int> tell_why(const Why& command);
Result<int> plan_job(const Plan& command);
Result<int> show_cluster(const ShowCluster& command);
Result<int> order_agents(const OrderAgents& command);

// server_commands.cc
Result<int> list_agents(const ListAgents& command);
Result<int> show_agent(const ShowAgent& command);
Result<int> show_page(const ShowPage& command);
Result<int> back_up(const Backup& command);
Result<int> collect_garbage(const CollectGarbage& command);
Result<int> send_request(const Request& command);
Result<int> teardown(const Teardown& command);
Result<int> print_events(const Events& command);    // events_command.cc
Result<int> orphans(const Orphans& command);        // orphan_commands.cc
Result<int> operations(const Operations& command);  // operation_commands.cc
Result<int> groups(const Groups& command);          // group_commands.cc

// The body of POST /v2/operations. Errors: invalid_argument with the flag in `where`.
Result<std::string> operation_body(const Operations& command);

// The body of PUT /v2/groups/{name}. Errors: invalid_argument with the flag in `where`.
Result<std::string> group_body(const Groups& command);

// {"retries=3", "labels.team=web"} → {"retries":3,"labels":{"team":"web"}}: a value that is JSON is taken as
// JSON, anything else as a text. Errors: invalid_argument with --set in `where`.
Result<std::string> merge_patch(const std::vector<std::string>& sets);

}  // namespace mimas::cli
