// The seam between the core's decisions and the ways to run a task: plain processes (process_runtime.h) and
// Docker containers (docker_runtime.h). Nothing here blocks for more than connecting to a local socket takes;
// what takes time is begun and its end comes as news. One thread: the loop's.
//
// For every start() there is exactly one Started or StartFailed, and for every Started exactly one TaskEnded.
// What the loop asks for a task that has ended is ignored.
#pragma once

#include <poll.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "executor/spec.h"

namespace mimas::executor {

// Where a task finds its sandbox: the one MESOS_ variable it has, whatever its runtime.
inline constexpr std::string_view kSandboxVariable = "MESOS_SANDBOX";

struct TaskOrder {
  std::string task_id;
  std::string sandbox;  // the task's own folder, absolute; it exists
  TaskSpec spec;
  std::vector<std::string> environment;  // whole: "NAME=value"
  std::string netns;  // process: the network namespace to enter before exec, "/proc/PID/ns/net"; empty: ours
};

// Where a running task is to be found.
struct RunFacts {
  std::int64_t pid = 0;      // of its first process, in our pid namespace; 0: not known
  std::string container_id;  // docker: 64 hex digits
  std::string ip;            // its own address; empty: the host's
  std::string cgroup;        // path below the hierarchies' roots, without a leading slash; empty: none
};

// How a task's first process ended.
struct ProcessEnd {
  bool signalled = false;
  int number = 0;             // exit status or signal
  bool memory_limit = false;  // it ended because the kernel killed it, or its last child, for the limit
  bool memory_kill = false;   // the kernel killed some process of it for want of memory
  std::int64_t memory_peak_bytes = -1;  // -1: not known
  std::string unknown;  // not empty: why nobody knows how it ended; `number` then means nothing
};

struct Progress {  // of a long start: pulling an image
  std::string task_id;
  std::string text;
};
struct Started {
  std::string task_id;
  RunFacts facts;
};
struct StartFailed {
  std::string task_id;
  std::string message;
  bool final = true;  // false: the world's fault (Docker away, registry away), another try may succeed
};
// The first process is gone. `others`: more of the task's processes live, and are killed with kill().
struct TaskEnded {
  std::string task_id;
  ProcessEnd end;
  bool others = false;
};
// After a TaskEnded with others: nothing of the task lives any more.
struct TaskGone {
  std::string task_id;
};
// The answer to probe().
struct ProbeEnded {
  std::string task_id;
  std::uint64_t probe = 0;
  int status = 0;       // exit status; -1: it could not be run or had to be stopped
  std::string message;  // what it printed, the last 512 bytes
};
struct Lines {  // for stderr
  std::string text;
};
using RuntimeNews = std::variant<Progress, Started, StartFailed, TaskEnded, TaskGone, ProbeEnded, Lines>;

// Output of tasks whose runtime receives it itself (Docker's API); processes get pipes. log_keeper.h.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  // The two descriptors for a task's stdout and stderr; they stay the sink's. -1: none to be had, and the
  // task gets /dev/null.
  struct Ends {
    int out = -1;
    int err = -1;
  };
  virtual Ends open_pipes(std::string_view task_id) = 0;
  virtual void close_pipes(std::string_view task_id) = 0;  // our copies of the writing ends, after the fork
  // False: it did not fit now; offer the same bytes again after the next pump().
  virtual bool write(std::string_view task_id, bool error_stream, std::string_view bytes) = 0;
  // What the task has written on both since its start, for the metrics; -1: not known.
  virtual std::int64_t bytes_written(std::string_view /*task_id*/) const { return -1; }
};

class Runtime {
 public:
  virtual ~Runtime() = default;

  virtual void start(TaskOrder order, Instant now) = 0;
  // To its processes. 0: SIGTERM, or what its container names for that.
  virtual void signal(std::string_view task_id, int signal, Instant now) = 0;
  // SIGKILL to all of it; also while it starts, which then ends in StartFailed or TaskEnded.
  virtual void kill(std::string_view task_id, Instant now) = 0;
  // A command beside the task, in its container or its cgroup, killed after `timeout_ms`.
  virtual void probe(std::string_view task_id, std::uint64_t probe, const std::vector<std::string>& argv,
                     std::int64_t timeout_ms, Instant now) = 0;

  virtual void child_ended(std::int64_t pid, int wait_status, Instant now) = 0;  // any child that was reaped
  virtual void add_to(std::vector<pollfd>& polled) const = 0;
  virtual Instant wake_at() const = 0;
  virtual void pump(Instant now, std::vector<RuntimeNews>& news) = 0;

  // Before we leave: whatever is left is killed and removed, in at most `ms`. May block.
  virtual void end_all(std::int64_t ms) = 0;
};

}  // namespace mimas::executor
