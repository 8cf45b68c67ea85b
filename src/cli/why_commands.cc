// `mimas why`, `plan`, `cluster`, and what operators want of agents: `mimas agents drain|disable|enable`.
#include <chrono>
#include <string>
#include <thread>

#include "cli/client_commands.h"
#include "cli/exit.h"
#include "cli/print.h"
#include "cli/request_parts.h"
#include "cli/rest.h"
#include "cli/show.h"
#include "cli/table.h"
#include "cli/why_text.h"
#include "json/writer.h"
#include "wire/endpoint.h"

namespace mimas::cli {
namespace {

constexpr std::int64_t kLookMs = 500;

std::string agent_target(const std::string& id) { return "/v2/agents/" + wire::percent_encode(id); }

std::string order_body(const OrderAgents& command) {
  json::Writer body;
  body.begin_object().member("user", own_user());
  if (!command.reason.empty()) body.member("reason", command.reason);
  if (command.deadline_secs) body.member("deadlineSecs", *command.deadline_secs);
  body.end_object();
  return body.take();
}

// Until nothing of ours is alive there.
Status await_empty(Rest& rest, const std::string& id, std::int64_t timeout_secs) {
  const auto began = std::chrono::steady_clock::now();
  std::string told;
  for (;;) {
    const Result<std::string> answer = rest.get(agent_target(id));
    if (!answer.ok()) return answer.error();
    const Result<json::Document> agent = parse_answer(*answer);
    if (!agent.ok()) return agent.error();
    const std::int64_t tasks = agent->root().int64_or("tasks", 0);
    if (tasks == 0) return Done{};
    const std::string now = std::to_string(tasks) + (tasks == 1 ? " task is" : " tasks are");
    if (now != told) complain(printable(id) + ": " + now + " still there");
    told = now;
    const auto waited = std::chrono::steady_clock::now() - began;
    if (timeout_secs > 0 && waited > std::chrono::seconds(timeout_secs)) {
      return make_error(Code::timeout,
                        "agent " + id + " is not empty after " + std::to_string(timeout_secs) + " seconds");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kLookMs));
  }
}

}  // namespace

Result<int> tell_why(const Why& command) {
  if (is_task_id(command.id)) {
    return show(command.client, task_target(command.id) + "/why",
                [](json::Value why, Look look) { return task_why_text(why, look.colour); });
  }
  return show(command.client, job_target(command.id) + "/why",
              [](json::Value why, Look look) { return job_why_text(why, look.colour); });
}

Result<int> plan_job(const Plan& command) {
  Result<std::string> body = read_json_file(command.file, "the job file");
  if (!body.ok()) return body.error();
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  const Result<std::string> answer = rest->ask("POST", "/v2/jobs?dryRun=true", *std::move(body), {});
  if (!answer.ok()) return answer.error();
  const Result<json::Document> preview = parse_answer(*answer);
  if (!preview.ok()) return preview.error();
  const Status printed = print_answer(command.client, *answer,
                                      [](json::Value one, Look look) { return plan_text(one, look.colour); });
  if (!printed.ok()) return printed.error();
  return fits_whole(preview->root()) ? kExitOk : kExitPending;
}

Result<int> show_cluster(const ShowCluster& command) {
  return show(command.client, "/v2/cluster",
              [](json::Value cluster, Look look) { return cluster_text(cluster, look.colour); });
}

Result<int> order_agents(const OrderAgents& command) {
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  for (const std::string& id : command.ids) {
    const Result<std::string> answer = rest->post(agent_target(id) + "/" + command.what, order_body(command));
    if (!answer.ok()) return answer.error();
  }
  for (std::size_t i = 0; command.wait && i < command.ids.size(); ++i) {
    const Status empty = await_empty(*rest, command.ids[i], command.timeout_secs);
    if (!empty.ok()) return empty.error();
  }
  return kExitOk;
}

}  // namespace mimas::cli
