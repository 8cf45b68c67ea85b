// One start of one slot of a job. The engine changes tasks; everybody else reads published, immutable copies.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "model/resources.h"
#include "model/status_log.h"

namespace mimas {

// Ordered as a task lives. Terminal states are final: nothing leads out of them.
enum class TaskState {
  queued,      // waits for a place (or for not_before)
  dispatched,  // intent is on disk, ACCEPT is on its way, nobody has answered
  starting,    // the executor has it
  running,
  unreachable,  // its agent does not answer the master; may come back (TASK_UNREACHABLE)
  finished,     // terminal: exit status 0
  failed,       // terminal: exit status ≠ 0, a signal, a launch failure, a runtime limit
  stopped,      // terminal: ended by request
  crashed,      // terminal: lost with its agent or executor, not by its own fault
};
inline constexpr int kTaskStates = 9;

std::string_view task_state_name(TaskState state);  // our own: "QUEUED", …, "UNREACHABLE", …
std::string_view titus_state_name(
    TaskState state);  // the eight that Titus knows; unreachable reads "RUNNING"
std::optional<TaskState> parse_task_state(std::string_view name);  // either spelling of task_state_name
bool is_terminal(TaskState state);
bool is_live_on_agent(TaskState state);  // dispatched, starting, running, unreachable

// How a process ended, from TaskStatus.data (schema/executor/status.json).
struct Exit {
  std::optional<int> code;
  std::optional<int> signal;
  bool memory_limit = false;  // the kernel killed it for its memory limit
  std::optional<std::int64_t> memory_peak_bytes;
  bool operator==(const Exit&) const = default;
};

// Where it runs on its agent, from TaskStatus.data with TASK_RUNNING.
struct RunFacts {
  std::int64_t pid = 0;
  std::string container_id;  // docker
  std::string ip;            // its own address; empty: the host's
  std::string executor_version;
  bool operator==(const RunFacts&) const = default;
};
using RunFactsPtr = std::shared_ptr<const RunFacts>;

inline constexpr std::size_t kStatusHistoryMax = 20;  // above: the oldest but the first goes

struct Task {
  TaskId id;
  JobId job;
  std::int64_t index = 0;            // the slot, 0…N-1
  std::int64_t number = 0;           // grows with every start within the job
  std::int64_t attempt = 0;          // how many starts of this slot before this one counted as failures
  std::int64_t launch_failures = 0;  // starts of this slot in a row that never came to run anything
  TaskState state = TaskState::queued;

  AgentId agent;  // empty while queued
  std::string hostname;
  std::string agent_endpoint;  // "ip:port" of the agent's HTTP, for logs
  std::string region, zone;
  Resources allocated;  // with the executor's share; ports are the host ports given

  Instant queued_at, dispatched_at, starting_at, running_at, ended_at;
  Instant not_before;  // queued: do not place earlier (back-off)
  Instant unreachable_since;
  bool kill_requested = false;
  Instant kill_retry_at;  // when KILL is sent again
  std::int64_t kill_sends = 0;
  bool replaced = false;  // its slot already has a successor (it was unreachable too long)

  std::string reason;   // machine-readable: Mesos's reason without REASON_ ("EXECUTOR_TERMINATED"), or ours
  std::string message;  // for a person
  Exit exit;

  // The states it entered after QUEUED, oldest first; status_history() tells all of it. Empty while it waits:
  // waiting tasks may be very many.
  StatusLog history;

  std::string executor;  // ExecutorInfo's id, chosen at the launch; empty while queued: the task's own id
  RunFactsPtr facts;     // null: nothing is known yet
  std::optional<bool> healthy;  // what its liveness checks say; nothing: none, or no answer yet
  std::optional<bool> ready;    // what its readiness check says
  Instant healthy_at;           // when they were first good; 0: never
  Instant unhealthy_since;      // 0: they are not bad
  std::string health_message;   // what they said last, for a person
};
using TaskPtr = std::shared_ptr<const Task>;

const RunFacts& run_facts(const Task& task);  // empty ones where nothing is known

// Every state the task entered, oldest first, beginning with QUEUED at queued_at; never empty. Of a task that
// was recorded before histories were kept, what its times tell.
std::vector<StatusChange> status_history(const Task& task);

// Adds the state that the task is in now, as entered at `at`, within the bounds above.
void note_status(Task& task, Instant at);

}  // namespace mimas
