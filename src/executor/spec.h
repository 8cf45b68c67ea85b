// What a task is to be, as the bytes of TaskInfo.data say it (schema/executor/task.json): the one description
// that both runtimes, the health checks, the log keeper and the metrics read. Pure. Anything may come in;
// limits: 8 MiB of text, 4096 words or variables, 100 of every other list. Errors carry a JSON pointer in
// `where`. Tested in tests/executor/spec_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mimas::executor {

inline constexpr std::size_t kWordsMax = 4096;
inline constexpr std::size_t kListMax = 100;

using Variables = std::vector<std::pair<std::string, std::string>>;

enum class RuntimeKind { process, docker };

struct Command {
  std::vector<std::string>
      argv;  // a shell line is {"/bin/sh", "-c", line}; docker: empty means the image's own
  Variables env;
  std::string cwd;   // relative to the sandbox; docker: absolute, in the container; empty: the default
  std::string user;  // "name", "uid" or "uid:gid"; empty: our own, docker: the image's
  bool operator==(const Command&) const = default;
};

// A resource limit of setrlimit(2); -1 means unlimited.
struct ResourceLimit {
  std::string name;  // "nofile", "nproc", "core", "memlock", "stack", "fsize", "data", "as", "cpu"
  std::int64_t soft = -1, hard = -1;
  bool operator==(const ResourceLimit&) const = default;
};

// Enforced through a cgroup or by Docker where that is possible; else said once and left.
struct Limits {
  std::int64_t cpu_milli = 0;     // shares: cpu_milli · 1024 / 1000, at least 2; 0: none
  bool cpu_quota = false;         // cpu_milli is also the most it may use
  std::int64_t memory_bytes = 0;  // hard; 0: none
  std::int64_t pids = 0;          // 0: none
  std::vector<ResourceLimit> rlimits;
  bool operator==(const Limits&) const = default;
};

struct PortMapping {
  std::int32_t container = 0;
  std::int32_t host = 0;
  bool udp = false;
  bool operator==(const PortMapping&) const = default;
};
struct Volume {
  std::string source;  // an absolute path of the host, or a Docker volume's name
  std::string target;  // absolute, in the container
  bool read_only = false;
  bool operator==(const Volume&) const = default;
};
struct Container {
  enum class Pull { missing, always, never };
  std::string image;  // as `docker pull` takes it: name, name:tag or name@sha256:…
  Pull pull = Pull::missing;
  std::vector<std::string> entrypoint;  // replaces the image's; empty: the image's
  std::vector<PortMapping> ports;       // with a bridge or user network
  std::vector<Volume> volumes;
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::string> cap_add, cap_drop;
  std::string hostname;        // empty: Docker's choice
  std::string network;         // Docker's name for it: "host", "bridge", "none" or a network's; empty: "host"
  std::string log_driver;      // empty: what our own log keeper reads from (docker's json-file, bounded)
  std::int64_t shm_bytes = 0;  // 0: Docker's default
  bool init = true;            // an init process that reaps
  bool read_only_root = false;
  bool privileged = false;
  bool operator==(const Container&) const = default;
};

struct HealthCheck {
  enum class Kind { http, tcp, command };
  enum class Purpose { liveness, readiness, informational };
  Kind kind = Kind::tcp;
  Purpose purpose = Purpose::liveness;
  std::int32_t port = 0;          // http, tcp: of the host (or of the container's own address, see network)
  std::string path = "/";         // http; a status of 200…399 is healthy
  std::vector<std::string> argv;  // command: beside the task (in its container); exit status 0 is healthy
  std::int64_t interval_ms = 10'000;
  std::int64_t timeout_ms = 5'000;
  std::int64_t grace_ms = 15'000;  // failures before this do not count, until the first success
  std::int64_t failures = 3;       // consecutive, until it counts as unhealthy
  bool operator==(const HealthCheck&) const = default;
};

struct LogRules {
  std::int64_t rotate_bytes = 16 << 20;  // of stdout and of stderr
  std::int64_t keep = 3;                 // rotated files of each
  bool compress = true;                  // rotated files, as gzip
  bool operator==(const LogRules&) const = default;
};

struct TaskSpec {
  RuntimeKind runtime = RuntimeKind::process;
  Command command;
  int kill_signal = 0;  // asks it to end; 0: SIGTERM, of a container its image's STOPSIGNAL
  Limits limits;
  Container container;              // docker only
  std::vector<HealthCheck> checks;  // at most one of purpose readiness
  LogRules logs;
  std::vector<std::string> artifacts;  // names in the executor's sandbox that the task is to find in its own
  std::vector<std::pair<std::string, std::string>>
      tags;  // of metrics and identity: "job", "app", "index", "name"
  bool operator==(const TaskSpec&) const = default;
};

// The bytes of TaskInfo.data.
Result<TaskSpec> parse_spec(std::string_view data);

}  // namespace mimas::executor
