// The groups that hold an executor's tasks, of either version or both at once: what a task may use, what it
// has used, whether the kernel killed someone in it for want of memory, and everyone in it for a kill that
// misses nobody. Below our own group (or --cgroups PATH) there is one of ours, named by group_name(), and in
// it one per task. Nothing is touched before the first task. Where we may not write, tasks run without, which
// is said once. One thread; nothing blocks. Tested on the real files in tests/executor/cgroup_test.cc.
#pragma once

#include <poll.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "executor/cgroup_map.h"
#include "executor/spec.h"

namespace mimas::executor {

// One task's group, a directory in each hierarchy. Moving is cheap; the directories stay until remove().
class Cgroup {
 public:
  Cgroup() = default;
  Cgroup(Cgroup&& other) noexcept { swap(other); }
  Cgroup& operator=(Cgroup&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Cgroup() { close(); }

  // Open cgroup.procs files: whoever writes "0" into each is in. Closed by close_entries().
  const std::vector<int>& entries() const { return entries_; }
  std::vector<int> open_entries() const;  // a second time, for a probe; the caller closes them
  void close_entries();
  // "mimas-…/t1-web": how its path ends in every hierarchy (RunFacts.cgroup).
  const std::string& path() const { return path_; }

  bool empty() const;
  std::vector<std::int64_t> members() const;  // not of groups below, which a task may have made
  void kill() const;                          // SIGKILL to everyone, once; ask empty() and call again
  bool remove();                              // false: not yet
  std::int64_t memory_peak_bytes() const;     // -1: not known (version 2 before 5.19, no memory controller)
  // How often the kernel killed someone of it for want of memory since it was made; -1: not known.
  std::int64_t memory_kills() const;

  // Readable (POLLIN or POLLPRI) when memory_kills() may have grown; -1: no such descriptor.
  void add_to(std::vector<pollfd>& polled) const;
  void drain() const;  // after which it is quiet until the next time

 private:
  friend class Cgroups;
  void swap(Cgroup& other) noexcept;
  void close();
  void watch_memory();

  std::vector<std::string> directories_;  // unified first, then the freezer's: by these a kill is surest
  std::vector<int> entries_;
  std::string path_;
  std::string memory_;  // the directory with the memory controller; empty: none
  bool memory_unified_ = false;
  int watch_ = -1;
};

class Cgroups {
 public:
  explicit Cgroups(std::string setting) : setting_(std::move(setting)) {}  // Config::cgroups

  // Nothing where that is not to be or not possible. What could not be had is said in `complaints`, each
  // kind once for all tasks.
  std::optional<Cgroup> make(std::string_view task_id, const Limits& limits,
                             std::vector<std::string>& complaints);
  void remove();  // ours; what still holds someone stays

 private:
  struct Base {
    Hierarchy hierarchy;
    std::string directory;  // ours in it
  };
  void set_up(std::vector<std::string>& complaints);
  bool add_base(const Hierarchy& hierarchy, std::string& why_not);
  bool enable_controllers(Base& base);
  bool move_to_leaf(const std::string& own);
  void limit(const Cgroup& group, const Limits& limits, std::vector<std::string>& complaints);
  void complain_once(std::string kind, std::string text, std::vector<std::string>& complaints);

  std::string setting_;
  bool ready_ = false;
  std::string name_;  // group_name()
  std::vector<Base> bases_;
  std::string leaf_;  // where we have moved to; empty: we stayed
  std::uint64_t made_ = 0;
  std::vector<std::string> complained_;
};

// Our own name for groups: guard_pid() and its start.
GroupName own_group_name();
// This machine's, of ourselves.
CgroupMap read_cgroup_map();
// A small file of /proc or /sys; empty: not there.
std::string read_text(const std::string& path);

}  // namespace mimas::executor
