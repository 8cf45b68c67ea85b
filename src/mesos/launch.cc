#include "mesos/launch.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "json/writer.h"
#include "mesos/executor_command.h"
#include "mesos/operation.h"
#include "mesos/resource_pool.h"

namespace mimas::mesos {
namespace {

engine::StatusUpdate refuse(const engine::Launch& launch, const AgentId& agent, std::string reason,
                            std::string message, engine::MesosState state = engine::MesosState::dropped) {
  engine::StatusUpdate update;
  update.task = launch.task->id;
  update.state = state;
  update.agent = agent;
  update.reason = std::move(reason);
  update.message = std::move(message);
  return update;
}

void set_duration(std::int64_t ms, pb::DurationInfo* into) {
  constexpr std::int64_t kNanosPerMs = 1'000'000;
  constexpr std::int64_t kMsMax = std::numeric_limits<std::int64_t>::max() / kNanosPerMs;
  into->set_nanoseconds(std::clamp<std::int64_t>(ms, 0, kMsMax) * kNanosPerMs);
}

// What a task finds in its environment beside the job's own variables, which ours override.
std::map<std::string, std::string> task_environment(const engine::Launch& launch) {
  const Task& task = *launch.task;
  auto env = launch.spec->env;
  const std::string index = std::to_string(task.index);
  env["MIMAS_TASK_ID"] = env["TITUS_TASK_ID"] = env["TITUS_TASK_INSTANCE_ID"] = task.id.value;
  env["MIMAS_JOB_ID"] = env["TITUS_JOB_ID"] = task.job.value;
  env["MIMAS_INSTANCE_INDEX"] = env["TITUS_TASK_INDEX"] = index;
  env["MIMAS_TASK_NUMBER"] = std::to_string(task.number);
  const auto ports = task.allocated.ports.list();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string port = std::to_string(ports[i]);
    if (i == 0) env["PORT"] = port;
    env["PORT" + std::to_string(i)] = port;
    const auto& asked = launch.spec->container_ports;
    if (i < asked.size() && asked[i] > 0) env["PORT_" + std::to_string(asked[i])] = port;
  }
  return env;
}

void set_uri(const Artifact& artifact, pb::CommandInfo::URI* uri) {
  uri->set_value(artifact.uri);
  uri->set_executable(artifact.executable);
  uri->set_extract(artifact.extract);
  uri->set_cache(artifact.cache);
}

void set_executor(const engine::Launch& launch, const LaunchOptions& options, pb::CommandInfo command,
                  pb::ExecutorInfo* executor) {
  const Task& task = *launch.task;
  executor->set_type(pb::ExecutorInfo::CUSTOM);
  executor->mutable_executor_id()->set_value(task.id.value);
  executor->mutable_framework_id()->set_value(options.framework.value);
  executor->set_name("mimas");
  executor->set_source(task.job.value);
  *executor->mutable_command() = std::move(command);
  for (const Artifact& artifact : launch.spec->artifacts)
    set_uri(artifact, executor->mutable_command()->add_uris());
}

// The executor's share and the task's own, as cut from the offers; false when they do not suffice.
bool set_resources(const engine::Launch& launch, ResourcePool& pool, pb::TaskInfo* info) {
  Resources share;
  share.cpu_milli = kExecutorCpuMilli;
  share.mem_mib = kExecutorMemMib;
  Resources own = launch.task->allocated;
  own -= share;
  if (own.cpu_milli < 0 || own.mem_mib < 0) return false;
  ResourcePool attempt = pool;
  if (!attempt.take(share, info->mutable_executor()->mutable_resources())) return false;
  if (!attempt.take(own, info->mutable_resources())) return false;
  pool = std::move(attempt);
  return true;
}

void set_task(const engine::Launch& launch, const AgentId& agent, pb::TaskInfo* info) {
  const JobSpec& spec = *launch.spec;
  info->set_name(spec.name.empty() ? launch.task->job.value : spec.name);
  info->mutable_task_id()->set_value(launch.task->id.value);
  info->mutable_agent_id()->set_value(agent.value);
  info->set_data(task_data(launch));
  set_duration(spec.kill_grace_ms, info->mutable_kill_policy()->mutable_grace_period());
  if (spec.runtime_limit_ms > 0) set_duration(spec.runtime_limit_ms, info->mutable_max_completion_time());
  for (const auto& [key, value] : spec.labels) {
    pb::Label* label = info->mutable_labels()->add_labels();
    label->set_key(key);
    label->set_value(value);
  }
}

void add_task(const engine::Launch& launch, const AgentId& agent, const LaunchOptions& options,
              ResourcePool& pool, pb::Offer::Operation::Launch* into,
              std::vector<engine::StatusUpdate>& refused) {
  if (launch.spec->runtime != Runtime::process) {
    refused.push_back(refuse(launch, agent, "UNSUPPORTED_RUNTIME",
                             "this version launches processes only, not containers",
                             engine::MesosState::error));
    return;
  }
  auto command = executor_command(launch.attributes, options);
  if (!command.ok()) {
    refused.push_back(refuse(launch, agent, "UNKNOWN_ARCH", command.error().message));
    return;
  }
  pb::TaskInfo info;
  set_task(launch, agent, &info);
  set_executor(launch, options, *std::move(command), info.mutable_executor());
  if (!set_resources(launch, pool, &info)) {
    refused.push_back(
        refuse(launch, agent, "INVALID_OFFERS", "the offers do not hold what the task was given"));
    return;
  }
  *into->add_task_infos() = std::move(info);
}

}  // namespace

std::string task_data(const engine::Launch& launch) {
  const JobSpec& spec = *launch.spec;
  json::Writer writer;
  writer.begin_object().member("v", 1);
  if (spec.command.empty()) {
    writer.member("shell", spec.entry_point);
  } else {
    writer.key("argv").begin_array();
    for (const std::string& word : spec.command) writer.string(word);
    writer.end_array();
  }
  writer.key("env").begin_object();
  for (const auto& [name, value] : task_environment(launch)) writer.member(name, value);
  writer.end_object();
  if (!spec.working_directory.empty()) writer.member("cwd", spec.working_directory);
  writer.end_object();
  return writer.take();
}

AcceptCall make_accept(const engine::AcceptOffers& accept, const LaunchOptions& options, OfferBook& book) {
  AcceptCall made;
  made.call.mutable_framework_id()->set_value(options.framework.value);
  made.call.set_type(scheduler::Call::ACCEPT);
  auto* body = made.call.mutable_accept();
  ResourcePool pool;
  bool all_there = true;
  for (const OfferId& id : accept.offers) {
    const auto held = book.find(id);
    if (held == book.end()) {
      all_there = false;
      continue;
    }
    pool.add(held->second.resources());
    book.erase(held);
    body->add_offer_ids()->set_value(id.value);
  }
  body->mutable_filters()->set_refuse_seconds(
      static_cast<double>(std::max<std::int64_t>(0, accept.refuse_ms)) / 1000.0);
  if (!all_there) {
    for (const auto& launch : accept.launches) {
      made.refused.push_back(
          refuse(launch, accept.agent, "INVALID_OFFERS", "an offer was gone before the launch"));
    }
    for (const OperationPtr& operation : accept.operations) {
      made.refused_operations.push_back(refuse_operation(*operation, "attempted with invalid offers"));
    }
    return made;
  }
  for (const OperationPtr& operation : accept.operations) {
    auto proto = make_operation(*operation, options.principal, pool);
    if (proto.ok()) {
      *body->add_operations() = *std::move(proto);
    } else {
      made.refused_operations.push_back(refuse_operation(*operation, proto.error().message));
    }
  }
  pb::Offer::Operation::Launch launches;
  for (const auto& launch : accept.launches) {
    add_task(launch, accept.agent, options, pool, &launches, made.refused);
  }
  if (launches.task_infos_size() > 0) {
    auto* operation = body->add_operations();
    operation->set_type(pb::Offer::Operation::LAUNCH);
    *operation->mutable_launch() = std::move(launches);
  }
  return made;
}

}  // namespace mimas::mesos
