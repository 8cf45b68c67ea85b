#include "executor/guard.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "executor/cgroup_tree.h"
#include "executor/process_tree.h"

namespace mimas::executor {
namespace {

constexpr int kGroupsMax = 16;
constexpr std::size_t kPathMax = 256;
constexpr std::int64_t kSlackMs = 1'000;      // past a shutdown's grace, for an executor that named no time
constexpr std::int64_t kLastKillMs = 10'000;  // what sleeps in the kernel is left behind after this
constexpr int kGroupEndMs = 2'000;

// One page that both sides see: what the executor has made, for the guard to remove, and each one's beats.
struct Shared {
  std::atomic<int> groups;
  std::atomic<unsigned> executor_beats;
  std::atomic<unsigned> guard_beats;
  char group[kGroupsMax - 1][kPathMax];  // with the rest just below one page
};

Shared* shared = nullptr;
pid_t guarded_by = 0;
pid_t executor_pid = 0;

std::int64_t monotonic_ms() {
  struct timespec now {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

void end_groups() {
  const int count = shared == nullptr ? 0 : shared->groups.load(std::memory_order_acquire);
  for (int i = 0; i < count; ++i) kill_group(shared->group[i]);
  for (int i = 0; i < count; ++i) (void)end_group(shared->group[i], kGroupEndMs);
}

void complain(const char* line) {
  const int error = errno;
  if (::write(STDERR_FILENO, line, std::strlen(line)) < 0) errno = error;
}

// --- both sides: beats

bool is_tick(const siginfo_t& info) { return info.si_code == SI_TIMER; }

// SIGCONT to ourselves, again and again: the one signal that goes on with a process that was stopped.
void start_ticks(std::int64_t hang_ms) {
  const std::int64_t ms = std::max<std::int64_t>(1, hang_ms / kBeatsMissedMax);
  struct sigevent event {};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGCONT;
  struct itimerspec tick {};
  tick.it_value.tv_sec = tick.it_interval.tv_sec = static_cast<time_t>(ms / 1000);
  tick.it_value.tv_nsec = tick.it_interval.tv_nsec = static_cast<long>(ms % 1000 * 1'000'000);
  timer_t timer{};
  if (::timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || ::timer_settime(timer, 0, &tick, nullptr) != 0)
    complain("mimas-executor: no timer to be had: a hang is not noticed\n");
}

// What one of us knows of the other.
struct Watch {
  unsigned seen = 0;
  int missed = 0;
};
Watch watch;

// At each of our ticks: has the other been silent for too long?
bool hangs(pid_t other, const std::atomic<unsigned>& beats) {
  const unsigned now = beats.load(std::memory_order_relaxed);
  if (now != watch.seen) {
    watch = {now, 0};
    return false;
  }
  if (++watch.missed < kBeatsMissedMax) return false;
  ProcStat process;
  const bool waits_for_disk = read_process(other, process) && process.state == 'D';
  return !waits_for_disk || watch.missed >= kBeatsMissedMax * kDiskPatience;
}

// --- the executor's side

void guard_may_be_gone(int, siginfo_t* info, void*) {
  if (::getpid() != executor_pid) return;  // a child that has not yet become a task
  const int error = errno;
  const bool gone = ::getppid() != guarded_by;
  const bool silent = !gone && is_tick(*info) && shared != nullptr && hangs(guarded_by, shared->guard_beats);
  errno = error;
  if (!gone && !silent) return;  // a tick, or somebody's own SIGCONT
  if (silent) complain("mimas-executor: its guard does not answer: everything is ended\n");
  end_groups();
  (void)kill_descendants(kLastKillMs);
  end_groups();
  if (silent) (void)::kill(guarded_by, SIGKILL);
  ::_exit(1);
}

void become_executor(pid_t guard, const sigset_t& mask, std::int64_t hang_ms) {
  guarded_by = guard;
  executor_pid = ::getpid();
  ::setsid();
  adopt_orphans();
  struct sigaction action {};
  action.sa_sigaction = guard_may_be_gone;
  action.sa_flags = SA_RESTART | SA_SIGINFO;
  (void)::sigaction(SIGCONT, &action, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGCONT);
  if (shared != nullptr) start_ticks(hang_ms);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  (void)::raise(SIGCONT);  // before the lines above the guard's end told nothing
}

// --- the guard's side

void pass_on(int signal, std::int64_t& deadline, std::int64_t shutdown_ms) {
  (void)::kill(executor_pid, signal == SIGINT ? SIGINT : SIGTERM);
  deadline = std::min(deadline, monotonic_ms() + shutdown_ms + kSlackMs);
}

// True: the executor has ended, with `status`. Others are orphans of its orphans' making.
bool ended(int& status) {
  for (;;) {
    int of_this = 0;
    const pid_t pid = ::waitpid(-1, &of_this, WNOHANG);
    if (pid == executor_pid) {
      status = of_this;
      return true;
    }
    if (pid == 0 || (pid < 0 && errno != EINTR)) return false;
  }
}

// The status it ended with, or, of one that hangs, is about to end with.
int await_end(const sigset_t& all, std::int64_t shutdown_ms) {
  std::int64_t deadline = INT64_MAX;
  int status = 0;
  while (!ended(status)) {
    siginfo_t info{};
    int signal;
    if (deadline == INT64_MAX) {
      signal = ::sigwaitinfo(&all, &info);
    } else {
      const std::int64_t ms = std::max<std::int64_t>(0, deadline - monotonic_ms());
      const struct timespec left = {static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000 * 1'000'000)};
      signal = ::sigtimedwait(&all, &info, &left);
      if (signal < 0 && errno == EAGAIN) {
        (void)::kill(executor_pid, SIGKILL);
        deadline = INT64_MAX;
      }
    }
    if (signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT) {
      pass_on(signal, deadline, shutdown_ms);
    } else if (signal == SIGUSR1 && info.si_code == SI_QUEUE && info.si_pid == executor_pid) {
      deadline = monotonic_ms() + info.si_value.sival_int;
    } else if (signal == SIGCONT && is_tick(info) && shared != nullptr) {
      shared->guard_beats.fetch_add(1, std::memory_order_relaxed);
      if (!hangs(executor_pid, shared->executor_beats)) continue;
      complain("mimas-executor: does not answer its guard: it and its tasks are ended\n");
      (void)::kill(executor_pid, SIGKILL);
      return SIGKILL;  // whoever holds it may be the last to let go of it: the tasks end first
    }
  }
  return status;
}

[[noreturn]] void end_as(int status) {
  if (WIFEXITED(status)) ::_exit(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const struct rlimit none = {0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);  // one core file is enough
  // An executor that had to be killed may have left a wrapper, a shell say, in the agent's group.
  if (signal == SIGKILL && ::getpgrp() == ::getpid()) (void)::kill(0, SIGKILL);
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  (void)::sigaction(signal, &action, nullptr);
  (void)::kill(::getpid(), signal);
  sigset_t empty;
  sigemptyset(&empty);
  ::sigprocmask(SIG_SETMASK, &empty, nullptr);
  ::_exit(128 + signal);
}

[[noreturn]] void be_guard(const sigset_t& all, std::int64_t shutdown_ms, std::int64_t hang_ms) {
  (void)::close(STDIN_FILENO);
  (void)::close(STDOUT_FILENO);
  ::prctl(PR_SET_NAME, "mimas-guard");
  if (shared != nullptr) start_ticks(hang_ms);
  const int status = await_end(all, shutdown_ms);
  end_groups();
  (void)kill_descendants(kLastKillMs);
  end_groups();
  end_as(status);
}

}  // namespace

void start_guard(std::int64_t shutdown_ms, std::int64_t hang_ms) {
  void* page = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  shared = page == MAP_FAILED ? nullptr : static_cast<Shared*>(page);
  sigset_t all, before;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);  // nothing gets lost between here and the first wait
  adopt_orphans();
  struct sigaction action {};
  action.sa_handler = SIG_DFL;  // an agent that ignores it would leave us nothing to wait for
  (void)::sigaction(SIGCHLD, &action, nullptr);
  const pid_t self = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) return become_executor(self, before, hang_ms);
  if (child > 0) {
    executor_pid = child;
    be_guard(all, shutdown_ms, hang_ms);
  }
  complain("mimas-executor: cannot fork a guard: if this process is killed, its tasks' own children stay\n");
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

std::int64_t guard_pid() { return guarded_by != 0 ? guarded_by : ::getpid(); }

void guard_beat() {
  if (shared != nullptr) shared->executor_beats.fetch_add(1, std::memory_order_relaxed);
}

bool guard_deadline(std::int64_t ms) {
  if (guarded_by == 0) return false;
  union sigval value {};
  value.sival_int = static_cast<int>(std::clamp<std::int64_t>(ms, 0, INT32_MAX));
  return ::sigqueue(guarded_by, SIGUSR1, value) == 0;
}

bool guard_group(const char* directory) {
  if (shared == nullptr) return false;
  const int count = shared->groups.load(std::memory_order_relaxed);
  if (count >= kGroupsMax - 1 || std::strlen(directory) >= kPathMax) return false;
  std::strcpy(shared->group[count], directory);
  shared->groups.store(count + 1, std::memory_order_release);
  return true;
}

void guard_end_all(std::int64_t ms) {
  end_groups();
  (void)kill_descendants(ms);
  end_groups();
}

}  // namespace mimas::executor
