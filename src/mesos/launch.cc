#include "mesos/launch.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "mesos/executor_command.h"
#include "mesos/operation.h"
#include "mesos/resource_pool.h"
#include "mesos/task_data.h"
#include "model/artifact_name.h"

namespace mimas::mesos {
namespace {

constexpr std::size_t kSecretsBytesMax = 64 << 10;  // of one task: an executor's message has its bounds, too

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

void set_uri(const Artifact& artifact, pb::CommandInfo::URI* uri) {
  uri->set_value(artifact.uri);
  // Mesos's fetcher would take the query for a part of the name, and unpack no "a.tgz?x".
  if (std::string name = artifact_name(artifact.uri); !name.empty()) uri->set_output_file(std::move(name));
  uri->set_executable(artifact.executable);
  uri->set_extract(artifact.extract);
  uri->set_cache(artifact.cache);
}

// Mesos takes a second task for an executor only if it is described by the same bytes: in a shared one
// nothing may stand that is the task's alone (mesos-protocol §2.2).
void set_executor(const engine::Launch& launch, const LaunchOptions& options, pb::CommandInfo command,
                  pb::ExecutorInfo* executor) {
  const Task& task = *launch.task;
  executor->set_type(pb::ExecutorInfo::CUSTOM);
  executor->mutable_executor_id()->set_value(launch.shared ? task.executor : task.id.value);
  executor->mutable_framework_id()->set_value(options.framework.value);
  executor->set_name("mimas");
  if (!launch.shared) executor->set_source(task.job.value);
  *executor->mutable_command() = std::move(command);
  for (const Artifact& artifact : launch.spec->artifacts)
    set_uri(artifact, executor->mutable_command()->add_uris());
}

Resources executor_share() {
  Resources share;
  share.cpu_milli = kExecutorCpuMilli;
  share.mem_mib = kExecutorMemMib;
  return share;
}

// The share of an executor that is there for more tasks, in the same words each time: without a reservation,
// whatever the offers of later tasks consist of.
void set_shared_share(const std::string& role, pb::ExecutorInfo* executor) {
  const auto add = [&](const char* name, double value) {
    pb::Resource* resource = executor->add_resources();
    resource->set_name(name);
    resource->set_type(pb::Value::SCALAR);
    resource->mutable_scalar()->set_value(value);
    if (!role.empty()) resource->mutable_allocation_info()->set_role(role);
  };
  add("cpus", static_cast<double>(kExecutorCpuMilli) / 1000.0);
  add("mem", static_cast<double>(kExecutorMemMib));
}

// The executor's share, unless it is paid for already, and the task's own, as cut from the offers; false when
// they do not suffice.
bool set_resources(const engine::Launch& launch, const std::string& role, ResourcePool& pool,
                   pb::TaskInfo* info) {
  const Resources share = executor_share();
  Resources own = launch.task->allocated;
  if (launch.charged) own -= share;
  if (own.cpu_milli < 0 || own.mem_mib < 0) return false;
  ResourcePool attempt = pool;
  auto* resources = info->mutable_executor()->mutable_resources();
  if (launch.shared) {
    google::protobuf::RepeatedPtrField<pb::Resource> paid;
    if (launch.charged && !attempt.take(share, &paid, ResourcePool::Kind::unreserved)) return false;
    set_shared_share(role, info->mutable_executor());
  } else if (!attempt.take(share, resources)) {
    return false;
  }
  if (!attempt.take(own, info->mutable_resources())) return false;
  pool = std::move(attempt);
  return true;
}

void set_task(const engine::Launch& launch, const AgentId& agent, const LaunchFacts& facts,
              pb::TaskInfo* info) {
  const JobSpec& spec = *launch.spec;
  info->set_name(spec.name.empty() ? launch.task->job.value : spec.name);
  info->mutable_task_id()->set_value(launch.task->id.value);
  info->mutable_agent_id()->set_value(agent.value);
  info->set_data(task_data(launch, facts));
  set_duration(spec.kill_grace_ms, info->mutable_kill_policy()->mutable_grace_period());
  if (spec.runtime_limit_ms > 0) set_duration(spec.runtime_limit_ms, info->mutable_max_completion_time());
  for (const auto& [key, value] : spec.labels) {
    pb::Label* label = info->mutable_labels()->add_labels();
    label->set_key(key);
    label->set_value(value);
  }
}

Result<LaunchFacts> facts_of(const JobSpec& spec, const LaunchOptions& options) {
  LaunchFacts facts;
  facts.default_network = options.default_network;
  std::size_t bytes = 0;
  for (const auto& [variable, name] : spec.secret_env) {
    auto value = options.secret
                     ? options.secret(name)
                     : Result<std::string>(make_error(Code::not_found, "this server has no secrets"));
    if (!value.ok()) return std::move(value).error();
    bytes += value->size();
    if (bytes > kSecretsBytesMax)
      return make_error(Code::too_large, "the job's secrets have more than " +
                                             std::to_string(kSecretsBytesMax) + " bytes in all");
    facts.secrets[variable] = *std::move(value);
  }
  return facts;
}

void add_task(const engine::Launch& launch, const AgentId& agent, const LaunchOptions& options,
              const std::string& role, ResourcePool& pool, pb::Offer::Operation::Launch* into,
              std::vector<engine::StatusUpdate>& refused) {
  auto command = executor_command(launch.attributes, options, launch.shared);
  if (!command.ok()) {
    refused.push_back(refuse(launch, agent, "UNKNOWN_ARCH", command.error().message));
    return;
  }
  const auto facts = facts_of(*launch.spec, options);
  if (!facts.ok()) {
    refused.push_back(refuse(launch, agent, std::string(engine::kSecretMissing), facts.error().text()));
    return;
  }
  pb::TaskInfo info;
  set_task(launch, agent, *facts, &info);
  set_executor(launch, options, *std::move(command), info.mutable_executor());
  if (!set_resources(launch, role, pool, &info)) {
    // A shared executor's share cannot come out of a reservation: the next try has an executor of its own.
    refused.push_back(refuse(launch, agent, launch.shared ? "EXECUTOR_SHARE" : "INVALID_OFFERS",
                             "the offers do not hold what the task was given"));
    return;
  }
  *into->add_task_infos() = std::move(info);
}

}  // namespace

AcceptCall make_accept(const engine::AcceptOffers& accept, const LaunchOptions& options, OfferBook& book) {
  AcceptCall made;
  made.call.mutable_framework_id()->set_value(options.framework.value);
  made.call.set_type(scheduler::Call::ACCEPT);
  auto* body = made.call.mutable_accept();
  ResourcePool pool;
  std::string role;  // of all the offers: they are put together by it
  bool all_there = true;
  for (const OfferId& id : accept.offers) {
    const auto held = book.find(id);
    if (held == book.end()) {
      all_there = false;
      continue;
    }
    pool.add(held->second.resources());
    role = held->second.allocation_info().role();
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
    add_task(launch, accept.agent, options, role, pool, &launches, made.refused);
  }
  if (launches.task_infos_size() > 0) {
    auto* operation = body->add_operations();
    operation->set_type(pb::Offer::Operation::LAUNCH);
    *operation->mutable_launch() = std::move(launches);
  }
  return made;
}

}  // namespace mimas::mesos
