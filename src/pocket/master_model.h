// The pocket master as a pure state machine: calls, agent reports and the passing of time in; events,
// commands and ends of streams out. No sockets, no clock, no randomness but its seed: every call takes `now`,
// ids come from counters. What it does and says follows mesos-protocol §1.3, §1.9, §2, §5.3; its texts are
// Mesos's own.
//
// Streams are numbers given by the face that owns the connections. Outputs collect in order; take_outputs()
// hands them over. wake_at() is the next instant tick() has something to do. One thread at a time (the
// master's loop). Bounds: completed_frameworks_max forgotten frameworks, completed_tasks_max finished tasks,
// statuses_max per task. Tested in tests/pocket/master_model_test.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "pocket/holdings.h"
#include "pocket/link.h"
#include "pocket/protos.h"
#include "wire/endpoint.h"

namespace mimas::json {
class Writer;
}

namespace mimas::pocket {

struct MasterOptions {
  std::string master_id;  // a uuid's text; prefix of all ids
  wire::Endpoint address{"127.0.0.1", 5050};
  std::int64_t allocation_interval_ms = 100;
  std::int64_t agent_ping_timeout_ms = 3'000;
  std::int64_t heartbeat_ms = 15'000;
  std::int64_t agent_reregister_ms = 30'000;  // how long agents of an earlier life are waited for
  std::vector<std::string> agents_before;     // their ids
  bool authenticates = false;                 // callers have said who they are, and the face has checked it
  std::uint64_t seed = 1;
  std::size_t completed_frameworks_max = 50;
  std::size_t completed_tasks_max = 1'000;
  std::size_t statuses_max = 16;
};

inline constexpr const char* kMesosVersion = "1.12.0";  // of the protocol spoken

// --- outputs ---
struct ToScheduler {
  std::uint64_t stream = 0;
  mscheduler::Event event;
};
struct ToAgent {
  std::uint64_t stream = 0;
  Command command;
};
struct EndStream {
  std::uint64_t stream = 0;
};
struct AgentsChanged {
  std::vector<std::string> ids;  // to be remembered over a restart
};
using MasterOutput = std::variant<ToScheduler, ToAgent, EndStream, AgentsChanged>;

// The answer to a call, as HTTP says it.
struct Answer {
  int status = 202;
  std::string text;
  bool operator==(const Answer&) const = default;
};

// --- records ---
struct MasterTask {
  mv1::TaskInfo info;
  std::string agent_id;
  std::string executor_id;  // empty: a command task
  Holdings amounts;
  bool charged = false;                      // its amounts are in the agent's `used`
  mv1::TaskState state = mv1::TASK_STAGING;  // the last one forwarded
  std::string unacknowledged_uuid;
  std::deque<mv1::TaskStatus> statuses;
};

struct OfferFilter {
  std::string role;
  std::string agent_id;
  Holdings refused;
  Instant until;
};

struct MasterOperation {  // asked for with an id: its outcome is told until acknowledged
  std::string uuid;
  std::string agent_id;
  mv1::OperationStatus latest;
};

struct MasterFramework {
  mv1::FrameworkInfo info;
  bool connected = false;
  std::uint64_t stream = 0;
  std::string stream_id;
  std::set<std::string> suppressed;
  std::vector<OfferFilter> filters;
  mscheduler::Call::Subscribe constraints;  // only offer_constraints is used
  std::map<std::string, MasterTask> tasks;
  std::map<std::string, MasterTask> unreachable;
  std::deque<MasterTask> completed;
  std::map<std::string, MasterOperation> operations;  // by their ids
  Instant failover_at = kNever;
  Instant heartbeat_at = kNever;
  Instant registered_at;
  Instant unregistered_at = kNever;

  const std::string& id() const { return info.id().value(); }
  // Learned from agents, and has not subscribed to this master yet.
  bool recovered() const { return !connected && failover_at == kNever && unregistered_at == kNever; }
  bool has(mv1::FrameworkInfo::Capability::Type capability) const;
  std::vector<std::string> roles() const;
};

struct MasterExecutor {
  mv1::ExecutorInfo info;
  Holdings amounts;
};

struct MasterAgent {
  mv1::AgentInfo info;
  std::string ip;  // where its HTTP face is, with info.port
  Holdings total;
  Holdings used;
  std::string session;
  std::uint64_t stream = 0;
  bool connected = false;
  bool deactivated = false;  // by an operator
  Instant heard_at;
  Instant registered_at;
  std::map<std::pair<std::string, std::string>, MasterExecutor> executors;  // (framework, executor)
  std::vector<KillTask> kills_waiting;                                      // asked for while it was away

  const std::string& id() const { return info.id().value(); }
};

struct MasterOffer {
  std::string id;
  std::string framework_id;
  std::string agent_id;
  std::string role;
  Holdings amounts;
};

struct MasterInverseOffer {  // asks a framework to leave an agent that will be away
  std::string id;
  std::string framework_id;
  std::string agent_id;
};

struct InverseAnswer {
  mmaintenance::InverseOfferStatus::Status status = mmaintenance::InverseOfferStatus::UNKNOWN;
  Instant at;
  Instant silent_until;  // not asked again before
};

class MasterModel {
 public:
  MasterModel(MasterOptions options, Instant now);

  // Schedulers. subscribe() answers the stream's Mesos-Stream-Id; whether it was admitted is told by the
  // stream's first event. call() takes every other call, already validated by check_call
  // (pocket/call_check.h).
  std::string subscribe(std::uint64_t stream, const mscheduler::Call& call, Instant now);
  Answer call(const mscheduler::Call& call, const std::optional<std::string>& stream_id, Instant now);
  void scheduler_gone(std::uint64_t stream, Instant now);

  // Agents. A report with an unknown session is refused (false): the agent must register again.
  void register_agent(std::uint64_t stream, const Registration& registration, Instant now);
  bool report(const std::string& session, const std::vector<Report>& reports, Instant now);
  void agent_gone(std::uint64_t stream, Instant now);

  // Faults (pocket/fault.h); false: no such framework or agent. A forgotten framework is learned again from
  // agents that run its tasks: they are asked to register anew, and until they do reconciliation is silent.
  void withhold_heartbeats(Instant until) { heartbeats_from_ = until; }
  bool rescind_offers(const std::string& framework_id, Instant now);  // empty: of all
  bool forget_framework(const std::string& framework_id, Instant now);
  // The agent (by id, hostname or "hostname:port") is to be away then, for so long; 0: without an end.
  bool maintain(const std::string& agent, Instant start, std::int64_t ms, Instant now);

  // Maintenance (master_maintenance.cc; mesos-protocol §2.4): the schedule is replaced as a whole.
  Answer update_schedule(const mmaintenance::Schedule& schedule, Instant now);
  Answer start_maintenance(const ::google::protobuf::RepeatedPtrField<mv1::MachineID>& machines, Instant now);
  Answer stop_maintenance(const ::google::protobuf::RepeatedPtrField<mv1::MachineID>& machines, Instant now);
  const mmaintenance::Schedule& schedule() const { return schedule_; }
  mmaintenance::ClusterStatus maintenance_status() const;

  // Operator calls and views (master_view.cc).
  Answer teardown(const std::string& framework_id, Instant now);
  Answer mark_gone(const std::string& agent_id, Instant now);
  mv1::MasterInfo info() const;
  Answer deactivate(const std::string& agent_id, bool deactivated, Instant now);  // no offers; tasks go on
  std::optional<mmaster::Response> view(mmaster::Call::Type type, Instant now) const;  // nullopt: none such
  // The v0 documents by their path ("/state", "/state-summary", "/slaves", "/frameworks", "/roles", "/tasks",
  // "/flags"; master_state.cc); empty: none such. "/tasks" takes at most `limit` after `offset`.
  std::string document(const std::string& path, std::size_t limit = 100, std::size_t offset = 0) const;
  std::map<std::string, double> metrics(Instant now) const;
  std::map<std::string, std::string> flags() const;
  // Of a framework; nullopt: there is none of that id.
  std::optional<std::string> principal_of(const std::string& framework) const;

  void tick(Instant now);
  Instant wake_at() const;
  std::vector<MasterOutput> take_outputs();

  const std::map<std::string, MasterFramework>& frameworks() const { return frameworks_; }
  const std::map<std::string, MasterAgent>& agents() const { return agents_; }
  const std::map<std::string, MasterOffer>& offers() const { return offers_; }
  const std::map<std::string, MasterInverseOffer>& inverse_offers() const { return inverse_offers_; }

 private:
  // master_frameworks.cc
  std::optional<std::string> refuse_subscription(const mscheduler::Call::Subscribe& subscribe) const;
  void admit(MasterFramework& framework, std::uint64_t stream, const mscheduler::Call::Subscribe& subscribe,
             Instant now);
  void disconnect_framework(MasterFramework& framework, Instant now);
  void remove_framework(const std::string& id, Instant now);
  Answer update_framework(MasterFramework& framework, const mscheduler::Call::UpdateFramework& update,
                          Instant now);
  void suppress(MasterFramework& framework, const ::google::protobuf::RepeatedPtrField<std::string>& roles);
  void revive(MasterFramework& framework, const ::google::protobuf::RepeatedPtrField<std::string>& roles,
              Instant now);
  Answer dispatch(MasterFramework& framework, const mscheduler::Call& call, Instant now);

  // master_offers.cc
  void allocate_by(Instant at);
  void allocate_soon(Instant now);
  void allocate(Instant now);
  bool filtered(const MasterFramework& framework, const std::string& role, const std::string& agent_id,
                const Holdings& amounts, Instant now) const;
  MasterOffer make_offer(const MasterFramework& framework, const std::string& role, const MasterAgent& agent,
                         const Holdings& amounts);
  mv1::Offer render_offer(const MasterOffer& offer) const;
  void drop_offers_of_framework(const std::string& framework_id, const std::set<std::string>* roles,
                                bool rescind);
  void rescind_offers_of_agent(const std::string& agent_id);
  std::int64_t refusal_ms(const mv1::Filters& filters) const;  // 0: no filter
  void refuse(MasterFramework& framework, const std::string& role, const std::string& agent_id,
              const Holdings& amounts, const mv1::Filters& filters, Instant now);
  void decline(MasterFramework& framework, const mscheduler::Call::Decline& decline, Instant now);
  std::vector<std::pair<const MasterFramework*, std::string>> by_share() const;

  // master_maintenance.cc
  const mv1::Unavailability* unavailability_of(const MasterAgent& agent) const;
  bool machine_down(const mv1::MachineID& machine) const;
  void replace_schedule(mmaintenance::Schedule schedule, Instant now);
  void send_inverse_offers(Instant now);
  void answer_inverse_offers(MasterFramework& framework,
                             const ::google::protobuf::RepeatedPtrField<mv1::OfferID>& ids,
                             const mv1::Filters& filters, mmaintenance::InverseOfferStatus::Status status,
                             Instant now);
  void drop_inverse_offers(const std::string& framework_id, const std::string& agent_id, bool rescind);

  // master_accept.cc
  struct Pool {  // what an ACCEPT may spend
    std::string agent_id;
    std::string role;
    Holdings left;
    Holdings converted;  // by operations of this call: goes back unfiltered
  };
  void accept(MasterFramework& framework, const mscheduler::Call::Accept& accept, Instant now);
  std::optional<std::string> invalid_offers(const MasterFramework& framework,
                                            const mscheduler::Call::Accept& accept) const;
  void fail_operations(MasterFramework& framework, const mscheduler::Call::Accept& accept,
                       mv1::TaskState state, mv1::TaskStatus::Reason reason, const std::string& why,
                       const std::string& agent_id, Instant now);
  void launch(MasterFramework& framework, MasterAgent& agent, Pool& pool, mv1::TaskInfo task, Instant now);
  void launch_group(MasterFramework& framework, MasterAgent& agent, Pool& pool,
                    const mv1::Offer::Operation::LaunchGroup& group, Instant now);
  std::string check_task_here(const MasterFramework& framework, const MasterAgent& agent, const Pool& pool,
                              const mv1::TaskInfo& task, bool in_group) const;
  void start_task(MasterFramework& framework, MasterAgent& agent, Pool& pool, const mv1::TaskInfo& task,
                  const mv1::ExecutorInfo* executor);
  void refuse_launch(MasterFramework& framework, const mv1::Offer::Operation& operation,
                     const std::string& why, Instant now);
  void operation_error(MasterFramework& framework, const mv1::Offer::Operation& operation,
                       const std::string& why);

  // master_operations.cc
  void operate(MasterFramework& framework, MasterAgent& agent, Pool& pool,
               const mv1::Offer::Operation& operation);
  std::string check_operation(const MasterFramework& framework, const MasterAgent& agent, const Pool& pool,
                              const mv1::Offer::Operation& operation) const;
  void send_operation_status(MasterFramework& framework, const mv1::OperationStatus& status);
  void acknowledge(MasterFramework& framework,
                   const mscheduler::Call::AcknowledgeOperationStatus& acknowledge);
  void reconcile_operations(MasterFramework& framework,
                            const mscheduler::Call::ReconcileOperations& reconcile);
  void on_report(MasterAgent& agent, const OperationReport& report);
  void learn_operations(MasterAgent& agent, const Registration& registration);

  // master_tasks.cc
  void send(MasterFramework& framework, mscheduler::Event event);
  void send_update(MasterFramework& framework, const mv1::TaskStatus& status);
  mv1::TaskStatus make_status(const std::string& task_id, mv1::TaskState state,
                              mv1::TaskStatus::Reason reason, const std::string& message, Instant now) const;
  mv1::TaskState state_for(const MasterFramework& framework, mv1::TaskState state) const;
  void kill(MasterFramework& framework, const mscheduler::Call::Kill& kill, Instant now);
  void acknowledge(MasterFramework& framework, const mscheduler::Call::Acknowledge& acknowledge);
  void reconcile(MasterFramework& framework, const mscheduler::Call::Reconcile& reconcile, Instant now);
  void reconcile_task(MasterFramework& framework, const std::string& task_id, const std::string& agent_id,
                      Instant now);
  void uncharge(MasterTask& task, Instant now);
  void finish_task(MasterFramework& framework, const std::string& task_id, Instant now);
  void on_report(MasterAgent& agent, const UpdateReport& update, Instant now);
  void on_report(MasterAgent& agent, const ExecutorExited& exited, Instant now);
  void on_report(MasterAgent& agent, const FromExecutor& message);

  // master_agents.cc
  void learn_frameworks(const Registration& registration, Instant now);
  void learn_executors(MasterAgent& agent, const Registration& registration);
  void learn_tasks(MasterAgent& agent, const Registration& registration, Instant now);
  void settle_missing(MasterAgent& agent, const Registration& registration, Instant now);
  void disconnect_agent(MasterAgent& agent, Instant now);
  struct Loss {
    mv1::TaskState state;
    mv1::TaskStatus::Reason reason;
    std::string message;
    bool keep_tasks;  // as unreachable: they may come back
    bool plain_lost;  // TASK_LOST even for partition-aware frameworks
  };
  void remove_agent(const std::string& agent_id, const Loss& loss, Instant now);
  MasterAgent* agent_by_session(const std::string& session);
  void command(const MasterAgent& agent, Command command);
  void note_agents();
  bool recovering(const std::string& agent_id) const;

  // master_view.cc and master_state.cc
  void fill(mmaster::Response::GetAgents* list) const;
  void fill(mmaster::Response::GetTasks* list) const;
  void fill(mmaster::Response::GetFrameworks* list) const;
  void fill(mmaster::Response::GetExecutors* list) const;
  void fill(mmaster::Response::GetRoles* list) const;
  void write_agents(json::Writer& out, bool in_full) const;
  void write_framework(json::Writer& out, const MasterFramework& framework, bool summary) const;
  void write_frameworks(json::Writer& out) const;
  void write_tasks(json::Writer& out, std::size_t limit, std::size_t offset) const;
  void write_roles(json::Writer& out) const;
  void write_state(json::Writer& out) const;
  Holdings offered_on(const std::string& agent_id) const;
  Holdings offered_to(const std::string& framework_id) const;
  Holdings used_by(const MasterFramework& framework) const;
  mv1::InverseOffer render_inverse_offer(const MasterInverseOffer& offer) const;

  bool was_removed(const std::string& framework_id) const;
  MasterFramework* find_framework(const std::string& id);
  std::string next_uuid();

  MasterOptions options_;
  Prng prng_;
  Instant started_at_;
  std::map<std::string, MasterFramework> frameworks_;
  std::deque<MasterFramework> completed_frameworks_;
  std::map<std::string, MasterAgent> agents_;
  std::map<std::string, Instant> unreachable_agents_;
  std::set<std::string> gone_agents_;
  std::set<std::string> recovering_agents_;
  Instant recovery_ends_ = kNever;
  std::map<std::string, MasterOffer> offers_;
  mmaintenance::Schedule schedule_;
  std::vector<mv1::MachineID> machines_down_;
  std::map<std::string, MasterInverseOffer> inverse_offers_;
  std::map<std::pair<std::string, std::string>, InverseAnswer> inverse_answers_;  // (framework, agent)
  Instant allocate_at_ = kNever;
  Instant allocated_at_{0};
  Instant heartbeats_from_{0};
  std::int64_t next_framework_ = 0;
  std::int64_t next_agent_ = 0;
  std::int64_t next_offer_ = 0;
  std::vector<MasterOutput> outputs_;
};

bool is_terminal(mv1::TaskState state);
std::string pid_of(const MasterAgent& agent);  // "slave(1)@ip:port"

}  // namespace mimas::pocket
