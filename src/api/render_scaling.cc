#include "api/render_scaling.h"

#include "api/render_job.h"
#include "json/writer.h"

namespace mimas::api {
namespace {

void write_template(json::Writer& out, const ScalingTemplate& agent) {
  out.key("agent").begin_object();
  write_cpu(out, agent.total.cpu_milli);
  out.member("memory", agent.total.mem_mib).member("disk", agent.total.disk_mib);
  out.member("gpu", agent.total.gpus).key("attributes").begin_object();
  for (const auto& [name, value] : agent.attributes) out.member(name, value);
  out.end_object().end_object();
}

// What was decided; its outcome is not part of it.
void write_decision(json::Writer& out, const ScalingDecision& decision) {
  out.member("number", decision.number).member("group", decision.group);
  write_date_or_null(out, "at", decision.at);
  out.member("cause", scaling_cause_name(decision.cause)).member("why", decision.why);
  out.member("add", decision.add).key("remove").begin_array();
  for (const ScalingAgent& agent : decision.remove)
    out.begin_object().member("id", agent.id.value).member("hostname", agent.hostname).end_object();
  out.end_array();
}

void write_rule(json::Writer& out, const ScalingRule& rule) {
  out.member("name", rule.name).member("attribute", rule.attribute).member("value", rule.value);
  out.member("minIdle", rule.min_idle).member("maxIdle", rule.max_idle);
  out.member("minSize", rule.min_size).member("maxSize", rule.max_size);
  out.member("coolDownMs", rule.cool_down_ms).member("patienceMs", rule.patience_ms);
  out.member("arrivalMs", rule.arrival_ms);
  if (rule.agent) {
    write_template(out, *rule.agent);
  } else {
    out.key("agent").null();
  }
}

}  // namespace

void write_scaling_group(json::Writer& out, const ScalingGroup& group) {
  out.begin_object();
  write_rule(out, group.rule);
  out.member("size", group.size).member("idle", group.idle).member("leaving", group.leaving);
  out.member("awaited", group.awaited);
  write_date_or_null(out, "pausedUntil", group.paused_until);
  write_text_or_null(out, "trouble", group.trouble);
  out.key("decisions").begin_array();
  for (const ScalingDecision& decision : group.decisions) {
    out.begin_object();
    write_decision(out, decision);
    out.member("outcome", scaling_outcome_name(decision.outcome));
    write_text_or_null(out, "message", decision.message);
    out.end_object();
  }
  out.end_array().end_object();
}

std::string render_scaling(const engine::View& view) {
  json::Writer out;
  out.begin_object().key("groups").begin_array();
  for (const ScalingGroupPtr& group : view.scaling()) write_scaling_group(out, *group);
  out.end_array().end_object();
  return out.take();
}

std::string render_scale_agents(const engine::ScaleAgents& order) {
  json::Writer out;
  out.begin_object();
  write_decision(out, order.decision);
  write_template(out, order.agent);
  out.end_object();
  return out.take();
}

}  // namespace mimas::api
