#include "executor/reap.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "executor/cgroup.h"
#include "executor/cgroup_tree.h"
#include "executor/directory.h"
#include "executor/docker_reap.h"
#include "executor/guard.h"
#include "executor/process_runtime.h"
#include "executor/process_tree.h"

namespace mimas::executor {
namespace {

constexpr int kDepthMax = 8;
constexpr int kDirectoriesMax = 20'000;
constexpr int kSiblingsMax = 1'000;
constexpr int kSiblingMs = 500;
constexpr int kEndMs = 5'000;

// One dead executor's group of one name: a directory in each hierarchy.
struct Left {
  std::string name;
  GroupName owner;
  std::vector<std::string> directories;
};

struct Search {
  std::uint64_t pid_namespace = 0;
  int depth_max = 0;
  int left = 0;  // how many more names are looked at
  std::vector<Left> found;
};

void note(Search& search, const std::string& name, const GroupName& owner, std::string directory) {
  const auto same = [&](const Left& left) { return left.name == name; };
  auto at = std::find_if(search.found.begin(), search.found.end(), same);
  if (at == search.found.end()) at = search.found.insert(search.found.end(), {name, owner, {}});
  if (std::find(at->directories.begin(), at->directories.end(), directory) == at->directories.end())
    at->directories.push_back(std::move(directory));
}

void look_into(const std::string& directory, int depth, Search& search) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return;
  std::vector<std::string> deeper;
  each_entry(fd, [&](const char* entry, bool is_directory) {
    if (!is_directory || --search.left < 0) return;
    const auto owner = parse_group_name(entry);
    if (owner && is_dead(*owner, search.pid_namespace)) {
      note(search, entry, *owner, directory + "/" + entry);
    } else if (depth < search.depth_max) {
      deeper.emplace_back(entry);
    }
  });
  ::close(fd);
  for (const std::string& entry : deeper) look_into(directory + "/" + entry, depth + 1, search);
}

bool remove_left(const Left& left, int ms) {
  bool removed = true;
  for (const std::string& directory : left.directories) kill_group(directory.c_str());
  for (const std::string& directory : left.directories) removed = end_group(directory.c_str(), ms) && removed;
  return removed;
}

std::string line_about(const Left& left, std::string_view what) {
  return std::string(what) + " the cgroup " + left.name + " of an executor that died (pid " +
         std::to_string(left.owner.pid) + ")";
}

// The mark of a process; empty: it has none, or is not ours to look at.
std::string mark_of(std::int64_t pid) {
  const std::string environment = read_text("/proc/" + std::to_string(pid) + "/environ");
  const std::string start = std::string(kMarkVariable) + "=";
  for (std::size_t at = 0; at < environment.size(); at = environment.find('\0', at) + 1) {
    const std::size_t end = std::min(environment.find('\0', at), environment.size());
    if (environment.compare(at, start.size(), start) == 0)
      return environment.substr(at + start.size(), end - at - start.size());
    if (end == environment.size()) break;
  }
  return {};
}

int failures = 0;

void print_line(std::string_view text) {
  if (text.starts_with("cannot")) ++failures;
  std::string line(text);
  line.push_back('\n');
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) ++failures;
}

}  // namespace

bool is_dead(const GroupName& name, std::uint64_t our_pid_namespace) {
  return our_pid_namespace != 0 && name.pid_namespace == our_pid_namespace &&
         process_start(name.pid) != name.start;
}

std::vector<std::string> reap_siblings(const std::string& cgroups) {
  std::vector<std::string> lines;
  if (cgroups == "off") return lines;
  const CgroupMap map = read_cgroup_map();
  const std::string place = cgroups.starts_with('/') ? cgroups : "/" + cgroups;
  const auto directory_in = [&](const Hierarchy& hierarchy) {
    return cgroups == "auto" ? hierarchy.directory() : hierarchy.mount + place;
  };
  // Whoever is dead is so everywhere: beside hundreds of executors, not looking in every hierarchy makes it
  // cheap.
  Search search{own_group_name().pid_namespace, 0, kSiblingsMax, {}};
  const Hierarchy* memory = map.find("memory");
  const Hierarchy* unified = map.unified();
  if (memory != nullptr) look_into(directory_in(*memory), 0, search);
  if (unified != nullptr && unified != memory) look_into(directory_in(*unified), 0, search);
  for (Left& left : search.found) {
    left.directories.clear();
    for (const Hierarchy& hierarchy : map.hierarchies)
      left.directories.push_back(directory_in(hierarchy) + "/" + left.name);
  }
  for (const Left& left : search.found) {
    guard_beat();
    if (remove_left(left, kSiblingMs)) lines.push_back(line_about(left, "removed"));
  }
  return lines;
}

void reap_groups(bool dry_run, void (*say_line)(std::string_view)) {
  Search search{own_group_name().pid_namespace, kDepthMax, kDirectoriesMax, {}};
  for (const Hierarchy& hierarchy : read_cgroup_map().hierarchies) look_into(hierarchy.mount, 0, search);
  for (const Left& left : search.found) {
    const bool done = !dry_run && remove_left(left, kEndMs);
    say_line(line_about(left, dry_run ? "would remove" : done ? "removed" : "cannot remove"));
  }
}

// Repeated while there is someone: a process may fork while we read.
void reap_processes(bool dry_run, void (*say_line)(std::string_view)) {
  constexpr int kRounds = 8;
  const std::uint64_t pid_namespace = own_group_name().pid_namespace;
  bool found = true;
  for (int round = 0; found && round < (dry_run ? 1 : kRounds); ++round) {
    found = false;
    const int proc = ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0) return;
    each_entry(proc, [&](const char* name, bool) {
      const std::int64_t pid = name[0] >= '1' && name[0] <= '9' ? std::atol(name) : 0;
      if (pid <= 1 || pid == ::getpid()) return;
      const auto owner = parse_group_name(mark_of(pid));
      if (!owner || !is_dead(*owner, pid_namespace) || process_start(pid) == 0) return;
      const bool killed = !dry_run && ::kill(static_cast<pid_t>(pid), SIGKILL) == 0;
      if (!dry_run && !killed && errno == ESRCH) return;
      found = found || killed;
      say_line(std::string(dry_run  ? "would kill"
                           : killed ? "killed"
                                    : "cannot kill") +
               " process " + std::to_string(pid) + " of an executor that died (pid " +
               std::to_string(owner->pid) + ")");
    });
    ::close(proc);
  }
}

int reap_everything(const Config& config) {
  if (config.cgroups != "off") reap_groups(config.dry_run, &print_line);
  reap_processes(config.dry_run, &print_line);
  const auto containers = reap_containers(config, config.dry_run);
  if (containers.ok()) {
    for (const std::string& line : *containers) print_line(line);
  } else if (containers.error().code !=
             Code::unavailable) {  // a machine without Docker has no containers left
    print_line("cannot ask Docker: " + containers.error().text());
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace mimas::executor
