// Tasks between frameworks and agents: updates up, kills and acknowledgements down, reconciliation
// (mesos-protocol §2.5, §2.6).
#include <algorithm>

#include "pocket/master_model.h"

namespace mimas::pocket {
namespace {

using Call = mscheduler::Call;
using Event = mscheduler::Event;

double seconds(Instant at) { return static_cast<double>(at.ms) / 1000.0; }

}  // namespace

void MasterModel::send(MasterFramework& framework, Event event) {
  if (framework.connected) outputs_.emplace_back(ToScheduler{framework.stream, std::move(event)});
}

void MasterModel::send_update(MasterFramework& framework, const mv1::TaskStatus& status) {
  Event event;
  event.set_type(Event::UPDATE);
  *event.mutable_update()->mutable_status() = status;
  send(framework, std::move(event));
}

mv1::TaskStatus MasterModel::make_status(const std::string& task_id, mv1::TaskState state,
                                         mv1::TaskStatus::Reason reason, const std::string& message,
                                         Instant now) const {
  mv1::TaskStatus status;
  status.mutable_task_id()->set_value(task_id);
  status.set_state(state);
  status.set_message(message);
  status.set_source(mv1::TaskStatus::SOURCE_MASTER);
  status.set_reason(reason);
  status.set_timestamp(seconds(now));
  return status;
}

// Without PARTITION_AWARE the newer states are all TASK_LOST (mesos-protocol §2.5).
mv1::TaskState MasterModel::state_for(const MasterFramework& framework, mv1::TaskState state) const {
  if (framework.has(mv1::FrameworkInfo::Capability::PARTITION_AWARE)) return state;
  switch (state) {
    case mv1::TASK_DROPPED:
    case mv1::TASK_UNREACHABLE:
    case mv1::TASK_GONE:
    case mv1::TASK_GONE_BY_OPERATOR:
    case mv1::TASK_UNKNOWN: return mv1::TASK_LOST;
    default: return state;
  }
}

void MasterModel::kill(MasterFramework& framework, const Call::Kill& kill, Instant now) {
  const std::string& task_id = kill.task_id().value();
  const auto found = framework.tasks.find(task_id);
  if (found == framework.tasks.end()) {
    reconcile_task(framework, task_id, kill.agent_id().value(), now);
    return;
  }
  const MasterTask& task = found->second;
  if (kill.has_agent_id() && kill.agent_id().value() != task.agent_id) return;
  KillTask order{framework.id(), task_id, std::nullopt};
  if (kill.has_kill_policy() && kill.kill_policy().has_grace_period())
    order.grace_ms = kill.kill_policy().grace_period().nanoseconds() / 1'000'000;
  const auto agent = agents_.find(task.agent_id);
  if (agent == agents_.end()) return;
  if (agent->second.connected) {
    command(agent->second, std::move(order));
  } else {
    agent->second.kills_waiting.push_back(std::move(order));
  }
}

void MasterModel::acknowledge(MasterFramework& framework, const Call::Acknowledge& acknowledge) {
  const auto agent = agents_.find(acknowledge.agent_id().value());
  if (agent == agents_.end() || !agent->second.connected) return;  // the agent sends the update again
  const std::string& task_id = acknowledge.task_id().value();
  command(agent->second, AcknowledgeUpdate{framework.id(), task_id, acknowledge.uuid()});
  const auto found = framework.tasks.find(task_id);
  if (found == framework.tasks.end()) return;
  MasterTask& task = found->second;
  if (task.unacknowledged_uuid != acknowledge.uuid()) return;
  task.unacknowledged_uuid.clear();
  if (!is_terminal(task.state)) return;
  framework.completed.push_back(std::move(task));
  framework.tasks.erase(found);
  while (framework.completed.size() > options_.completed_tasks_max) framework.completed.pop_front();
}

bool MasterModel::recovering(const std::string& agent_id) const {
  if (agent_id.empty()) return !recovering_agents_.empty();
  return recovering_agents_.contains(agent_id);
}

void MasterModel::reconcile(MasterFramework& framework, const Call::Reconcile& reconcile, Instant now) {
  if (reconcile.tasks_size() > 0) {
    for (const auto& task : reconcile.tasks())
      reconcile_task(framework, task.task_id().value(), task.agent_id().value(), now);
    return;
  }
  std::vector<std::string> ids;
  for (const auto& [id, task] : framework.tasks) ids.push_back(id);
  for (const std::string& id : ids) reconcile_task(framework, id, "", now);
}

// The first row of the matrix that fits (mesos-protocol §2.6).
void MasterModel::reconcile_task(MasterFramework& framework, const std::string& task_id,
                                 const std::string& agent_id, Instant now) {
  const auto reason = mv1::TaskStatus::REASON_RECONCILIATION;
  const auto known = framework.tasks.find(task_id);
  if (known != framework.tasks.end()) {
    const MasterTask& task = known->second;
    mv1::TaskStatus status =
        make_status(task_id, task.state, reason, "Reconciliation: Latest task state", now);
    status.mutable_agent_id()->set_value(task.agent_id);
    if (!task.executor_id.empty()) status.mutable_executor_id()->set_value(task.executor_id);
    if (!task.statuses.empty()) {
      const mv1::TaskStatus& last = task.statuses.back();
      if (last.has_healthy()) status.set_healthy(last.healthy());
      if (last.has_check_status()) *status.mutable_check_status() = last.check_status();
      if (last.has_container_status()) *status.mutable_container_status() = last.container_status();
    }
    send_update(framework, status);
    return;
  }
  if (recovering(agent_id)) return;
  const auto lost = framework.unreachable.find(task_id);
  const std::string& where =
      agent_id.empty() && lost != framework.unreachable.end() ? lost->second.agent_id : agent_id;
  mv1::TaskState state = mv1::TASK_UNKNOWN;
  std::string message = "Reconciliation: Task is unknown";
  const auto unreachable = unreachable_agents_.find(where);
  if (agents_.contains(where)) {
    state = mv1::TASK_GONE;
    message = "Reconciliation: Task is unknown to the agent";
  } else if (unreachable != unreachable_agents_.end()) {
    state = mv1::TASK_UNREACHABLE;
    message = "Reconciliation: Task is unreachable";
  } else if (gone_agents_.contains(where)) {
    state = mv1::TASK_GONE_BY_OPERATOR;
    message = "Reconciliation: Task is gone";
  }
  mv1::TaskStatus status = make_status(task_id, state_for(framework, state), reason, message, now);
  if (!where.empty()) status.mutable_agent_id()->set_value(where);
  if (state == mv1::TASK_UNREACHABLE)
    status.mutable_unreachable_time()->set_nanoseconds(unreachable->second.ms * 1'000'000);
  send_update(framework, status);
}

void MasterModel::uncharge(MasterTask& task, Instant now) {
  if (!task.charged) return;
  task.charged = false;
  const auto agent = agents_.find(task.agent_id);
  if (agent != agents_.end()) agent->second.used.subtract(task.amounts);
  allocate_soon(now);
}

void MasterModel::on_report(MasterAgent& agent, const UpdateReport& update, Instant now) {
  const std::string& task_id = update.status.task_id().value();
  MasterFramework* framework = find_framework(update.framework_id);
  if (framework == nullptr) {  // removed: nobody will acknowledge this one
    command(agent, AcknowledgeUpdate{update.framework_id, task_id, update.status.uuid()});
    return;
  }
  const auto found = framework->tasks.find(task_id);
  if (found != framework->tasks.end()) {
    MasterTask& task = found->second;
    task.state = update.status.state();
    task.unacknowledged_uuid = update.status.uuid();
    const bool repeated = !task.statuses.empty() && task.statuses.back().uuid() == update.status.uuid() &&
                          update.status.has_uuid();
    if (!repeated) task.statuses.push_back(update.status);
    while (task.statuses.size() > options_.statuses_max) task.statuses.pop_front();
    if (is_terminal(update.latest)) uncharge(task, now);
  }
  send_update(*framework, update.status);
}

void MasterModel::on_report(MasterAgent& agent, const ExecutorExited& exited, Instant now) {
  const auto found = agent.executors.find({exited.framework_id, exited.executor_id});
  if (found != agent.executors.end()) {
    agent.used.subtract(found->second.amounts);
    agent.executors.erase(found);
    allocate_soon(now);
  }
  MasterFramework* framework = find_framework(exited.framework_id);
  if (framework == nullptr || exited.command) return;
  Event event;
  event.set_type(Event::FAILURE);
  *event.mutable_failure()->mutable_agent_id() = agent.info.id();
  event.mutable_failure()->mutable_executor_id()->set_value(exited.executor_id);
  event.mutable_failure()->set_status(exited.status);
  send(*framework, std::move(event));
}

void MasterModel::on_report(MasterAgent& agent, const FromExecutor& message) {
  MasterFramework* framework = find_framework(message.framework_id);
  if (framework == nullptr) return;
  Event event;
  event.set_type(Event::MESSAGE);
  *event.mutable_message()->mutable_agent_id() = agent.info.id();
  event.mutable_message()->mutable_executor_id()->set_value(message.executor_id);
  event.mutable_message()->set_data(message.data);
  send(*framework, std::move(event));
}

}  // namespace mimas::pocket
