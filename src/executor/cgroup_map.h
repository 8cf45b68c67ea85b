// Where a process stands in the control group hierarchies, as /proc/PID/cgroup and /proc/self/mountinfo tell:
// version 1 (one hierarchy per controller or two), version 2 (one for all), or both at once ("hybrid"). Also
// the names of the groups an executor makes, and what is to be written into them. Pure: texts come in.
// Facts: cgroups(7), proc(5), Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/. Tested in
// tests/executor/cgroup_map_test.cc.
//
// A task's directories can be found from outside, too: parse_cgroup_map() with the text of its
// /proc/PID/cgroup and our own mountinfo, then directory("memory"). A container's the same way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "executor/spec.h"

namespace mimas::executor {

struct Hierarchy {
  std::string mount;                     // "/sys/fs/cgroup/memory"
  std::string path;                      // the process's own below it: "" or "/docker/4f…"
  std::vector<std::string> controllers;  // version 1: "cpu", "cpuacct"; version 2: empty, the files tell
  bool unified = false;                  // version 2
  std::string directory() const { return mount + path; }
  bool has(std::string_view controller) const;
  bool operator==(const Hierarchy&) const = default;
};

struct CgroupMap {
  std::vector<Hierarchy> hierarchies;  // visible ones with controllers, in the order of the first text
  // The process's own directory for a controller of version 1, else of version 2; empty: it has none.
  std::string directory(std::string_view controller) const;
  const Hierarchy* find(std::string_view controller) const;
  const Hierarchy* unified() const;
  bool operator==(const CgroupMap&) const = default;
};
CgroupMap parse_cgroup_map(std::string_view proc_cgroup, std::string_view mountinfo);

// "mimas-<pid>-<start>-<pid namespace>": an executor and everything below it. A pid alone would be believed
// of whoever has it next; `start` is field 22 of /proc/PID/stat, clock ticks since the machine's start.
struct GroupName {
  std::int64_t pid = 0;
  std::uint64_t start = 0;
  std::uint64_t pid_namespace = 0;  // inode of /proc/self/ns/pid: only there the pid means anything
  bool operator==(const GroupName&) const = default;
};
std::string group_name(const GroupName& name);
inline constexpr std::string_view kLeafEnding = ".executor";  // where an executor itself moves (version 2)
// Also of a leaf; nothing: not one of ours.
std::optional<GroupName> parse_group_name(std::string_view text);

// "t7-<task id>": what a file system and version 2 take for a name, at most 100 bytes of the id.
std::string task_group_name(std::uint64_t number, std::string_view task_id);

// One write into a group's directory.
struct LimitWrite {
  std::string controller;  // whose directory
  std::string file;
  std::string value;
  bool must = true;  // false: older or smaller kernels do not have the file
  bool operator==(const LimitWrite&) const = default;
};
// In order; only what `limits` asks for.
std::vector<LimitWrite> limit_writes(const Limits& limits, bool unified);

// The number behind `name` in lines of "name number" (memory.events, memory.oom_control); -1: none.
std::int64_t counter_in(std::string_view text, std::string_view name);

}  // namespace mimas::executor
