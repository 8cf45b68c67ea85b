// Tasks as plain processes (process.h), behind the seam of the runtimes. Single thread. Tested through
// tests/executor/executor_test.py.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "executor/runtime.h"

namespace mimas::executor {

class ProcessRuntime : public Runtime {
 public:
  // Without a sink, tasks inherit our stdout and stderr.
  explicit ProcessRuntime(OutputSink* sink);

  void start(TaskOrder order, Instant now) override;
  void signal(std::string_view task_id, int signal, Instant now) override;
  void kill(std::string_view task_id, Instant now) override;
  void probe(std::string_view task_id, std::uint64_t probe, const std::vector<std::string>& argv,
             std::int64_t timeout_ms, Instant now) override;
  void child_ended(std::int64_t pid, int wait_status, Instant now) override;
  void add_to(std::vector<pollfd>&) const override {}
  Instant wake_at() const override { return news_.empty() ? kNever : Instant{0}; }
  void pump(Instant now, std::vector<RuntimeNews>& news) override;
  void end_all(std::int64_t ms) override;

 private:
  struct Task {
    std::string id;
    std::int64_t leader = 0;
    bool ended = false;  // the leader has; others of its group live
  };
  Task* find(std::string_view task_id);
  void kill_tree_of(std::int64_t leader);

  OutputSink* sink_;
  std::vector<Task> tasks_;
  std::vector<RuntimeNews> news_;  // for the next pump
};

}  // namespace mimas::executor
