#include "executor/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
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

extern char** environ;  // NOLINT: POSIX's name

namespace mimas::executor {
namespace {

constexpr int kExecWaitMs = 2'000;  // exec on a hung file system must not hang the kills of other tasks

// What the child says through the pipe when it could not become the task.
struct Fault {
  int error = 0;
  char step = 0;  // 'd' working directory, 'i' standard input, 'x' exec
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

[[noreturn]] void become(const Command& command, char* const* argv, char** environment, pid_t parent,
                         int report) {
  const auto fail = [report](char step) {
    const Fault fault{errno, step};
    if (::write(report, &fault, sizeof fault) < 0) ::_exit(126);
    ::_exit(127);
  };
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // we were orphaned before the line above
  default_signals();
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || ::dup2(null, STDIN_FILENO) < 0) fail('i');
  close_on_exec_from(3);
  if (!command.cwd.empty() && ::chdir(command.cwd.c_str()) != 0) fail('d');
  environ = environment;  // execvp looks at its own PATH, and the task's is meant
  ::execvp(argv[0], argv);
  fail('x');
  ::_exit(127);
}

// What became of the child: step 0 when exec succeeded (the pipe closed) or is taking its time.
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

Error fault_text(const Fault& fault, const Command& command) {
  std::string text = fault.step == 'd'   ? "cannot enter '" + command.cwd + "'"
                     : fault.step == 'i' ? std::string("cannot open /dev/null")
                                         : "cannot run '" + command.argv[0].substr(0, 200) + "'";
  return make_error(Code::io, text + ": " + std::strerror(fault.error));
}

}  // namespace

Result<std::int64_t> start_process(const Command& command, const std::vector<std::string>& environment) {
  const std::vector<char*> argv = pointers(command.argv);
  std::vector<char*> env = pointers(environment);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return make_error(Code::io, std::string("cannot make a pipe: ") + std::strerror(errno));
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(command, argv.data(), env.data(), self, ends[1]);
  const int fork_error = errno;
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return make_error(Code::io, std::string("cannot fork: ") + std::strerror(fork_error));
  }
  const Fault fault = await_exec(ends[0]);
  ::close(ends[0]);
  if (fault.step == 0) return std::int64_t{pid};
  int status;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return fault_text(fault, command);
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
