#include <string>

#include <unistd.h>

#include "cli/client_commands.h"
#include "cli/exit.h"
#include "cli/facts.h"
#include "cli/job_text.h"
#include "cli/print.h"
#include "cli/request_parts.h"
#include "cli/show.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/usage_error.h"
#include "json/writer.h"
#include "wire/endpoint.h"

namespace mimas::cli {
namespace {

constexpr std::int64_t kTeardownMs = 120'000;  // two tries at the master, and a commit
constexpr std::int64_t kBackupMs = 600'000;    // a copy of all records

std::string agents_text(json::Value agents, Look look) {
  return agents_table(agents, look.colour, look.wide);
}
std::string facts(json::Value value, Look look) { return facts_text(value, look.colour); }

// What was done, if the answer says anything of it.
Result<int> printed_answer(const Client& client, const Result<std::string>& answer) {
  if (!answer.ok()) return answer.error();
  if (answer->empty()) return kExitOk;
  const Status printed = print_answer(client, *answer, facts);
  if (!printed.ok()) return printed.error();
  return kExitOk;
}

}  // namespace

Result<int> list_agents(const ListAgents& command) {
  if (command.watch) return watch(command.client, "/v2/agents", "kind=agent,task", agents_text, nullptr);
  return show(command.client, "/v2/agents", agents_text);
}

Result<int> show_agent(const ShowAgent& command) {
  return show(command.client, "/v2/agents/" + wire::percent_encode(command.id), facts);
}

Result<int> show_page(const ShowPage& command) {
  if (!command.target.ends_with(".yaml")) return show(command.client, command.target, facts);
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  const Result<std::string> body = rest->get(command.target);
  if (!body.ok()) return body.error();
  const Status printed = print_json(*body);
  if (!printed.ok()) return printed.error();
  return kExitOk;
}

Result<int> back_up(const Backup& command) {
  net::Timeouts patient;
  patient.response_ms = kBackupMs;
  Result<Rest> rest = Rest::open(command.client, patient);
  if (!rest.ok()) return rest.error();
  return printed_answer(command.client, rest->post("/v2/admin/backup", "{}"));
}

Result<int> collect_garbage(const CollectGarbage& command) {
  const std::string what = command.jobs_kept.value_or(0) == 0
                               ? "every ended job"
                               : "ended jobs beyond the newest " + std::to_string(*command.jobs_kept);
  if (!command.yes &&
      !confirmed("Remove " + what + " from the records, with tasks and versions, for good?")) {
    if (is_terminal(STDIN_FILENO) && is_terminal(STDERR_FILENO)) {
      complain("nothing was removed");
      return kExitGeneric;
    }
    complain(
        usage_error("--yes", "is needed where no terminal can be asked: " + what + " would go for good"));
    return kExitUsage;
  }
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  json::Writer body;
  body.begin_object()
      .member("user", own_user())
      .member("jobsKept", command.jobs_kept.value_or(0))
      .end_object();
  return printed_answer(command.client, rest->post("/v2/admin/gc", body.take()));
}

Result<int> send_request(const Request& command) {
  std::string body;
  if (!command.file.empty()) {
    Result<std::string> read = read_json_file(command.file, "the body");
    if (!read.ok()) return read.error();
    body = *std::move(read);
  }
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  const Result<std::string> answer =
      rest->ask(command.method, command.target, std::move(body), if_match(command.if_version));
  if (!answer.ok()) return answer.error();
  if (answer->empty()) return kExitOk;
  const Status printed = print_json(*answer);
  if (!printed.ok()) return printed.error();
  return kExitOk;
}

Result<int> teardown(const Teardown& command) {
  net::Timeouts patient;
  patient.response_ms = kTeardownMs;
  Result<Rest> rest = Rest::open(command.client, patient);
  if (!rest.ok()) return rest.error();
  const Result<std::string> health = rest->get("/health");
  if (!health.ok()) return health.error();
  const Result<json::Document> parsed = parse_answer(*health);
  if (!parsed.ok()) return parsed.error();
  const std::string framework(parsed->root().string_or("frameworkId", ""));
  if (framework.empty())
    return make_error(Code::conflict, "the server has no framework that could be torn down");
  const Result<std::string> answer = rest->remove("/v2/framework/" + wire::percent_encode(framework));
  if (!answer.ok()) return answer.error();
  const Status printed = print("framework " + printable(framework) +
                               " is torn down and the server stops; jobs stay on record\n");
  if (!printed.ok()) return printed.error();
  return kExitOk;
}

}  // namespace mimas::cli
