// What the engine remembers between steps: the durable records and the indices over them, so that no step has
// to walk the cluster. Private to the engine. Records are immutable and shared with the published view; a
// step that changes one puts a fresh copy in its place (turn.h).
//
// Always true between steps: every index below equals what track() would build from the records alone, so a
// State recovered from the emitted changes behaves like the one that emitted them. Tested in
// tests/engine/property_test.cc.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/shares.h"
#include "engine/step.h"
#include "model/group.h"
#include "placement/cluster.h"
#include "placement/scaling.h"

namespace mimas::engine {

// A task's place in the order of all tasks. Task ids spell out the same three numbers, so no index by id is
// needed.
struct TaskKey {
  std::int64_t job = 0, index = 0, number = 0;
  auto operator<=>(const TaskKey&) const = default;
};

struct TaskEntry {
  TaskPtr record;
  Instant due = kNever;       // its place in Data::due
  bool ready = false;         // queued, and its not_before has come: stands in Data::ready
  bool launch_asked = false;  // the master was asked about a launch that nobody answered
  bool refused = false;       // its offers were invalid: what the master does not know of it never ran
};

class StartNumbers {  // ascending; nearly always one
 public:
  bool empty() const { return first_ < 0; }
  std::size_t size() const { return empty() ? 0 : 1 + (rest_ ? rest_->size() : 0); }
  std::int64_t first() const { return first_; }
  std::int64_t last() const { return rest_ ? *rest_->rbegin() : first_; }
  void insert(std::int64_t number) {
    if (number == first_) return;
    if (empty()) {
      first_ = number;
      return;
    }
    if (number < first_) std::swap(number, first_);
    if (!rest_) rest_ = std::make_unique<std::set<std::int64_t>>();
    rest_->insert(number);
  }
  void erase(std::int64_t number) {
    if (number == first_) {
      first_ = rest_ ? *rest_->begin() : -1;
      number = first_;
    }
    if (!rest_) return;
    rest_->erase(number);
    if (rest_->empty()) rest_.reset();
  }

 private:
  std::int64_t first_ = -1;  // the least; -1: there is none
  std::unique_ptr<std::set<std::int64_t>> rest_;
};

// One of a job's places 0…N-1. A batch slot without a current task is done; a service slot without one is
// free.
struct Slot {
  std::int64_t current = -1;  // number of its one task that is neither ended nor replaced
  StartNumbers ended;         // its ended tasks that are still kept
};

// Starts of a job on one agent that came to nothing.
struct FailedStarts {
  Instant last;
  std::int64_t count = 0;
};

// Where a job stands among those that wait like it, as placement/order.h has it within a group.
struct LinePlace {
  std::int64_t less_urgent = 0;  // minus its priority
  Instant since;
  std::int64_t job = 0;
  auto operator<=>(const LinePlace&) const = default;
};
struct WaitingLine {
  std::string key, role;
  std::set<LinePlace> jobs;
};

struct JobEntry {
  JobPtr record;
  std::string role;  // whose offers its tasks are started with (role_of)
  std::map<std::pair<std::int64_t, std::int64_t>, TaskEntry> tasks;  // by (index, number)
  std::map<std::int64_t, Slot> slots;
  std::int64_t open = 0;          // tasks that have not ended
  std::int64_t queued = 0;        // … of them waiting
  std::int64_t current = 0;       // slots with a current task
  std::int64_t leaving = 0;       // … of them being removed for a smaller desired count
  ResourceRequest held;           // by its live tasks (held_by)
  std::int64_t slots_failed = 0;  // batch: slots that ended in failure
  // (index, number) of the current tasks that may have to end for their health, longest ill first
  std::set<std::pair<Instant, std::pair<std::int64_t, std::int64_t>>> unhealthy;
  std::string shortfall;                           // as published
  ExplanationPtr why;                              // … with it
  std::map<std::int64_t, JobVersionPtr> versions;  // that are kept
  std::array<AgentId, 2> ran_on;  // two agents where tasks of it were seen to run, the last one first
  std::map<AgentId, FailedStarts> failed_on;  // kFailedOnMax agents, the last ones; a restart forgets them
};

struct HeldOffer {
  Offer offer;
  Instant decline_at;
};

// Live tasks on an agent by job number, and by the shared executor that has said to run them ("": none has).
using WorkKey = std::pair<std::int64_t, std::string>;
struct WorkCount {
  std::int64_t now = 0;
  std::int64_t told = 0;  // as placement was told last (index.h)
};

struct AgentEntry {
  Agent record;
  std::map<OfferId, HeldOffer> offers;
  std::set<TaskKey> tasks;  // live ones
  std::map<WorkKey, WorkCount> work;
  std::int64_t pulling = 0;  // of Agent::launching, those with an image

  // What its failures are judged by (agent_health.h); a restart forgets it.
  std::map<std::int64_t, Instant> failed_starts;  // job → when a start of it here last came to nothing
  std::map<std::int64_t, Instant> failed_runs;    // job → when a task of it here last failed by itself
  std::map<std::int32_t, Instant> doubted_ports;  // when a start with this host port last came to nothing

  bool superseded = false;  // another id is where it was: it never comes back

  // its place in placement's view, by role; empty: it is not there
  std::map<std::string, placement::HostIndex> hosts;
  bool described = false;  // placement knows its attributes and what it has in all
};

// A job as placement was told of it, as long as it knows of tasks.
struct ToldJob {
  placement::Work work;
  std::int64_t tasks = 0;
};

using OfferGroup = std::vector<AttributeTest>;  // all of them; a role's groups are alternatives

// What we want of the master in one role, and what we told it.
struct RoleEntry {
  // derived from the records
  std::int64_t queued = 0;      // tasks that wait
  std::int64_t ready = 0;       // … of them placeable
  std::int64_t operations = 0;  // operations that wait for an offer, to be applied to or to be seen in

  std::int64_t offers = 0;  // held
  bool suppressed = false;
  bool long_filters = false;   // offers were sent back for long since the last REVIVE
  bool revive_wanted = false;  // work became ready since the last REVIVE
  Instant worked_at;           // when work last became ready; 0: never
  Instant revived_at;

  // Offer constraints: what is in force, what would be right, and since when. Empty: none.
  std::vector<OfferGroup> groups_said;
  std::vector<OfferGroup> groups_wanted;
  Instant groups_since;
};

struct OperationEntry {
  OperationPtr record;
  Instant due = kNever;  // its place in Data::operations_due
  Instant asked_at;      // when the master was last asked about it; 0: not since we subscribed
};

struct HeldInverseOffer {
  InverseOffer offer;
  Instant decline_at;
};

// A group of agents that grows and shrinks (Policy::scaling, in the same order).
struct ScalingEntry {
  placement::ScalingMemory memory;
  std::vector<ScalingDecision> decisions;  // newest first, kScalingDecisionsKept
  ScalingGroupPtr shown;                   // as published
};

// A task on an agent that we do not want: killed until it is gone. Either its record has ended, or there is
// none at all: then it is an orphan, and people may decide about it.
struct Stray {
  OrphanPtr orphan;  // null: there is a record of it
  AgentId agent;
  bool revived = false;  // an operator had declared it gone
  Instant kill_at;
  std::int64_t kill_sends = 0;
};

// How far the list of all tasks is that the master was asked for (implicit reconciliation): asked, waited for
// when agents have yet to come back, asked again once they have.
enum class Listing { complete, asked, waiting };

struct State::Data {
  Policy policy;
  Anomalies anomalies;

  // durable
  FrameworkId framework;
  std::int64_t next_job_number = 1;
  std::map<std::int64_t, JobEntry> jobs;  // by number

  std::map<std::string, CapacityGroupPtr> groups_described;  // by name

  std::map<std::int64_t, AuditPtr> audits;  // by number
  std::int64_t next_audit_number = 1;
  std::map<std::string, Receipt, std::less<>> receipts;  // by key
  std::map<AgentId, AgentOrderPtr> agent_orders;

  // derived from the records
  std::set<std::pair<Instant, std::string>> receipts_by_age;
  Shares<std::pair<Instant, std::string>> receipts_by_caller;  // the name before the key's line break
  Shares<std::int64_t> audits_by_user, audits_by_address;
  std::set<std::pair<Instant, TaskKey>> due;  // when a task next needs a look
  std::map<std::int64_t, std::set<std::pair<std::int64_t, std::int64_t>>> ready;  // placeable tasks by job
  std::set<std::pair<Instant, std::int64_t>> ended_jobs;                          // by (ended_at, number)
  std::map<std::string, ResourceRequest>
      group_use;  // capacity group → what its live tasks hold, executors' shares included
  // live jobs by what constraints may call them, "job:NAME" and "app:NAME"
  std::map<std::string, std::set<std::int64_t>> jobs_called;
  std::set<std::int64_t> jobs_apart;           // live jobs that want to be apart from others
  std::map<std::string, std::int64_t> groups;  // live services with a group sequence (group_key) → job number
  std::set<std::pair<std::int64_t, std::int64_t>>
      crowded_slots;  // (job, index) with more ended tasks than are kept
  std::int64_t tasks_queued = 0;
  std::int64_t tasks_live = 0;
  std::set<TaskKey> moving;   // alive though replaced: end when their successors run
  std::set<TaskKey> overdue;  // killed, and still there long after their grace (is_overdue)
  // Job → those that end to make room for it (at kNever), or did (when they had ended).
  std::map<std::int64_t, std::set<std::pair<Instant, TaskKey>>> making_room;
  std::set<std::int64_t> claimants;  // jobs for which others may have ended a short while ago
  std::int64_t instances_wanted = 0;

  std::map<std::int64_t, OperationEntry> operations;  // by number
  std::set<std::int64_t> operations_open;             // not terminal
  std::set<std::int64_t> operations_waiting;          // … of them not sent
  std::set<std::pair<Instant, std::int64_t>> operations_due;
  std::map<std::string, RoleEntry, std::less<>> roles;

  std::set<std::int64_t> sick_jobs;     // those with unhealthy tasks
  std::set<std::int64_t> health_stale;  // … of them, where something has changed since they were looked at
  Instant health_looked_at;             // when all sick jobs last were

  // about the cluster; rebuilt from Mesos after a restart
  std::map<AgentId, AgentEntry> agents;
  std::set<AgentId> agents_unpublished;                  // changed since the last Settle
  std::set<std::pair<Instant, AgentId>> standing_due;    // when time alone may change what standing_of says
  std::set<std::pair<Instant, AgentId>> agents_leaving;  // lost ones, and when they are forgotten
  std::map<std::string, placement::Cluster, std::less<>> clusters;  // by the role that offers are made to
  std::map<std::int64_t, ToldJob> told_jobs;                        // by number
  std::map<std::string, AgentId> agents_by_address;                 // hostname and endpoint → who is there
  std::map<OfferId, AgentId> offers;
  std::set<std::pair<Instant, OfferId>> offers_due;
  std::map<OfferId, HeldInverseOffer> inverse_offers;
  std::set<std::pair<Instant, AgentId>> maintenance;  // agents by the start of it
  Instant maintenance_looked_at;                      // 0: look at once
  bool services_to_move = false;                      // … that had to wait for others to be moved
  std::set<AgentId> agents_without_feedback;          // the master said so
  std::map<TaskId, Stray> strays;
  std::set<std::pair<Instant, TaskId>> strays_due;
  std::int64_t orphans = 0;            // among the strays
  std::int64_t orphans_undecided = 0;  // … of them
  std::int64_t orphans_waiting = 0;
  bool is_behind = false;  // the records are older than the cluster, as far as was seen in this life
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t>
      slots_held;  // (job, index) → orphans that run there and were not left alone: nothing is launched
                   // meanwhile
  std::map<std::string, std::string> alerts;  // as published
  Instant stray_window_start;
  std::int64_t stray_window_kills = 0;

  std::vector<ScalingEntry> scaling;
  std::set<AgentId> scaling_leaving;  // agents that are to go, or shall be asked to: no new work
  std::int64_t scaling_number = 0;    // of the last decision
  Instant scaling_looked_at;
  Instant scaling_look_at = kNever;  // for the sake of time alone
  bool scaling_stale = false;        // agents or what waits have changed since

  // the subscription
  bool subscribed = false;
  std::string master;
  Instant subscribed_at;
  bool offers_seen = false;  // since subscribed
  Instant constrained_at;    // when offer constraints were last said

  // the reconciliation run
  std::set<TaskKey> unanswered;
  Instant asked_at;                 // when the run began
  std::set<AgentId> agents_unsure;  // no task or offer has shown since asked_at that they are there
  Instant ask_at = kNever;
  std::int64_t ask_delay_ms = 0;
  Instant ask_all_at = kNever;
  Listing listing = Listing::complete;
  Instant listing_at = kNever;  // ask for its end again
  std::int64_t listing_delay_ms = 0;
  Instant listing_began;
  bool restarted = false;        // with records of an earlier life, and not sure yet what runs
  Instant launch_from = kNever;  // no launch before it; kNever once nothing is in the way

  // what the next Settle has to look at
  bool placement_stale = false;
  bool operations_stale = false;                          // an offer came, or an operation
  bool constraints_stale = false;                         // other work waits than before
  std::set<std::int64_t> waits_for_room;                  // production jobs for which others may have to end
  Instant room_looked_at;                                 // when this was last looked into
  std::map<AgentId, std::vector<placement::Hold>> holds;  // as placement was told (holds.h)
  Instant holds_look_at = kNever;                         // when time alone changes them
  bool place_all = false;           // what did not fit before may fit now, or waits for another reason
  std::set<std::int64_t> to_place;  // jobs with tasks that became ready since the last placement
  // What waits, in lines (lines.h), as of when no job is in lines_stale.
  std::map<std::string, WaitingLine> lines;  // by key
  std::map<std::int64_t, std::pair<WaitingLine*, LinePlace>> in_line;
  std::set<std::int64_t> lines_stale;
  std::size_t tried_singly_max = 256;  // with more jobs waiting, of a line only the first are tried
  std::int64_t demands_tried = 0;      // ever; what placing has cost
  std::size_t explain_left = 0;   // waiting jobs whose explanations may be older than the last placement …
  std::int64_t explained_to = 0;  // … those behind this number first
  Instant explained_at;
  std::set<std::int64_t> shortfalls_stale;  // jobs of which a queued task was placed or stopped
  std::set<std::int64_t> jobs_unchecked;    // recovered: reconcile once

  // CollectGarbage: as many ended jobs are to be left; not on disk, a restart ends it.
  std::optional<std::int64_t> jobs_kept_now;

  explicit Data(Policy the_policy, Recovered recovered);
};

inline constexpr std::int64_t kForgetAgentMs =
    3'600'000;  // a lost agent without tasks of ours is forgotten after it

inline constexpr std::int64_t kForgetSupersededMs =
    10'000;  // … one that never comes back, soon after its last task

inline constexpr std::string_view kScaledDown =
    "SCALED_DOWN";  // Task::reason of a live task whose slot is given up

// Is the task leaving because its job wants fewer instances? (Durable: told from the record alone.)
inline bool is_leaving(const Task& task) { return task.kill_requested && task.reason == kScaledDown; }

inline constexpr std::string_view kDrained = "DRAINED";  // Task::reason of one that ends for its agent's sake

// Is the task being ended, or was it, because its agent had to be empty by now?
inline bool is_ended_for_drain(const Task& task) { return task.kill_requested && task.reason == kDrained; }

inline constexpr std::string_view kPreempted =
    "PREEMPTED";  // Task::reason of one that ends to make room for a more important one

// Is the task being ended, or was it, to make room?
inline bool is_ended_for_room(const Task& task) { return task.kill_requested && task.reason == kPreempted; }

inline constexpr std::string_view kUnhealthy = "UNHEALTHY";  // Task::reason of one that ends for its health

// Is the task being ended, or was it, because its health checks failed?
inline bool is_ended_for_health(const Task& task) { return task.kill_requested && task.reason == kUnhealthy; }

// Task::reason of one that outlived its runtime limit: what executors say when they enforce it themselves.
inline constexpr std::string_view kRuntimeLimit = "MAX_COMPLETION_TIME_REACHED";

// Is the task being ended, or was it, for a fault of its own?
inline bool is_ended_as_failure(const Task& task) {
  return is_ended_for_health(task) || (task.kill_requested && task.reason == kRuntimeLimit);
}

// Has it been killed so often that its grace is long over? From the number of its KILLs, whose pauses are
// known: so a restart, and a clock that jumps, change nothing.
bool is_overdue(const Policy& policy, const JobSpec& spec, const Task& task);

// How a batch slot without a current task came to its end, by the last task it had.
enum class SlotEnd {
  finished,
  failed,
  killed,  // somebody asked for it
};
SlotEnd end_of_slot(const Task& last);

// Has the executor ever had it?
inline bool never_started(const Task& task) { return task.starting_at.ms == 0 && task.running_at.ms == 0; }

TaskKey key_of(const Task& task, const Job& job);

// nullptr when unknown. O(log n).
JobEntry* find_job(State::Data& data, const JobId& id);
struct FoundTask {
  JobEntry* job = nullptr;
  TaskEntry* task = nullptr;
  TaskKey key;
};
FoundTask find_task(State::Data& data, const TaskId& id);
TaskEntry& task_at(JobEntry& job, const TaskKey& key);  // ASSERTs that it is there

// Take a record out of the indices before it changes, and put it back after. O(log n).
void untrack_task(State::Data& data, JobEntry& job, const TaskKey& key, TaskEntry& entry);
void track_task(State::Data& data, JobEntry& job, const TaskKey& key, TaskEntry& entry);
void untrack_job(State::Data& data, const JobEntry& job);
void track_job(State::Data& data, const JobEntry& job);

// When an unreachable task has been so for too long.
Instant unreachable_deadline(const State::Data& data, const Job& job, const Task& task);

// When a running task is past its runtime limit by so much that its executor cannot be enforcing it; kNever:
// it has none.
Instant runtime_deadline(const Policy& policy, const JobSpec& spec, const Task& task);

// When the task needs a look next, from its record and the connection; sets its place in Data::due.
void schedule(State::Data& data, const JobEntry& job, const TaskKey& key, TaskEntry& entry);

void untrack_operation(State::Data& data, OperationEntry& entry);
void track_operation(State::Data& data, std::int64_t number, OperationEntry& entry);
// When the operation needs a look next; sets its place in Data::operations_due.
void schedule_operation(State::Data& data, std::int64_t number, OperationEntry& entry);

// The label of a job that names its role (mesos.role), or the first of ours; empty when we have but one.
inline constexpr std::string_view kRoleLabel = "mesos.role";
std::string role_of(const Policy& policy, const JobSpec& spec);
// Created when missing. Without Policy::roles all roles are one.
RoleEntry& role_entry(State::Data& data, std::string_view role);
bool is_ours(const Policy& policy, std::string_view role);  // whether offers may be asked for in it

// "app-stack-detail-sequence" of a service that must be alone with it; empty when there is no sequence.
std::string group_key(const JobSpec& spec);

AgentEntry& agent_at(State::Data& data, const AgentId& id);  // created when missing
std::string address_of(const Agent& agent);                  // one agent at a time; empty: it is not known
Resources offered_by(const AgentEntry& agent);
void set_order(State::Data& data, AgentEntry& agent, AgentOrderPtr order);  // null: none
void note_standing(State::Data& data, const AgentEntry& agent);             // it may be another one now

}  // namespace mimas::engine
