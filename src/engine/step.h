// The life of jobs, tasks and agents, as one function: (state, input, now) → changes, effects, next alarm. It
// reads no clock, draws no random number, does no I/O, logs nothing, and is deterministic to the bit. What it
// cannot accept it answers (Reply with an Error) or counts (Anomalies); it never throws and never asserts on
// input.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "engine/change.h"
#include "engine/effect.h"
#include "engine/input.h"
#include "model/scaling.h"
#include "placement/cluster.h"

namespace mimas::engine {

// Knobs of the engine, all in milliseconds unless named otherwise. Defaults are the documented ones.
// Which tasks have one executor together (docs/executor.md).
enum class Sharing {
  task,   // none: an end, a crash, an upgrade concerns one task
  job,    // those of one job on one agent
  agent,  // all of one agent and role
};

inline constexpr std::int64_t kNeverMs = INT64_MAX;  // of a wait: without end

struct Policy {
  placement::Rules rules;  // how agents are chosen
  Sharing sharing = Sharing::task;
  // All that decides how a shared executor is started; another text, another executor: what runs already is
  // left to end with its last task.
  std::string executor_stamp;
  // What we subscribe in; the first is that of jobs that name none. Empty: one role, whatever it is called.
  std::vector<std::string> roles;
  std::int64_t idle_refuse_ms = 120'000;  // filter on offers declined for lack of work
  std::int64_t idle_after_ms = 2'000;     // no new work for this long is idle: offers are kept until then
  std::int64_t busy_refuse_ms = 1'000;    // filter while work waits that may fit the remainder
  std::int64_t revive_min_ms = 1'000;     // not more than one REVIVE in this time
  std::int64_t offer_hold_ms = 5'000;     // an offer unused for this long while work waits goes back
  // Offer constraints are said only when the same work has waited for this long: fewer offers also mean fewer
  // explanations of why it waits.
  std::int64_t constrain_after_ms = 30'000;
  // Agents whose maintenance begins within this get no new tasks; services are moved away so long before it,
  // so many tasks at a time. A successor that has waited for a place for move_wait_ms does not count any
  // more: what fits nowhere must not keep others from being moved. An inverse offer that cannot be accepted
  // within inverse_hold_ms is declined, for inverse_refuse_ms.
  std::int64_t maintenance_avoid_ms = 3'600'000;
  std::int64_t maintenance_move_ms = 1'800'000;
  std::int64_t moves_max = 10;
  std::int64_t move_wait_ms = 30'000;
  std::int64_t inverse_hold_ms = 30'000;
  std::int64_t inverse_refuse_ms = 60'000;
  // Of the tasks that an agent was sent and that do not run yet, how many there may be, and how many of them
  // in containers: a process is started at once, but an image may have to be pulled, and four at a time is
  // what a Raspberry Pi's SD card bears.
  std::int64_t launches_per_agent_max = 256;
  std::int64_t pulls_per_agent_max = 4;
  // Starts that fail for an agent's sake count a thousand each, half as much after every half-life. From the
  // threshold on the agent gets no new tasks for quarantine_first_ms, the next time for twice as long, up to
  // quarantine_max_ms; at most such a share of all agents at a time (at least one, and never the last one).
  std::int64_t failure_half_life_ms = 300'000;
  std::int64_t quarantine_score = 5'000;
  std::int64_t quarantine_first_ms = 300'000;
  std::int64_t quarantine_max_ms = 3'600'000;
  std::int64_t quarantine_share_percent = 20;
  // Tasks may be ended for more important ones (placement/preemption.h), once these have waited for so long:
  // whatever is free has been offered by then. The room that was made is waited for from the end of the last
  // victim on, before others are ended for the same job.
  bool preemption = true;
  std::int64_t preempt_after_ms = 5'000;
  std::int64_t preempt_room_ms = 15'000;
  std::int64_t preempt_look_ms = 5'000;  // between looks at what waits; each costs a look at all tasks
  // Host ports of a start that came to nothing are given out last on that agent for so long: something that
  // we know nothing of may listen there.
  std::int64_t ports_avoid_ms = 600'000;
  // Where very much waits, why each of it does is looked into anew only so often, some jobs at a time.
  std::int64_t explain_ms = 1'000;
  std::int64_t groups_max = 1'000;             // described ones; above: resource_exhausted
  std::int64_t agent_orders_max = 10'000;      // above: resource_exhausted
  std::int64_t operation_wait_ms = 300'000;    // for an offer that an operation can be applied to
  std::int64_t operation_confirm_ms = 60'000;  // for a later offer to show one without feedback
  std::int64_t operations_open_max = 1'000;    // above: resource_exhausted
  std::int64_t operations_kept = 1'000;        // oldest ended ones above this are removed
  std::int64_t kill_retry_first_ms = 5'000;    // KILL is repeated: 5 s, 10 s, … 60 s until terminal
  std::int64_t kill_retry_max_ms = 60'000;
  // A task that is still there so long after its grace, counted from the first KILL on, has its executor shut
  // down as well, with each further KILL; one that is past its runtime limit and grace by so much is killed.
  std::int64_t kill_overdue_ms = 30'000;
  std::int64_t runtime_overdue_ms = 30'000;
  std::int64_t reconcile_first_ms = 5'000;  // explicit reconciliation: 5 s doubling to 60 s until answered
  std::int64_t reconcile_max_ms = 60'000;
  std::int64_t reconcile_period_ms = 900'000;   // and everything again every 15 min
  std::int64_t reconcile_batch_max = 1'000;     // tasks per RECONCILE call
  std::int64_t reconcile_silence_ms = 600'000;  // how long nothing is concluded from not being answered
  std::int64_t listing_first_ms = 1'000;     // the end of the list of all tasks: asked for after 1 s … 60 s
  std::int64_t listing_wait_ms = 15'000;     // after a restart nothing is launched before it came, or this
  std::int64_t launch_grace_ms = 30'000;     // before "unknown task" is believed of a fresh launch
  std::int64_t launch_retry_first_ms = 500;  // a start that never ran anything: again after 0.5 s … 30 s,
  std::int64_t launch_retry_max_ms = 30'000;  // not counted as one of the job's retries
  std::int64_t launch_failures_max = 20;      // in a row per slot; then it counts
  std::int64_t missing_artifact_starts = 5;   // … when what it fetches is not there (is_artifact_missing)
  std::int64_t service_stable_ms = 60'000;    // a service that ran this long starts its back-off anew
  // Of a service's wanted instances, the share that may be on their way from bad health to a good successor
  // at a time (at least one), and how long such a successor is waited for. All sick jobs are looked at again
  // every health_look_ms.
  std::int64_t health_share_percent = 20;
  std::int64_t health_recovery_ms = 300'000;
  std::int64_t health_look_ms = 10'000;
  std::int64_t stray_kill_share_percent = 20;  // unknown tasks above this share of all are not killed
  std::int64_t stray_kills_per_minute = 60;
  // Where ids are seen that the records have not given out yet, the database is a copy from before: what is
  // unknown then waits for so long before it is killed. kNeverMs: until a person decides; 0: as always.
  std::int64_t orphan_wait_ms = kNeverMs;
  std::int64_t ended_jobs_kept = 1'000;           // oldest ended jobs above this are removed
  std::int64_t ended_jobs_keep_ms = 0;            // … and those that ended longer ago; 0: no such bound
  std::int64_t audits_kept = 10'000;              // above, whoever has the most loses the oldest of theirs
  std::int64_t audits_keep_ms = 2'592'000'000;    // … and those older than 30 days; 0: no such bound
  std::int64_t versions_kept = 50;                // of each job, the newest
  std::int64_t receipts_keep_ms = 86'400'000;     // an Idempotency-Key is good for a day
  std::int64_t receipts_max = 100'000;            // above: whoever has the most loses the oldest of theirs
  std::int64_t receipts_per_caller_max = 10'000;  // above: resource_exhausted
  std::int64_t ended_tasks_kept_per_slot = 5;     // older ended starts of a slot are removed
  std::int64_t jobs_live_max = 100'000;           // above: resource_exhausted
  // Groups of agents that grow and shrink with the work; none: nothing is ever asked for.
  std::vector<ScalingRule> scaling;
  std::int64_t tasks_live_max = 200'000;  // wanted instances over all jobs
};

// What is read back from the store at start.
struct Recovered {
  FrameworkId framework;
  std::int64_t next_job_number = 1;
  std::vector<Job> jobs;
  std::vector<Task> tasks;
  std::vector<Orphan> orphans;  // those somebody decided about
  std::vector<Operation> operations;
  std::vector<Audit> audits;  // by number
  std::int64_t next_audit_number = 1;
  std::vector<JobVersion> versions;  // by (job number, version)
  std::vector<Receipt> receipts;     // by time
  std::vector<AgentOrder> agent_orders;
  std::vector<CapacityGroup> groups;  // by name
};

struct Step {
  std::vector<Change> changes;
  std::vector<Effect> effects;       // in order of release
  std::vector<std::string> reasons;  // short facts for the log: "task mimas-1-worker-0-0 RUNNING on …"
  Instant wake_at = kNever;          // only Settle sets it: call Settle again no later than this
};

struct Anomalies {  // things that should not happen but may; counted, for metrics and tests
  std::int64_t illegal_transitions = 0;
  std::int64_t unknown_tasks = 0;
  std::int64_t stray_kills_withheld = 0;
  std::int64_t revivals = 0;        // tasks declared gone by an operator that live
  std::int64_t records_behind = 0;  // tasks that the cluster knew to be further than our records
};

class State {
 public:
  explicit State(Policy policy = {}, Recovered recovered = {});
  ~State();
  State(State&&) noexcept;
  State& operator=(State&&) noexcept;

  const Anomalies& anomalies() const;
  std::string digest() const;  // a stable text of all durable records: equal states, equal digests

  struct Data;  // engine's own (engine/state.h)
  Data& data() { return *data_; }
  const Data& data() const { return *data_; }

 private:
  std::unique_ptr<Data> data_;
};

Step step(State& state, const Input& input, Instant now);

}  // namespace mimas::engine
