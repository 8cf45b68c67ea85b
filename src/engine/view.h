// What readers see: the records as of the last commit. Records are replaced, never changed, so a pointer once
// taken stays consistent. Implementations are thread-safe (server::PublishedView); tests use a plain one.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "model/agent.h"
#include "model/explanation.h"
#include "model/group.h"
#include "model/history.h"
#include "model/job.h"
#include "model/operation.h"
#include "model/orphan.h"
#include "model/scaling.h"
#include "model/task.h"

namespace mimas::engine {

struct Connection {
  bool subscribed = false;
  std::string master;
  FrameworkId framework;
};

// A job that has not ended and what its tasks on record come to.
struct JobCounts {
  JobPtr job;
  std::array<std::int64_t, kTaskStates> tasks{};  // by state
  ResourceRequest held;                           // by those on agents (model/group.h)
  std::int64_t ready = 0;                         // of them: is_ready (model/readiness.h)
};

// A queued task that waits for a place, not for its back-off; in the order of those that wait for longest.
struct WaitingTask {
  Instant since;
  std::int64_t index = 0, number = 0;
  auto operator<=>(const WaitingTask&) const = default;
};
struct WaitingJob {
  JobPtr job;                      // active
  std::vector<WaitingTask> tasks;  // one at least, sorted
};

// What alerts there can be; the text of one that is raised says what to do.
inline constexpr std::array<std::string_view, 4> kAlertNames{"orphans", "overdue", "revived", "scaling"};

class View {
 public:
  virtual ~View() = default;
  virtual JobPtr job(const JobId& id) const = 0;  // nullptr if unknown
  virtual std::vector<JobPtr> jobs() const = 0;   // by number, ended ones too
  // The first `most` of them numbered above `after`.
  virtual std::vector<JobPtr> jobs_after(std::int64_t after, std::size_t most) const {
    std::vector<JobPtr> some;
    for (const JobPtr& job : jobs()) {
      if (job->number > after && some.size() < most) some.push_back(job);
    }
    return some;
  }
  virtual TaskPtr task(const TaskId& id) const = 0;
  virtual std::vector<TaskPtr> tasks_of(const JobId& id) const = 0;  // by (index, number)
  // Kept up to date, not counted: the price is one job's, or one waiting task's, however many tasks there
  // are.
  virtual std::vector<JobCounts> live_jobs() const = 0;  // by number
  virtual std::vector<WaitingJob> waiting() const = 0;   // by number
  // What the executor that last started a task there said of itself; "" if none did.
  virtual std::string executor_version(const AgentId& agent) const = 0;
  virtual std::vector<AgentPtr> agents() const = 0;               // by id
  virtual std::string shortfall(const JobId& id) const = 0;       // why queued tasks wait; "" if they do not
  virtual ExplanationPtr explanation(const JobId& id) const = 0;  // of its shortfall; null: there is none
  virtual std::vector<OrphanPtr> orphans() const = 0;             // by task id
  virtual std::map<std::string, std::string> alerts() const = 0;  // what a person should know, by name
  virtual OperationPtr operation(const OperationId& id) const = 0;            // nullptr if unknown
  virtual std::vector<OperationPtr> operations() const = 0;                   // by number, ended ones too
  virtual std::vector<JobVersionPtr> versions_of(const JobId& id) const = 0;  // that are kept, oldest first
  // That are kept, newest first: those numbered below `before` (0: all), at most `most`; of one job unless
  // `job` is empty.
  virtual std::vector<AuditPtr> audits(const JobId& job, std::int64_t before, std::size_t most) const = 0;
  virtual std::vector<ScalingGroupPtr> scaling() const = 0;  // by name; empty without rules
  virtual std::vector<CapacityGroupPtr> groups() const = 0;  // that somebody has described, by name
  virtual Connection connection() const = 0;
};

}  // namespace mimas::engine
