#include "executor/process_runtime.h"

#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "executor/process.h"

namespace mimas::executor {
namespace {

std::string place_of(const TaskOrder& order) {
  const std::string& cwd = order.spec.command.cwd;
  if (cwd.empty() || cwd[0] == '/') return cwd.empty() ? order.sandbox : cwd;
  return order.sandbox + "/" + cwd;
}

}  // namespace

ProcessRuntime::ProcessRuntime(OutputSink* sink) : sink_(sink) { adopt_orphans(); }

void ProcessRuntime::start(TaskOrder order, Instant) {
  ProcessPlan plan;
  plan.argv = std::move(order.spec.command.argv);
  plan.environment = std::move(order.environment);
  plan.directory = place_of(order);
  plan.netns = std::move(order.netns);
  if (sink_ != nullptr) {
    const OutputSink::Ends ends = sink_->open_pipes(order.task_id);
    plan.out = ends.out;
    plan.err = ends.err;
  }
  const auto pid = start_process(plan);
  if (sink_ != nullptr) sink_->close_pipes(order.task_id);
  if (!pid.ok()) {
    news_.push_back(StartFailed{std::move(order.task_id), pid.error().message});
    return;
  }
  tasks_.push_back({order.task_id, *pid});
  RunFacts facts;
  facts.pid = *pid;
  news_.push_back(Started{std::move(order.task_id), std::move(facts)});
}

void ProcessRuntime::signal(std::string_view task_id, int signal, Instant) {
  if (const Task* task = find(task_id)) signal_group(task->leader, signal);
}

void ProcessRuntime::kill(std::string_view task_id, Instant) {
  Task* task = find(task_id);
  if (task == nullptr) return;
  kill_tree_of(task->leader);
  if (!task->ended) return;  // child_ended() comes
  news_.push_back(TaskGone{std::move(task->id)});
  tasks_.erase(tasks_.begin() + (task - tasks_.data()));
}

void ProcessRuntime::probe(std::string_view task_id, std::uint64_t probe, const std::vector<std::string>&,
                           std::int64_t, Instant) {
  news_.push_back(ProbeEnded{std::string(task_id), probe, -1, "no command is run beside a process"});
}

void ProcessRuntime::child_ended(std::int64_t pid, int wait_status, Instant) {
  for (Task& task : tasks_) {
    if (task.leader != pid || task.ended) continue;
    ProcessEnd end;
    end.signalled = WIFSIGNALED(wait_status);
    end.number = end.signalled ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
    const bool others = group_alive(pid);
    news_.push_back(TaskEnded{task.id, std::move(end), others});
    task.ended = true;
  }
  std::erase_if(tasks_, [this](Task& task) {
    if (!task.ended || group_alive(task.leader)) return false;
    news_.push_back(TaskGone{std::move(task.id)});
    return true;
  });
}

void ProcessRuntime::pump(Instant, std::vector<RuntimeNews>& news) {
  for (RuntimeNews& item : news_) news.push_back(std::move(item));
  news_.clear();
}

void ProcessRuntime::end_all(std::int64_t) {
  for (const Task& task : tasks_) kill_tree_of(task.leader);
  kill_tree(0, {});
}

ProcessRuntime::Task* ProcessRuntime::find(std::string_view task_id) {
  const auto at =
      std::find_if(tasks_.begin(), tasks_.end(), [&](const Task& task) { return task.id == task_id; });
  return at == tasks_.end() ? nullptr : &*at;
}

void ProcessRuntime::kill_tree_of(std::int64_t leader) {
  std::vector<std::int64_t> others;
  for (const Task& task : tasks_) {
    if (task.leader != leader) others.push_back(task.leader);
  }
  kill_tree(leader, others);
}

}  // namespace mimas::executor
