// Agents come, report, fall silent and return (mesos-protocol §5.3 points 10 and 11). A registration carries
// all the agent knows: a restarted master learns frameworks, executors and tasks from it.
#include <algorithm>

#include "pocket/master_model.h"

namespace mimas::pocket {

using Event = mscheduler::Event;

void MasterModel::command(const MasterAgent& agent, Command command) {
  if (agent.connected) outputs_.emplace_back(ToAgent{agent.stream, std::move(command)});
}

void MasterModel::note_agents() {
  AgentsChanged changed;
  for (const auto& [id, agent] : agents_) changed.ids.push_back(id);
  changed.ids.insert(changed.ids.end(), recovering_agents_.begin(), recovering_agents_.end());
  outputs_.emplace_back(std::move(changed));
}

MasterAgent* MasterModel::agent_by_session(const std::string& session) {
  for (auto& [id, agent] : agents_)
    if (agent.connected && agent.session == session) return &agent;
  return nullptr;
}

void MasterModel::register_agent(std::uint64_t stream, const Registration& registration, Instant now) {
  std::string id = registration.info.id().value();
  ResourceList resources = registration.info.resources();
  if (!registration.resources.empty())
    resources = {registration.resources.begin(), registration.resources.end()};
  const Result<Holdings> total = Holdings::read(resources);
  const bool down =
      std::any_of(machines_down_.begin(), machines_down_.end(), [&](const mv1::MachineID& machine) {
        return (machine.hostname().empty() || machine.hostname() == registration.info.hostname()) &&
               (machine.ip().empty() || machine.ip() == registration.ip);
      });
  if (!total || down || gone_agents_.contains(id)) {
    outputs_.emplace_back(ToAgent{stream, LeaveCluster{}});
    outputs_.emplace_back(EndStream{stream});
    return;
  }
  if (id.empty()) id = options_.master_id + "-S" + std::to_string(next_agent_++);
  const auto [at, fresh] = agents_.try_emplace(id);
  MasterAgent& agent = at->second;
  if (fresh) {
    agent.registered_at = now;
  } else {
    if (agent.connected) outputs_.emplace_back(EndStream{agent.stream});
    rescind_offers_of_agent(id);
  }
  agent.info = registration.info;
  agent.info.mutable_id()->set_value(id);
  agent.ip = registration.ip;
  agent.total = *total;
  agent.session = registration.session;
  agent.stream = stream;
  agent.connected = true;
  agent.heard_at = now;
  recovering_agents_.erase(id);
  command(agent, Registered{id, std::max<std::int64_t>(50, options_.agent_ping_timeout_ms / 4)});
  learn_frameworks(registration, now);
  learn_executors(agent, registration);
  learn_tasks(agent, registration, now);
  settle_missing(agent, registration, now);
  learn_operations(agent, registration);
  unreachable_agents_.erase(id);
  for (KillTask& order : agent.kills_waiting) command(agent, std::move(order));
  agent.kills_waiting.clear();
  note_agents();
  allocate_by(now);
}

void MasterModel::learn_frameworks(const Registration& registration, Instant now) {
  for (const mv1::FrameworkInfo& info : registration.frameworks) {
    const std::string& id = info.id().value();
    if (was_removed(id)) {
      outputs_.emplace_back(
          ToAgent{agents_.at(agent_by_session(registration.session)->id()).stream, ShutdownFramework{id}});
      continue;
    }
    const auto [at, fresh] = frameworks_.try_emplace(id);
    if (!fresh) continue;  // re-learned ones have no failover timer until they subscribe (mesos-protocol §7)
    at->second.info = info;
    at->second.registered_at = now;
  }
}

void MasterModel::learn_executors(MasterAgent& agent, const Registration& registration) {
  agent.executors.clear();
  agent.used = Holdings{};
  for (const ReportedExecutor& one : registration.executors) {
    const Result<Holdings> amounts = Holdings::read(one.info.resources());
    if (!amounts || !frameworks_.contains(one.framework_id)) continue;
    agent.executors[{one.framework_id, one.info.executor_id().value()}] = MasterExecutor{one.info, *amounts};
    agent.used.add(*amounts);
  }
}

void MasterModel::learn_tasks(MasterAgent& agent, const Registration& registration, Instant now) {
  for (auto& [id, framework] : frameworks_)
    for (auto& [task_id, task] : framework.tasks)
      if (task.agent_id == agent.id()) task.charged = false;  // charged anew below, from what the agent says
  for (const ReportedTask& one : registration.tasks) {
    MasterFramework* framework = find_framework(one.framework_id);
    const Result<Holdings> amounts = Holdings::read(one.info.resources());
    if (framework == nullptr || !amounts) continue;
    const std::string& task_id = one.info.task_id().value();
    const auto lost = framework->unreachable.find(task_id);
    const bool returned = lost != framework->unreachable.end();
    const auto [at, fresh] = framework->tasks.try_emplace(task_id);
    MasterTask& task = at->second;
    if (returned) {
      task = std::move(lost->second);
      framework->unreachable.erase(lost);
    }
    if (fresh || returned) {
      task.info = one.info;
      task.agent_id = agent.id();
      task.executor_id = one.executor_id;
      task.amounts = *amounts;
      task.state = one.latest.state();
      task.statuses.push_back(one.latest);
    }
    if (!is_terminal(one.latest.state())) {
      task.charged = true;
      agent.used.add(task.amounts);
    }
    if (!returned) continue;
    mv1::TaskStatus status = make_status(task_id, task.state, mv1::TaskStatus::REASON_AGENT_REREGISTERED,
                                         "Agent re-registered", now);
    *status.mutable_agent_id() = agent.info.id();
    if (!task.executor_id.empty()) status.mutable_executor_id()->set_value(task.executor_id);
    send_update(*framework, status);
  }
}

// Tasks the master knows and the agent does not: a launch that never arrived, or one that a restart without a
// checkpoint forgot.
void MasterModel::settle_missing(MasterAgent& agent, const Registration& registration, Instant now) {
  std::set<std::pair<std::string, std::string>> reported;
  for (const ReportedTask& one : registration.tasks)
    reported.insert({one.framework_id, one.info.task_id().value()});
  for (auto& [framework_id, framework] : frameworks_) {
    std::vector<std::string> missing;
    for (const auto& [task_id, task] : framework.tasks)
      if (task.agent_id == agent.id() && !reported.contains({framework_id, task_id}))
        missing.push_back(task_id);
    for (const std::string& task_id : missing) {
      const MasterTask& task = framework.tasks.at(task_id);
      const mv1::TaskState state = task.state == mv1::TASK_STAGING ? mv1::TASK_DROPPED : mv1::TASK_GONE;
      if (!is_terminal(task.state)) {
        mv1::TaskStatus status =
            make_status(task_id, state_for(framework, state), mv1::TaskStatus::REASON_RECONCILIATION,
                        "Reconciliation: Task is unknown to the agent", now);
        *status.mutable_agent_id() = agent.info.id();
        send_update(framework, status);
      }
      framework.tasks.erase(task_id);
    }
  }
}

bool MasterModel::report(const std::string& session, const std::vector<Report>& reports, Instant now) {
  MasterAgent* agent = agent_by_session(session);
  if (agent == nullptr) return false;
  agent->heard_at = now;
  for (const Report& one : reports) {
    if (const auto* update = std::get_if<UpdateReport>(&one)) on_report(*agent, *update, now);
    if (const auto* exited = std::get_if<ExecutorExited>(&one)) on_report(*agent, *exited, now);
    if (const auto* message = std::get_if<FromExecutor>(&one)) on_report(*agent, *message);
    if (const auto* operation = std::get_if<OperationReport>(&one)) on_report(*agent, *operation);
    if (std::holds_alternative<Unregister>(one)) {
      remove_agent(std::string(agent->id()),
                   Loss{mv1::TASK_LOST, mv1::TaskStatus::REASON_AGENT_REMOVED,
                        "Agent " + agent->info.hostname() + " removed: the agent unregistered", false, true},
                   now);
      return true;
    }
  }
  return true;
}

void MasterModel::agent_gone(std::uint64_t stream, Instant now) {
  for (auto& [id, agent] : agents_) {
    if (!agent.connected || agent.stream != stream) continue;
    disconnect_agent(agent, now);
    return;
  }
}

// Its tasks go on, unseen, until it returns or the ping time-out passes; only frameworks without
// checkpointing lose theirs at once (mesos-protocol §2.5).
void MasterModel::disconnect_agent(MasterAgent& agent, Instant now) {
  agent.connected = false;
  rescind_offers_of_agent(agent.id());
  for (auto& [framework_id, framework] : frameworks_) {
    if (framework.info.checkpoint()) continue;
    std::vector<std::string> lost;
    for (const auto& [task_id, task] : framework.tasks)
      if (task.agent_id == agent.id() && !is_terminal(task.state)) lost.push_back(task_id);
    for (const std::string& task_id : lost) {
      mv1::TaskStatus status =
          make_status(task_id, mv1::TASK_LOST, mv1::TaskStatus::REASON_AGENT_DISCONNECTED,
                      "Agent " + agent.info.hostname() + " disconnected", now);
      *status.mutable_agent_id() = agent.info.id();
      send_update(framework, status);
      uncharge(framework.tasks.at(task_id), now);
      framework.unreachable[task_id] = std::move(framework.tasks.at(task_id));
      framework.tasks.erase(task_id);
    }
  }
}

void MasterModel::remove_agent(const std::string& agent_id, const Loss& loss, Instant now) {
  const auto found = agents_.find(agent_id);
  if (found == agents_.end()) return;
  rescind_offers_of_agent(agent_id);
  for (auto& [framework_id, framework] : frameworks_) {
    std::vector<std::string> ids;
    for (const auto& [task_id, task] : framework.tasks)
      if (task.agent_id == agent_id) ids.push_back(task_id);
    for (const std::string& task_id : ids) {
      MasterTask task = std::move(framework.tasks.at(task_id));
      framework.tasks.erase(task_id);
      task.charged = false;
      if (!is_terminal(task.state)) {
        const mv1::TaskState state = loss.plain_lost ? mv1::TASK_LOST : state_for(framework, loss.state);
        mv1::TaskStatus status = make_status(task_id, state, loss.reason, loss.message, now);
        status.mutable_agent_id()->set_value(agent_id);
        if (!task.executor_id.empty()) status.mutable_executor_id()->set_value(task.executor_id);
        if (state == mv1::TASK_UNREACHABLE)
          status.mutable_unreachable_time()->set_nanoseconds(now.ms * 1'000'000);
        send_update(framework, status);
      }
      if (loss.keep_tasks) framework.unreachable[task_id] = std::move(task);
    }
    while (framework.unreachable.size() > options_.completed_tasks_max)
      framework.unreachable.erase(framework.unreachable.begin());
    Event failure;
    failure.set_type(Event::FAILURE);
    failure.mutable_failure()->mutable_agent_id()->set_value(agent_id);
    send(framework, std::move(failure));
  }
  if (found->second.connected) outputs_.emplace_back(EndStream{found->second.stream});
  agents_.erase(found);
  note_agents();
}

Answer MasterModel::deactivate(const std::string& agent_id, bool deactivated, Instant now) {
  const auto found = agents_.find(agent_id);
  if (found == agents_.end()) return {404, ""};
  found->second.deactivated = deactivated;
  if (deactivated) rescind_offers_of_agent(agent_id);
  allocate_by(now);
  return {200, ""};
}

Answer MasterModel::mark_gone(const std::string& agent_id, Instant now) {
  const auto found = agents_.find(agent_id);
  if (found == agents_.end() && !unreachable_agents_.contains(agent_id) &&
      !recovering_agents_.contains(agent_id))
    return {404, ""};
  gone_agents_.insert(agent_id);
  unreachable_agents_.erase(agent_id);
  recovering_agents_.erase(agent_id);
  if (found != agents_.end()) {
    command(found->second, LeaveCluster{});
    remove_agent(agent_id,
                 Loss{mv1::TASK_GONE_BY_OPERATOR, mv1::TaskStatus::REASON_AGENT_REMOVED_BY_OPERATOR,
                      "Agent has been marked gone", false, false},
                 now);
  }
  for (auto& [framework_id, framework] : frameworks_)
    std::erase_if(framework.unreachable, [&](const auto& one) { return one.second.agent_id == agent_id; });
  return {200, ""};
}

}  // namespace mimas::pocket
