#include "executor/cgroup.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "executor/cgroup_tree.h"
#include "executor/directory.h"
#include "executor/guard.h"
#include "executor/process_tree.h"

namespace mimas::executor {
namespace {

constexpr std::size_t kTextMax = 1 << 20;
constexpr const char* kControllers[] = {"cpu", "memory", "pids", "io"};  // of version 2, those we use

bool write_text(const std::string& path, const std::string& text) {
  return write_file_at(AT_FDCWD, path.c_str(), text.c_str());
}

bool make_directory(const std::string& path) { return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST; }

// Each directory on the way from `top`, `path` being "/a/b".
template <class Visit>
bool each_step(const std::string& top, const std::string& path, Visit visit) {
  for (std::size_t at = 0; at != std::string::npos;) {
    at = path.find('/', at + 1);
    if (!visit(top + path.substr(0, at))) return false;
  }
  return true;
}

std::int64_t number_in(const std::string& text) {
  std::int64_t number = -1;
  for (const char c : text) {
    if (c < '0' || c > '9') break;
    number = (number < 0 ? 0 : number * 10) + (c - '0');
  }
  return number;
}

bool word_in(const std::string& text, std::string_view word) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
    if (std::string_view(text).substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

// The surest first: version 2's can kill at one stroke, the freezer's can hold everyone still.
constexpr int kRanks = 3;
int rank(const Hierarchy& hierarchy) { return hierarchy.unified ? 0 : hierarchy.has("freezer") ? 1 : 2; }

// The freezer is of no use where version 2 kills at one stroke; each hierarchy costs two directories per
// task.
bool wanted(const Hierarchy& hierarchy, bool killed_at_one_stroke) {
  if (hierarchy.unified) return true;
  for (const char* controller : {"cpu", "cpuacct", "memory", "pids", "blkio"}) {
    if (hierarchy.has(controller)) return true;
  }
  return hierarchy.has("freezer") && !killed_at_one_stroke;
}

}  // namespace

std::string read_text(const std::string& path) {
  std::string text;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char buffer[4096];
  ssize_t got;
  while ((got = ::read(fd, buffer, sizeof buffer)) > 0 && text.size() < kTextMax)
    text.append(buffer, static_cast<std::size_t>(got));
  ::close(fd);
  return text;
}

CgroupMap read_cgroup_map() {
  return parse_cgroup_map(read_text("/proc/self/cgroup"), read_text("/proc/self/mountinfo"));
}

GroupName own_group_name() {
  struct stat space {};
  const std::int64_t pid = guard_pid();
  const bool known = ::stat("/proc/self/ns/pid", &space) == 0;
  return {pid, process_start(pid), known ? std::uint64_t{space.st_ino} : 0};
}

// --- one task's

void Cgroup::swap(Cgroup& other) noexcept {
  std::swap(directories_, other.directories_);
  std::swap(entries_, other.entries_);
  std::swap(path_, other.path_);
  std::swap(memory_, other.memory_);
  std::swap(memory_unified_, other.memory_unified_);
  std::swap(watch_, other.watch_);
}

void Cgroup::close() {
  close_entries();
  if (watch_ >= 0) ::close(std::exchange(watch_, -1));
}

void Cgroup::close_entries() {
  for (const int fd : entries_) ::close(fd);
  entries_.clear();
}

std::vector<int> Cgroup::open_entries() const {
  std::vector<int> entries;
  for (const std::string& directory : directories_) {
    const int fd = ::open((directory + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
    if (fd >= 0) entries.push_back(fd);
  }
  return entries;
}

std::vector<std::int64_t> Cgroup::members() const {
  std::vector<std::int64_t> pids;
  const int fd =
      directories_.empty() ? -1 : ::open((directories_[0] + "/cgroup.procs").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return pids;
  each_number(fd, [&](std::int64_t pid) {
    if (pid > 1) pids.push_back(pid);
  });
  ::close(fd);
  return pids;
}

bool Cgroup::empty() const {
  return std::all_of(directories_.begin(), directories_.end(),
                     [](const std::string& directory) { return group_empty(directory.c_str()); });
}

void Cgroup::kill() const {
  for (const std::string& directory : directories_) {
    if (!group_empty(directory.c_str())) kill_group(directory.c_str());
  }
}

bool Cgroup::remove() {
  std::erase_if(directories_, [](const std::string& directory) { return remove_group(directory.c_str()); });
  return directories_.empty();
}

std::int64_t Cgroup::memory_peak_bytes() const {
  if (memory_.empty()) return -1;
  return number_in(read_text(memory_ + (memory_unified_ ? "/memory.peak" : "/memory.max_usage_in_bytes")));
}

std::int64_t Cgroup::memory_kills() const {
  if (memory_.empty()) return -1;
  return counter_in(read_text(memory_ + (memory_unified_ ? "/memory.events" : "/memory.oom_control")),
                    "oom_kill");
}

// Version 1 tells through an eventfd that is named to it, version 2 by the file of the counters itself.
void Cgroup::watch_memory() {
  if (memory_.empty()) return;
  if (memory_unified_) {
    watch_ = ::open((memory_ + "/memory.events").c_str(), O_RDONLY | O_CLOEXEC);
    drain();
    return;
  }
  const int control = ::open((memory_ + "/memory.oom_control").c_str(), O_RDONLY | O_CLOEXEC);
  if (control < 0) return;
  watch_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (watch_ >= 0 &&
      !write_text(memory_ + "/cgroup.event_control", std::to_string(watch_) + " " + std::to_string(control)))
    ::close(std::exchange(watch_, -1));
  ::close(control);
}

void Cgroup::add_to(std::vector<pollfd>& polled) const {
  if (watch_ >= 0) polled.push_back({watch_, static_cast<short>(memory_unified_ ? POLLPRI : POLLIN), 0});
}

void Cgroup::drain() const {
  char text[512];
  if (watch_ < 0) return;
  if (memory_unified_ && ::lseek(watch_, 0, SEEK_SET) != 0) return;
  while (::read(watch_, text, sizeof text) > 0) {
    if (!memory_unified_) return;
  }
}

// --- all of an executor's

void Cgroups::complain_once(std::string kind, std::string text, std::vector<std::string>& complaints) {
  if (std::find(complained_.begin(), complained_.end(), kind) != complained_.end()) return;
  complained_.push_back(std::move(kind));
  complaints.push_back(std::move(text));
}

void Cgroups::set_up(std::vector<std::string>& complaints) {
  if (std::exchange(ready_, true) || setting_ == "off") return;
  name_ = group_name(own_group_name());
  const CgroupMap map = read_cgroup_map();
  std::string why_not = "none is mounted";
  for (int turn = 0; turn < kRanks; ++turn) {
    for (const Hierarchy& hierarchy : map.hierarchies) {
      const bool kill_file =
          !bases_.empty() && ::access((bases_[0].directory + "/cgroup.kill").c_str(), W_OK) == 0;
      if (rank(hierarchy) == turn && wanted(hierarchy, kill_file)) (void)add_base(hierarchy, why_not);
    }
  }
  if (bases_.empty())
    complain_once("", "tasks run without cgroups, so that their limits are not enforced: " + why_not,
                  complaints);
}

bool Cgroups::add_base(const Hierarchy& hierarchy, std::string& why_not) {
  Base base{hierarchy, {}};
  if (setting_ != "auto") {
    base.hierarchy.path = (setting_.starts_with('/') ? "" : "/") + setting_;
    while (base.hierarchy.path.ends_with('/')) base.hierarchy.path.pop_back();
    if (!base.hierarchy.path.empty())
      (void)each_step(hierarchy.mount, base.hierarchy.path,
                      [](const std::string& step) { return make_directory(step); });
  }
  base.directory = base.hierarchy.directory() + "/" + name_;
  if (!make_directory(base.directory)) {
    why_not = "cannot make " + base.directory + ": " + std::strerror(errno);
    return false;
  }
  // Beside version 1 it is of use for its kill alone.
  if (hierarchy.unified && !enable_controllers(base) &&
      ::access((base.directory + "/cgroup.kill").c_str(), W_OK) != 0) {
    why_not = base.directory + " has no controllers";
    ::rmdir(base.directory.c_str());
    return false;
  }
  (void)guard_group(base.directory.c_str());
  bases_.push_back(std::move(base));
  return true;
}

// A group of version 2 passes controllers on only while no process is in itself (but for the root): then we
// and our guard move into a group beside the tasks', if nobody else lives there. True: there are controllers.
bool Cgroups::enable_controllers(Base& base) {
  const std::string own = base.hierarchy.directory();
  const auto enable = [](const std::string& directory, const char* controller) {
    const std::string file = directory + "/cgroup.subtree_control";
    return word_in(read_text(file), controller) || write_text(file, "+" + std::string(controller));
  };
  for (const char* controller : kControllers) {
    if (!word_in(read_text(base.hierarchy.mount + "/cgroup.controllers"), controller) &&
        !word_in(read_text(own + "/cgroup.controllers"), controller))
      continue;
    if (setting_ != "auto")
      (void)enable(base.hierarchy.mount, controller),
          (void)each_step(base.hierarchy.mount, base.hierarchy.path,
                          [&](const std::string& step) { return enable(step, controller); });
    bool enabled = enable(own, controller);
    if (!enabled && errno == EBUSY && leaf_.empty() && move_to_leaf(own)) enabled = enable(own, controller);
    if (enabled && enable(base.directory, controller)) base.hierarchy.controllers.emplace_back(controller);
  }
  return !base.hierarchy.controllers.empty();
}

bool Cgroups::move_to_leaf(const std::string& own) {
  const std::string procs = read_text(own + "/cgroup.procs");
  std::vector<std::int64_t> members;
  for (std::size_t at = 0; at < procs.size(); at = procs.find('\n', at) + 1)
    members.push_back(number_in(procs.substr(at, procs.find('\n', at) - at)));
  const std::int64_t self = ::getpid();
  for (const std::int64_t pid : members) {
    ProcStat process;
    const bool ours =
        pid == self || pid == guard_pid() || (read_process(pid, process) && process.parent == self);
    if (!ours) return false;
  }
  const std::string leaf = own + "/" + name_ + std::string(kLeafEnding);
  if (!make_directory(leaf)) return false;
  for (const std::int64_t pid : members) {
    if (!write_text(leaf + "/cgroup.procs", std::to_string(pid)) && errno != ESRCH) return false;
  }
  leaf_ = leaf;
  return true;
}

std::optional<Cgroup> Cgroups::make(std::string_view task_id, const Limits& limits,
                                    std::vector<std::string>& complaints) {
  set_up(complaints);
  if (bases_.empty()) return std::nullopt;
  Cgroup group;
  const std::string name = task_group_name(++made_, task_id);
  for (const Base& base : bases_) {
    const std::string directory = base.directory + "/" + name;
    if (!make_directory(directory)) continue;
    const int entry = ::open((directory + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
    if (entry < 0) {
      ::rmdir(directory.c_str());
      continue;
    }
    group.directories_.push_back(directory);
    group.entries_.push_back(entry);
    if (!base.hierarchy.has("memory")) continue;
    group.memory_ = directory;
    group.memory_unified_ = base.hierarchy.unified;
  }
  if (group.directories_.empty()) {
    complain_once("", "tasks run without cgroups: cannot make any below " + bases_[0].directory, complaints);
    return std::nullopt;
  }
  group.path_ = name_ + "/" + name;
  if (limits.memory_bytes > 0) group.watch_memory();
  limit(group, limits, complaints);
  return group;
}

void Cgroups::limit(const Cgroup& group, const Limits& limits, std::vector<std::string>& complaints) {
  const std::string name = group.path_.substr(group.path_.find('/'));
  for (const char* controller : {"cpu", "memory", "pids"}) {
    const auto base = std::find_if(bases_.begin(), bases_.end(),
                                   [&](const Base& b) { return b.hierarchy.has(controller); });
    const bool unified = base != bases_.end() && base->hierarchy.unified;
    for (const LimitWrite& write : limit_writes(limits, unified)) {
      if (write.controller != controller) continue;
      const std::string file = base == bases_.end() ? "" : base->directory + name + "/" + write.file;
      if (!file.empty() && (write_text(file, write.value) || !write.must)) continue;
      complain_once(
          controller,
          std::string("the limit of ") + controller + " is not enforced: " +
              (file.empty() ? "there is no such cgroup controller for us"
                            : "cannot write " + write.value + " to " + file + ": " + std::strerror(errno)),
          complaints);
      break;
    }
  }
}

void Cgroups::remove() {
  for (const Base& base : bases_) (void)remove_group(base.directory.c_str());
  if (!leaf_.empty()) {
    const std::string own = leaf_.substr(0, leaf_.rfind('/'));
    for (const char* controller : kControllers)
      (void)write_text(own + "/cgroup.subtree_control", "-" + std::string(controller));
    for (const std::int64_t pid : {std::int64_t{::getpid()}, guard_pid()})
      (void)write_text(own + "/cgroup.procs", std::to_string(pid));
    (void)remove_group(leaf_.c_str());
  }
  bases_.clear();
  leaf_.clear();
  ready_ = false;
}

}  // namespace mimas::executor
