// Everything that can happen to the engine. Commands come from api with a RequestId that their Reply will
// carry; Mesos events come from the driver, already checked and turned into the model's nouns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "model/agent.h"
#include "model/group.h"
#include "model/job.h"
#include "model/operation.h"
#include "model/task.h"

namespace mimas::engine {

using RequestId = std::uint64_t;  // 0: nobody waits for an answer

// --- commands. `user` and `address` say who sent it and from where, for messages and the audit.
// `if_version`: refused with Code::conflict unless the job has this version.
struct SubmitJob {
  RequestId request = 0;
  std::shared_ptr<const JobSpec> spec;
  std::int64_t instances_desired = 1, instances_min = 1, instances_max = 1;
  bool in_service = true;
  bool dry_run = false;     // everything is checked, nothing changes; the answer is PlanShown, or
                            // Done where the same job is there already
  std::string receipt_key;  // Receipt::key; empty: none
  std::string fingerprint;  // Receipt::fingerprint
  std::string user, address;
};
struct KillJob {
  RequestId request = 0;
  JobId job;
  std::string user, address;
  std::optional<std::int64_t> if_version;
};
struct SetInstanceCounts {
  RequestId request = 0;
  JobId job;
  std::int64_t desired = 0, min = 0, max = 0;
  std::string user, address;
  std::optional<std::int64_t> if_version;
};
// A service out of service runs on; whoever routes traffic to it stops doing so.
struct SetInService {
  RequestId request = 0;
  JobId job;
  bool in_service = true;
  std::string user, address;
  std::optional<std::int64_t> if_version;
};
struct SetJobProcesses {
  RequestId request = 0;
  JobId job;
  bool increase_disabled = false, decrease_disabled = false;
  std::string user, address;
  std::optional<std::int64_t> if_version;
};
// The whole description as it shall be from now on. Refused with Code::unimplemented, naming the fields, when
// running tasks would have to be replaced for it (needs_new_tasks in model/job_difference.h).
struct ChangeJob {
  RequestId request = 0;
  JobId job;
  std::shared_ptr<const JobSpec> spec;
  std::int64_t instances_desired = 1, instances_min = 1, instances_max = 1;
  bool in_service = true;
  bool dry_run = false;
  std::string user, address;
  std::optional<std::int64_t> if_version;
};
struct KillTasks {
  RequestId request = 0;
  std::vector<TaskId> tasks;
  bool shrink = false;  // also lower the job's desired count by the tasks killed
  bool strict = false;  // an unknown or ended id refuses the whole command
  std::string user, address;
};
// Removes what retention would keep for longer: ended jobs above `jobs_kept`, the oldest first; in small
// steps, by the Settles that follow, until so few are left. A restart ends it early.
struct CollectGarbage {
  RequestId request = 0;
  std::int64_t jobs_kept = 0;
  std::string user, address;
};

// The id that Mesos gave us is void: every launched task has ended with it, jobs stay as they are wanted, and
// the next Subscribed brings another id. Sent once the master has confirmed a TEARDOWN, or when the operator
// gives up a framework that the master has removed (mesos-protocol §1.9).
struct ForgetFramework {
  RequestId request = 0;
  bool torn_down = false;  // on purpose, by TEARDOWN
  std::string user, address;
};
// What is promised to a capacity group, as a whole. `expects`: refused with Code::conflict, or not_found,
// where it is otherwise; `if_version` as of jobs. A command that changes nothing is done.
struct SetGroup {
  enum class Expects { anything, absent, present };
  RequestId request = 0;
  CapacityGroup group;  // version, updated_at and updated_by are the engine's
  Expects expects = Expects::anything;
  std::string user, address;
  std::optional<std::int64_t> if_version;
};
// Its description is forgotten: jobs that name it go on in a group as nobody has described.
struct DeleteGroup {
  RequestId request = 0;
  std::string name;
  std::string user, address;
  std::optional<std::int64_t> if_version;
};
struct RequestOperation {
  RequestId request = 0;
  OperationType type = OperationType::reserve;
  AgentId agent;
  std::string role;                      // empty: the first of ours
  Resources amounts;                     // RESERVE, UNRESERVE; CREATE: disk_mib alone
  std::string volume;                    // CREATE, DESTROY
  std::string path;                      // CREATE
  std::string receipt_key, fingerprint;  // as of SubmitJob
  std::string user, address;
};

// Tasks that run unknown to the records (model/orphan.h). `all`: for adoption every orphan; for killing every
// one that is not left alone.
struct AdoptOrphans {
  RequestId request = 0;
  std::vector<TaskId> tasks;
  bool all = false;
  std::string user, address;
};
struct KillOrphans {
  RequestId request = 0;
  std::vector<TaskId> tasks;
  bool all = false;
  std::string user, address;
};

// Whether an agent gets work. Errors: not_found (no such agent), resource_exhausted (agent_orders_max).
struct OrderAgent {
  RequestId request = 0;
  AgentId agent;
  std::optional<AgentOrder::Kind> order;    // nothing: enabled again, which ends a quarantine too
  std::optional<std::int64_t> deadline_ms;  // drain: from now
  std::string reason;
  std::string user, address;
};

// --- Mesos
struct Subscribed {
  FrameworkId framework;
  std::string master;  // host:port, for people
};
struct Disconnected {
  std::string reason;
};
struct OffersReceived {
  std::vector<Offer> offers;
};
struct OfferRescinded {
  OfferId offer;
};
struct InverseOffersReceived {
  std::vector<InverseOffer> offers;
};
struct InverseOfferRescinded {
  OfferId offer;
};
struct AgentLost {  // FAILURE without executor: advisory, the agent may come back
  AgentId agent;
};

// mesos-protocol §2.5. Unknown states of newer masters arrive as `unknown` and are never terminal.
enum class MesosState {
  staging,
  starting,
  running,
  killing,
  finished,
  failed,
  killed,
  error,
  lost,
  dropped,
  unreachable,
  gone,
  gone_by_operator,
  unknown,
};
inline constexpr int kMesosStates = 14;
std::string_view mesos_state_name(MesosState state);  // "TASK_RUNNING", …

// The reason of a launch that the driver did not send because a secret of the job could not be read.
inline constexpr std::string_view kSecretMissing = "SECRET_MISSING";

struct StatusUpdate {
  TaskId task;
  MesosState state = MesosState::unknown;
  AgentId agent;       // may be empty in reconciliation answers
  std::string uuid;    // 16 raw bytes; empty: nothing to acknowledge
  std::string reason;  // without "REASON_"; empty when absent
  std::string source;  // "MASTER", "AGENT", "EXECUTOR"; empty when absent
  std::string message;
  Exit exit;  // from data; empty when absent or unreadable
  std::optional<bool> healthy;
  std::optional<bool> ready;      // from data
  std::optional<RunFacts> facts;  // from data; what Mesos makes up itself has none
  std::string executor;           // ExecutorInfo's id; empty when absent
};

// mesos-protocol §2.6 "Operations". A state of a newer master arrives as `unsupported` and changes nothing.
enum class MesosOperationState {
  unsupported,
  pending,
  finished,
  failed,
  error,
  dropped,
  unreachable,
  gone_by_operator,
  recovering,
  unknown,
};
struct OperationUpdate {
  OperationId operation;  // as on the wire; empty for operations without one
  MesosOperationState state = MesosOperationState::unsupported;
  AgentId agent;     // empty when the master made the update up itself
  std::string uuid;  // 16 raw bytes; empty: nothing to acknowledge
  std::string message;
};

// --- the scaling provider
struct ScalingReport {  // what became of ScaleAgents
  std::string group;
  std::int64_t number = 0;
  bool ok = true;
  std::string message;
};

// --- time
// The batch is over: place what waits, decline what is left, repeat what is due. The loop sends it once after
// the inputs of a batch, and alone when the last Step's wake_at has come.
struct Settle {};

using Input = std::variant<SubmitJob, KillJob, SetInstanceCounts, SetInService, SetJobProcesses, ChangeJob,
                           KillTasks, CollectGarbage, ForgetFramework, AdoptOrphans, KillOrphans, SetGroup,
                           DeleteGroup, RequestOperation, OrderAgent, Subscribed, Disconnected,
                           OffersReceived, OfferRescinded, InverseOffersReceived, InverseOfferRescinded,
                           AgentLost, StatusUpdate, OperationUpdate, ScalingReport, Settle>;

}  // namespace mimas::engine
