// Who we are and who else lives on this machine, as /proc tells: what the labels of containers are compared
// with. Any thread. Tested in tests/executor/docker_runtime_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "executor/docker_create.h"

namespace mimas::executor {

// A whole small file; empty when it cannot be read or is larger.
std::string read_small_file(const std::string& path, std::size_t bytes_max);

// Field 22 of /proc/PID/stat; empty: there is no such process.
std::string process_start_text(std::int64_t pid);

ExecutorMark own_mark();

Owner owner_of(const ExecutorMark& mark, const ExecutorMark& here, bool docker_is_local);

// The process's group below the hierarchies' roots, without a leading slash, if the process belongs to that
// container; empty when it does not, or cannot be seen from here.
std::string container_cgroup(std::int64_t pid, std::string_view container_id);

}  // namespace mimas::executor
