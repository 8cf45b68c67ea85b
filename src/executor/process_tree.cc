#include "executor/process_tree.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "executor/children.h"
#include "executor/directory.h"

namespace mimas::executor {
namespace {

constexpr int kKillRounds = 16;  // each must find someone new, or it is the last
constexpr std::size_t kProcMax = 65'536;
constexpr int kDepthMax = 64;           // of a tree, seen from a leaf
constexpr unsigned kFlagExiting = 0x4;  // PF_EXITING, field 9

// "/proc/4711/stat" without a library that might allocate.
void stat_path(std::int64_t pid, char (&into)[40]) {
  char digits[24];
  int count = 0;
  do digits[count++] = static_cast<char>('0' + pid % 10);
  while ((pid /= 10) > 0);
  char* at = into;
  for (const char c : {'/', 'p', 'r', 'o', 'c', '/'}) *at++ = c;
  while (count > 0) *at++ = digits[--count];
  std::memcpy(at, "/stat", 6);
}

std::int64_t monotonic_ms() {
  struct timespec now {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

bool is_pid(const char* name) { return name[0] >= '1' && name[0] <= '9'; }

struct ProcEntry : ProcStat {
  bool doomed = false;
};

std::vector<ProcEntry> read_processes() {
  std::vector<ProcEntry> all;
  const int proc = ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0) return all;
  each_entry(proc, [&](const char* name, bool) {
    ProcEntry process;
    if (!is_pid(name) || all.size() >= kProcMax || !read_process(std::atol(name), process)) return;
    if (process.state != 'Z' && process.state != 'X') all.push_back(process);
  });
  ::close(proc);
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

bool descends(std::int64_t pid, std::int64_t from) {
  ProcStat process;
  for (int depth = 0; depth < kDepthMax && pid > 1; ++depth) {
    if (!read_process(pid, process)) return false;
    if (process.parent == from) return true;
    pid = process.parent;
  }
  return false;
}

void kill_all_below(std::int64_t self) {
  const int proc = ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0) return;
  each_entry(proc, [&](const char* name, bool) {
    const std::int64_t pid = is_pid(name) ? std::atol(name) : 0;
    if (pid > 1 && pid != self && descends(pid, self)) (void)::kill(static_cast<pid_t>(pid), SIGKILL);
  });
  ::close(proc);
}

}  // namespace

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

// The fields follow the name, which may itself hold blanks and brackets.
bool read_process(std::int64_t pid, ProcStat& into) {
  char path[40];
  if (pid <= 0) return false;
  stat_path(pid, path);
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[512];
  const ssize_t got = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (got <= 0) return false;
  text[got] = '\0';
  const char* at = std::strrchr(text, ')');
  if (at == nullptr || at[1] == '\0' || at[2] == '\0') return false;
  into.pid = pid;
  into.state = at[2];
  char* next = nullptr;
  into.parent = std::strtol(at + 3, &next, 10);
  into.group = std::strtol(next, &next, 10);
  into.session = std::strtol(next, &next, 10);
  for (int field = 7; field < 9; ++field) (void)std::strtol(next, &next, 10);
  into.exiting = (std::strtoul(next, &next, 10) & kFlagExiting) != 0;
  for (int field = 10; field < 22; ++field) (void)std::strtoll(next, &next, 10);
  into.start = std::strtoull(next, &next, 10);
  return true;
}

std::uint64_t process_start(std::int64_t pid) {
  ProcStat process;
  if (!read_process(pid, process) || process.state == 'Z' || process.state == 'X') return 0;
  return process.start;
}

bool kill_descendants(std::int64_t ms) {
  const std::int64_t until = monotonic_ms() + ms;
  for (bool first = true;; first = false) {
    for (;;) {
      const pid_t pid = ::waitpid(-1, nullptr, WNOHANG);
      if (pid < 0 && errno == ECHILD) return true;
      if (pid == 0 || (pid < 0 && errno != EINTR)) break;
    }
    if (!first && monotonic_ms() >= until) return false;
    kill_all_below(::getpid());
    const struct timespec pause = {0, 1'000'000};
    (void)::nanosleep(&pause, nullptr);
  }
}

void kill_tree(std::int64_t leader, const std::vector<std::int64_t>& others) {
  std::vector<std::int64_t> seen;
  for (int round = 0; round < kKillRounds; ++round) {
    std::vector<ProcEntry> all = read_processes();
    mark(all, leader, others);
    // After the look: the dead have no children any more.
    if (round == 0 && leader > 1) (void)::kill(static_cast<pid_t>(-leader), SIGKILL);
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
