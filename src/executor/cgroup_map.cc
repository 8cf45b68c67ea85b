#include "executor/cgroup_map.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace mimas::executor {
namespace {

constexpr std::size_t kTaskNameMax = 100;
constexpr std::int64_t kPeriodUs = 100'000;
constexpr std::int64_t kQuotaUsMin = 1'000;  // the kernel takes no less

// Up to `end`, which is dropped with it; everything when there is no `end`.
std::string_view take(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return head;
}

template <class Number>
bool parse_number(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size();
}

bool listed(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    if (take(list, ',') == word) return true;
  }
  return false;
}

// mountinfo writes blanks, tabs, line ends and backslashes as \040 and so on.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out.push_back(
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0'));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

struct Mount {
  std::string root, point;
  std::string_view options;  // of the file system: its controllers
  bool unified = false;
};

// "36 31 0:33 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory"
bool parse_mount(std::string_view line, Mount& into) {
  for (int skipped = 0; skipped < 3; ++skipped) take(line, ' ');
  into.root = unescaped(take(line, ' '));
  into.point = unescaped(take(line, ' '));
  const std::size_t dash = line.find(" - ");
  if (dash == std::string_view::npos) return false;
  line.remove_prefix(dash + 3);
  const std::string_view type = take(line, ' ');
  into.unified = type == "cgroup2";
  if (!into.unified && type != "cgroup") return false;
  take(line, ' ');
  into.options = line;
  return true;
}

std::vector<Mount> parse_mounts(std::string_view text) {
  std::vector<Mount> mounts;
  while (!text.empty()) {
    Mount mount;
    if (parse_mount(take(text, '\n'), mount)) mounts.push_back(std::move(mount));
  }
  return mounts;
}

// `path` as seen below a mount that shows the hierarchy from `root` on; false: it lies outside.
bool below(std::string_view path, std::string_view root, std::string& into) {
  if (root == "/") root = "";
  if (!path.starts_with(root)) return false;
  path.remove_prefix(root.size());
  if (!path.empty() && path.front() != '/') return false;
  into = path == "/" ? "" : std::string(path);
  return true;
}

// The visible place of one line's hierarchy.
bool locate(const std::vector<Mount>& mounts, std::string_view controllers, std::string_view path,
            Hierarchy& into) {
  into.unified = controllers.empty();
  std::string_view rest = controllers;
  while (!rest.empty()) into.controllers.emplace_back(take(rest, ','));
  // Outside of our cgroup namespace, or removed under the process: nothing that can be worked with.
  if (!path.starts_with('/') || path.starts_with("/..") || path.ends_with(" (deleted)")) return false;
  for (const Mount& mount : mounts) {
    if (mount.unified != into.unified) continue;
    if (!into.unified && !listed(mount.options, into.controllers.front())) continue;
    if (!below(path, mount.root, into.path)) continue;
    into.mount = mount.point;
    return true;
  }
  return false;
}

}  // namespace

bool Hierarchy::has(std::string_view controller) const {
  return std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
}

const Hierarchy* CgroupMap::unified() const {
  const auto at = std::find_if(hierarchies.begin(), hierarchies.end(),
                               [](const Hierarchy& hierarchy) { return hierarchy.unified; });
  return at == hierarchies.end() ? nullptr : &*at;
}

const Hierarchy* CgroupMap::find(std::string_view controller) const {
  const auto at = std::find_if(hierarchies.begin(), hierarchies.end(),
                               [&](const Hierarchy& hierarchy) { return hierarchy.has(controller); });
  return at == hierarchies.end() ? unified() : &*at;
}

std::string CgroupMap::directory(std::string_view controller) const {
  const Hierarchy* found = find(controller);
  return found == nullptr ? std::string() : found->directory();
}

CgroupMap parse_cgroup_map(std::string_view proc_cgroup, std::string_view mountinfo) {
  const std::vector<Mount> mounts = parse_mounts(mountinfo);
  CgroupMap map;
  while (!proc_cgroup.empty()) {
    std::string_view line = take(proc_cgroup, '\n');  // "4:memory:/docker/4f…"; a path may hold colons
    take(line, ':');
    const std::string_view controllers = take(line, ':');
    if (controllers.starts_with("name=")) continue;  // somebody's own book-keeping
    Hierarchy hierarchy;
    if (locate(mounts, controllers, line, hierarchy)) map.hierarchies.push_back(std::move(hierarchy));
  }
  return map;
}

std::string group_name(const GroupName& name) {
  return "mimas-" + std::to_string(name.pid) + "-" + std::to_string(name.start) + "-" +
         std::to_string(name.pid_namespace);
}

std::optional<GroupName> parse_group_name(std::string_view text) {
  if (text.ends_with(kLeafEnding)) text.remove_suffix(kLeafEnding.size());
  GroupName name;
  if (take(text, '-') != "mimas") return std::nullopt;
  if (!parse_number(take(text, '-'), name.pid) || name.pid <= 0) return std::nullopt;
  if (!parse_number(take(text, '-'), name.start) || !parse_number(text, name.pid_namespace))
    return std::nullopt;
  return name;
}

std::string task_group_name(std::uint64_t number, std::string_view task_id) {
  std::string name = "t" + std::to_string(number) + "-";
  for (const char c : task_id.substr(0, kTaskNameMax)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';
    name.push_back(plain ? c : '_');
  }
  return name;
}

namespace {

void cpu_writes(const Limits& limits, bool unified, std::vector<LimitWrite>& out) {
  const std::int64_t shares = std::clamp<std::int64_t>(limits.cpu_milli * 1024 / 1000, 2, 262'144);
  const std::int64_t quota = std::max(kQuotaUsMin, limits.cpu_milli * kPeriodUs / 1000);
  if (unified) {
    // The two ranges, 2…262144 and 1…10000, laid upon each other as the container runtimes do.
    out.push_back({"cpu", "cpu.weight", std::to_string(1 + (shares - 2) * 9'999 / 262'142)});
    if (limits.cpu_quota)
      out.push_back({"cpu", "cpu.max", std::to_string(quota) + " " + std::to_string(kPeriodUs)});
    return;
  }
  out.push_back({"cpu", "cpu.shares", std::to_string(shares)});
  if (!limits.cpu_quota) return;
  out.push_back({"cpu", "cpu.cfs_period_us", std::to_string(kPeriodUs)});
  out.push_back({"cpu", "cpu.cfs_quota_us", std::to_string(quota)});
}

}  // namespace

std::vector<LimitWrite> limit_writes(const Limits& limits, bool unified) {
  std::vector<LimitWrite> out;
  if (limits.cpu_milli > 0) cpu_writes(limits, unified, out);
  if (limits.memory_bytes > 0) {
    const std::string bytes = std::to_string(limits.memory_bytes);
    if (unified) {
      out.push_back({"memory", "memory.max", bytes});
      out.push_back({"memory", "memory.swap.max", "0", false});
    } else {
      out.push_back({"memory", "memory.limit_in_bytes", bytes});
      out.push_back({"memory", "memory.memsw.limit_in_bytes", bytes, false});
    }
  }
  if (limits.pids > 0) out.push_back({"pids", "pids.max", std::to_string(limits.pids)});
  return out;
}

std::int64_t counter_in(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    if (take(line, ' ') != name) continue;
    std::int64_t number = -1;
    return parse_number(line, number) ? number : -1;
  }
  return -1;
}

}  // namespace mimas::executor
