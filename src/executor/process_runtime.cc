#include "executor/process_runtime.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <utility>

#include "executor/children.h"
#include "executor/guard.h"
#include "executor/reap.h"
#include "executor/sandbox.h"

namespace mimas::executor {
namespace {

constexpr std::int64_t kSettleMs = 1'000;     // the kernel counts a kill first and then kills
constexpr int kKilledStatus = 128 + SIGKILL;  // what a shell says of a program that was killed
constexpr std::int64_t kLookMs = 5;           // between two looks at those who are being killed
constexpr std::int64_t kLeavingMs = 30'000;   // then the directory is left to the next reaping

std::string place_of(const TaskOrder& order) {
  const std::string& cwd = order.spec.command.cwd;
  if (cwd.empty() || cwd[0] == '/') return cwd.empty() ? order.sandbox : cwd;
  return order.sandbox + "/" + cwd;
}

void set_variable(std::vector<std::string>& environment, std::string_view name, std::string_view value) {
  const std::string start = std::string(name) + "=";
  std::erase_if(environment, [&](const std::string& entry) { return entry.starts_with(start); });
  environment.push_back(start + std::string(value));
}

// A shell of another user with our HOME would look for its files in ours.
void set_user_variables(const TaskOrder& order, const UserIds& ids, std::vector<std::string>& environment) {
  const auto set_if_free = [&](std::string_view name, const std::string& value) {
    const auto& own = order.spec.command.env;
    const bool asked =
        std::any_of(own.begin(), own.end(), [&](const auto& variable) { return variable.first == name; });
    if (!asked && !value.empty()) set_variable(environment, name, value);
  };
  set_if_free("HOME", ids.home.empty() ? order.sandbox : ids.home);
  set_if_free("USER", ids.name);
  set_if_free("LOGNAME", ids.name);
}

// SIGKILL waits to be seen, or has been.
bool dying(std::int64_t pid) {
  ProcStat process;
  if (!read_process(pid, process) || process.exiting || process.state == 'Z') return true;
  const std::string status = read_text("/proc/" + std::to_string(pid) + "/status");
  // Sixteen hexadecimal digits, a bit per signal; SIGKILL is the ninth, the lowest of the third from the end.
  const auto pending = [&](const char* name) {
    const std::size_t line = status.find(name);
    const std::size_t end = line == std::string::npos ? line : status.find('\n', line + 1);
    if (end == std::string::npos || end < 3) return false;
    const char digit = status[end - 3];
    return ((digit >= 'a' ? digit - 'a' : digit - '0') & 1) != 0;
  };
  return pending("\nShdPnd:") || pending("\nSigPnd:");
}

}  // namespace

ProcessRuntime::ProcessRuntime(OutputSink* sink, std::string cgroups)
    : sink_(sink), cgroups_(cgroups), mark_(group_name(own_group_name())) {
  adopt_orphans();
  for (std::string& line : reap_siblings(cgroups)) news_.push_back(Lines{std::move(line)});
}

Status ProcessRuntime::plan_for(const TaskOrder& order, ProcessPlan& plan) const {
  plan.argv = order.spec.command.argv;
  plan.environment = order.environment;
  plan.directory = place_of(order);
  plan.netns = order.netns;
  plan.rlimits = order.spec.limits.rlimits;
  set_variable(plan.environment, kMarkVariable, mark_);
  set_variable(plan.environment, kSandboxVariable, order.sandbox);
  const std::string& cwd = order.spec.command.cwd;
  if (!cwd.starts_with('/')) {
    if (const Status made = make_below(order.sandbox, cwd); !made.ok()) return made;
  }
  if (order.spec.command.user.empty()) return Done{};
  auto ids = user_ids_of(order.spec.command.user);
  if (!ids.ok()) return ids.error();
  if (!ids->has_value()) return Done{};
  plan.has_ids = true;
  plan.ids = std::move(**ids);
  set_user_variables(order, plan.ids, plan.environment);
  return give_away(order.sandbox, plan.ids);
}

void ProcessRuntime::start(TaskOrder order, Instant now) {
  guard_beat();  // of a group, each may wait for its exec
  Task task;
  task.id = order.task_id;
  task.memory_bytes = order.spec.limits.memory_bytes;
  const auto fail = [&](const Error& error) {
    news_.push_back(StartFailed{order.task_id, error.text()});
    let_go(std::move(task.group), now);
  };
  if (const Status planned = plan_for(order, task.plan); !planned.ok()) return fail(planned.error());
  std::vector<std::string> complaints;
  task.group = cgroups_.make(order.task_id, order.spec.limits, complaints);
  for (std::string& line : complaints) news_.push_back(Lines{std::move(line)});
  ProcessPlan plan = task.plan;
  if (task.group) plan.groups = task.group->entries();
  int null = -1;
  if (sink_ != nullptr) {
    const OutputSink::Ends ends = sink_->open_pipes(order.task_id);
    if (ends.out < 0 || ends.err < 0) null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    plan.out = ends.out < 0 ? null : ends.out;
    plan.err = ends.err < 0 ? null : ends.err;
  }
  const auto pid = start_process(plan);
  if (null >= 0) ::close(null);
  if (sink_ != nullptr) sink_->close_pipes(order.task_id);
  if (!pid.ok()) return fail(pid.error());
  task.leader = *pid;
  RunFacts facts;
  facts.pid = *pid;
  if (task.group) {
    task.group->close_entries();
    facts.cgroup = task.group->path();
  }
  tasks_.push_back(std::move(task));
  news_.push_back(Started{std::move(order.task_id), std::move(facts)});
}

// Also those who have left the group of processes: their end is waited for, so they must have heard of it.
void ProcessRuntime::signal(std::string_view task_id, int signal, Instant) {
  const Task* task = find(task_id);
  if (task == nullptr) return;
  if (signal == 0) signal = SIGTERM;
  if (!task->ended || group_alive(task->leader)) signal_group(task->leader, signal);
  if (!task->group) return;
  for (const std::int64_t pid : task->group->members()) {
    if (::getpgid(static_cast<pid_t>(pid)) != task->leader) (void)::kill(static_cast<pid_t>(pid), signal);
  }
}

void ProcessRuntime::kill(std::string_view task_id, Instant now) {
  Task* task = find(task_id);
  if (task == nullptr) return;
  task->killed = true;
  probes_.kill_of(task_id, now);
  kill_all_of(*task, now);
  if (!task->ended || !over(*task, now)) return;  // child_ended() comes, or the next look
  tasks_.erase(tasks_.begin() + (task - tasks_.data()));
}

void ProcessRuntime::kill_all_of(Task& task, Instant now) {
  if (!task.group) return kill_tree(task.leader, leaders_but(task.leader));
  task.group->kill();
  task.look_at = now + (kLookMs << std::min(task.looks++, 8));  // who sleeps in the kernel may do so for long
}

bool ProcessRuntime::others_alive(const Task& task) const {
  return task.group ? !task.group->empty() : group_alive(task.leader);
}

// Of a task whose first process has ended: whether nothing is left of it.
bool ProcessRuntime::over(Task& task, Instant now) {
  if (!task.killed && others_alive(task)) return false;
  if (task.group && !task.group->empty()) return false;
  if (!task.group && !task.killed) kill_all_of(task, now);  // other sessions of its descendants
  if (task.others) news_.push_back(TaskGone{task.id});
  let_go(std::move(task.group), now);
  return true;
}

void ProcessRuntime::let_go(std::optional<Cgroup> group, Instant now) {
  if (group && !group->remove()) leaving_.push_back({std::move(*group), now + kLeavingMs});
}

void ProcessRuntime::probe(std::string_view task_id, std::uint64_t probe,
                           const std::vector<std::string>& argv, std::int64_t timeout_ms, Instant now) {
  const Task* task = find(task_id);
  if (task == nullptr || task->ended || task->killed || argv.empty()) {
    news_.push_back(ProbeEnded{std::string(task_id), probe, -1, "the task does not run"});
    return;
  }
  ProcessPlan plan = task->plan;
  plan.argv = argv;
  if (task->group) plan.groups = task->group->open_entries();
  const std::vector<int> entries = plan.groups;
  probes_.start(task_id, probe, std::move(plan), timeout_ms, now, news_);
  for (const int fd : entries) ::close(fd);
}

ProcessEnd ProcessRuntime::end_of(Task& task, int wait_status) const {
  ProcessEnd end;
  end.signalled = WIFSIGNALED(wait_status);
  end.number = end.signalled ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
  if (!task.group) return end;
  end.memory_peak_bytes = task.group->memory_peak_bytes();
  const std::int64_t kills = task.group->memory_kills();
  end.memory_kill = kills > 0;
  // Somebody else's SIGKILL, or the machine's own want of memory, looks alike but for the counts. A shell
  // that waits for its program ends with the program's end as its status.
  const bool at_limit = end.memory_peak_bytes < 0 || end.memory_peak_bytes >= task.memory_bytes / 4 * 3;
  const bool itself = end.signalled && end.number == SIGKILL && kills > task.kills_of_children;
  const bool by_its_shell = !end.signalled && end.number == kKilledStatus && kills > 0;
  end.memory_limit = task.memory_bytes > 0 && !task.killed && at_limit && (itself || by_its_shell);
  return end;
}

void ProcessRuntime::child_ended(std::int64_t pid, int wait_status, Instant now) {
  if (probes_.child_ended(pid, wait_status, news_)) return;
  for (Task& task : tasks_) {
    if (task.leader != pid || task.ended) continue;
    ProcessEnd end = end_of(task, wait_status);
    task.ended = true;
    task.others = others_alive(task);
    news_.push_back(TaskEnded{task.id, std::move(end), task.others});
  }
  // Any orphan may have been the last of its task.
  std::erase_if(tasks_,
                [&](Task& task) { return task.ended && (task.others || task.killed) && over(task, now); });
}

void ProcessRuntime::add_to(std::vector<pollfd>& polled) const {
  for (const Task& task : tasks_) {
    if (task.group && task.memory_bytes > 0) task.group->add_to(polled);
  }
  probes_.add_to(polled);
}

Instant ProcessRuntime::wake_at() const {
  if (!news_.empty()) return Instant{0};
  Instant wake = probes_.wake_at();
  for (const Task& task : tasks_) wake = std::min({wake, task.settle_at, task.look_at});
  for (const Leaving& leaving : leaving_) wake = std::min(wake, leaving.look_at);
  return wake;
}

// A kill for memory that leaves the first process alive was a child's.
void ProcessRuntime::look_at_memory(Instant now) {
  for (Task& task : tasks_) {
    if (!task.group || task.memory_bytes <= 0 || task.ended) continue;
    std::vector<pollfd> polled;
    task.group->add_to(polled);
    if (!polled.empty() && ::poll(polled.data(), 1, 0) > 0) {
      task.group->drain();
      task.settle_at = now + kSettleMs;
    }
    if (now < task.settle_at) continue;
    task.settle_at = kNever;
    if (dying(task.leader)) {
      task.settle_at = now + kSettleMs;
    } else {
      task.kills_of_children = task.group->memory_kills();
    }
  }
}

void ProcessRuntime::look_at_groups(Instant now) {
  for (Task& task : tasks_) {
    if (now < task.look_at) continue;
    task.look_at = kNever;
    if (task.group && !task.group->empty()) kill_all_of(task, now);
  }
  std::erase_if(tasks_, [&](Task& task) { return task.ended && task.killed && over(task, now); });
  std::erase_if(leaving_, [&](Leaving& leaving) {
    if (now < leaving.look_at) return false;
    leaving.look_at = now + kLookMs * 4;
    if (!leaving.group.empty()) leaving.group.kill();
    return leaving.group.remove() || now >= leaving.until;
  });
}

void ProcessRuntime::pump(Instant now, std::vector<RuntimeNews>& news) {
  probes_.pump(now, leaders_but(0));
  look_at_memory(now);
  look_at_groups(now);
  for (RuntimeNews& item : news_) news.push_back(std::move(item));
  news_.clear();
}

void ProcessRuntime::end_all(std::int64_t ms) {
  for (Task& task : tasks_) kill_all_of(task, kNever);
  probes_.end_all();
  kill_tree(0, {});
  std::vector<Cgroup> groups;
  for (Task& task : tasks_) {
    if (task.group) groups.push_back(std::move(*task.group));
  }
  for (Leaving& leaving : leaving_) groups.push_back(std::move(leaving.group));
  tasks_.clear();
  leaving_.clear();
  for (std::int64_t waited = 0; waited < ms; waited += kLookMs) {
    guard_beat();
    std::erase_if(groups, [](Cgroup& group) {
      group.kill();
      return group.remove();
    });
    if (groups.empty()) break;
    const struct timespec pause = {0, kLookMs * 1'000'000};
    (void)::nanosleep(&pause, nullptr);
  }
  cgroups_.remove();
}

std::vector<std::int64_t> ProcessRuntime::leaders_but(std::int64_t leader) const {
  std::vector<std::int64_t> others;
  for (const Task& task : tasks_) {
    if (task.leader != leader) others.push_back(task.leader);
  }
  return others;
}

ProcessRuntime::Task* ProcessRuntime::find(std::string_view task_id) {
  const auto at =
      std::find_if(tasks_.begin(), tasks_.end(), [&](const Task& task) { return task.id == task_id; });
  return at == tasks_.end() ? nullptr : &*at;
}

}  // namespace mimas::executor
