// write_agents, render_agent and write_agent of api/render.h.
#include <algorithm>
#include <map>

#include "api/render.h"
#include "api/render_job.h"
#include "json/writer.h"

namespace mimas::api {
namespace {

void write_resources(json::Writer& out, std::string_view name, const Resources& resources) {
  out.key(name).begin_object();
  write_cpu(out, resources.cpu_milli);
  out.member("memory", resources.mem_mib).member("disk", resources.disk_mib).member("gpu", resources.gpus);
  out.key("resources").begin_object();
  for (const auto& [scalar_name, thousandths] : resources.scalars) {
    write_thousandths(out, scalar_name, thousandths);
  }
  out.end_object().key("ports").begin_array();
  for (const PortRange& range : resources.ports.ranges()) {
    out.begin_object().member("first", range.first).member("last", range.last).end_object();
  }
  out.end_array().end_object();
}

// An end that is not known is null: until further notice.
void write_maintenance(json::Writer& out, const std::optional<Unavailability>& planned) {
  out.key("maintenance");
  if (!planned) {
    out.null();
    return;
  }
  out.begin_object();
  write_date_or_null(out, "start", planned->start);
  write_date_or_null(out, "end", planned->duration_ms == 0 ? Instant{} : planned->end());
  out.end_object();
}

void write_order(json::Writer& out, const AgentOrderPtr& order) {
  out.key("order");
  if (order == nullptr) {
    out.null();
    return;
  }
  out.begin_object().member("kind", agent_order_name(order->kind)).member("at", format_rfc3339(order->at));
  write_text_or_null(out, "user", order->user);
  write_text_or_null(out, "reason", order->reason);
  write_date_or_null(out, "deadline", order->deadline == kNever ? Instant{} : order->deadline);
  out.end_object();
}

// Whether it gets work, and what is held against it.
void write_health(json::Writer& out, const Agent& agent) {
  out.member("standing", standing_name(agent.standing));
  write_order(out, agent.order);
  out.key("failures").begin_object().member("score", static_cast<double>(agent.failure_score) / 1'000);
  write_date_or_null(out, "at", agent.failure_score == 0 ? Instant{} : agent.failures_at);
  write_text_or_null(out, "last", agent.last_failure);
  out.end_object();
  write_date_or_null(out, "quarantinedUntil", agent.quarantined_until);
}

}  // namespace

void write_agent(json::Writer& out, const Agent& agent, std::optional<std::string_view> executor_version) {
  out.begin_object();
  out.member("id", agent.id.value).member("hostname", agent.hostname);
  out.member("state", agent_state_name(agent.state));
  write_text_or_null(out, "endpoint", agent.endpoint);
  write_text_or_null(out, "region", agent.region);
  write_text_or_null(out, "zone", agent.zone);
  out.key("attributes").begin_object();
  for (const auto& [name, value] : agent.attributes) out.member(name, value);
  out.end_object();
  if (executor_version) write_text_or_null(out, "executorVersion", *executor_version);
  write_resources(out, "offered", agent.offered);
  write_resources(out, "used", agent.used);
  write_resources(out, "total", agent.total);
  out.member("tasks", agent.tasks).member("launching", agent.launching);
  write_date_or_null(out, "seenAt", agent.seen_at);
  write_maintenance(out, agent.maintenance);
  write_health(out, agent);
  out.end_object();
}

void write_agents(json::Writer& out, const engine::View& view) {
  out.begin_array();
  for (const AgentPtr& agent : view.agents()) write_agent(out, *agent, view.executor_version(agent->id));
  out.end_array();
}

std::string render_agent(const engine::View& view, const AgentId& id) {
  for (const AgentPtr& agent : view.agents()) {
    if (agent->id != id) continue;
    json::Writer out;
    write_agent(out, *agent, view.executor_version(id));
    return out.take();
  }
  return {};
}

}  // namespace mimas::api
