// What executors that died together with their guards have left on this machine, and its removal: cgroups by
// their names (group_name), processes without one by the mark in their environment (kMarkVariable),
// containers by their labels (docker_reap.h). A pid alone is never believed: the start time must fit as well,
// and names given in another pid namespace are left alone. Tested in tests/executor/reap_test.cc and
// reap_test.py.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "executor/cgroup_map.h"
#include "executor/config.h"

namespace mimas::executor {

// Whether the executor of that name is gone for sure, seen from our pid namespace.
bool is_dead(const GroupName& name, std::uint64_t our_pid_namespace);

// Beside our own groups only, and at most 1000 names: what an executor does before its first process. One
// line for each group removed.
std::vector<std::string> reap_siblings(const std::string& cgroups);

// Everywhere: all hierarchies to a depth of 8 and 20,000 directories, all processes. `say` gets one line for
// each thing found, also when `dry_run` only asks. Blocks, up to 5 s for each group.
void reap_groups(bool dry_run, void (*say_line)(std::string_view));
void reap_processes(bool dry_run, void (*say_line)(std::string_view));

// `mimas-executor reap`: all of it, on stdout. The exit status: 0, or 1 when something could not be removed.
int reap_everything(const Config& config);

}  // namespace mimas::executor
