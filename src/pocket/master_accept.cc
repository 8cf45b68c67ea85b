// ACCEPT: which offers it spends, what it may launch with them, what goes back (mesos-protocol §2.2 and the
// table of §2.5).
#include <algorithm>
#include <set>

#include "pocket/call_check.h"
#include "pocket/master_model.h"

namespace mimas::pocket {
namespace {

using Call = mscheduler::Call;
using Operation = mv1::Offer::Operation;

template <class Resources>
std::string fill_allocation(const std::string& role, Resources* resources) {
  for (mv1::Resource& resource : *resources) {
    if (!resource.has_allocation_info()) resource.mutable_allocation_info()->set_role(role);
    if (resource.allocation_info().role() != role)
      return "Resources are allocated to another role than the offer's";
  }
  return {};
}

std::string compact(const google::protobuf::Message& message) { return message.SerializeAsString(); }

}  // namespace

std::optional<std::string> MasterModel::invalid_offers(const MasterFramework& framework,
                                                       const Call::Accept& accept) const {
  if (accept.offer_ids_size() == 0) return "No offers specified";
  std::set<std::string> seen;
  const MasterOffer* first = nullptr;
  for (const mv1::OfferID& id : accept.offer_ids())
    if (!seen.insert(id.value()).second) return "Duplicate offer " + id.value() + " in offer list";
  for (const mv1::OfferID& id : accept.offer_ids()) {
    const auto found = offers_.find(id.value());
    if (found == offers_.end()) return "Offer " + id.value() + " is no longer valid";
    const MasterOffer& offer = found->second;
    if (offer.framework_id != framework.id())
      return "Offer " + id.value() + " has invalid framework " + framework.id() + " while framework " +
             offer.framework_id + " is expected";
    if (first == nullptr) first = &offer;
    if (offer.role != first->role)
      return "Aggregated offers must be allocated to the same role. Offer " + offer.id + " uses role '" +
             offer.role + "' but another is using role '" + first->role + "'";
    if (offer.agent_id != first->agent_id)
      return "Aggregated offers must belong to one single agent. Offer " + offer.id + " uses agent " +
             offer.agent_id + " and agent " + first->agent_id;
  }
  return std::nullopt;
}

void MasterModel::accept(MasterFramework& framework, const Call::Accept& accept, Instant now) {
  const auto why = invalid_offers(framework, accept);
  Pool pool;
  for (const mv1::OfferID& id : accept.offer_ids()) {  // spent or, with a bad call, given back unfiltered
    const auto found = offers_.find(id.value());
    if (found == offers_.end() || found->second.framework_id != framework.id()) continue;
    pool.agent_id = found->second.agent_id;
    pool.role = found->second.role;
    pool.left.add(found->second.amounts);
    offers_.erase(found);
  }
  allocate_soon(now);
  if (why) {
    fail_operations(framework, accept, mv1::TASK_DROPPED, mv1::TaskStatus::REASON_INVALID_OFFERS,
                    "launched with invalid offers: " + *why, "", now);
    return;
  }
  const auto agent = agents_.find(pool.agent_id);
  if (agent == agents_.end() || !agent->second.connected) {
    const bool gone = agent == agents_.end();
    fail_operations(framework, accept, mv1::TASK_DROPPED,
                    gone ? mv1::TaskStatus::REASON_AGENT_REMOVED : mv1::TaskStatus::REASON_AGENT_DISCONNECTED,
                    gone ? "launched with a removed agent" : "launched with a disconnected agent",
                    pool.agent_id, now);
    return;
  }
  for (const Operation& operation : accept.operations()) {
    const bool launches =
        operation.type() == Operation::LAUNCH || operation.type() == Operation::LAUNCH_GROUP;
    if (launches && operation.has_id()) {
      refuse_launch(
          framework, operation,
          "The `id` field cannot be set on " + Operation::Type_Name(operation.type()) + " operations", now);
    } else if (operation.type() == Operation::LAUNCH) {
      for (mv1::TaskInfo task : operation.launch().task_infos())
        launch(framework, agent->second, pool, std::move(task), now);
    } else if (operation.type() == Operation::LAUNCH_GROUP) {
      launch_group(framework, agent->second, pool, operation.launch_group(), now);
    } else if (operation.type() != Operation::UNKNOWN) {
      operate(framework, agent->second, pool, operation);
    }
  }
  pool.left.subtract(pool.converted);
  refuse(framework, pool.role, pool.agent_id, pool.left, accept.filters(), now);
}

void MasterModel::fail_operations(MasterFramework& framework, const Call::Accept& accept,
                                  mv1::TaskState state, mv1::TaskStatus::Reason reason,
                                  const std::string& why, const std::string& agent_id, Instant now) {
  const auto fail = [&](const mv1::TaskInfo& task) {
    mv1::TaskStatus status =
        make_status(task.task_id().value(), state_for(framework, state), reason, "Task " + why, now);
    *status.mutable_agent_id() = task.agent_id();
    if (!agent_id.empty()) status.mutable_agent_id()->set_value(agent_id);
    if (task.has_executor()) *status.mutable_executor_id() = task.executor().executor_id();
    send_update(framework, status);
  };
  for (const Operation& operation : accept.operations()) {
    if (operation.type() == Operation::LAUNCH) {
      for (const mv1::TaskInfo& task : operation.launch().task_infos()) fail(task);
    } else if (operation.type() == Operation::LAUNCH_GROUP) {
      for (const mv1::TaskInfo& task : operation.launch_group().task_group().tasks()) fail(task);
    } else if (operation.type() != Operation::UNKNOWN) {
      operation_error(framework, operation, "Operation attempted with invalid offers: " + why);
    }
  }
}

void MasterModel::refuse_launch(MasterFramework& framework, const Operation& operation,
                                const std::string& why, Instant now) {
  const bool group = operation.type() == Operation::LAUNCH_GROUP;
  const auto& tasks = group ? operation.launch_group().task_group().tasks() : operation.launch().task_infos();
  for (const mv1::TaskInfo& task : tasks) {
    mv1::TaskStatus status = make_status(
        task.task_id().value(), mv1::TASK_ERROR,
        group ? mv1::TaskStatus::REASON_TASK_GROUP_INVALID : mv1::TaskStatus::REASON_TASK_INVALID, why, now);
    *status.mutable_agent_id() = task.agent_id();
    if (group) *status.mutable_executor_id() = operation.launch_group().executor().executor_id();
    if (task.has_executor()) *status.mutable_executor_id() = task.executor().executor_id();
    send_update(framework, status);
  }
}

void MasterModel::operation_error(MasterFramework& framework, const Operation& operation,
                                  const std::string& why) {
  if (!operation.has_id()) return;
  mscheduler::Event event;
  event.set_type(mscheduler::Event::UPDATE_OPERATION_STATUS);
  auto* status = event.mutable_update_operation_status()->mutable_status();
  *status->mutable_operation_id() = operation.id();
  status->set_state(mv1::OPERATION_ERROR);
  status->set_message(why);
  send(framework, std::move(event));
}

// Empty: fine. In Mesos's order (mesos-protocol §2.2, "Task validation order").
std::string MasterModel::check_task_here(const MasterFramework& framework, const MasterAgent& agent,
                                         const Pool& pool, const mv1::TaskInfo& task, bool in_group) const {
  const std::string& id = task.task_id().value();
  if (const std::string why = check_id(id); !why.empty()) return why;
  if (framework.tasks.contains(id)) return "Task has duplicate ID: " + id;
  if (framework.unreachable.contains(id)) return "Task reuses the ID of an unreachable task: " + id;
  if (task.agent_id().value() != agent.id())
    return "Task uses invalid agent " + task.agent_id().value() + " while agent " + agent.id() +
           " is expected";
  if (const std::string why = check_task(task, in_group); !why.empty()) return why;
  const Result<Holdings> amounts = Holdings::read(task.resources());
  Holdings needed = *amounts;
  if (!in_group && task.has_executor()) {
    const mv1::ExecutorInfo& executor = task.executor();
    if (executor.framework_id().value() != framework.id())
      return "ExecutorInfo has an invalid FrameworkID (Actual: " + executor.framework_id().value() +
             " vs Expected: " + framework.id() + ")";
    const auto known = agent.executors.find({framework.id(), executor.executor_id().value()});
    if (known != agent.executors.end()) {
      if (compact(known->second.info) != compact(executor))
        return "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.";
    } else {
      needed.add(*Holdings::read(executor.resources()));
    }
  }
  if (!pool.left.contains(needed))
    return "Total resources " + needed.text(pool.role) +
           " required by task and its executor is more than available " + pool.left.text(pool.role);
  return {};
}

void MasterModel::start_task(MasterFramework& framework, MasterAgent& agent, Pool& pool,
                             const mv1::TaskInfo& task, const mv1::ExecutorInfo* executor) {
  MasterTask record;
  record.info = task;
  record.agent_id = agent.id();
  record.amounts = *Holdings::read(task.resources());
  record.charged = true;
  pool.left.subtract(record.amounts);
  agent.used.add(record.amounts);
  if (executor != nullptr) {
    record.executor_id = executor->executor_id().value();
    const std::pair<std::string, std::string> key{framework.id(), record.executor_id};
    if (!agent.executors.contains(key)) {
      const Holdings amounts = *Holdings::read(executor->resources());
      pool.left.subtract(amounts);
      agent.used.add(amounts);
      agent.executors[key] = MasterExecutor{*executor, amounts};
    }
  }
  framework.tasks[task.task_id().value()] = std::move(record);
}

void MasterModel::launch(MasterFramework& framework, MasterAgent& agent, Pool& pool, mv1::TaskInfo task,
                         Instant now) {
  if (task.has_executor() && !task.executor().has_framework_id())
    task.mutable_executor()->mutable_framework_id()->set_value(framework.id());
  // Filled in first: executors of one id are compared in full.
  std::string roles = fill_allocation(pool.role, task.mutable_resources());
  if (task.has_executor()) {
    const std::string other = fill_allocation(pool.role, task.mutable_executor()->mutable_resources());
    if (roles.empty()) roles = other;
  }
  std::string why = check_task_here(framework, agent, pool, task, false);
  if (why.empty()) why = roles;
  if (!why.empty()) {
    mv1::TaskStatus status =
        make_status(task.task_id().value(), mv1::TASK_ERROR, mv1::TaskStatus::REASON_TASK_INVALID, why, now);
    *status.mutable_agent_id() = task.agent_id();
    if (task.has_executor()) *status.mutable_executor_id() = task.executor().executor_id();
    send_update(framework, status);
    return;
  }
  start_task(framework, agent, pool, task, task.has_executor() ? &task.executor() : nullptr);
  RunTasks run;
  run.framework = framework.info;
  run.tasks.push_back(std::move(task));
  command(agent, std::move(run));
}

void MasterModel::launch_group(MasterFramework& framework, MasterAgent& agent, Pool& pool,
                               const Operation::LaunchGroup& group, Instant now) {
  RunTasks run;
  run.framework = framework.info;
  run.group = true;
  run.group_executor = group.executor();
  std::string why;
  const mv1::ExecutorInfo& executor = group.executor();
  const Result<Holdings> executor_amounts = Holdings::read(executor.resources());
  if (!executor.has_type()) {
    why = "'ExecutorInfo.type' must be set";
  } else if (!executor.has_framework_id()) {
    why = "'ExecutorInfo.framework_id' must be set";
  } else if (executor.type() == mv1::ExecutorInfo::DEFAULT && executor.has_command()) {
    why = "'ExecutorInfo.command' must not be set for 'DEFAULT' executor";
  } else if (executor.type() != mv1::ExecutorInfo::DEFAULT && !executor.has_command()) {
    why = "'ExecutorInfo.command' must be set for 'CUSTOM' executor";
  } else if (!executor_amounts) {
    why = executor_amounts.error().message;
  } else if (executor_amounts->scalar("cpus") < 10) {
    why = "Executor '" + executor.executor_id().value() + "' uses less CPUs than the minimum required (0.01)";
  } else if (executor_amounts->scalar("mem") < 32'000) {
    why =
        "Executor '" + executor.executor_id().value() + "' uses less memory than the minimum required (32MB)";
  } else if (executor_amounts->scalar("disk") == 0) {
    why = "Executor '" + executor.executor_id().value() + "' uses no disk";
  }
  Pool trial = pool;
  if (why.empty() && !agent.executors.contains({framework.id(), executor.executor_id().value()})) {
    if (!trial.left.contains(*executor_amounts)) why = "Executor needs more than available";
    trial.left.subtract(*executor_amounts);
  }
  for (mv1::TaskInfo task : group.task_group().tasks()) {
    if (why.empty()) why = check_task_here(framework, agent, trial, task, true);
    if (why.empty()) why = fill_allocation(pool.role, task.mutable_resources());
    if (why.empty()) trial.left.subtract(*Holdings::read(task.resources()));
    run.tasks.push_back(std::move(task));
  }
  if (why.empty()) {
    std::set<std::string> ids;
    for (const mv1::TaskInfo& task : run.tasks)
      if (!ids.insert(task.task_id().value()).second)
        why = "Task has duplicate ID: " + task.task_id().value();
  }
  if (why.empty() && executor.type() == mv1::ExecutorInfo::DEFAULT)
    why = "The default executor is not available in this cluster: 'ExecutorInfo.type' must be 'CUSTOM'";
  if (!why.empty()) {
    for (const mv1::TaskInfo& task : run.tasks) {
      mv1::TaskStatus status = make_status(task.task_id().value(), mv1::TASK_ERROR,
                                           mv1::TaskStatus::REASON_TASK_GROUP_INVALID, why, now);
      *status.mutable_agent_id() = task.agent_id();
      *status.mutable_executor_id() = executor.executor_id();
      send_update(framework, status);
    }
    return;
  }
  for (const mv1::TaskInfo& task : run.tasks) start_task(framework, agent, pool, task, &executor);
  command(agent, std::move(run));
}

}  // namespace mimas::pocket
