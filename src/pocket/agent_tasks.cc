// An agent's executors and their tasks' updates (mesos-protocol §3.2, §3.4, §5.4).
#include <sys/wait.h>

#include <algorithm>
#include <set>

#include "pocket/agent_model.h"

namespace mimas::pocket {
namespace {

using Event = mexecutor::Event;

const char* const kForeignToken = "The token belongs to another executor";

double seconds(Instant at) { return static_cast<double>(at.ms) / 1000.0; }

Event plain_event(Event::Type type) {
  Event event;
  event.set_type(type);
  return event;
}

// What the end of a command task's process means.
Verdict verdict_of_exit(int wait_status, bool killed) {
  if (wait_status == -1) return {};
  Verdict verdict;
  if (WIFEXITED(wait_status)) {
    verdict.message = "Command exited with status " + std::to_string(WEXITSTATUS(wait_status));
    verdict.state = WEXITSTATUS(wait_status) == 0 ? mv1::TASK_FINISHED : mv1::TASK_FAILED;
  } else {
    verdict.message = "Command terminated with signal " + std::to_string(WTERMSIG(wait_status));
  }
  if (killed) verdict.state = mv1::TASK_KILLED;
  return verdict;
}

}  // namespace

mv1::TaskState AgentModel::state_for(const std::string& framework_id, mv1::TaskState state) const {
  if (state != mv1::TASK_DROPPED && state != mv1::TASK_GONE) return state;
  const auto framework = frameworks_.find(framework_id);
  if (framework != frameworks_.end())
    for (const auto& capability : framework->second.info.capabilities())
      if (capability.type() == mv1::FrameworkInfo::Capability::PARTITION_AWARE) return state;
  return mv1::TASK_LOST;
}

mv1::TaskStatus AgentModel::make_status(const AgentExecutor& executor, const std::string& task_id,
                                        mv1::TaskState state, std::optional<mv1::TaskStatus::Reason> reason,
                                        const std::string& message, Instant now) {
  mv1::TaskStatus status;
  status.mutable_task_id()->set_value(task_id);
  status.set_state(state_for(executor.container.framework_id, state));
  if (!message.empty()) status.set_message(message);
  status.set_source(reason ? mv1::TaskStatus::SOURCE_AGENT : mv1::TaskStatus::SOURCE_EXECUTOR);
  if (reason) status.set_reason(*reason);
  status.mutable_executor_id()->set_value(executor.container.executor_id);
  status.set_timestamp(seconds(now));
  status.set_uuid(next_uuid());
  return status;
}

void AgentModel::report_untracked(const std::string& framework_id, const std::string& task_id,
                                  mv1::TaskState state, mv1::TaskStatus::Reason reason,
                                  const std::string& message, Instant now) {
  mv1::TaskStatus status;
  status.mutable_task_id()->set_value(task_id);
  status.set_state(state_for(framework_id, state));
  status.set_message(message);
  status.set_source(mv1::TaskStatus::SOURCE_AGENT);
  status.set_reason(reason);
  *status.mutable_agent_id() = options_.info.id();
  status.set_timestamp(seconds(now));
  status.set_uuid(next_uuid());
  outputs_.emplace_back(ToMaster{UpdateReport{framework_id, status, status.state()}});
}

Answer AgentModel::subscribe(std::uint64_t stream, const mexecutor::Call& call, Instant now,
                             const std::optional<ContainerRef>& claims) {
  const std::string& framework_id = call.framework_id().value();
  const auto framework = frameworks_.find(framework_id);
  if (framework == frameworks_.end()) return {400, "Framework cannot be found"};
  AgentExecutor* executor = find(framework_id, call.executor_id().value());
  if (executor == nullptr || executor->command) return {400, "Executor cannot be found"};
  if (claims && *claims != executor->container) return {403, kForeignToken};
  if (executor->stream != 0) outputs_.emplace_back(EndStream{executor->stream});
  executor->stream = stream;
  executor->heartbeat_at = now + options_.heartbeat_ms;
  executor->silent_until = kNever;
  executor->recovered = false;
  if (executor->state == ExecutorState::terminating || executor->state == ExecutorState::terminated) {
    outputs_.emplace_back(ToExecutorStream{stream, plain_event(Event::SHUTDOWN)});
    return {200, ""};
  }
  executor->state = ExecutorState::running;
  Event event = plain_event(Event::SUBSCRIBED);
  auto* subscribed = event.mutable_subscribed();
  *subscribed->mutable_executor_info() = executor->info;
  *subscribed->mutable_framework_info() = framework->second.info;
  *subscribed->mutable_agent_info() = options_.info;
  subscribed->mutable_container_id()->set_value(executor->container.container_id);
  outputs_.emplace_back(ToExecutorStream{stream, std::move(event)});
  merge(*executor, call.subscribe(), now);
  // An executor whose pid is not on disk yet would be unknown after a crash of ours: it gets nothing to run
  // before.
  if (executor->pid > 0) deliver_queued(*executor, now);
  end_recovery_if_complete(now);
  return {200, ""};
}

// What the executor brings along: its unacknowledged updates are as new; a task that was handed to it, has
// never been heard of and is not on its list never arrived.
void AgentModel::merge(AgentExecutor& executor, const mexecutor::Call::Subscribe& subscribe, Instant now) {
  for (const auto& update : subscribe.unacknowledged_updates())
    if (update.status().has_uuid()) take_update(executor, update.status(), now);
  std::set<std::string> listed;
  for (const mv1::TaskInfo& task : subscribe.unacknowledged_tasks()) listed.insert(task.task_id().value());
  std::vector<std::string> missing;
  for (const auto& [id, task] : executor.tasks)
    if (task.delivered && task.latest == mv1::TASK_STAGING && !listed.contains(id)) missing.push_back(id);
  for (const std::string& id : missing) {
    executor.tasks.at(id).delivered = false;
    take_update(executor,
                make_status(executor, id, mv1::TASK_DROPPED, mv1::TaskStatus::REASON_AGENT_RESTARTED,
                            "Task was not known to the executor when it subscribed", now),
                now);
  }
}

void AgentModel::deliver(AgentExecutor& executor, const std::vector<std::string>& ids) {
  const bool group = ids.size() > 1;
  Event event = plain_event(group ? Event::LAUNCH_GROUP : Event::LAUNCH);
  for (const std::string& id : ids) {
    AgentTask& task = executor.tasks.at(id);
    task.delivered = true;
    if (group) {
      *event.mutable_launch_group()->mutable_task_group()->add_tasks() = task.info;
    } else {
      *event.mutable_launch()->mutable_task() = task.info;
    }
  }
  if (executor.stream != 0) outputs_.emplace_back(ToExecutorStream{executor.stream, std::move(event)});
}

void AgentModel::deliver_queued(AgentExecutor& executor, Instant now) {
  const bool any_left = std::any_of(executor.tasks.begin(), executor.tasks.end(),
                                    [](const auto& one) { return !is_terminal(one.second.latest); });
  if (executor.queued.empty() && !any_left) {
    // All its tasks were killed before it came (mesos-protocol §3.3). An executor that merely reconnected
    // between tasks is in the same position: it has nothing to do, and ends itself.
    if (std::none_of(executor.tasks.begin(), executor.tasks.end(),
                     [](const auto& one) { return one.second.delivered; }))
      shut_down(executor, now, -1);
    return;
  }
  for (const auto& ids : std::exchange(executor.queued, {})) deliver(executor, ids);
}

void AgentModel::kill_queued(AgentExecutor& executor, std::size_t at, Instant now) {
  const std::vector<std::string> ids = executor.queued[at];
  executor.queued.erase(executor.queued.begin() + static_cast<std::ptrdiff_t>(at));
  for (const std::string& id : ids)
    take_update(executor,
                make_status(executor, id, mv1::TASK_KILLED, mv1::TaskStatus::REASON_TASK_KILLED_DURING_LAUNCH,
                            "Task killed during launch", now),
                now);
  if (executor.command) shut_down(executor, now, -1);
}

Answer AgentModel::call(const mexecutor::Call& call, Instant now, const std::optional<ContainerRef>& claims) {
  if (call.type() == mexecutor::Call::HEARTBEAT) return {};
  if (recovering()) return {503, "Agent has not finished recovery"};
  if (!frameworks_.contains(call.framework_id().value())) return {400, "Framework cannot be found"};
  AgentExecutor* executor = find(call.framework_id().value(), call.executor_id().value());
  if (executor == nullptr || executor->command) return {400, "Executor cannot be found"};
  if (claims && *claims != executor->container) return {403, kForeignToken};
  if (executor->state == ExecutorState::registering) return {403, "Executor is not subscribed"};
  if (call.type() == mexecutor::Call::MESSAGE) {
    outputs_.emplace_back(ToMaster{
        FromExecutor{call.framework_id().value(), call.executor_id().value(), call.message().data()}});
  } else if (call.type() == mexecutor::Call::UPDATE) {
    const mv1::TaskStatus& status = call.update().status();
    const bool foreign = status.has_agent_id() && status.agent_id().value() != options_.info.id().value();
    if (!foreign) take_update(*executor, status, now);
  }
  return {};
}

void AgentModel::stream_gone(std::uint64_t stream) {
  for (auto& [framework_id, framework] : frameworks_)
    for (auto& [executor_id, executor] : framework.executors)
      if (executor.stream == stream) executor.stream = 0, executor.heartbeat_at = kNever;
}

void AgentModel::acknowledge_to_executor(const AgentExecutor& executor, const mv1::TaskStatus& status) {
  if (executor.stream == 0 || status.source() != mv1::TaskStatus::SOURCE_EXECUTOR) return;
  Event event = plain_event(Event::ACKNOWLEDGED);
  *event.mutable_acknowledged()->mutable_task_id() = status.task_id();
  event.mutable_acknowledged()->set_uuid(status.uuid());
  outputs_.emplace_back(ToExecutorStream{executor.stream, std::move(event)});
}

void AgentModel::take_update(AgentExecutor& executor, mv1::TaskStatus status, Instant now) {
  const auto found = executor.tasks.find(status.task_id().value());
  const bool news = found != executor.tasks.end() && !is_terminal(found->second.latest) &&
                    !found->second.seen.contains(status.uuid());
  if (!news) {
    acknowledge_to_executor(executor, status);
    return;
  }
  AgentTask& task = found->second;
  if (!status.has_agent_id()) *status.mutable_agent_id() = options_.info.id();
  if (!status.has_executor_id()) status.mutable_executor_id()->set_value(executor.container.executor_id);
  if (!status.has_timestamp()) status.set_timestamp(seconds(now));
  auto* container = status.mutable_container_status();
  if (!container->has_container_id())
    container->mutable_container_id()->set_value(executor.container.container_id);
  if (container->network_infos_size() == 0) {
    auto* address = container->add_network_infos()->add_ip_addresses();
    address->set_protocol(mv1::NetworkInfo::IPv4);
    address->set_ip_address(options_.ip);
  }
  if (executor.pid > 0 && !container->has_executor_pid())
    container->set_executor_pid(static_cast<std::uint32_t>(executor.pid));
  task.seen.insert(status.uuid());
  task.latest = status.state();
  task.last = status;
  task.pending.push_back(status);
  if (frameworks_.at(executor.container.framework_id).info.checkpoint())
    outputs_.emplace_back(Checkpoint{RecordKind::update, executor.container, status.task_id().value(),
                                     status.SerializeAsString()});
  acknowledge_to_executor(executor, status);
  if (task.pending.size() == 1) send_head(executor, task, now);
}

void AgentModel::send_head(AgentExecutor& executor, AgentTask& task, Instant now) {
  task.retry_at = kNever;
  const bool held = std::exchange(task.held, false);
  if (!connected_ || task.pending.empty()) return;
  if (delay_ms_ > 0 && !held) {
    task.held = true;
    task.retry_at = now + delay_ms_;
    return;
  }
  const UpdateReport report{executor.container.framework_id, task.pending.front(), task.latest};
  for (int i = 0; i <= repeats_; ++i) outputs_.emplace_back(ToMaster{report});
  const int shift = std::min(task.attempt++, 20);
  task.retry_at = now + std::min(options_.retry_ms_max, options_.retry_ms << shift);
}

void AgentModel::started(const ContainerRef& container, std::int64_t pid, Instant now) {
  AgentExecutor* executor = find(container);
  if (executor == nullptr || executor->state == ExecutorState::terminating) {
    outputs_.emplace_back(KillContainer{container, false});
    if (executor != nullptr) executor->pid = pid;
    return;
  }
  executor->pid = pid;
  if (executor->state != ExecutorState::registering) {  // it subscribed faster than its fork was told
    deliver_queued(*executor, now);
    return;
  }
  if (!executor->command) {
    executor->silent_until = now + options_.executor_registration_ms;
    return;
  }
  executor->state = ExecutorState::running;
  for (const auto& ids : std::exchange(executor->queued, {})) {
    for (const std::string& id : ids) {
      executor->tasks.at(id).delivered = true;
      for (const mv1::TaskState state : {mv1::TASK_STARTING, mv1::TASK_RUNNING})
        take_update(*executor, make_status(*executor, id, state, std::nullopt, "", now), now);
    }
  }
}

void AgentModel::start_failed(const ContainerRef& container, const std::string& why, Instant now) {
  AgentExecutor* executor = find(container);
  if (executor == nullptr) return;
  settle(*executor,
         Verdict{mv1::TASK_FAILED, mv1::TaskStatus::REASON_CONTAINER_LAUNCH_FAILED,
                 "Failed to launch container: " + why},
         -1, now);
  forget_if_done(container);
}

void AgentModel::exited(const ContainerRef& container, int wait_status, Instant now) {
  AgentExecutor* executor = find(container);
  if (executor == nullptr || executor->state == ExecutorState::terminated) return;
  if (executor->command && !executor->verdict) {
    const Verdict verdict = verdict_of_exit(wait_status, executor->killed);
    for (auto& [id, task] : executor->tasks)
      if (!is_terminal(task.latest) && wait_status != -1)
        take_update(*executor, make_status(*executor, id, verdict.state, std::nullopt, verdict.message, now),
                    now);
  }
  settle(*executor, executor->verdict.value_or(Verdict{}), wait_status, now);
  forget_if_done(container);
  end_recovery_if_complete(now);
}

// The executor is over: its open tasks end with it, the master hears of it.
void AgentModel::settle(AgentExecutor& executor, const Verdict& verdict, int wait_status, Instant now) {
  if (executor.state == ExecutorState::terminated) return;
  std::vector<std::string> open;
  for (const auto& [id, task] : executor.tasks)
    if (!is_terminal(task.latest)) open.push_back(id);
  for (const std::string& id : open)
    take_update(executor, make_status(executor, id, verdict.state, verdict.reason, verdict.message, now),
                now);
  executor.state = ExecutorState::terminated;
  executor.queued.clear();
  executor.silent_until = executor.kill_at = executor.heartbeat_at = kNever;
  if (executor.stream != 0) outputs_.emplace_back(EndStream{executor.stream});
  executor.stream = 0;
  outputs_.emplace_back(ToMaster{ExecutorExited{
      executor.container.framework_id, executor.container.executor_id, wait_status, executor.command}});
}

void AgentModel::forget_if_done(const ContainerRef& container) {
  const AgentExecutor* executor = find(container);
  if (executor == nullptr || executor->state != ExecutorState::terminated) return;
  const bool open = std::any_of(executor->tasks.begin(), executor->tasks.end(),
                                [](const auto& one) { return !one.second.done(); });
  if (open) return;
  outputs_.emplace_back(ForgetContainer{container});
  AgentFramework& framework = frameworks_.at(container.framework_id);
  const std::string framework_id = container.framework_id;
  framework.executors.erase(std::string(container.executor_id));
  if (framework.executors.empty()) frameworks_.erase(framework_id);
}

void AgentModel::shut_down(AgentExecutor& executor, Instant now, std::int64_t grace_ms) {
  if (executor.state == ExecutorState::terminated) return;
  std::int64_t grace = executor.info.has_shutdown_grace_period()
                           ? executor.info.shutdown_grace_period().nanoseconds() / 1'000'000
                           : options_.shutdown_grace_ms;
  if (grace_ms >= 0) grace = std::min(grace, grace_ms);
  if (executor.state != ExecutorState::terminating) {
    if (executor.stream != 0)
      outputs_.emplace_back(ToExecutorStream{executor.stream, plain_event(Event::SHUTDOWN)});
    if (executor.command) {
      executor.killed = true;
      outputs_.emplace_back(KillContainer{executor.container, true});
    }
  }
  executor.state = ExecutorState::terminating;
  executor.silent_until = kNever;
  executor.kill_at = std::min(executor.kill_at, now + grace);
}

void AgentModel::shutdown_all(Instant now, std::int64_t grace_ms) {
  for (auto& [framework_id, framework] : frameworks_)
    for (auto& [executor_id, executor] : framework.executors) shut_down(executor, now, grace_ms);
}

}  // namespace mimas::pocket
