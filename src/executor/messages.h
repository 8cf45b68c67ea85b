// The Executor API's messages as values: events from JSON, calls to JSON (mesos-protocol §3.2, §3.3), and
// what mimas puts into TaskStatus.data (schema/executor/status.json; TaskInfo.data: spec.h). Pure. Anything
// may come in; limits: 8 MiB of text, 1000 tasks in a group. Tested in tests/executor/messages_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "executor/environment.h"
#include "executor/runtime.h"
#include "executor/spec.h"

namespace mimas::executor {

inline constexpr std::size_t kEventBytesMax = 8u << 20;
inline constexpr std::size_t kGroupTasksMax = 1000;

struct TaskLaunch {
  std::string id;
  std::string json;                               // the whole TaskInfo, for SUBSCRIBE's unacknowledged_tasks
  std::optional<std::int64_t> grace_ms;           // TaskInfo.kill_policy
  std::optional<std::int64_t> completion_ms_max;  // TaskInfo.max_completion_time
  Result<TaskSpec> spec;                          // a task without usable data must be answered, too
};

struct Subscribed {
  bool killing_state = false;  // the framework understands TASK_KILLING
};
struct Launch {
  std::vector<TaskLaunch> tasks;
  bool group = false;  // all or nothing
};
struct Kill {
  std::string task_id;
  std::optional<std::int64_t> grace_ms;
};
struct Acknowledged {
  std::string task_id;
  std::string uuid;  // raw bytes
};
struct ShutdownOrder {};
struct AgentError {
  std::string message;
};
struct Ignored {};  // HEARTBEAT, MESSAGE, and types younger than this code
using Event = std::variant<Subscribed, Launch, Kill, Acknowledged, ShutdownOrder, AgentError, Ignored>;

Result<Event> parse_event(std::string_view text);

// What a call of ours is: decides whose refusal goes where.
enum class CallKind { update, heartbeat, message };

struct TaskReport {
  std::string task_id;
  std::string_view state;   // "TASK_RUNNING"
  std::string_view reason;  // "REASON_…"; empty: none
  std::string message;
  std::string data;  // raw bytes; empty: none
  std::optional<bool> healthy;
};

// TaskStatus.data, schema/executor/status.json.
std::string running_data(std::string_view version, const RunFacts& facts, std::optional<bool> ready);
std::string ended_data(const ProcessEnd& end);

// A TaskStatus; `at` is wall time, `uuid` 16 raw bytes.
std::string status_json(const Settings& settings, const TaskReport& report, std::string_view uuid,
                        Instant at);

std::string subscribe_call(const Settings& settings, const std::vector<std::string_view>& tasks,
                           const std::vector<std::string_view>& statuses);
std::string update_call(const Settings& settings, std::string_view status);
std::string heartbeat_call(const Settings& settings);
std::string message_call(const Settings& settings, std::string_view data);

}  // namespace mimas::executor
