#include "pocket/agent_model.h"

#include <algorithm>
#include <utility>

#include "base/uuid.h"

namespace mimas::pocket {
namespace {

using Event = mexecutor::Event;

// A command task's executor carries the task's id (mesos-protocol §4.1).
mv1::ExecutorInfo executor_for_command(const mv1::TaskInfo& task, const std::string& framework_id) {
  mv1::ExecutorInfo info;
  info.mutable_executor_id()->set_value(task.task_id().value());
  info.mutable_framework_id()->set_value(framework_id);
  *info.mutable_command() = task.command();
  info.set_name("Command Executor (Task: " + task.task_id().value() + ")");
  info.set_source(task.task_id().value());
  return info;
}

void add_volumes(const ResourceList& resources, std::vector<mv1::Resource>& volumes) {
  for (const mv1::Resource& resource : resources)
    if (resource.disk().has_persistence()) volumes.push_back(resource);
}

}  // namespace

AgentModel::AgentModel(AgentModelOptions options, RecoveredState recovered, Instant now)
    : options_(std::move(options)), prng_(options_.seed) {
  recover(recovered, now);
}

std::string AgentModel::next_uuid() {
  RandomBytes random{};
  for (std::size_t i = 0; i < random.size(); i += 8) {
    const std::uint64_t word = prng_.next();
    for (std::size_t k = 0; k < 8; ++k) random[i + k] = static_cast<std::uint8_t>(word >> (8 * k));
  }
  return uuid_v4_bytes(random);
}

AgentExecutor* AgentModel::find(const std::string& framework_id, const std::string& executor_id) {
  const auto framework = frameworks_.find(framework_id);
  if (framework == frameworks_.end()) return nullptr;
  const auto executor = framework->second.executors.find(executor_id);
  return executor == framework->second.executors.end() ? nullptr : &executor->second;
}

AgentExecutor* AgentModel::find(const ContainerRef& container) {
  AgentExecutor* executor = find(container.framework_id, container.executor_id);
  return executor != nullptr && executor->container == container ? executor : nullptr;
}

void AgentModel::recover(const RecoveredState& recovered, Instant now) {
  recover_operations(recovered);
  for (const mv1::FrameworkInfo& info : recovered.frameworks) frameworks_[info.id().value()].info = info;
  std::vector<ContainerRef> dead;
  for (const RecoveredExecutor& one : recovered.executors) {
    const auto framework = frameworks_.find(one.container.framework_id);
    if (framework == frameworks_.end()) continue;
    AgentExecutor& executor = framework->second.executors[one.container.executor_id];
    executor.container = one.container;
    executor.info = one.info;
    executor.pid = one.pid;
    executor.recovered = true;
    executor.state = ExecutorState::registering;
    for (const RecoveredTask& old : one.tasks) {
      AgentTask& task = executor.tasks[old.info.task_id().value()];
      task.info = old.info;
      // Whether it was handed over is not on disk; but what only we ever spoke of was not (killed while
      // queued).
      task.delivered = old.updates.empty();
      for (const mv1::TaskStatus& status : old.updates) {
        task.delivered = task.delivered || status.source() == mv1::TaskStatus::SOURCE_EXECUTOR;
        task.seen.insert(status.uuid());
        task.latest = status.state();
        task.last = status;
        if (!old.acknowledged.contains(status.uuid())) task.pending.push_back(status);
      }
      executor.command = executor.command || old.info.has_command();
    }
    if (one.pid == 0) dead.push_back(one.container);
    if (executor.command && one.pid != 0) executor.recovered = false, executor.state = ExecutorState::running;
  }
  const Verdict lost{mv1::TASK_DROPPED, mv1::TaskStatus::REASON_AGENT_RESTARTED,
                     "Agent restarted during the launch"};
  for (const ContainerRef& container : dead) {
    AgentExecutor* executor = find(container);
    const bool staging = std::all_of(executor->tasks.begin(), executor->tasks.end(),
                                     [](const auto& one) { return one.second.latest == mv1::TASK_STAGING; });
    settle(*executor, staging ? lost : Verdict{}, -1, now);
    forget_if_done(container);
  }
  recovery_ends_ = now + options_.executor_reregistration_ms;
  end_recovery_if_complete(now);
}

void AgentModel::end_recovery_if_complete(Instant now) {
  if (recovery_ends_ == kNever) return;
  for (const auto& [framework_id, framework] : frameworks_)
    for (const auto& [executor_id, executor] : framework.executors)
      if (executor.recovered && executor.state == ExecutorState::registering && now < recovery_ends_) return;
  recovery_ends_ = kNever;
  for (auto& [framework_id, framework] : frameworks_) {
    for (auto& [executor_id, executor] : framework.executors) {
      if (!executor.recovered || executor.state != ExecutorState::registering) continue;
      executor.verdict = Verdict{
          mv1::TASK_GONE, mv1::TaskStatus::REASON_EXECUTOR_REREGISTRATION_TIMEOUT,
          "Executor did not reregister within " + std::to_string(options_.executor_reregistration_ms) + "ms"};
      executor.state = ExecutorState::terminating;
      outputs_.emplace_back(KillContainer{executor.container, false});
    }
  }
}

Registration AgentModel::registration(std::string session) const {
  Registration out;
  out.session = std::move(session);
  out.ip = options_.ip;
  out.info = options_.info;
  tell_operations(out);
  for (const auto& [framework_id, framework] : frameworks_) {
    out.frameworks.push_back(framework.info);
    for (const auto& [executor_id, executor] : framework.executors) {
      if (executor.state != ExecutorState::terminated && !executor.command)
        out.executors.push_back({framework_id, executor.info});
      for (const auto& [task_id, task] : executor.tasks) {
        ReportedTask one{framework_id, task.info, executor.command ? "" : executor_id, task.last};
        one.latest.mutable_task_id()->set_value(task_id);
        one.latest.set_state(task.latest);
        out.tasks.push_back(std::move(one));
      }
    }
  }
  return out;
}

void AgentModel::command(const Command& command, Instant now) {
  std::visit([&](const auto& one) { on_command(one, now); }, command);
}

void AgentModel::on_command(const Registered& registered, Instant now) {
  connected_ = true;
  if (options_.info.id().value() != registered.agent_id) {
    options_.info.mutable_id()->set_value(registered.agent_id);
    outputs_.emplace_back(Checkpoint{RecordKind::agent, {}, "", options_.info.SerializeAsString()});
  }
  for (auto& [framework_id, framework] : frameworks_)
    for (auto& [executor_id, executor] : framework.executors)
      for (auto& [task_id, task] : executor.tasks) {
        task.attempt = 0;
        task.held = false;
        send_head(executor, task, now);
      }
  send_operations_again(now);
}

void AgentModel::master_gone() {
  connected_ = false;
  for (auto& [uuid, operation] : operations_) operation.retry_at = kNever;
  for (auto& [framework_id, framework] : frameworks_)
    for (auto& [executor_id, executor] : framework.executors)
      for (auto& [task_id, task] : executor.tasks) task.retry_at = kNever;
}

void AgentModel::on_command(const FrameworkChanged& changed, Instant /*now*/) {
  const auto found = frameworks_.find(changed.framework.id().value());
  if (found == frameworks_.end()) return;
  found->second.info = changed.framework;
  if (!changed.framework.checkpoint()) return;
  outputs_.emplace_back(Checkpoint{RecordKind::framework,
                                   {changed.framework.id().value(), "", ""},
                                   "",
                                   changed.framework.SerializeAsString()});
}

void AgentModel::on_command(const RunTasks& run, Instant now) {
  const std::string& framework_id = run.framework.id().value();
  if (run.tasks.empty() || framework_id.empty()) return;
  AgentFramework& framework = frameworks_[framework_id];
  const bool checkpoint = run.framework.checkpoint();
  framework.info = run.framework;
  const mv1::TaskInfo& first = run.tasks.front();
  const bool command = !run.group && !first.has_executor();
  const mv1::ExecutorInfo info = run.group ? run.group_executor
                                 : command ? executor_for_command(first, framework_id)
                                           : first.executor();
  const auto [at, fresh] = framework.executors.try_emplace(info.executor_id().value());
  AgentExecutor& executor = at->second;
  if (!fresh &&
      (executor.state == ExecutorState::terminating || executor.state == ExecutorState::terminated)) {
    for (const mv1::TaskInfo& task : run.tasks)
      report_untracked(framework_id, task.task_id().value(), mv1::TASK_DROPPED,
                       mv1::TaskStatus::REASON_EXECUTOR_TERMINATED, "Executor is terminating", now);
    return;
  }
  if (fresh) {
    executor.container = {framework_id, info.executor_id().value(), uuid_text(next_uuid())};
    executor.info = info;
    executor.command = command;
    if (checkpoint) {
      outputs_.emplace_back(
          Checkpoint{RecordKind::framework, {framework_id, "", ""}, "", run.framework.SerializeAsString()});
      outputs_.emplace_back(
          Checkpoint{RecordKind::executor, executor.container, "", info.SerializeAsString()});
    }
  }
  std::vector<std::string> ids;
  for (const mv1::TaskInfo& task : run.tasks) {
    const auto [slot, is_new] = executor.tasks.try_emplace(task.task_id().value());
    if (!is_new) continue;
    slot->second.info = task;
    ids.push_back(task.task_id().value());
    if (checkpoint)
      outputs_.emplace_back(
          Checkpoint{RecordKind::task, executor.container, task.task_id().value(), task.SerializeAsString()});
  }
  if (ids.empty()) return;
  std::vector<mv1::Resource> volumes;
  if (fresh) add_volumes(info.resources(), volumes);
  for (const mv1::TaskInfo& task : run.tasks) add_volumes(task.resources(), volumes);
  if (fresh) {
    const std::int64_t grace = info.has_shutdown_grace_period()
                                   ? info.shutdown_grace_period().nanoseconds() / 1'000'000
                                   : options_.shutdown_grace_ms;
    outputs_.emplace_back(
        StartContainer{executor.container, run.framework, info, options_.info.id().value(), grace, volumes});
  } else if (!volumes.empty()) {
    outputs_.emplace_back(MountVolumes{executor.container, volumes});
  }
  if (executor.state == ExecutorState::running && executor.pid > 0) {
    deliver(executor, ids);
  } else {
    executor.queued.push_back(std::move(ids));
  }
}

void AgentModel::on_command(const KillTask& kill, Instant now) {
  const auto framework = frameworks_.find(kill.framework_id);
  AgentExecutor* executor = nullptr;
  if (framework != frameworks_.end())
    for (auto& [id, one] : framework->second.executors)
      if (one.tasks.contains(kill.task_id)) executor = &one;
  if (executor == nullptr) {
    report_untracked(kill.framework_id, kill.task_id, mv1::TASK_DROPPED,
                     mv1::TaskStatus::REASON_EXECUTOR_TERMINATED, "Cannot find executor", now);
    return;
  }
  if (is_terminal(executor->tasks.at(kill.task_id).latest)) return;
  for (std::size_t i = 0; i < executor->queued.size(); ++i) {
    const auto& ids = executor->queued[i];
    if (std::find(ids.begin(), ids.end(), kill.task_id) == ids.end()) continue;
    kill_queued(*executor, i, now);
    return;
  }
  if (executor->command) {
    executor->killed = true;
    const mv1::TaskInfo& info = executor->tasks.at(kill.task_id).info;
    std::int64_t grace = 3'000;
    if (info.has_kill_policy()) grace = info.kill_policy().grace_period().nanoseconds() / 1'000'000;
    if (kill.grace_ms) grace = *kill.grace_ms;
    outputs_.emplace_back(KillContainer{executor->container, true});
    executor->kill_at = std::min(executor->kill_at, now + grace);
    return;
  }
  if (executor->state != ExecutorState::running || executor->stream == 0) return;
  Event event;
  event.set_type(Event::KILL);
  event.mutable_kill()->mutable_task_id()->set_value(kill.task_id);
  if (kill.grace_ms)
    event.mutable_kill()->mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(*kill.grace_ms *
                                                                                         1'000'000);
  outputs_.emplace_back(ToExecutorStream{executor->stream, std::move(event)});
}

void AgentModel::on_command(const ShutdownExecutor& shutdown, Instant now) {
  AgentExecutor* executor = find(shutdown.framework_id, shutdown.executor_id);
  if (executor != nullptr) shut_down(*executor, now, -1);
}

void AgentModel::on_command(const ShutdownFramework& shutdown, Instant now) {
  const auto framework = frameworks_.find(shutdown.framework_id);
  if (framework == frameworks_.end()) return;
  std::vector<ContainerRef> ended;
  for (auto& [id, executor] : framework->second.executors) {
    shut_down(executor, now, -1);
    if (executor.state != ExecutorState::terminated) continue;
    executor.tasks.clear();  // nobody is left to acknowledge
    ended.push_back(executor.container);
  }
  for (const ContainerRef& container : ended) forget_if_done(container);
}

void AgentModel::on_command(const AcknowledgeUpdate& acknowledge, Instant now) {
  const auto framework = frameworks_.find(acknowledge.framework_id);
  if (framework == frameworks_.end()) return;
  for (auto& [id, executor] : framework->second.executors) {
    const auto found = executor.tasks.find(acknowledge.task_id);
    if (found == executor.tasks.end()) continue;
    AgentTask& task = found->second;
    if (task.pending.empty() || task.pending.front().uuid() != acknowledge.uuid) return;  // stale or foreign
    task.pending.pop_front();
    task.attempt = 0;
    task.held = false;
    task.retry_at = kNever;
    if (framework->second.info.checkpoint())
      outputs_.emplace_back(
          Checkpoint{RecordKind::acknowledgement, executor.container, acknowledge.task_id, acknowledge.uuid});
    const ContainerRef container = executor.container;
    if (task.done()) {
      executor.tasks.erase(found);
    } else {
      send_head(executor, task, now);
    }
    forget_if_done(container);
    return;
  }
}

void AgentModel::on_command(const ToExecutor& message, Instant /*now*/) {
  const AgentExecutor* executor = find(message.framework_id, message.executor_id);
  if (executor == nullptr || executor->state != ExecutorState::running || executor->stream == 0) return;
  Event event;
  event.set_type(Event::MESSAGE);
  event.mutable_message()->set_data(message.data);
  outputs_.emplace_back(ToExecutorStream{executor->stream, std::move(event)});
}

void AgentModel::on_command(const LeaveCluster& /*leave*/, Instant /*now*/) {
  for (const auto& [framework_id, framework] : frameworks_) {
    for (const auto& [executor_id, executor] : framework.executors) {
      if (executor.stream != 0) outputs_.emplace_back(EndStream{executor.stream});
      outputs_.emplace_back(KillContainer{executor.container, false});
    }
  }
  frameworks_.clear();
  operations_.clear();
  recovery_ends_ = kNever;
  connected_ = false;
  options_.info.clear_id();
  recover_operations({});
  outputs_.emplace_back(ForgetAll{});
}

bool AgentModel::idle() const {
  for (const auto& [framework_id, framework] : frameworks_)
    for (const auto& [executor_id, executor] : framework.executors)
      if (executor.state != ExecutorState::terminated) return false;
  return true;
}

void AgentModel::tick(Instant now) {
  end_recovery_if_complete(now);
  for (auto& [uuid, operation] : operations_)
    if (operation.retry_at <= now) send_operation(operation, now);
  for (auto& [framework_id, framework] : frameworks_) {
    for (auto& [executor_id, executor] : framework.executors) {
      for (auto& [task_id, task] : executor.tasks)
        if (task.retry_at <= now) send_head(executor, task, now);
      if (executor.silent_until <= now) {
        executor.silent_until = kNever;
        executor.verdict = Verdict{
            mv1::TASK_FAILED, mv1::TaskStatus::REASON_EXECUTOR_REGISTRATION_TIMEOUT,
            "Executor did not register within " + std::to_string(options_.executor_registration_ms) + "ms"};
        executor.state = ExecutorState::terminating;
        outputs_.emplace_back(KillContainer{executor.container, false});
      }
      if (executor.heartbeat_at <= now) {
        executor.heartbeat_at = now + options_.heartbeat_ms;
        Event event;
        event.set_type(Event::HEARTBEAT);
        outputs_.emplace_back(ToExecutorStream{executor.stream, std::move(event)});
      }
      if (executor.kill_at <= now) {
        executor.kill_at = kNever;
        outputs_.emplace_back(KillContainer{executor.container, false});
      }
    }
  }
}

Instant AgentModel::wake_at() const {
  Instant at = recovery_ends_;
  for (const auto& [uuid, operation] : operations_) at = std::min(at, operation.retry_at);
  for (const auto& [framework_id, framework] : frameworks_) {
    for (const auto& [executor_id, executor] : framework.executors) {
      at = std::min({at, executor.silent_until, executor.kill_at, executor.heartbeat_at});
      for (const auto& [task_id, task] : executor.tasks) at = std::min(at, task.retry_at);
    }
  }
  return at;
}

std::vector<AgentOutput> AgentModel::take_outputs() { return std::exchange(outputs_, {}); }

}  // namespace mimas::pocket
