// Tasks as plain processes (process.h), behind the seam of the runtimes: each in a cgroup of its own where
// that can be had (cgroup.h), as the user and with the limits it asks for. A kill takes everything in the
// cgroup; without one, the process tree (process_tree.h). A task whose first process the kernel killed for
// its memory limit says so, and so does one that ends with the status of such a program (137, from a shell);
// that another child of it was killed is the task's own matter, and a remark. Single thread. Tested in
// tests/executor/process_runtime_test.cc and through tests/executor/executor_test.py.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "executor/cgroup.h"
#include "executor/process.h"
#include "executor/process_probe.h"
#include "executor/runtime.h"

namespace mimas::executor {

// In the environment of every process of a task: group_name() of its executor, by which `reap` finds what has
// no cgroup.
inline constexpr std::string_view kMarkVariable = "MIMAS_EXECUTOR_GROUP";

class ProcessRuntime : public Runtime {
 public:
  // Without a sink, tasks inherit our stdout and stderr. `cgroups` is Config::cgroups.
  explicit ProcessRuntime(OutputSink* sink, std::string cgroups = "auto");

  void start(TaskOrder order, Instant now) override;
  void signal(std::string_view task_id, int signal, Instant now) override;
  void kill(std::string_view task_id, Instant now) override;
  void probe(std::string_view task_id, std::uint64_t probe, const std::vector<std::string>& argv,
             std::int64_t timeout_ms, Instant now) override;
  void child_ended(std::int64_t pid, int wait_status, Instant now) override;
  void add_to(std::vector<pollfd>& polled) const override;
  Instant wake_at() const override;
  void pump(Instant now, std::vector<RuntimeNews>& news) override;
  void end_all(std::int64_t ms) override;

 private:
  struct Task {
    std::string id;
    std::int64_t leader = 0;
    ProcessPlan plan;  // for probes: what the task was started with
    std::optional<Cgroup> group;
    std::int64_t memory_bytes = 0;       // its limit
    std::int64_t kills_of_children = 0;  // of the group's memory_kills()
    Instant settle_at = kNever;          // when a kill for memory can be told to have been a child's
    bool ended = false;                  // its first process
    bool others = false;                 // ...and more of it lived then
    bool killed = false;                 // by us
    Instant look_at = kNever;            // whether those killed are gone
    int looks = 0;
  };
  struct Leaving {  // a group whose task is over
    Cgroup group;
    Instant until;
    Instant look_at{0};
  };
  Status plan_for(const TaskOrder& order, ProcessPlan& plan) const;
  ProcessEnd end_of(Task& task, int wait_status) const;
  bool others_alive(const Task& task) const;
  bool over(Task& task, Instant now);
  void look_at_memory(Instant now);
  void look_at_groups(Instant now);
  void let_go(std::optional<Cgroup> group, Instant now);
  void kill_all_of(Task& task, Instant now);
  std::vector<std::int64_t> leaders_but(std::int64_t leader) const;
  Task* find(std::string_view task_id);

  OutputSink* sink_;
  Cgroups cgroups_;
  std::string mark_;
  std::vector<Task> tasks_;
  std::vector<Leaving> leaving_;
  ProcessProbes probes_;
  std::vector<RuntimeNews> news_;  // for the next pump
};

}  // namespace mimas::executor
