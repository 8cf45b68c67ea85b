#include "pocket/call_check.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/uuid.h"
#include "pocket/holdings.h"

namespace mimas::pocket {
namespace {

using Call = mscheduler::Call;

constexpr double kFailoverSecondsMax = 9'223'372'036.0;  // int64 nanoseconds
constexpr std::size_t kIdBytesMax = 255;

std::string expecting(const char* what) { return std::string("Expecting '") + what + "' to be present"; }

// The member a call of this type must carry; nullptr when the type needs none.
const char* missing_member(const Call& call) {
  switch (call.type()) {
    case Call::SUBSCRIBE: return call.has_subscribe() ? nullptr : "subscribe";
    case Call::ACCEPT: return call.has_accept() ? nullptr : "accept";
    case Call::DECLINE: return call.has_decline() ? nullptr : "decline";
    case Call::ACCEPT_INVERSE_OFFERS:
      return call.has_accept_inverse_offers() ? nullptr : "accept_inverse_offers";
    case Call::DECLINE_INVERSE_OFFERS:
      return call.has_decline_inverse_offers() ? nullptr : "decline_inverse_offers";
    case Call::KILL: return call.has_kill() ? nullptr : "kill";
    case Call::SHUTDOWN: return call.has_shutdown() ? nullptr : "shutdown";
    case Call::ACKNOWLEDGE: return call.has_acknowledge() ? nullptr : "acknowledge";
    case Call::ACKNOWLEDGE_OPERATION_STATUS:
      return call.has_acknowledge_operation_status() ? nullptr : "acknowledge_operation_status";
    case Call::RECONCILE: return call.has_reconcile() ? nullptr : "reconcile";
    case Call::RECONCILE_OPERATIONS:
      return call.has_reconcile_operations() ? nullptr : "reconcile_operations";
    case Call::MESSAGE: return call.has_message() ? nullptr : "message";
    case Call::REQUEST: return call.has_request() ? nullptr : "request";
    case Call::UPDATE_FRAMEWORK: return call.has_update_framework() ? nullptr : "update_framework";
    default: return nullptr;
  }
}

bool same_ids(const Call& call, const mv1::FrameworkInfo& info) {
  return call.has_framework_id() == info.has_id() && call.framework_id().value() == info.id().value();
}

bool multi_role(const mv1::FrameworkInfo& info) {
  return std::any_of(info.capabilities().begin(), info.capabilities().end(), [](const auto& capability) {
    return capability.type() == mv1::FrameworkInfo::Capability::MULTI_ROLE;
  });
}

bool blank(char c) { return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x7f; }

std::string check_role_component(std::string_view role, std::string_view component) {
  const std::string whole(role);
  const std::string part(component);
  if (part.empty()) return "Role '" + whole + "' cannot contain two adjacent slashes";
  if (part == "." || part == "..") return "Role '" + whole + "' cannot include '" + part + "' as a component";
  if (part == "*") return "Role '" + whole + "' cannot include '*' as a component";
  if (part.front() == '-') return "Role component '" + part + "' is invalid because it begins with a dash";
  if (std::any_of(part.begin(), part.end(), blank))
    return "Role component '" + part + "' is invalid because it contains backspace or whitespace";
  return {};
}

std::string check_roles(const mv1::FrameworkInfo& info) {
  if (!multi_role(info)) {
    if (info.roles_size() > 0)
      return "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable";
    const std::string why = check_role(info.role());
    return why.empty() ? why : "'FrameworkInfo.role' is not a valid role: " + why;
  }
  if (info.has_role()) return "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable";
  std::set<std::string> seen;
  std::set<std::string> doubled;
  for (const std::string& role : info.roles())
    if (!seen.insert(role).second) doubled.insert(role);
  if (!doubled.empty()) {
    std::string list;
    for (const std::string& role : doubled) list += (list.empty() ? "" : ", ") + role;
    return "'FrameworkInfo.roles' contains duplicate items: { " + list + " }";
  }
  for (const std::string& role : info.roles()) {
    const std::string why = check_role(role);
    if (!why.empty()) return "'FrameworkInfo.roles' contains invalid role: " + why;
  }
  return {};
}

}  // namespace

std::string check_call(const Call& call) {
  if (!call.has_type() || call.type() == Call::UNKNOWN) return expecting("type");
  if (call.type() != Call::SUBSCRIBE && !call.has_framework_id()) return expecting("framework_id");
  if (const char* member = missing_member(call)) return expecting(member);
  if (call.type() == Call::SUBSCRIBE && !same_ids(call, call.subscribe().framework_info()))
    return "'framework_id' differs from 'subscribe.framework_info.id'";
  if (call.type() == Call::UPDATE_FRAMEWORK && !same_ids(call, call.update_framework().framework_info()))
    return "'framework_id' differs from 'update_framework.framework_info.id'";
  if (call.type() == Call::ACKNOWLEDGE && !is_uuid(call.acknowledge().uuid())) return "Not a valid UUID";
  if (call.type() == Call::ACKNOWLEDGE_OPERATION_STATUS) {
    if (!is_uuid(call.acknowledge_operation_status().uuid())) return "Not a valid UUID";
    if (!call.acknowledge_operation_status().has_agent_id()) return expecting("agent_id");
  }
  return {};
}

std::string check_call(const mexecutor::Call& call) {
  if (!call.has_type() || call.type() == mexecutor::Call::UNKNOWN) return expecting("type");
  if (call.type() == mexecutor::Call::SUBSCRIBE) return call.has_subscribe() ? "" : expecting("subscribe");
  if (call.type() == mexecutor::Call::MESSAGE) return call.has_message() ? "" : expecting("message");
  if (call.type() != mexecutor::Call::UPDATE) return {};
  if (!call.has_update()) return expecting("update");
  const mv1::TaskStatus& status = call.update().status();
  if (!status.has_uuid()) return expecting("uuid");
  if (!is_uuid(status.uuid())) return "Not a valid UUID";
  if (status.has_executor_id() && status.executor_id().value() != call.executor_id().value())
    return "ExecutorID in Call: " + call.executor_id().value() +
           " does not match ExecutorID in TaskStatus: " + status.executor_id().value();
  const std::string who =
      "executor " + call.executor_id().value() + " of framework " + call.framework_id().value();
  if (status.source() != mv1::TaskStatus::SOURCE_EXECUTOR)
    return "Received Call from " + who + " with invalid source, expecting 'SOURCE_EXECUTOR'";
  if (status.state() == mv1::TASK_STAGING)
    return "Received TASK_STAGING from " + who + " which is not allowed";
  return {};
}

std::string check_role(std::string_view role) {
  if (role == "*") return {};
  if (role.empty()) return "Empty role name is invalid";
  if (role.front() == '/') return "Role '" + std::string(role) + "' cannot start with a slash";
  if (role.back() == '/') return "Role '" + std::string(role) + "' cannot end with a slash";
  std::size_t begin = 0;
  while (begin <= role.size()) {
    const std::size_t end = std::min(role.find('/', begin), role.size());
    const std::string why = check_role_component(role, role.substr(begin, end - begin));
    if (!why.empty()) return why;
    begin = end + 1;
  }
  return {};
}

std::string check_id(std::string_view id) {
  if (id.empty()) return "ID must not be empty";
  if (id.size() > kIdBytesMax) return "ID must not be greater than 255 characters";
  if (id == "." || id == "..") return "'" + std::string(id) + "' is disallowed";
  const bool invalid = std::any_of(id.begin(), id.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '/' || c == '\\';
  });
  if (invalid) return "'" + std::string(id) + "' contains invalid characters";
  return {};
}

std::string check_framework(const mv1::FrameworkInfo& info) {
  if (const std::string why = check_roles(info); !why.empty()) return why;
  if (info.has_id() && !info.id().value().empty()) {
    if (const std::string why = check_id(info.id().value()); !why.empty())
      return "'FrameworkInfo.id' is not a valid FrameworkID: " + why;
  }
  const double timeout = info.failover_timeout();
  if (!std::isfinite(timeout) || std::fabs(timeout) > kFailoverSecondsMax)
    return "The framework failover_timeout (" + std::to_string(timeout) + ") is invalid";
  return {};
}

namespace {

std::string check_kill_policy(const mv1::TaskInfo& task) {
  if (task.has_kill_policy() && task.kill_policy().has_grace_period() &&
      task.kill_policy().grace_period().nanoseconds() < 0)
    return "Task's 'kill_policy.grace_period' must be non-negative";
  if (task.has_max_completion_time() && task.max_completion_time().nanoseconds() < 0)
    return "Task's `max_completion_time` must be non-negative";
  return {};
}

std::string check_executor(const mv1::ExecutorInfo& executor, bool in_group) {
  if (executor.type() == mv1::ExecutorInfo::DEFAULT && !in_group)
    return "'ExecutorInfo.type' must be 'CUSTOM'";
  if (executor.type() != mv1::ExecutorInfo::DEFAULT && !executor.has_command())
    return "'ExecutorInfo.command' must be set for 'CUSTOM' executor";
  if (executor.type() == mv1::ExecutorInfo::DEFAULT && executor.has_command())
    return "'ExecutorInfo.command' must not be set for 'DEFAULT' executor";
  if (const std::string why = check_id(executor.executor_id().value()); !why.empty()) return why;
  if (executor.has_shutdown_grace_period() && executor.shutdown_grace_period().nanoseconds() < 0)
    return "ExecutorInfo's 'shutdown_grace_period' must be non-negative";
  if (const Result<Holdings> amounts = Holdings::read(executor.resources()); !amounts)
    return "Executor uses invalid resources: " + amounts.error().message;
  return {};
}

}  // namespace

std::string check_task(const mv1::TaskInfo& task, bool in_group) {
  if (const std::string why = check_id(task.task_id().value()); !why.empty()) return why;
  if (const std::string why = check_kill_policy(task); !why.empty()) return why;
  if (task.resources_size() == 0) return "Task uses no resources";
  if (const Result<Holdings> amounts = Holdings::read(task.resources()); !amounts)
    return "Task uses invalid resources: " + amounts.error().message;
  if (in_group) return {};
  if (task.has_command() == task.has_executor())
    return "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present";
  if (task.has_executor()) return check_executor(task.executor(), false);
  return {};
}

}  // namespace mimas::pocket
