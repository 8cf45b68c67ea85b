// What GET /v2/events tells, one value for each thing that happened to a record, and which of them a reader
// asked for. A value holds pointers to immutable records, so that making it costs next to nothing; the text
// is made by whoever reads it. Pure. Bounds of the query: kEventTermsMax. Tested in tests/api/event_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/problem.h"
#include "api/render.h"
#include "api/sight.h"
#include "engine/view.h"

namespace mimas::api {

enum class EventKind { job, task, agent, audit, connection, alert, scaling };
inline constexpr int kEventKinds = 7;
std::string_view event_kind_name(EventKind kind);  // as the query's `kind` spells it

// "job": as it is now, without its tasks. `dispatched` and `ready` as of write_job. `before`: what it was
// when its description changed, so that whom it no longer fits learns of it; else null.
struct JobChanged {
  JobPtr job, before;
  bool dispatched = false;
  std::int64_t ready = 0;
};
// "jobRemoved": with all its tasks, by retention; its end was told long before.
struct JobRemoved {
  JobPtr job;
};
// "jobWaits": why its queued tasks have no place; an empty text: nothing keeps them any more.
struct JobWaits {
  JobPtr job;
  std::string shortfall;
};
// "task". `shortfall` as of write_task.
struct TaskChanged {
  JobPtr job;
  TaskPtr task;
  std::string shortfall;
};
// "taskRemoved"
struct TaskRemoved {
  JobPtr job;
  TaskPtr task;
};
// "agent". What offers hold of it and when it was seen change all the time and make no event by themselves.
struct AgentChanged {
  AgentPtr agent;
};
// "agentRemoved"
struct AgentRemoved {
  AgentId agent;
};
// "audit". `job`: the one it is about, when that is still there.
struct Audited {
  AuditPtr audit;
  JobPtr job;
};
// "connection"
struct ConnectionChanged {
  engine::Connection connection;
};
// "alert": an empty text: all is well again.
struct AlertChanged {
  std::string name, text;
};
// "scaling": how a group of agents stands now, and what was decided about it (docs/scaling.md).
struct ScalingChanged {
  ScalingGroupPtr group;
};

using Event = std::variant<JobChanged, JobRemoved, JobWaits, TaskChanged, TaskRemoved, AgentChanged,
                           AgentRemoved, Audited, ConnectionChanged, AlertChanged, ScalingChanged>;

EventKind kind_of(const Event& event);
std::string_view event_name(const Event& event);  // "job", "jobRemoved", …
// The event's data: one JSON object in one line.
std::string render_event(const Event& event, const Sight& sight = {});
// Whether the text of the event is the same for this reader as for one who sees everything.
bool sees_all_of(const Sight& sight, const Event& event);

// About how many bytes it keeps alive, from above: the records of the moment, and descriptions that were
// replaced or removed, which nobody else may hold any more.
std::size_t weight_of(const Event& event);

// Whether a reader could tell them apart; what only the engine looks at is not compared.
bool shows_the_same(const Job& left, const Job& right);
bool shows_the_same(const Agent& left, const Agent& right);  // see AgentChanged

inline constexpr std::size_t kEventTermsMax = 100;  // of all filters together
inline constexpr std::int64_t kHeartbeatSecsDefault = 15, kHeartbeatSecsMax = 60;

// A filter that is empty lets everything through; one with several terms lets through what any of them fits.
struct EventFilter {
  std::vector<EventKind> kinds = {EventKind::job, EventKind::task};
  std::vector<JobId> jobs;
  std::vector<TaskId> tasks;
  std::vector<std::string> apps;   // appName
  std::vector<std::string> types;  // "service", "batch"
  struct Label {
    std::string name, value;
    bool any_value = false;
  };
  std::vector<Label> labels;

  bool wants(EventKind kind) const;
  bool asks_about_jobs() const;  // then what is about no job does not pass
  bool passes(const Event& event) const;
};

struct EventQuery {
  EventFilter filter;
  bool snapshot = true;
  std::int64_t heartbeat_secs = kHeartbeatSecsDefault;
  std::string last_event_id;
};
Checked<EventQuery> parse_event_query(const std::vector<Parameter>& parameters);

}  // namespace mimas::api
