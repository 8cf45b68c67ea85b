#include "executor/process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "executor/children.h"
#include "executor/guard.h"
#include "executor/passage.h"

extern char** environ;  // NOLINT: POSIX's name

namespace mimas::executor {
namespace {

// glibc's parameter is an enumeration, musl's an int.
#ifdef __GLIBC__
using RlimitResource = __rlimit_resource_t;
#else
using RlimitResource = int;
#endif

constexpr int kExecWaitMs = 2'000;  // exec on a hung file system must not hang the kills of other tasks

// What the child says through the pipe when it could not become the task.
enum class Step : char { none, input, output, group, netns, limit, groups, gid, uid, directory, exec };
struct Fault {
  int error = 0;
  Step step = Step::none;
  std::int16_t which = 0;  // limit: its index
};

struct LimitName {
  const char* name;
  int resource;
};
constexpr LimitName kLimits[] = {
    {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC}, {"core", RLIMIT_CORE},
    {"memlock", RLIMIT_MEMLOCK}, {"stack", RLIMIT_STACK}, {"fsize", RLIMIT_FSIZE},
    {"data", RLIMIT_DATA},       {"as", RLIMIT_AS},       {"cpu", RLIMIT_CPU},
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// What the child needs, made before the fork.
struct Prepared {
  const ProcessPlan* plan;
  std::vector<char*> argv, environment;
  std::vector<gid_t> groups;
  pid_t parent;
  int report;
};

[[noreturn]] void fail(int report, Step step, std::size_t which = 0) {
  const Fault fault{errno, step, static_cast<std::int16_t>(which)};
  if (::write(report, &fault, sizeof fault) < 0) ::_exit(126);
  ::_exit(127);
}

void take_streams(const ProcessPlan& plan, int report) {
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || ::dup2(null, STDIN_FILENO) < 0) fail(report, Step::input);
  if (plan.out >= 0 && ::dup2(plan.out, STDOUT_FILENO) < 0) fail(report, Step::output);
  if (plan.err >= 0 && ::dup2(plan.err, STDERR_FILENO) < 0) fail(report, Step::output);
}

rlim_t limit_value(std::int64_t value) { return value < 0 ? RLIM_INFINITY : static_cast<rlim_t>(value); }

// As long as we are who we were: what follows may need its rights.
void take_limits(const ProcessPlan& plan, int report) {
  for (const int group : plan.groups) {
    if (::write(group, "0", 1) != 1) fail(report, Step::group);
  }
  if (!plan.netns.empty()) {
    const int netns = ::open(plan.netns.c_str(), O_RDONLY | O_CLOEXEC);
    if (netns < 0 || ::setns(netns, CLONE_NEWNET) != 0) fail(report, Step::netns);
  }
  for (std::size_t i = 0; i < plan.rlimits.size(); ++i) {
    const ResourceLimit& limit = plan.rlimits[i];
    const struct rlimit values = {limit_value(limit.soft), limit_value(limit.hard)};
    for (const LimitName& known : kLimits) {
      if (limit.name == known.name && ::setrlimit(static_cast<RlimitResource>(known.resource), &values) != 0)
        fail(report, Step::limit, i);
    }
  }
}

void take_ids(const Prepared& prepared) {
  const UserIds& ids = prepared.plan->ids;
  if (::setgroups(prepared.groups.size(), prepared.groups.data()) != 0) fail(prepared.report, Step::groups);
  if (::setresgid(ids.gid, ids.gid, ids.gid) != 0) fail(prepared.report, Step::gid);
  if (::setresuid(ids.uid, ids.uid, ids.uid) != 0) fail(prepared.report, Step::uid);
}

[[noreturn]] void become(const Prepared& prepared) {
  const ProcessPlan& plan = *prepared.plan;
  ::setsid();
  default_signals();
  take_streams(plan, prepared.report);
  take_limits(plan, prepared.report);
  close_on_exec_from(3);
  if (plan.has_ids) take_ids(prepared);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);                // after the change of user, which forgets it
  if (::getppid() != prepared.parent) ::_exit(127);  // we were orphaned before the line above
  if (!plan.directory.empty() && ::chdir(plan.directory.c_str()) != 0) fail(prepared.report, Step::directory);
  environ =
      const_cast<char**>(prepared.environment.data());  // execvp looks at its own PATH; the task's is meant
  ::execvp(prepared.argv[0], prepared.argv.data());
  fail(prepared.report, Step::exec);
}

// What became of the child: no step when exec succeeded (the pipe closed) or is taking its time.
Fault await_exec(int pipe_end) {
  Fault fault;
  struct pollfd ready = {pipe_end, POLLIN, 0};
  int polled;
  do polled = ::poll(&ready, 1, kExecWaitMs);
  while (polled < 0 && errno == EINTR);
  if (polled <= 0) return {};
  ssize_t got;
  do got = ::read(pipe_end, &fault, sizeof fault);
  while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof fault) ? fault : Fault{};
}

std::string limit_text(const ResourceLimit& limit) {
  const auto number = [](std::int64_t value) {
    return value < 0 ? std::string("unlimited") : std::to_string(value);
  };
  std::string text =
      "cannot set the limit " + limit.name + " to " + number(limit.soft) + ":" + number(limit.hard);
  struct rlimit ours {};
  for (const LimitName& known : kLimits) {
    if (limit.name != known.name || ::getrlimit(static_cast<RlimitResource>(known.resource), &ours) != 0)
      continue;
    text += " (the executor's own is " +
            number(ours.rlim_max == RLIM_INFINITY ? -1 : static_cast<std::int64_t>(ours.rlim_max)) + ")";
  }
  return text;
}

std::string step_text(const Fault& fault, const ProcessPlan& plan) {
  switch (fault.step) {
    case Step::none: break;
    case Step::input: return "cannot open /dev/null";
    case Step::output: return "cannot pass on stdout and stderr";
    case Step::group: return "cannot enter its cgroup";
    case Step::netns: return "cannot enter the network namespace " + plan.netns;
    case Step::limit: return limit_text(plan.rlimits[static_cast<std::size_t>(fault.which)]);
    case Step::groups: return "cannot take the groups of user " + std::to_string(plan.ids.uid);
    case Step::gid: return "cannot become group " + std::to_string(plan.ids.gid);
    case Step::uid: return "cannot become user " + std::to_string(plan.ids.uid);
    case Step::directory: return "cannot enter '" + plan.directory + "'";
    case Step::exec: break;
  }
  return "cannot run '" + plan.argv[0].substr(0, 200) + "'";
}

}  // namespace

Result<std::int64_t> start_process(const ProcessPlan& plan) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return make_error(Code::io, std::string("cannot make a pipe: ") + std::strerror(errno));
  const Prepared prepared{&plan,
                          pointers(plan.argv),
                          pointers(plan.environment),
                          {plan.ids.groups.begin(), plan.ids.groups.end()},
                          ::getpid(),
                          ends[1]};
  const pid_t pid = ::fork();
  if (pid == 0) become(prepared);
  const int fork_error = errno;
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return make_error(Code::io, std::string("cannot fork: ") + std::strerror(fork_error));
  }
  const Fault fault = await_exec(ends[0]);
  ::close(ends[0]);
  if (fault.step == Step::none) return std::int64_t{pid};
  int status;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  std::string text = step_text(fault, plan) + ": " + std::strerror(fault.error);
  if (fault.step == Step::directory && fault.error == EACCES && plan.has_ids) {
    if (const std::string closed = closed_to(plan.ids, plan.directory); !closed.empty())
      text += ", user " + std::to_string(plan.ids.uid) + " may not pass '" + closed + "'";
  }
  return make_error(Code::io, std::move(text));
}

Result<std::int64_t> start_process(const Command& command, const std::vector<std::string>& environment) {
  ProcessPlan plan;
  plan.argv = command.argv;
  plan.environment = environment;
  plan.directory = command.cwd;
  return start_process(plan);
}

bool reap(Reaped& into) {
  int status = 0;
  pid_t pid;
  do pid = ::waitpid(-1, &status, WNOHANG);
  while (pid < 0 && errno == EINTR);
  if (pid <= 0) return false;
  into.pid = pid;
  into.signalled = WIFSIGNALED(status);
  into.number = into.signalled ? WTERMSIG(status) : WEXITSTATUS(status);
  return true;
}

void signal_group(std::int64_t leader, int signal) {
  if (leader > 1) (void)::kill(static_cast<pid_t>(-leader), signal);
}

bool group_alive(std::int64_t leader) {
  return leader > 1 && (::kill(static_cast<pid_t>(-leader), 0) == 0 || errno == EPERM);
}

namespace {

void self_destruct(int) {
  if (::getpgrp() == ::getpid()) (void)::kill(0, SIGKILL);
  ::_exit(1);
}

}  // namespace

void self_destruct_in(std::int64_t ms) {
  static bool armed = false;
  if (std::exchange(armed, true) || guard_deadline(ms)) return;
  struct sigaction action {};
  action.sa_handler = self_destruct;
  (void)::sigaction(SIGALRM, &action, nullptr);
  struct itimerval timer {};
  timer.it_value.tv_sec = static_cast<time_t>(ms / 1000);
  timer.it_value.tv_usec = static_cast<suseconds_t>(ms % 1000 * 1000);
  (void)::setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace mimas::executor
