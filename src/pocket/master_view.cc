// What operators and viewers read: the v1 operator answers and a modest "/state" (mesos-protocol §5.6).
#include <arpa/inet.h>

#include "json/writer.h"
#include "pocket/master_model.h"

namespace mimas::pocket {
namespace {

constexpr const char* kVersion = "1.12.0";  // of the protocol spoken

double seconds(Instant at) { return static_cast<double>(at.ms) / 1000.0; }

mv1::Task render_task(const std::string& framework_id, const MasterTask& task) {
  mv1::Task out;
  out.set_name(task.info.name());
  *out.mutable_task_id() = task.info.task_id();
  out.mutable_framework_id()->set_value(framework_id);
  if (!task.executor_id.empty()) out.mutable_executor_id()->set_value(task.executor_id);
  out.mutable_agent_id()->set_value(task.agent_id);
  out.set_state(task.state);
  *out.mutable_resources() = task.info.resources();
  for (const mv1::TaskStatus& status : task.statuses) *out.add_statuses() = status;
  if (!task.statuses.empty()) {
    out.set_status_update_state(task.statuses.back().state());
    if (task.statuses.back().has_uuid()) out.set_status_update_uuid(task.statuses.back().uuid());
  }
  if (task.info.has_labels()) *out.mutable_labels() = task.info.labels();
  if (task.info.has_container()) *out.mutable_container() = task.info.container();
  return out;
}

void write_amounts(json::Writer& out, std::string_view name, const Amounts& amounts) {
  out.key(name).begin_object();
  for (const char* always : {"cpus", "mem", "disk", "gpus"})
    out.member(always, static_cast<double>(amounts.scalar(always)) / 1000.0);
  for (const auto& [kind, ranges] : amounts.ranges) {
    std::string text;
    for (const Interval& one : ranges)
      text += (text.empty() ? "[" : ", ") + std::to_string(one.begin) + "-" + std::to_string(one.end);
    out.member(kind, text + "]");
  }
  out.end_object();
}

void write_attributes(json::Writer& out, const mv1::AgentInfo& info) {
  out.key("attributes").begin_object();
  for (const auto& attribute : info.attributes()) {
    if (attribute.type() == mv1::Value::SCALAR) {
      out.member(attribute.name(), attribute.scalar().value());
    } else {
      out.member(attribute.name(), attribute.text().value());
    }
  }
  out.end_object();
}

void write_task(json::Writer& out, const std::string& framework_id, const MasterTask& task) {
  out.begin_object().member("id", task.info.task_id().value()).member("name", task.info.name());
  out.member("framework_id", framework_id).member("executor_id", task.executor_id);
  out.member("slave_id", task.agent_id).member("state", mv1::TaskState_Name(task.state));
  write_amounts(out, "resources", task.amounts);
  out.key("statuses").begin_array();
  for (const mv1::TaskStatus& status : task.statuses) {
    out.begin_object().member("state", mv1::TaskState_Name(status.state()));
    out.member("timestamp", status.timestamp()).end_object();
  }
  out.end_array().end_object();
}

void write_framework(json::Writer& out, const MasterFramework& framework) {
  out.begin_object().member("id", framework.id()).member("name", framework.info.name());
  out.member("user", framework.info.user()).member("hostname", framework.info.hostname());
  out.member("active", framework.connected).member("connected", framework.connected);
  out.member("recovered", !framework.connected && framework.failover_at == kNever);
  out.member("checkpoint", framework.info.checkpoint());
  out.member("failover_timeout", framework.info.failover_timeout());
  out.member("principal", framework.info.principal()).member("webui_url", framework.info.webui_url());
  out.member("registered_time", seconds(framework.registered_at));
  out.key("roles").begin_array();
  for (const std::string& role : framework.roles()) out.string(role);
  out.end_array().key("tasks").begin_array();
  for (const auto& [id, task] : framework.tasks) write_task(out, framework.id(), task);
  out.end_array().key("unreachable_tasks").begin_array();
  for (const auto& [id, task] : framework.unreachable) write_task(out, framework.id(), task);
  out.end_array().key("completed_tasks").begin_array();
  for (const MasterTask& task : framework.completed) write_task(out, framework.id(), task);
  out.end_array().end_object();
}

void write_agent(json::Writer& out, const MasterAgent& agent) {
  out.begin_object().member("id", agent.id()).member("hostname", agent.info.hostname());
  out.member("port", agent.info.port());
  out.member("pid", "slave(1)@" + agent.ip + ":" + std::to_string(agent.info.port()));
  write_attributes(out, agent.info);
  out.member("registered_time", seconds(agent.registered_at)).member("active", agent.connected);
  write_amounts(out, "resources", agent.total);
  write_amounts(out, "used_resources", agent.used);
  out.member("version", kVersion).end_object();
}

}  // namespace

mv1::MasterInfo MasterModel::info() const {
  const wire::Endpoint& at = options_.address;
  mv1::MasterInfo info;
  info.set_id(options_.master_id);
  in_addr address{};
  info.set_ip(inet_pton(AF_INET, at.host.c_str(), &address) == 1 ? address.s_addr : 0);
  info.set_port(at.port);
  info.set_pid("master@" + at.text());
  info.set_hostname(at.host);
  info.set_version(kVersion);
  info.mutable_address()->set_hostname(at.host);
  info.mutable_address()->set_ip(at.host);
  info.mutable_address()->set_port(at.port);
  using Capability = mv1::MasterInfo::Capability;
  for (const auto type : {Capability::AGENT_UPDATE, Capability::AGENT_DRAINING, Capability::QUOTA_V2})
    info.add_capabilities()->set_type(type);
  return info;
}

mmaster::Response MasterModel::get_master() const {
  mmaster::Response response;
  response.set_type(mmaster::Response::GET_MASTER);
  *response.mutable_get_master()->mutable_master_info() = info();
  response.mutable_get_master()->set_start_time(seconds(started_at_));
  response.mutable_get_master()->set_elected_time(seconds(started_at_));
  return response;
}

mmaster::Response MasterModel::get_agents() const {
  mmaster::Response response;
  response.set_type(mmaster::Response::GET_AGENTS);
  auto* list = response.mutable_get_agents();
  Rendering plain;
  plain.allocation_info = false;
  for (const auto& [id, agent] : agents_) {
    auto* one = list->add_agents();
    *one->mutable_agent_info() = agent.info;
    one->set_active(agent.connected);
    one->set_deactivated(false);
    one->set_version(kVersion);
    one->set_pid("slave(1)@" + agent.ip + ":" + std::to_string(agent.info.port()));
    one->mutable_registered_time()->set_nanoseconds(agent.registered_at.ms * 1'000'000);
    render_amounts(agent.total, plain, one->mutable_total_resources());
    render_amounts(agent.used, plain, one->mutable_allocated_resources());
    Amounts offered;
    for (const auto& [offer_id, offer] : offers_)
      if (offer.agent_id == id) offered.add(offer.amounts);
    render_amounts(offered, plain, one->mutable_offered_resources());
  }
  return response;
}

mmaster::Response MasterModel::get_tasks() const {
  mmaster::Response response;
  response.set_type(mmaster::Response::GET_TASKS);
  auto* list = response.mutable_get_tasks();
  for (const auto& [framework_id, framework] : frameworks_) {
    for (const auto& [id, task] : framework.tasks) *list->add_tasks() = render_task(framework_id, task);
    for (const auto& [id, task] : framework.unreachable)
      *list->add_unreachable_tasks() = render_task(framework_id, task);
    for (const MasterTask& task : framework.completed)
      *list->add_completed_tasks() = render_task(framework_id, task);
  }
  return response;
}

std::string MasterModel::state_json() const {
  json::Writer out;
  out.begin_object().member("version", kVersion).member("id", options_.master_id);
  const std::string pid = "master@" + options_.address.text();
  out.member("pid", pid).member("leader", pid).member("hostname", options_.address.host);
  out.member("start_time", seconds(started_at_)).member("elected_time", seconds(started_at_));
  out.member("activated_slaves", static_cast<std::int64_t>(agents_.size()));
  out.member("deactivated_slaves", 0);
  out.member("unreachable_slaves", static_cast<std::int64_t>(unreachable_agents_.size()));
  out.key("slaves").begin_array();
  for (const auto& [id, agent] : agents_) write_agent(out, agent);
  out.end_array().key("frameworks").begin_array();
  for (const auto& [id, framework] : frameworks_) write_framework(out, framework);
  out.end_array().key("completed_frameworks").begin_array();
  for (const std::string& id : completed_frameworks_) out.begin_object().member("id", id).end_object();
  out.end_array().key("orphan_tasks").begin_array().end_array();
  out.key("unregistered_frameworks").begin_array().end_array().end_object();
  return out.take();
}

}  // namespace mimas::pocket
