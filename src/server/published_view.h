// What http workers render from: the records as of the last commit. The loop applies changes after the commit
// and before any reply leaves, so a client reads its own writes. Thread-safe: one writer, many readers; a
// reader holds the lock only while it copies pointers, never while it renders. What a change did to a record
// goes to the event ring under the same lock, so that a snapshot and the number of the last event in it
// belong together. Tested in tests/server/published_view_test.cc and published_events_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/change.h"
#include "engine/view.h"
#include "server/event_ring.h"
#include "server/task_lives.h"

namespace mimas::server {

// How many records there are of each kind, kept up to date with every change.
struct ViewTotals {
  std::map<std::pair<JobType, JobState>, std::int64_t> jobs;
  std::array<std::int64_t, kTaskStates> tasks{};
  // Of the tasks that are on an agent: what their checks say.
  std::int64_t healthy = 0, unhealthy = 0, health_unknown = 0, ready = 0;
};

// What a new reader of events is told first: all live records as of one event.
struct ViewSnapshot {
  struct OneJob {
    api::JobChanged job;
    std::string shortfall;
    std::vector<TaskPtr> tasks;  // that have not ended
  };
  std::vector<OneJob> jobs;  // that have not ended
  std::vector<AgentPtr> agents;
  std::map<std::string, std::string> alerts;
  std::vector<ScalingGroupPtr> scaling;
  engine::Connection connection;
  std::uint64_t last_event = 0;
};

class PublishedView : public engine::View {
 public:
  void apply(const std::vector<engine::Change>& changes);
  void set_framework(const FrameworkId& framework);  // as recovered, before the first change names it
  void publish_to(EventRing& ring);                  // from now on; it must outlive the last apply()

  ViewTotals totals() const;
  TaskLives lives() const;
  std::vector<JobPtr> live_named(std::string_view name) const;  // by number
  ViewSnapshot snapshot() const;

  JobPtr job(const JobId& id) const override;
  std::vector<JobPtr> jobs() const override;
  std::vector<JobPtr> jobs_after(std::int64_t after, std::size_t most) const override;
  TaskPtr task(const TaskId& id) const override;
  std::vector<TaskPtr> tasks_of(const JobId& id) const override;
  std::vector<engine::JobCounts> live_jobs() const override;
  std::vector<engine::WaitingJob> waiting() const override;
  std::string executor_version(const AgentId& agent) const override;
  std::vector<AgentPtr> agents() const override;
  std::string shortfall(const JobId& id) const override;
  ExplanationPtr explanation(const JobId& id) const override;
  std::vector<OrphanPtr> orphans() const override;
  std::map<std::string, std::string> alerts() const override;
  std::map<std::string, bool> alert_states() const;  // also of those that are not raised
  OperationPtr operation(const OperationId& id) const override;
  std::vector<OperationPtr> operations() const override;
  std::vector<JobVersionPtr> versions_of(const JobId& id) const override;
  std::vector<AuditPtr> audits(const JobId& job, std::int64_t before, std::size_t most) const override;
  std::vector<ScalingGroupPtr> scaling() const override;
  std::vector<CapacityGroupPtr> groups() const override;
  engine::Connection connection() const override;

 private:
  struct JobEntry {
    JobPtr job;
    std::map<std::pair<std::int64_t, std::int64_t>, TaskPtr> tasks;  // by (index, number)
    std::map<std::int64_t, JobVersionPtr> versions;
    std::string shortfall;
    ExplanationPtr why;  // of the shortfall
    std::array<std::int64_t, kTaskStates> by_state{};
    ResourceRequest held;  // by tasks on agents
    std::set<engine::WaitingTask> queued;
    std::int64_t dispatched = 0, ready = 0;  // of tasks: how many left the queue, how many do their work
    JobPtr told;                             // as the last event of the job had it
    bool told_dispatched = false;
    std::int64_t told_ready = 0;
  };
  void put_job(const JobPtr& job);
  void index_name(const JobPtr& before, const JobPtr& after);  // null: there is none
  void put_task(const TaskPtr& task);
  void put_agent(const AgentPtr& agent);
  void put_shortfall(const engine::PutShortfall& put);
  void put_audit(const AuditPtr& audit);
  void put_connection(engine::Connection connection);
  void put_alert(const engine::PutAlert& put);
  void remove_task(const TaskId& id);
  void remove_job(const JobId& id);
  void remove_agent(const AgentId& id);
  void count(std::int64_t number, JobEntry& entry, const Task& task, std::int64_t by);
  void note_executor(const Task& task);
  void tell(api::Event event);
  void tell_job(JobEntry& entry);
  void tell_touched();

  mutable std::shared_mutex mutex_;
  std::map<std::int64_t, JobEntry> jobs_;                             // by job number
  std::set<std::int64_t> live_;                                       // of them, those that have not ended
  std::set<std::int64_t> waiting_;                                    // … with queued tasks, ended ones too
  std::map<std::string, std::set<std::int64_t>, std::less<>> names_;  // of live jobs: who is called so
  std::map<AgentId, AgentPtr> agents_;
  struct ExecutorSeen {
    Instant running_at;
    std::string version;
  };
  std::map<AgentId, ExecutorSeen> executors_;  // as its newest task with one told
  std::map<TaskId, OrphanPtr> orphans_;
  std::map<std::string, std::string> alerts_;
  std::set<std::string> alerts_known_;               // raised once, or that could be
  std::map<std::int64_t, OperationPtr> operations_;  // by number
  std::map<std::int64_t, AuditPtr> audits_;          // by number
  std::map<std::string, ScalingGroupPtr> scaling_;   // by name
  std::map<std::string, CapacityGroupPtr> groups_;   // by name
  engine::Connection connection_;
  ViewTotals totals_;
  TaskLives lives_;

  EventRing* ring_ = nullptr;
  std::vector<api::Event> events_;     // of the changes being applied
  std::vector<std::int64_t> touched_;  // jobs that changed with them, or whose tasks did
};

}  // namespace mimas::server
