// Commands beside a task: health checks that are programs. Each is started with what the task was started
// with, below a keeper of its own (command_keeper.h); its output is kept to the last 512 bytes; when it has
// ended or its time is over, it and all it has started are killed, and only then its answer is told. At most
// 100 at a time. Single thread. Tested in tests/executor/process_runtime_test.cc.
#pragma once

#include <poll.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "executor/process.h"
#include "executor/runtime.h"

namespace mimas::executor {

class ProcessProbes {
 public:
  ~ProcessProbes();

  // `plan` is the command's; its output streams are set here. One ProbeEnded comes for each, here or later.
  void start(std::string_view task_id, std::uint64_t probe, ProcessPlan plan, std::int64_t timeout_ms,
             Instant now, std::vector<RuntimeNews>& news);
  bool child_ended(std::int64_t pid, int wait_status, std::vector<RuntimeNews>& news);  // true: it was ours
  void add_to(std::vector<pollfd>& polled) const;
  Instant wake_at() const;
  // `tasks`: leaders of running tasks, which a kill must not touch.
  void pump(Instant now, const std::vector<std::int64_t>& tasks);
  void kill_of(std::string_view task_id, Instant now);
  void end_all();

 private:
  struct Probe {
    std::string task_id;
    std::uint64_t number = 0;
    std::int64_t pid = 0;  // its keeper's
    int out = -1;
    std::int64_t timeout_ms = 0;
    Instant deadline = kNever;  // then the keeper is asked to end, and killed if it does not
    bool late = false;          // it was asked
    std::string tail;
  };
  static void read_more(Probe& probe);

  std::vector<Probe> probes_;
};

}  // namespace mimas::executor
