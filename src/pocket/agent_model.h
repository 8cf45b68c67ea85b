// One pocket agent as a pure state machine: commands of the master, calls of executors, ends of processes and
// the passing of time in; events, reports, processes to start or kill and records to write out
// (mesos-protocol §3.2, §5.4). Executors go registering → running → terminating → terminated; every task has
// a stream of updates of which only the head is in flight until the scheduler's acknowledgement comes, sent
// again after 10 s · 2ⁿ, at most 10 min.
//
// Outputs are in order and must be carried out in order: a Checkpoint stands before what relies on it. No
// clock, no randomness but the seed, no I/O. One thread at a time (the agent's loop). Tested in
// tests/pocket/agent_model_test.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "pocket/holdings.h"
#include "pocket/link.h"
#include "pocket/master_model.h"  // Answer
#include "pocket/protos.h"

namespace mimas::pocket {

struct AgentModelOptions {
  mv1::AgentInfo info;  // without id: never registered
  std::string ip = "127.0.0.1";
  std::int64_t executor_registration_ms = 60'000;
  std::int64_t executor_reregistration_ms = 2'000;
  std::int64_t shutdown_grace_ms = 5'000;
  std::int64_t heartbeat_ms = 1'800'000;  // on executors' streams
  std::int64_t retry_ms = 10'000;
  std::int64_t retry_ms_max = 600'000;
  std::uint64_t seed = 1;
};

struct ContainerRef {
  std::string framework_id;
  std::string executor_id;
  std::string container_id;
  auto operator<=>(const ContainerRef&) const = default;
};

// --- outputs ---
struct StartContainer {  // fetch, then fork; answered by started() or start_failed()
  ContainerRef container;
  mv1::FrameworkInfo framework;
  mv1::ExecutorInfo executor;
  std::string agent_id;
  std::int64_t shutdown_grace_ms = 0;
  std::vector<mv1::Resource> volumes;  // persistent ones of it and of its first tasks, to be in the sandbox
};
struct MountVolumes {  // those of tasks that came later
  ContainerRef container;
  std::vector<mv1::Resource> volumes;
};
struct KillContainer {  // its process group; gentle: SIGTERM
  ContainerRef container;
  bool gentle = false;
};
struct ToExecutorStream {
  std::uint64_t stream = 0;
  mexecutor::Event event;
};
struct ToMaster {
  Report report;
};
enum class RecordKind { agent, framework, executor, task, update, acknowledgement, resources, operations };
struct Checkpoint {
  RecordKind kind = RecordKind::agent;
  ContainerRef container;  // empty parts where they make no sense
  std::string task_id;
  std::string bytes;  // a serialized message; of an acknowledgement the uuid, of resources a Reserve, of
                      // operations the reports that are still to be acknowledged
};
struct VolumeChange {  // a persistent volume's folder is to be made, or removed with what is in it
  mv1::Resource volume;
  bool made = true;
};
struct ForgetContainer {
  ContainerRef container;
};
struct ForgetAll {};  // this agent id is over: drop every record and register as a new agent
using AgentOutput = std::variant<StartContainer, MountVolumes, KillContainer, ToExecutorStream, EndStream,
                                 ToMaster, Checkpoint, VolumeChange, ForgetContainer, ForgetAll>;

// --- what a restart finds (pocket/checkpoint.h) ---
struct RecoveredTask {
  mv1::TaskInfo info;
  std::vector<mv1::TaskStatus> updates;
  std::set<std::string> acknowledged;  // uuids
};
struct RecoveredExecutor {
  ContainerRef container;
  mv1::ExecutorInfo info;
  std::int64_t pid = 0;  // 0: its process is not known to live
  std::vector<RecoveredTask> tasks;
};
struct RecoveredState {
  std::vector<mv1::FrameworkInfo> frameworks;
  std::vector<RecoveredExecutor> executors;
  std::vector<mv1::Resource> resources;     // as operations left them; empty: there was none
  std::vector<OperationReport> operations;  // not acknowledged
};

// --- records ---
struct AgentTask {
  mv1::TaskInfo info;
  mv1::TaskState latest = mv1::TASK_STAGING;
  mv1::TaskStatus last;  // the newest update
  bool delivered = false;
  std::deque<mv1::TaskStatus> pending;  // head in flight
  std::set<std::string> seen;           // uuids ever received or made
  Instant retry_at = kNever;
  int attempt = 0;
  bool held = false;  // the head waits for the delay of a fault
  bool done() const { return is_terminal(latest) && pending.empty(); }
};

struct AgentOperation {
  OperationReport report;
  Instant retry_at = kNever;
  int attempt = 0;
};

enum class ExecutorState { registering, running, terminating, terminated };

struct Verdict {  // what an executor's end means for its open tasks
  mv1::TaskState state = mv1::TASK_FAILED;
  mv1::TaskStatus::Reason reason = mv1::TaskStatus::REASON_EXECUTOR_TERMINATED;
  std::string message = "Executor terminated";
};

struct AgentExecutor {
  ContainerRef container;
  mv1::ExecutorInfo info;
  ExecutorState state = ExecutorState::registering;
  bool command = false;    // made up for a command task
  bool killed = false;     // a command task was asked to end
  bool recovered = false;  // of an earlier life and not heard of yet
  std::int64_t pid = 0;
  std::uint64_t stream = 0;
  std::map<std::string, AgentTask> tasks;
  std::vector<std::vector<std::string>> queued;  // task ids waiting for SUBSCRIBE; more than one: a group
  Instant silent_until = kNever;                 // (re-)registration deadline
  Instant kill_at = kNever;
  Instant heartbeat_at = kNever;  // the next HEARTBEAT event
  std::optional<Verdict> verdict;
};

struct AgentFramework {
  mv1::FrameworkInfo info;
  std::map<std::string, AgentExecutor> executors;
};

class AgentModel {
 public:
  AgentModel(AgentModelOptions options, RecoveredState recovered, Instant now);

  // The link to the master.
  Registration registration(std::string session) const;
  void command(const Command& command, Instant now);
  void master_gone();

  // Executors. subscribe(): 200 means the stream is theirs. Calls are already validated by check_call.
  // `claims`: whom the caller's token speaks for; another executor's calls are 403.
  Answer subscribe(std::uint64_t stream, const mexecutor::Call& call, Instant now,
                   const std::optional<ContainerRef>& claims = {});
  Answer call(const mexecutor::Call& call, Instant now, const std::optional<ContainerRef>& claims = {});
  void stream_gone(std::uint64_t stream);

  // Processes.
  void started(const ContainerRef& container, std::int64_t pid, Instant now);
  void start_failed(const ContainerRef& container, const std::string& why, Instant now);
  void exited(const ContainerRef& container, int wait_status, Instant now);
  void shutdown_all(Instant now, std::int64_t grace_ms);

  // Faults: every report of an update leaves that much later; is made that many times more. 0: no longer.
  void delay_updates(std::int64_t ms) { delay_ms_ = ms; }
  void repeat_updates(int times) { repeats_ = times; }

  void tick(Instant now);
  Instant wake_at() const;
  std::vector<AgentOutput> take_outputs();

  bool recovering() const { return recovery_ends_ != kNever; }
  bool idle() const;  // no executor lives
  const mv1::AgentInfo& info() const { return options_.info; }
  const std::string& ip() const { return options_.ip; }
  const std::map<std::string, AgentFramework>& frameworks() const { return frameworks_; }

 private:
  // agent_model.cc
  void recover(const RecoveredState& recovered, Instant now);
  void end_recovery_if_complete(Instant now);
  AgentExecutor* find(const std::string& framework_id, const std::string& executor_id);
  AgentExecutor* find(const ContainerRef& container);
  std::string next_uuid();
  void on_command(const Registered& registered, Instant now);
  void on_command(const KillTask& kill, Instant now);
  void on_command(const ShutdownExecutor& shutdown, Instant now);
  void on_command(const ShutdownFramework& shutdown, Instant now);
  void on_command(const AcknowledgeUpdate& acknowledge, Instant now);
  void on_command(const ToExecutor& message, Instant now);
  void on_command(const FrameworkChanged& changed, Instant now);
  void on_command(const ApplyOperation& apply, Instant now);
  void on_command(const AcknowledgeOperation& acknowledge, Instant now);
  void on_command(const LeaveCluster& leave, Instant now);
  void on_command(const RunTasks& run, Instant now);

  // agent_operations.cc
  void recover_operations(const RecoveredState& recovered);
  std::string convert(const mv1::Offer::Operation& operation, mv1::OperationStatus* status);
  void send_operation(AgentOperation& operation, Instant now);
  void send_operations_again(Instant now);
  void checkpoint_operations();
  void tell_operations(Registration& into) const;

  // agent_tasks.cc
  void shut_down(AgentExecutor& executor, Instant now, std::int64_t grace_ms);
  void kill_queued(AgentExecutor& executor, std::size_t at, Instant now);
  void deliver(AgentExecutor& executor, const std::vector<std::string>& ids);
  void deliver_queued(AgentExecutor& executor, Instant now);
  void merge(AgentExecutor& executor, const mexecutor::Call::Subscribe& subscribe, Instant now);
  mv1::TaskStatus make_status(const AgentExecutor& executor, const std::string& task_id, mv1::TaskState state,
                              std::optional<mv1::TaskStatus::Reason> reason, const std::string& message,
                              Instant now);
  mv1::TaskState state_for(const std::string& framework_id, mv1::TaskState state) const;
  void take_update(AgentExecutor& executor, mv1::TaskStatus status, Instant now);
  void send_head(AgentExecutor& executor, AgentTask& task, Instant now);
  void settle(AgentExecutor& executor, const Verdict& verdict, int wait_status, Instant now);
  void forget_if_done(const ContainerRef& container);
  void acknowledge_to_executor(const AgentExecutor& executor, const mv1::TaskStatus& status);
  void report_untracked(const std::string& framework_id, const std::string& task_id, mv1::TaskState state,
                        mv1::TaskStatus::Reason reason, const std::string& message, Instant now);

  AgentModelOptions options_;
  Prng prng_;
  bool connected_ = false;
  std::int64_t delay_ms_ = 0;
  int repeats_ = 0;
  std::map<std::string, AgentFramework> frameworks_;
  Holdings total_;  // of the agent, as operations have left it
  bool converted_ = false;
  std::map<std::string, AgentOperation> operations_;  // by the operation's uuid; until acknowledged
  std::deque<std::string> applied_;                   // the last uuids
  Instant recovery_ends_ = kNever;
  std::vector<AgentOutput> outputs_;
};

}  // namespace mimas::pocket
