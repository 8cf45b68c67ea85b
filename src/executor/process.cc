#include "executor/process.h"

#include <dirent.h>
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

#include "executor/children.h"

extern char** environ;  // NOLINT: POSIX's name

namespace mimas::executor {
namespace {

constexpr int kExecWaitMs = 2'000;  // exec on a hung file system must not hang the kills of other tasks
constexpr int kKillRounds = 16;     // each must find someone new, or it is the last
constexpr std::size_t kProcMax = 65'536;

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

struct ProcEntry {
  std::int64_t pid = 0, parent = 0, group = 0, session = 0;
  bool doomed = false;
};

// The fields of /proc/PID/stat after the name, which may itself hold blanks and brackets.
bool read_stat(const char* name, ProcEntry& into) {
  char path[64] = "/proc/";
  std::strncat(path, name, 20);
  std::strcat(path, "/stat");
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[512];
  const ssize_t got = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (got <= 0) return false;
  text[got] = '\0';
  const char* at = std::strrchr(text, ')');
  if (at == nullptr || at[1] == '\0' || at[2] == 'Z' || at[2] == 'X' || at[2] == '\0') return false;
  char* next = nullptr;
  into.pid = std::strtol(name, nullptr, 10);
  into.parent = std::strtol(at + 3, &next, 10);
  into.group = std::strtol(next, &next, 10);
  into.session = std::strtol(next, &next, 10);
  return true;
}

std::vector<ProcEntry> read_processes() {
  std::vector<ProcEntry> all;
  DIR* directory = ::opendir("/proc");
  if (directory == nullptr) return all;
  while (const dirent* entry = ::readdir(directory)) {
    ProcEntry process;
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || all.size() >= kProcMax) continue;
    if (read_stat(entry->d_name, process)) all.push_back(process);
  }
  ::closedir(directory);
  return all;
}

bool belongs(const ProcEntry& process, std::int64_t leader) {
  return process.pid == leader || process.group == leader || process.session == leader;
}

// Marks whom kill_tree means; the closure over parents takes as many passes as the tree is deep.
void mark(std::vector<ProcEntry>& all, std::int64_t leader, const std::vector<std::int64_t>& others) {
  const std::int64_t self = ::getpid();
  const auto is_other = [&](const ProcEntry& process) {
    return std::any_of(others.begin(), others.end(),
                       [&](std::int64_t other) { return belongs(process, other); });
  };
  for (ProcEntry& process : all) {
    // An orphan in a session of its own names no task: it goes with the last one, not with somebody else's.
    const bool orphan = process.parent == self && others.empty() && !is_helper(process.pid);
    process.doomed = process.pid != self && (orphan || (leader != 0 && belongs(process, leader)));
  }
  for (bool grown = true; grown;) {
    grown = false;
    for (ProcEntry& process : all) {
      if (process.doomed || process.pid == self || is_other(process)) continue;
      const auto parent =
          std::find_if(all.begin(), all.end(), [&](const ProcEntry& p) { return p.pid == process.parent; });
      if (parent == all.end() || !parent->doomed) continue;
      process.doomed = true;
      grown = true;
    }
  }
}

}  // namespace

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

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
  if (armed) return;
  armed = true;
  struct sigaction action {};
  action.sa_handler = self_destruct;
  (void)::sigaction(SIGALRM, &action, nullptr);
  struct itimerval timer {};
  timer.it_value.tv_sec = static_cast<time_t>(ms / 1000);
  timer.it_value.tv_usec = static_cast<suseconds_t>(ms % 1000 * 1000);
  (void)::setitimer(ITIMER_REAL, &timer, nullptr);
}

void kill_tree(std::int64_t leader, const std::vector<std::int64_t>& others) {
  std::vector<std::int64_t> seen;
  for (int round = 0; round < kKillRounds; ++round) {
    std::vector<ProcEntry> all = read_processes();
    mark(all, leader, others);
    if (round == 0) signal_group(leader, SIGKILL);  // after the look: the dead have no children any more
    bool someone_new = false;
    for (const ProcEntry& process : all) {
      if (!process.doomed) continue;
      (void)::kill(static_cast<pid_t>(process.pid), SIGKILL);
      if (std::find(seen.begin(), seen.end(), process.pid) != seen.end()) continue;
      seen.push_back(process.pid);
      someone_new = true;
    }
    if (!someone_new) return;
  }
}

}  // namespace mimas::executor
