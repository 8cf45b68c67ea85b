// Where a task's numbers come from: the files of its cgroup and, for what those do not say or when it has
// none, /proc over its tree of processes. The second is an approximation: processes that have left the task's
// session and its tree, or that nobody of the task waited for, are missed (docs/metrics.md). Reads files,
// never blocks, writes nothing. Tested in tests/executor/metrics_source_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "executor/metrics_text.h"
#include "executor/runtime.h"

namespace mimas::executor {

// Folders of one task's cgroup; empty where there is none.
struct CgroupFolders {
  std::string cpuacct, cpu, memory, blkio, pids;  // v1
  std::string unified;                            // v2
  bool any() const { return !cpuacct.empty() || !memory.empty() || !unified.empty(); }
};

// By the task's first process, while it lives, else below the roots of the hierarchies. Only folders that are
// there and whose path ends with facts.cgroup: never those of the cgroup we are in ourselves.
CgroupFolders find_cgroup(const RunFacts& facts);

// At most so many processes of one task are looked at.
inline constexpr std::size_t kTreeProcessesMax = 1'000;

Usage read_cgroup(const CgroupFolders& folders);

// Our own children, read once for all tasks: among them may be orphans of a task that we have adopted.
struct OwnChild {
  std::int64_t pid = 0;
  std::int64_t session = 0;
};
std::vector<OwnChild> own_children();
Usage read_tree(std::int64_t leader, const std::vector<OwnChild>& children);
// Of the namespace of that process; nothing known when it is gone.
Transfer read_network(std::int64_t pid);

// `first`, with what it does not know out of `second`.
Usage completed(Usage first, const Usage& second);

}  // namespace mimas::executor
