#include <array>

#include "api/event.h"
#include "api/render_audit.h"
#include "api/render_job.h"
#include "api/render_scaling.h"
#include "json/writer.h"

namespace mimas::api {
namespace {

struct Face {
  EventKind kind;
  std::string_view name;
};
// In the order of the variant's alternatives.
constexpr std::array<Face, std::variant_size_v<Event>> kFaces{{
    {EventKind::job, "job"},
    {EventKind::job, "jobRemoved"},
    {EventKind::job, "jobWaits"},
    {EventKind::task, "task"},
    {EventKind::task, "taskRemoved"},
    {EventKind::agent, "agent"},
    {EventKind::agent, "agentRemoved"},
    {EventKind::audit, "audit"},
    {EventKind::connection, "connection"},
    {EventKind::alert, "alert"},
    {EventKind::scaling, "scaling"},
}};

void write(json::Writer& out, const JobChanged& event, const Sight& sight) {
  write_job_alone(out, *event.job, event.dispatched, event.ready, sight);
}

void write(json::Writer& out, const JobRemoved& event, const Sight&) {
  out.begin_object().member("id", event.job->id.value).end_object();
}

void write(json::Writer& out, const JobWaits& event, const Sight&) {
  out.begin_object().member("id", event.job->id.value);
  write_text_or_null(out, "message", event.shortfall);
  out.end_object();
}

void write(json::Writer& out, const TaskChanged& event, const Sight& sight) {
  write_task(out, *event.task, *event.job, event.shortfall, true, sight);
}

void write(json::Writer& out, const TaskRemoved& event, const Sight&) {
  out.begin_object().member("id", event.task->id.value).member("jobId", event.task->job.value).end_object();
}

void write(json::Writer& out, const AgentChanged& event, const Sight&) {
  write_agent(out, *event.agent, std::nullopt);
}

void write(json::Writer& out, const AgentRemoved& event, const Sight&) {
  out.begin_object().member("id", event.agent.value).end_object();
}

void write(json::Writer& out, const Audited& event, const Sight&) { write_audit(out, *event.audit); }

void write(json::Writer& out, const ConnectionChanged& event, const Sight&) {
  out.begin_object().member("subscribed", event.connection.subscribed);
  write_text_or_null(out, "master", event.connection.master);
  write_text_or_null(out, "frameworkId", event.connection.framework.value);
  out.end_object();
}

void write(json::Writer& out, const AlertChanged& event, const Sight&) {
  out.begin_object().member("name", event.name);
  write_text_or_null(out, "text", event.text);
  out.end_object();
}

void write(json::Writer& out, const ScalingChanged& event, const Sight&) {
  write_scaling_group(out, *event.group);
}

constexpr std::size_t kRecordBytes = 1'536;  // of a task's or job's record without what its description says

std::size_t bytes_of(const auto& pairs) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : pairs) bytes += name.size() + value.size() + 96;
  return bytes;
}

std::size_t description_bytes(const JobSpec& spec) {
  std::size_t bytes = spec.entry_point.size() + bytes_of(spec.env) + bytes_of(spec.labels);
  for (const std::string& argument : spec.command) bytes += argument.size() + 32;
  return bytes;
}

}  // namespace

EventKind kind_of(const Event& event) { return kFaces[event.index()].kind; }
std::string_view event_name(const Event& event) { return kFaces[event.index()].name; }

bool sees_all_of(const Sight& sight, const Event& event) {
  if (const auto* job = std::get_if<JobChanged>(&event)) return sight.sees(*job->job->spec);
  if (const auto* task = std::get_if<TaskChanged>(&event)) return sight.sees(*task->job->spec);
  return true;
}

std::string render_event(const Event& event, const Sight& sight) {
  json::Writer out;
  std::visit([&](const auto& one) { write(out, one, sight); }, event);
  return out.take();
}

bool shows_the_same(const Job& left, const Job& right) {
  return left.spec == right.spec && left.state == right.state && left.outcome == right.outcome &&
         left.version == right.version && left.instances_desired == right.instances_desired &&
         left.instances_min == right.instances_min && left.instances_max == right.instances_max &&
         left.in_service == right.in_service && left.increase_disabled == right.increase_disabled &&
         left.decrease_disabled == right.decrease_disabled && left.submitted_at == right.submitted_at &&
         left.ended_at == right.ended_at && left.message == right.message;
}

static bool same_order(const Agent& left, const Agent& right) {
  return left.order == right.order || (left.order && right.order && *left.order == *right.order);
}

bool shows_the_same(const Agent& left, const Agent& right) {
  return left.hostname == right.hostname && left.endpoint == right.endpoint &&
         left.attributes == right.attributes && left.region == right.region && left.zone == right.zone &&
         left.state == right.state && left.used == right.used && left.maintenance == right.maintenance &&
         same_order(left, right) && left.quarantined_until == right.quarantined_until;
}

std::size_t weight_of(const Event& event) {
  struct Weigh {
    std::size_t operator()(const JobChanged& one) const {
      return kRecordBytes + (one.before == nullptr ? 0 : description_bytes(*one.before->spec));
    }
    std::size_t operator()(const JobRemoved& one) const {
      return kRecordBytes + description_bytes(*one.job->spec);
    }
    std::size_t operator()(const JobWaits& one) const { return kRecordBytes + one.shortfall.size(); }
    std::size_t operator()(const TaskChanged& one) const {
      return kRecordBytes + one.shortfall.size() + one.task->message.size();
    }
    std::size_t operator()(const TaskRemoved&) const { return kRecordBytes; }
    std::size_t operator()(const AgentChanged& one) const {
      return kRecordBytes + bytes_of(one.agent->attributes);
    }
    std::size_t operator()(const AgentRemoved&) const { return kRecordBytes; }
    std::size_t operator()(const Audited&) const { return kRecordBytes; }
    std::size_t operator()(const ConnectionChanged&) const { return kRecordBytes; }
    std::size_t operator()(const AlertChanged& one) const { return kRecordBytes + one.text.size(); }
    std::size_t operator()(const ScalingChanged&) const { return kRecordBytes; }
  };
  return std::visit(Weigh(), event);
}

}  // namespace mimas::api
