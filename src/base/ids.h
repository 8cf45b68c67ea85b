// Strong identifiers. Every id is opaque text; what it names is in its type, so a TaskId never goes where a
// JobId is wanted. Ids are also sort keys: decisions iterate in id order, never in hash order.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mimas {

template <class Tag>
struct Id {
  std::string value;

  Id() = default;
  explicit Id(std::string text) : value(std::move(text)) {}
  bool empty() const { return value.empty(); }
  auto operator<=>(const Id&) const = default;
};

using JobId = Id<struct JobTag>;              // "mimas-<n>"
using TaskId = Id<struct TaskTag>;            // "mimas-<n>-worker-<index>-<number>"
using AgentId = Id<struct AgentTag>;          // given by the Mesos master
using OfferId = Id<struct OfferTag>;          // given by the Mesos master
using FrameworkId = Id<struct FrameworkTag>;  // given by the Mesos master
using ExecutorId = Id<struct ExecutorTag>;    // ours: equal to the task id, one executor per task

// mesos-protocol §0.3: 1..255 bytes, no control characters, no '/' or '\', not "." or "..".
Status check_mesos_id(std::string_view id, std::string_view what);

// mesos-protocol §2.2: "*", or components between single slashes that are not empty, ".", "..", "*", do not
// begin with "-" and hold no blanks or DEL. Control characters, which Mesos would take, are refused as well.
Status check_role(std::string_view role);

// "mimas-7" ↔ 7. parse_job_number answers -1 for anything that make_job_id would not write.
JobId make_job_id(std::int64_t number);
std::int64_t parse_job_number(std::string_view id);

// "mimas-7-worker-0-3": slot 0, the third start within job mimas-7.
TaskId make_task_id(const JobId& job, std::int64_t index, std::int64_t number);

struct TaskName {
  JobId job;
  std::int64_t index = 0;
  std::int64_t number = 0;
  bool operator==(const TaskName&) const = default;
};
Result<TaskName> parse_task_id(std::string_view id);

}  // namespace mimas

template <class Tag>
struct std::hash<mimas::Id<Tag>> {
  std::size_t operator()(const mimas::Id<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.value);
  }
};
