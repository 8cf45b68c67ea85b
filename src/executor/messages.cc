#include "executor/messages.h"

#include "base/base64.h"
#include "base/uuid.h"
#include "json/value.h"
#include "json/writer.h"

namespace mimas::executor {
namespace {

using json::Value;

Error malformed(std::string what) { return make_error(Code::invalid_argument, std::move(what)); }

// {"nanoseconds": n}; no one can mean a negative time, so it is none at all.
std::optional<std::int64_t> duration_ms(const Value& parent, std::string_view name) {
  const auto duration = parent.find(name);
  if (!duration) return std::nullopt;
  const auto member = duration->find("nanoseconds");
  if (!member) return std::nullopt;
  const auto ns = member->int64();
  if (!ns.ok()) return std::nullopt;
  return *ns <= 0 ? 0 : *ns / 1'000'000;
}

std::optional<std::int64_t> kill_grace_ms(const Value& parent) {
  const auto policy = parent.find("kill_policy");
  return policy ? duration_ms(*policy, "grace_period") : std::nullopt;
}

Result<std::string> wrapped_id(const Value& parent, std::string_view name) {
  const auto id = parent.member(name);
  if (!id.ok()) return id.error();
  const auto value = id->member("value");
  if (!value.ok()) return value.error();
  const auto text = value->string();
  if (!text.ok()) return text.error();
  if (text->empty()) return make_error(Code::invalid_argument, "is empty", value->pointer());
  return std::string(*text);
}

Result<TaskSpec> spec_of(const Value& task) {
  const auto data = task.find("data");
  if (!data) return malformed("the task carries no data for mimas-executor");
  const auto text = data->string();
  if (!text.ok()) return malformed("the task's data is not a string");
  auto bytes = base64_decode(*text);
  if (!bytes.ok()) return malformed("the task's data: " + bytes.error().message);
  auto spec = parse_spec(*bytes);
  if (!spec.ok()) return make_error(spec.error().code, "the task's data: " + spec.error().text());
  return spec;
}

Result<TaskLaunch> parse_task(const Value& task) {
  auto id = wrapped_id(task, "task_id");
  if (!id.ok()) return id.error();
  return TaskLaunch{std::move(id).value(), task.dump(), kill_grace_ms(task),
                    duration_ms(task, "max_completion_time"), spec_of(task)};
}

Result<Event> parse_launch(const Value& launch) {
  const auto task = launch.member("task");
  if (!task.ok()) return task.error();
  auto parsed = parse_task(*task);
  if (!parsed.ok()) return parsed.error();
  Launch event;
  event.tasks.push_back(std::move(parsed).value());
  return Event(std::move(event));
}

Result<Event> parse_launch_group(const Value& launch) {
  const auto group = launch.member("task_group");
  if (!group.ok()) return group.error();
  const auto member = group->member("tasks");
  if (!member.ok()) return member.error();
  const auto tasks = member->array();
  if (!tasks.ok()) return tasks.error();
  if (tasks->size() > kGroupTasksMax) return make_error(Code::too_large, "a group of more than 1000 tasks");
  Launch event;
  event.group = true;
  for (std::size_t i = 0; i < tasks->size(); ++i) {
    auto parsed = parse_task(tasks->at(i));
    if (!parsed.ok()) return parsed.error();
    event.tasks.push_back(std::move(parsed).value());
  }
  return Event(std::move(event));
}

Result<Event> parse_kill(const Value& kill) {
  auto id = wrapped_id(kill, "task_id");
  if (!id.ok()) return id.error();
  return Event(Kill{std::move(id).value(), kill_grace_ms(kill)});
}

Result<Event> parse_acknowledged(const Value& acknowledged) {
  auto id = wrapped_id(acknowledged, "task_id");
  if (!id.ok()) return id.error();
  auto uuid = base64_decode(acknowledged.string_or("uuid", ""));
  if (!uuid.ok()) return uuid.error();
  return Event(Acknowledged{std::move(id).value(), std::move(uuid).value()});
}

Event parse_subscribed(const Value& subscribed) {
  Subscribed event;
  const auto framework = subscribed.find("framework_info");
  const auto list = framework ? framework->find("capabilities") : std::nullopt;
  for (std::size_t i = 0; list && list->is_array() && i < list->size(); ++i) {
    event.killing_state |= list->at(i).string_or("type", "") == "TASK_KILLING_STATE";
  }
  return event;
}

void begin_call(json::Writer& out, const Settings& settings, std::string_view type) {
  out.begin_object();
  out.key("executor_id").begin_object().member("value", settings.executor_id).end_object();
  out.key("framework_id").begin_object().member("value", settings.framework_id).end_object();
  out.member("type", type);
}

}  // namespace

Result<Event> parse_event(std::string_view text) {
  json::ParseLimits limits;
  limits.bytes_max = kEventBytesMax;
  limits.replace_bad_utf8 = true;
  const auto document = json::parse(text, limits);
  if (!document.ok()) return document.error();
  const Value root = document->root();
  const std::string_view type = root.string_or("type", "");
  if (type == "SHUTDOWN") return Event(ShutdownOrder{});
  const bool bodied = type == "SUBSCRIBED" || type == "LAUNCH" || type == "LAUNCH_GROUP" || type == "KILL" ||
                      type == "ACKNOWLEDGED" || type == "ERROR";
  if (!bodied) return Event(Ignored{});
  std::string name(type);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const auto body = root.member(name);
  if (!body.ok()) return body.error();
  if (type == "SUBSCRIBED") return parse_subscribed(*body);
  if (type == "LAUNCH") return parse_launch(*body);
  if (type == "LAUNCH_GROUP") return parse_launch_group(*body);
  if (type == "KILL") return parse_kill(*body);
  if (type == "ACKNOWLEDGED") return parse_acknowledged(*body);
  return Event(AgentError{std::string(body->string_or("message", ""))});
}

std::string running_data(std::string_view version, const RunFacts& facts, std::optional<bool> ready) {
  json::Writer out;
  out.begin_object().member("v", 1);
  if (!version.empty()) out.member("executor", version);
  if (facts.pid > 0) out.member("pid", facts.pid);
  if (!facts.container_id.empty()) out.member("containerId", facts.container_id);
  if (!facts.ip.empty()) out.member("ip", facts.ip);
  if (ready) out.member("ready", *ready);
  out.end_object();
  return out.take();
}

std::string ended_data(const ProcessEnd& end) {
  json::Writer out;
  out.begin_object().member("v", 1);
  if (end.unknown.empty()) out.member(end.signalled ? "signal" : "exitCode", end.number);
  if (end.memory_limit) out.member("memoryLimit", true);
  if (end.memory_peak_bytes >= 0) out.member("memoryPeakBytes", end.memory_peak_bytes);
  out.end_object();
  return out.take();
}

std::string status_json(const Settings& settings, const TaskReport& report, std::string_view uuid,
                        Instant at) {
  json::Writer out;
  out.begin_object();
  out.key("task_id").begin_object().member("value", report.task_id).end_object();
  out.key("state").string(report.state);
  if (!report.message.empty()) out.member("message", report.message);
  out.member("source", "SOURCE_EXECUTOR");
  if (!report.reason.empty()) out.key("reason").string(report.reason);
  if (!report.data.empty()) out.member("data", base64_encode(report.data));
  if (report.healthy) out.member("healthy", *report.healthy);
  out.key("executor_id").begin_object().member("value", settings.executor_id).end_object();
  out.member("timestamp", static_cast<double>(at.ms) / 1000.0);
  out.member("uuid", base64_encode(uuid));
  out.end_object();
  return out.take();
}

std::string subscribe_call(const Settings& settings, const std::vector<std::string_view>& tasks,
                           const std::vector<std::string_view>& statuses) {
  json::Writer out;
  begin_call(out, settings, "SUBSCRIBE");
  out.key("subscribe").begin_object();
  if (!tasks.empty()) {
    out.key("unacknowledged_tasks").begin_array();
    for (const std::string_view task : tasks) out.raw(task);
    out.end_array();
  }
  if (!statuses.empty()) {
    out.key("unacknowledged_updates").begin_array();
    for (const std::string_view status : statuses)
      out.begin_object().member_raw("status", status).end_object();
    out.end_array();
  }
  out.end_object().end_object();
  return out.take();
}

std::string update_call(const Settings& settings, std::string_view status) {
  json::Writer out;
  begin_call(out, settings, "UPDATE");
  out.key("update").begin_object().member_raw("status", status).end_object();
  out.end_object();
  return out.take();
}

std::string heartbeat_call(const Settings& settings) {
  json::Writer out;
  begin_call(out, settings, "HEARTBEAT");
  out.end_object();
  return out.take();
}

std::string message_call(const Settings& settings, std::string_view data) {
  json::Writer out;
  begin_call(out, settings, "MESSAGE");
  out.key("message").begin_object().member("data", base64_encode(data)).end_object();
  out.end_object();
  return out.take();
}

}  // namespace mimas::executor
