// What a task becomes as a Docker container: its name, its labels, and the body of POST /containers/create.
// The labels say whose it is, so that whoever comes later can tell a container of a living executor from one
// that a dead one left. Pure. Tested in tests/executor/docker_create_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "executor/docker_api.h"
#include "executor/runtime.h"

namespace mimas::executor {

inline constexpr const char* kContainerSandbox = "/mnt/mesos/sandbox";
// Docker's own record of a container's output: at most two files of this size, for `docker logs` and for
// finding the place again after Docker was away.
inline constexpr const char* kDockerLogSize = "10m";
inline constexpr const char* kDockerLogFiles = "2";
inline constexpr std::int64_t kDockerMemoryMin = INT64_C(6) << 20;  // less is refused by Docker

// An executor: a pid alone is used again, a start time alone is shared.
struct ExecutorMark {
  std::int64_t pid = 0;
  std::string start;   // field 22 of /proc/PID/stat
  std::string boot;    // /proc/sys/kernel/random/boot_id
  std::string pid_ns;  // what /proc/self/ns/pid points at: pids are meant in there
  bool operator==(const ExecutorMark&) const = default;
};
ExecutorMark mark_of(const ContainerState& container);  // pid 0: not one of ours

// What a container's mark says, seen from `here`; `alive` is asked of pids in our own namespace alone.
enum class Owner { foreign, self, alive, dead, unsure };
Owner judge_owner(const ExecutorMark& mark, const ExecutorMark& here, bool docker_is_local, bool alive);

struct DockerWho {
  ExecutorMark mark;
  std::string framework_id;
  std::string agent_id;
  bool hands_over =
      false;  // we may give sandboxes to containers' users: as root, with a Docker of this machine
};

// Always the same for the same task of the same framework; at most 120 bytes of what Docker allows.
std::string container_name(std::string_view framework_id, std::string_view task_id);

// What Docker would misread: a colon in a volume's path. Errors (invalid_argument) with a pointer.
Status check_container(const TaskOrder& order);

std::string create_body(const TaskOrder& order, const DockerWho& who, int minor);

}  // namespace mimas::executor
