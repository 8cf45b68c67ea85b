#include "pocket/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>
#include <sstream>
#include <utility>

namespace mimas::pocket {
namespace {

constexpr int kPollWithoutPidfdMs = 100;
constexpr int kFirstForeignFd = 3;

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

// posix_spawnp would look in our own PATH, not in the program's.
std::string find_program(const Program& program) {
  const std::string& name = program.argv.front();
  if (name.find('/') != std::string::npos) return name;
  std::string path;
  for (const std::string& one : program.environment)
    if (one.starts_with("PATH=")) path = one.substr(5);
  std::istringstream folders(path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = folder + "/" + name;
    if (!folder.empty() && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return name;
}

int prepare(const Program& program, posix_spawn_file_actions_t* actions, posix_spawnattr_t* attributes) {
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  sigdelset(&all, SIGKILL);
  sigdelset(&all, SIGSTOP);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (program.new_session) flags = static_cast<short>(flags | POSIX_SPAWN_SETSID);
  int failed = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  for (const auto& [given, as] : {std::pair{program.out, 1}, std::pair{program.err, 2}}) {
    if (failed != 0) break;
    failed = given >= 0 ? posix_spawn_file_actions_adddup2(actions, given, as)
                        : posix_spawn_file_actions_addopen(actions, as, "/dev/null", O_WRONLY, 0);
  }
  if (failed == 0) failed = posix_spawn_file_actions_addclosefrom_np(actions, kFirstForeignFd);
  if (failed == 0 && !program.directory.empty())
    failed = posix_spawn_file_actions_addchdir_np(actions, program.directory.c_str());
  if (failed == 0) failed = posix_spawnattr_setflags(attributes, flags);
  if (failed == 0) failed = posix_spawnattr_setsigmask(attributes, &none);
  if (failed == 0) failed = posix_spawnattr_setsigdefault(attributes, &all);
  return failed;
}

struct StatFields {
  pid_t session = 0;
  std::uint64_t start_time = 0;
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  std::uint64_t rss_pages = 0;
};

// The command's name stands in parentheses and may hold anything: what counts follows the last ')'.
bool read_stat(pid_t pid, StatFields* into) {
  // Not by a stream: reading of a process that ends at that moment fails, and a stream buffer would throw.
  const int fd = ::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char buffer[2048];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  ::close(fd);
  const std::string text(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos) return false;
  std::istringstream rest(text.substr(end + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  constexpr std::size_t kSession = 3;  // state ppid pgrp session …
  constexpr std::size_t kUserTicks = 11;
  constexpr std::size_t kSystemTicks = 12;
  constexpr std::size_t kStartTime = 19;  // field 22 of proc(5)
  constexpr std::size_t kRssPages = 21;
  if (fields.size() <= kRssPages) return false;
  into->user_ticks = std::strtoull(fields[kUserTicks].c_str(), nullptr, 10);
  into->system_ticks = std::strtoull(fields[kSystemTicks].c_str(), nullptr, 10);
  into->rss_pages = std::strtoull(fields[kRssPages].c_str(), nullptr, 10);
  into->session = static_cast<pid_t>(std::strtol(fields[kSession].c_str(), nullptr, 10));
  into->start_time = std::strtoull(fields[kStartTime].c_str(), nullptr, 10);
  return true;
}

int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

bool alive(pid_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

// Has this process ended? For a child also when it is only a zombie.
bool ended_without_pidfd(pid_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0)
    return info.si_pid == pid;
  return !alive(pid);
}

}  // namespace

Result<pid_t> spawn(const Program& program) {
  if (program.argv.empty()) return make_error(Code::invalid_argument, "there is no program to start");
  // One at a time: a child that has not yet reached exec holds a copy of every file open for writing here,
  // and executing such a file would fail with ETXTBSY. Whoever holds the lock knows all earlier children are
  // past it.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  pid_t pid = 0;
  int failed = prepare(program, &actions, &attributes);
  if (failed == 0) {
    const std::string path = find_program(program);
    failed = ::posix_spawn(&pid, path.c_str(), &actions, &attributes, pointers(program.argv).data(),
                           pointers(program.environment).data());
  }
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0)
    return make_error(Code::io, std::string("cannot start: ") + std::strerror(failed), program.argv.front());
  return pid;
}

std::uint64_t process_start_time(pid_t pid) {
  StatFields fields;
  return pid > 0 && read_stat(pid, &fields) ? fields.start_time : 0;
}

std::map<pid_t, SessionUse> session_use(const std::vector<pid_t>& leaders) {
  std::map<pid_t, SessionUse> use;
  for (const pid_t leader : leaders) use[leader];
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const std::int64_t page = ::sysconf(_SC_PAGESIZE);
  DIR* proc = ::opendir("/proc");
  if (proc == nullptr) return use;
  while (const dirent* entry = ::readdir(proc)) {
    const pid_t pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    StatFields fields;
    if (pid <= 1 || !read_stat(pid, &fields)) continue;
    const auto found = use.find(fields.session);
    if (found == use.end()) continue;
    found->second.user_seconds += static_cast<double>(fields.user_ticks) / ticks;
    found->second.system_seconds += static_cast<double>(fields.system_ticks) / ticks;
    found->second.rss_bytes += static_cast<std::int64_t>(fields.rss_pages) * page;
  }
  ::closedir(proc);
  return use;
}

void kill_sessions(const std::vector<pid_t>& leaders, int signal) {
  std::set<pid_t> sessions;
  for (const pid_t leader : leaders) {
    if (leader <= 1) continue;
    ::kill(-leader, signal);
    sessions.insert(leader);
  }
  DIR* proc = sessions.empty() ? nullptr : ::opendir("/proc");
  if (proc == nullptr) return;
  while (const dirent* entry = ::readdir(proc)) {
    const pid_t pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    StatFields fields;
    if (pid > 1 && read_stat(pid, &fields) && sessions.contains(fields.session)) ::kill(pid, signal);
  }
  ::closedir(proc);
}

Status ProcessWatch::start(Ended ended) {
  ended_ = std::move(ended);
  wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd_ < 0) return make_error(Code::io, std::string("eventfd: ") + std::strerror(errno));
  thread_ = std::thread([this] { run(); });
  return Done{};
}

void ProcessWatch::watch(std::uint64_t key, pid_t pid) {
  const std::lock_guard lock(mutex_);
  arriving_.push_back({key, pid, open_pidfd(pid)});
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
}

void ProcessWatch::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
  }
  thread_.join();
  ::close(wake_fd_);
  for (const Watched& one : arriving_)
    if (one.pidfd >= 0) ::close(one.pidfd);
}

void ProcessWatch::run() {
  std::vector<Watched> watched;
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
      watched.insert(watched.end(), arriving_.begin(), arriving_.end());
      arriving_.clear();
    }
    std::vector<pollfd> polled{{wake_fd_, POLLIN, 0}};
    int timeout = -1;
    for (const Watched& one : watched) {
      polled.push_back({one.pidfd, POLLIN, 0});  // a negative descriptor is ignored by poll
      if (one.pidfd < 0) timeout = kPollWithoutPidfdMs;
    }
    ::poll(polled.data(), polled.size(), timeout);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t drained = ::read(wake_fd_, &count, sizeof count);
    std::vector<Watched> over;
    std::vector<Watched> going_on;
    for (std::size_t i = 0; i < watched.size(); ++i) {
      const bool ended =
          watched[i].pidfd >= 0 ? polled[i + 1].revents != 0 : ended_without_pidfd(watched[i].pid);
      (ended ? over : going_on).push_back(watched[i]);
    }
    watched = std::move(going_on);
    if (!over.empty()) reap(over);
  }
  for (const Watched& one : watched)
    if (one.pidfd >= 0) ::close(one.pidfd);
}

// The session goes before the leader is reaped: until then its number cannot be given to anyone else.
void ProcessWatch::reap(std::vector<Watched>& over) {
  std::vector<pid_t> leaders;
  for (const Watched& one : over) leaders.push_back(one.pid);
  kill_sessions(leaders, SIGKILL);
  for (const Watched& one : over) {
    int status = 0;
    const pid_t reaped = ::waitpid(one.pid, &status, WNOHANG);
    if (one.pidfd >= 0) ::close(one.pidfd);
    ended_(one.key, reaped == one.pid ? status : -1);
  }
}

}  // namespace mimas::pocket
