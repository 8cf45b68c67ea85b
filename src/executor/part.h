// What goes on beside running tasks, each in a class of its own and none in the core: log keeping, health
// checks, metrics, the metadata service, networks. The loop tells a part when a task starts and ends, polls
// its descriptors, and takes its news. A part that is switched off is never made: no socket, no memory.
#pragma once

#include <poll.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "executor/runtime.h"

namespace mimas::executor {

// Goes out as TASK_RUNNING with `healthy` (mesos-protocol §3.4); only when something has changed.
struct HealthNews {
  std::string task_id;
  std::optional<bool> healthy;  // liveness; nothing: no such check, or no answer yet
  std::optional<bool> ready;    // readiness
  std::string message;
};
// Goes out as a MESSAGE call (schema/executor/message.json); lost when the agent is away.
struct MessageNews {
  std::string json;
};
// A command to run beside a task; its answer comes by probe_ended().
struct ProbeWanted {
  std::string task_id;
  std::uint64_t probe = 0;
  std::vector<std::string> argv;
  std::int64_t timeout_ms = 0;
};
// A child process this part has forked; child_ended() will be told of it.
using PartNews = std::variant<HealthNews, MessageNews, ProbeWanted, Lines>;

class Part {
 public:
  virtual ~Part() = default;
  virtual void starting(TaskOrder&, Instant) {}  // before Runtime::start(); may add to its environment
  virtual void started(const TaskOrder&, const RunFacts&, Instant) {}
  virtual void ended(std::string_view /*task_id*/, const ProcessEnd&, Instant) {
  }  // also when it never started
  virtual void probe_ended(const ProbeEnded&, Instant) {}
  // What a child used in its life, with the children it waited for; said before its child_ended().
  struct Used {
    std::int64_t cpu_ms = 0;
    std::int64_t rss_peak_bytes = 0;  // of the largest single process
  };
  virtual void child_used(std::int64_t /*pid*/, const Used&, Instant) {}
  virtual void child_ended(std::int64_t /*pid*/, int /*wait_status*/, Instant) {}
  virtual void add_to(std::vector<pollfd>&) const {}
  virtual Instant wake_at() const { return kNever; }
  virtual void pump(Instant, std::vector<PartNews>&) {}
  // True while something of an ended task is still to be done (an upload): the executor waits for it, up to
  // the linger time.
  virtual bool busy() const { return false; }
};

}  // namespace mimas::executor
