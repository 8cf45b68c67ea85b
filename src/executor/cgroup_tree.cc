#include "executor/cgroup_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "executor/directory.h"

namespace mimas::executor {
namespace {

constexpr int kDepthMax = 8;  // of groups a task has made within its own
constexpr int kOnlyDirectories = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

// Its processes, not those of the groups below; we do not count.
template <class Visit>
void each_member(int directory, Visit visit) {
  const int fd = ::openat(directory, "cgroup.procs", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  const std::int64_t self = ::getpid();
  each_number(fd, [&](std::int64_t pid) {
    if (pid != self && pid > 0) visit(pid);  // 0: of a pid namespace that we do not see
  });
  ::close(fd);
}

template <class Visit>
void each_group_below(int directory, Visit visit) {
  const int again = ::openat(directory, ".", kOnlyDirectories);  // an offset of its own
  if (again < 0) return;
  each_entry(again, [&](const char* name, bool is_directory) {
    if (is_directory) visit(name);
  });
  ::close(again);
}

bool empty_at(int directory, int depth) {
  bool empty = true;
  each_member(directory, [&](std::int64_t) { empty = false; });
  if (!empty || depth >= kDepthMax) return empty;
  each_group_below(directory, [&](const char* name) {
    const int below = empty ? ::openat(directory, name, kOnlyDirectories) : -1;
    if (below < 0) return;
    empty = empty_at(below, depth + 1);
    ::close(below);
  });
  return empty;
}

void kill_each_at(int directory, int depth) {
  each_member(directory, [](std::int64_t pid) { (void)::kill(static_cast<pid_t>(pid), SIGKILL); });
  if (depth >= kDepthMax) return;
  each_group_below(directory, [&](const char* name) {
    const int below = ::openat(directory, name, kOnlyDirectories);
    if (below < 0) return;
    kill_each_at(below, depth + 1);
    ::close(below);
  });
}

// At one stroke would take us along, and frozen we could not thaw it.
bool holds_us(int directory, int depth) {
  bool found = false;
  const std::int64_t self = ::getpid();
  const int fd = ::openat(directory, "cgroup.procs", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  each_number(fd, [&](std::int64_t pid) { found = found || pid == self; });
  ::close(fd);
  if (found || depth >= kDepthMax) return found;
  each_group_below(directory, [&](const char* name) {
    const int below = found ? -1 : ::openat(directory, name, kOnlyDirectories);
    if (below < 0) return;
    found = holds_us(below, depth + 1);
    ::close(below);
  });
  return found;
}

void kill_at(int directory) {
  const bool apart = !holds_us(directory, 0);
  if (apart && write_file_at(directory, "cgroup.kill", "1")) return;
  // What is frozen cannot fork while we read; the signals arrive when it thaws.
  const bool frozen = apart && write_file_at(directory, "freezer.state", "FROZEN");
  kill_each_at(directory, 0);
  if (frozen) (void)write_file_at(directory, "freezer.state", "THAWED");
}

void remove_below(int directory, int depth) {
  if (depth >= kDepthMax) return;
  each_group_below(directory, [&](const char* name) {
    const int below = ::openat(directory, name, kOnlyDirectories);
    if (below < 0) return;
    remove_below(below, depth + 1);
    ::close(below);
    (void)::unlinkat(directory, name, AT_REMOVEDIR);
  });
}

}  // namespace

bool group_empty(const char* directory) {
  const int fd = ::open(directory, kOnlyDirectories);
  if (fd < 0) return true;
  const bool empty = empty_at(fd, 0);
  ::close(fd);
  return empty;
}

void kill_group(const char* directory) {
  const int fd = ::open(directory, kOnlyDirectories);
  if (fd < 0) return;
  kill_at(fd);
  ::close(fd);
}

bool remove_group(const char* directory) {
  if (::rmdir(directory) == 0 || errno == ENOENT) return true;
  const int fd = ::open(directory, kOnlyDirectories);
  if (fd < 0) return errno == ENOENT;
  remove_below(fd, 0);
  ::close(fd);
  return ::rmdir(directory) == 0 || errno == ENOENT;
}

bool end_group(const char* directory, int ms) {
  for (int waited = 0; !remove_group(directory); ++waited) {
    if (waited >= ms) return false;
    if (waited % 16 == 0) kill_group(directory);
    const struct timespec pause = {0, 1'000'000};
    (void)::nanosleep(&pause, nullptr);
  }
  return true;
}

}  // namespace mimas::executor
