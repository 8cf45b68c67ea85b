// What the pocket's master and agents tell each other: commands go down one RecordIO stream per agent,
// reports come up as POSTs of a list. Private to pocket (mesos-protocol §5.1: nothing outside the cluster
// sees it), JSON, with the Mesos messages inside in Mesos's own JSON mapping. Plain values; decoding checks
// everything. Tested in tests/pocket/parts_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "pocket/protos.h"

namespace mimas::pocket {

// --- master → agent ---
struct Registered {
  std::string agent_id;
  std::int64_t ping_ms = 1'000;  // report at least this often
};
struct RunTasks {  // one task, or a whole group
  mv1::FrameworkInfo framework;
  bool group = false;
  mv1::ExecutorInfo group_executor;  // for a group; single tasks bring their own
  std::vector<mv1::TaskInfo> tasks;
};
struct KillTask {
  std::string framework_id;
  std::string task_id;
  std::optional<std::int64_t> grace_ms;
};
struct ShutdownExecutor {
  std::string framework_id;
  std::string executor_id;
};
struct ShutdownFramework {
  std::string framework_id;
};
struct AcknowledgeUpdate {
  std::string framework_id;
  std::string task_id;
  std::string uuid;  // 16 bytes
};
struct ToExecutor {
  std::string framework_id;
  std::string executor_id;
  std::string data;
};
struct FrameworkChanged {
  mv1::FrameworkInfo framework;
};
// RESERVE, UNRESERVE, CREATE or DESTROY of the agent's own resources. The master has checked it and changed
// its books; the agent follows, keeps volumes as folders, and reports (OperationReport) until acknowledged.
struct ApplyOperation {
  std::string framework_id;         // empty: an operator's
  mv1::Offer::Operation operation;  // with its id when feedback was asked for
  std::string uuid;                 // 16 bytes, the master's; the same one twice is applied once
};
struct AcknowledgeOperation {
  std::string uuid;         // of ApplyOperation
  std::string status_uuid;  // of the status
};
struct LeaveCluster {};  // the master has declared this agent gone: end everything, forget the id
using Command =
    std::variant<Registered, RunTasks, KillTask, ShutdownExecutor, ShutdownFramework, AcknowledgeUpdate,
                 ToExecutor, FrameworkChanged, ApplyOperation, AcknowledgeOperation, LeaveCluster>;

// --- agent → master ---
struct ReportedTask {
  std::string framework_id;
  mv1::TaskInfo info;
  std::string executor_id;  // empty: a command task
  mv1::TaskStatus latest;   // state and what the executor last said
};
struct ReportedExecutor {
  std::string framework_id;
  mv1::ExecutorInfo info;
};
struct OperationReport {
  std::string framework_id;
  std::string uuid;  // of ApplyOperation
  // FINISHED, FAILED or DROPPED; with operation_id and a uuid of its own when feedback was asked for: then it
  // is repeated, 10 s · 2ⁿ apart and at most 10 min, until AcknowledgeOperation.
  mv1::OperationStatus status;
};
struct Registration {
  std::string session;  // new for every connection; names the agent in its reports
  std::string ip;       // of the agent's own listener
  mv1::AgentInfo info;  // with an id: it has been here before
  std::vector<mv1::FrameworkInfo> frameworks;
  std::vector<ReportedExecutor> executors;
  std::vector<ReportedTask> tasks;
  // All of the agent's resources as operations have left them, with their `reservations`; empty:
  // info.resources.
  std::vector<mv1::Resource> resources;
  std::vector<OperationReport> operations;  // not acknowledged yet
};
struct UpdateReport {
  std::string framework_id;
  mv1::TaskStatus status;
  mv1::TaskState latest = mv1::TASK_STAGING;
};
struct ExecutorExited {
  std::string framework_id;
  std::string executor_id;
  int status = -1;       // a wait(2) word, -1 unknown
  bool command = false;  // ran a command task: the framework hears no FAILURE
};
struct FromExecutor {
  std::string framework_id;
  std::string executor_id;
  std::string data;
};
struct Ping {};
struct Unregister {};  // an orderly leave
using Report = std::variant<UpdateReport, ExecutorExited, FromExecutor, OperationReport, Ping, Unregister>;

std::string encode_command(const Command& command);
Result<Command> decode_command(std::string_view json);
std::string encode_registration(const Registration& registration);
Result<Registration> decode_registration(std::string_view json);
std::string encode_reports(const std::vector<Report>& reports);
Result<std::vector<Report>> decode_reports(std::string_view json);

}  // namespace mimas::pocket
