#include <string>

#include "cli/change_feed.h"
#include "cli/client_commands.h"
#include "cli/exit.h"
#include "cli/facts.h"
#include "cli/job_text.h"
#include "cli/output_streams.h"
#include "cli/print.h"
#include "cli/request_parts.h"
#include "cli/show.h"
#include "wire/endpoint.h"

namespace mimas::cli {
namespace {

std::string tasks_text(json::Value tasks, Look look) {
  return tasks_table(tasks, look.colour, look.wide, look.now);
}
std::string task_text(json::Value task, Look look) { return task_page(task, look.colour); }

bool has_ended(json::Value task) {
  const std::string_view state = task.string_or("state", "");
  return state == "FINISHED" || state == "FAILED" || state == "STOPPED" || state == "CRASHED";
}

// One after the other, or all at once where there is no end.
Result<int> print_logs_of_all(Rest& rest, const Logs& command, const std::string& file,
                              const std::string& query) {
  const Result<std::vector<std::string>> tasks = newest_tasks(rest, command.id);
  if (!tasks.ok()) return tasks.error();
  OutputStreams output(command.client);
  for (const std::string& task : *tasks) {
    output.add({task, file, task_prefix(task), query, false});
    if (!command.follow) output.wait();
  }
  output.wait();
  const Status read = output.status();
  return read.ok() ? Result<int>(kExitOk) : read.error();
}

}  // namespace

Result<int> list_tasks(const ListTasks& command) {
  const std::string target = "/v2/tasks" + tasks_query(command.filter);
  if (!command.watch) return show(command.client, target, tasks_text);
  std::string events;
  add_parameter(events, "job", command.filter.job);
  return watch(command.client, target, events, tasks_text, nullptr);
}

Result<int> show_task(const ShowTask& command) {
  if (!command.watch) return show(command.client, task_target(command.id), task_text);
  std::string events;
  add_parameter(events, "job", job_of_task(command.id));
  return watch(command.client, task_target(command.id), events, task_text, has_ended);
}

Result<int> print_logs(const Logs& command) {
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  const std::string file = !command.file.empty()    ? command.file
                           : command.standard_error ? "stderr"
                                                    : "stdout";
  std::string query;
  if (command.tail > 0) add_parameter(query, "tail", std::to_string(command.tail));
  if (command.follow) add_parameter(query, "follow", "true");
  if (command.all) return print_logs_of_all(*rest, command, file, query);
  const Result<std::string> task = newest_task(*rest, command.id, command.previous);
  if (!task.ok()) return task.error();
  const std::string target = "/v2/logs/" + wire::percent_encode(*task) + "/" + wire::percent_encode(file) +
                             (query.empty() ? "" : "?" + query);
  Status printed = Done{};
  const Status streamed = rest->stream(target, [&](std::string_view bytes) {
    printed = print(bytes);
    return printed.ok();
  });
  if (!printed.ok()) return printed.error();
  if (!streamed.ok()) return streamed.error();
  return kExitOk;
}

Result<int> list_files(const Files& command) {
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  const Result<std::string> task = newest_task(*rest, command.id);
  if (!task.ok()) return task.error();
  const Result<std::string> body = rest->get(task_target(*task) + "/files");
  if (!body.ok()) return body.error();
  const Status printed = print_answer(
      command.client, *body, [](json::Value files, Look look) { return facts_text(files, look.colour); });
  if (!printed.ok()) return printed.error();
  return kExitOk;
}

}  // namespace mimas::cli
