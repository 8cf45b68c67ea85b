// The older documents people and programs read with GET: "/state" and its parts (mesos-protocol §5.6). All
// numbers are doubles there, resources are maps, and a command task has an empty executor id.
#include "json/writer.h"
#include "pocket/master_model.h"
#include "v1/codec.h"

namespace mimas::pocket {
namespace {

double seconds(Instant at) { return static_cast<double>(at.ms) / 1000.0; }

void write_amounts(json::Writer& out, std::string_view name, const Amounts& amounts) {
  out.key(name).begin_object();
  for (const char* always : {"disk", "mem", "gpus", "cpus"})
    out.member(always, static_cast<double>(amounts.scalar(always)) / 1000.0);
  for (const auto& [kind, milli] : amounts.scalars) {
    const bool written = kind == "disk" || kind == "mem" || kind == "gpus" || kind == "cpus";
    if (!written) out.member(kind, static_cast<double>(milli) / 1000.0);
  }
  for (const auto& [kind, ranges] : amounts.ranges) {
    std::string text;
    for (const Interval& one : ranges)
      text += (text.empty() ? "[" : ", ") + std::to_string(one.begin) + "-" + std::to_string(one.end);
    out.member(kind, text + "]");
  }
  for (const auto& [kind, items] : amounts.sets) {
    std::string text;
    for (const std::string& item : items) text += (text.empty() ? "{" : ", ") + item;
    out.member(kind, text + "}");
  }
  out.end_object();
}

void write_full(json::Writer& out, std::string_view name, const Holdings& holdings) {
  ResourceList list;
  holdings.render(Rendering{"*", false, false}, &list);
  out.key(name).begin_array();
  for (const mv1::Resource& one : list) out.raw(v1::encode(one, v1::MediaType::json));
  out.end_array();
}

void write_attributes(json::Writer& out, const mv1::AgentInfo& info) {
  out.key("attributes").begin_object();
  for (const auto& attribute : info.attributes()) {
    if (attribute.type() == mv1::Value::SCALAR) {
      out.member(attribute.name(), attribute.scalar().value());
    } else if (attribute.type() == mv1::Value::RANGES) {
      std::string text;
      for (const auto& range : attribute.ranges().range())
        text +=
            (text.empty() ? "[" : ", ") + std::to_string(range.begin()) + "-" + std::to_string(range.end());
      out.member(attribute.name(), text + "]");
    } else {
      out.member(attribute.name(), attribute.text().value());
    }
  }
  out.end_object();
}

void write_labels(json::Writer& out, const mv1::Labels& labels) {
  out.key("labels").begin_array();
  for (const auto& label : labels.labels()) {
    out.begin_object().member("key", label.key());
    if (label.has_value()) out.member("value", label.value());
    out.end_object();
  }
  out.end_array();
}

void write_task(json::Writer& out, const std::string& framework_id, const MasterTask& task) {
  out.begin_object().member("id", task.info.task_id().value()).member("name", task.info.name());
  out.member("framework_id", framework_id).member("executor_id", task.executor_id);
  out.member("slave_id", task.agent_id).member("state", mv1::TaskState_Name(task.state));
  write_amounts(out, "resources", task.amounts.sum());
  if (!task.info.resources().empty()) out.member("role", task.info.resources(0).allocation_info().role());
  out.key("statuses").begin_array();
  for (const mv1::TaskStatus& status : task.statuses) {
    out.begin_object().member("state", mv1::TaskState_Name(status.state()));
    out.member("timestamp", status.timestamp());
    if (status.has_container_status())
      out.member_raw("container_status", v1::encode(status.container_status(), v1::MediaType::json));
    if (status.has_healthy()) out.member("healthy", status.healthy());
    out.end_object();
  }
  out.end_array();
  if (task.info.has_labels()) write_labels(out, task.info.labels());
  if (task.info.has_discovery())
    out.member_raw("discovery", v1::encode(task.info.discovery(), v1::MediaType::json));
  if (task.info.has_container())
    out.member_raw("container", v1::encode(task.info.container(), v1::MediaType::json));
  if (task.info.has_health_check())
    out.member_raw("health_check", v1::encode(task.info.health_check(), v1::MediaType::json));
  out.end_object();
}

struct Counts {
  std::map<mv1::TaskState, int> by_state;
  void add(const MasterFramework& framework, const std::string* agent_id) {
    for (const auto& [id, task] : framework.tasks)
      if (agent_id == nullptr || task.agent_id == *agent_id) ++by_state[task.state];
    for (const auto& [id, task] : framework.unreachable)
      if (agent_id == nullptr || task.agent_id == *agent_id) ++by_state[mv1::TASK_UNREACHABLE];
    for (const MasterTask& task : framework.completed)
      if (agent_id == nullptr || task.agent_id == *agent_id) ++by_state[task.state];
  }
  void write(json::Writer& out) const {
    for (const auto state :
         {mv1::TASK_STAGING, mv1::TASK_STARTING, mv1::TASK_RUNNING, mv1::TASK_KILLING, mv1::TASK_FINISHED,
          mv1::TASK_KILLED, mv1::TASK_FAILED, mv1::TASK_LOST, mv1::TASK_ERROR, mv1::TASK_UNREACHABLE}) {
      const auto found = by_state.find(state);
      out.member(mv1::TaskState_Name(state), found == by_state.end() ? 0 : found->second);
    }
  }
};

}  // namespace

std::string pid_of(const MasterAgent& agent) {
  return "slave(1)@" + agent.ip + ":" + std::to_string(agent.info.port());
}

Holdings MasterModel::offered_on(const std::string& agent_id) const {
  Holdings offered;
  for (const auto& [id, offer] : offers_)
    if (offer.agent_id == agent_id) offered.add(offer.amounts);
  return offered;
}

Holdings MasterModel::offered_to(const std::string& framework_id) const {
  Holdings offered;
  for (const auto& [id, offer] : offers_)
    if (offer.framework_id == framework_id) offered.add(offer.amounts);
  return offered;
}

Holdings MasterModel::used_by(const MasterFramework& framework) const {
  Holdings used;
  for (const auto& [id, task] : framework.tasks)
    if (task.charged) used.add(task.amounts);
  for (const auto& [id, agent] : agents_)
    for (const auto& [key, executor] : agent.executors)
      if (key.first == framework.id()) used.add(executor.amounts);
  return used;
}

void MasterModel::write_agents(json::Writer& out, bool in_full) const {
  out.key("slaves").begin_array();
  for (const auto& [id, agent] : agents_) {
    const Holdings offered = offered_on(id);
    out.begin_object().member("id", id).member("hostname", agent.info.hostname());
    out.member("port", agent.info.port()).member("pid", pid_of(agent));
    write_attributes(out, agent.info);
    out.member("registered_time", seconds(agent.registered_at));
    write_amounts(out, "resources", agent.total.sum());
    write_amounts(out, "used_resources", agent.used.sum());
    write_amounts(out, "offered_resources", offered.sum());
    out.key("reserved_resources").begin_object();
    for (const std::string& role : agent.total.roles()) write_amounts(out, role, agent.total.sum_for(role));
    out.end_object();
    write_amounts(out, "unreserved_resources", agent.total.sum_for("*"));
    out.member("active", agent.connected && !agent.deactivated).member("deactivated", agent.deactivated);
    out.member("version", kMesosVersion).key("capabilities").begin_array();
    for (const char* one :
         {"MULTI_ROLE", "HIERARCHICAL_ROLE", "RESERVATION_REFINEMENT", "AGENT_OPERATION_FEEDBACK"})
      out.string(one);
    out.end_array();
    if (in_full) {
      write_full(out, "used_resources_full", agent.used);
      write_full(out, "offered_resources_full", offered);
      write_full(out, "unreserved_resources_full", agent.total.for_role("", false));
    }
    if (!in_full) {
      Counts counts;
      for (const auto& [framework_id, framework] : frameworks_) counts.add(framework, &id);
      counts.write(out);
      out.key("framework_ids").begin_array();
      for (const auto& [framework_id, framework] : frameworks_)
        if (std::any_of(framework.tasks.begin(), framework.tasks.end(),
                        [&](const auto& task) { return task.second.agent_id == id; }))
          out.string(framework_id);
      out.end_array();
    }
    out.end_object();
  }
  out.end_array();
}

void MasterModel::write_framework(json::Writer& out, const MasterFramework& framework, bool summary) const {
  const mv1::FrameworkInfo& info = framework.info;
  out.begin_object().member("id", framework.id()).member("name", info.name());
  const Holdings used = used_by(framework);
  write_amounts(out, "used_resources", used.sum());
  write_amounts(out, "offered_resources", offered_to(framework.id()).sum());
  out.key("capabilities").begin_array();
  for (const auto& one : info.capabilities())
    out.string(mv1::FrameworkInfo::Capability::Type_Name(one.type()));
  out.end_array().member("hostname", info.hostname()).member("webui_url", info.webui_url());
  out.member("active", framework.connected).member("connected", framework.connected);
  out.member("recovered", framework.recovered());
  if (summary) {
    Counts counts;
    counts.add(framework, nullptr);
    counts.write(out);
    out.key("slave_ids").begin_array();
    std::set<std::string> places;
    for (const auto& [id, task] : framework.tasks) places.insert(task.agent_id);
    for (const std::string& id : places) out.string(id);
    out.end_array().end_object();
    return;
  }
  out.member("user", info.user()).member("failover_timeout", info.failover_timeout());
  out.member("checkpoint", info.checkpoint()).member("registered_time", seconds(framework.registered_at));
  out.member("unregistered_time",
             framework.unregistered_at == kNever ? 0.0 : seconds(framework.unregistered_at));
  if (!info.principal().empty()) out.member("principal", info.principal());
  write_amounts(out, "resources", used.sum());
  if (framework.has(mv1::FrameworkInfo::Capability::MULTI_ROLE)) {
    out.key("roles").begin_array();
    for (const std::string& role : framework.roles()) out.string(role);
    out.end_array();
  } else {
    out.member("role", info.role());
  }
  out.key("tasks").begin_array();
  for (const auto& [id, task] : framework.tasks) write_task(out, framework.id(), task);
  out.end_array().key("unreachable_tasks").begin_array();
  for (const auto& [id, task] : framework.unreachable) write_task(out, framework.id(), task);
  out.end_array().key("completed_tasks").begin_array();
  for (const MasterTask& task : framework.completed) write_task(out, framework.id(), task);
  out.end_array().key("offers").begin_array();
  for (const auto& [id, offer] : offers_) {
    if (offer.framework_id != framework.id()) continue;
    out.begin_object().member("id", id).member("framework_id", framework.id());
    out.member("slave_id", offer.agent_id);
    write_amounts(out, "resources", offer.amounts.sum());
    out.end_object();
  }
  out.end_array().key("executors").begin_array();
  for (const auto& [agent_id, agent] : agents_) {
    for (const auto& [key, executor] : agent.executors) {
      if (key.first != framework.id()) continue;
      out.begin_object().member("executor_id", key.second).member("name", executor.info.name());
      out.member("framework_id", framework.id()).member("slave_id", agent_id);
      write_amounts(out, "resources", executor.amounts.sum());
      out.end_object();
    }
  }
  out.end_array();
  if (info.has_labels()) write_labels(out, info.labels());
  out.end_object();
}

void MasterModel::write_frameworks(json::Writer& out) const {
  out.key("frameworks").begin_array();
  for (const auto& [id, framework] : frameworks_) write_framework(out, framework, false);
  out.end_array().key("completed_frameworks").begin_array();
  for (const MasterFramework& framework : completed_frameworks_) write_framework(out, framework, false);
  out.end_array().key("unregistered_frameworks").begin_array().end_array();
}

void MasterModel::write_tasks(json::Writer& out, std::size_t limit, std::size_t offset) const {
  out.key("tasks").begin_array();
  const auto write = [&](const std::string& framework_id, const MasterTask& task) {
    if (offset > 0) {
      --offset;
    } else if (limit > 0) {
      --limit;
      write_task(out, framework_id, task);
    }
  };
  const auto all_of = [&](const MasterFramework& framework) {
    for (const auto& [id, task] : framework.tasks) write(framework.id(), task);
    for (const auto& [id, task] : framework.unreachable) write(framework.id(), task);
    for (const MasterTask& task : framework.completed) write(framework.id(), task);
  };
  for (const auto& [id, framework] : frameworks_) all_of(framework);
  for (const MasterFramework& framework : completed_frameworks_) all_of(framework);
  out.end_array();
}

void MasterModel::write_roles(json::Writer& out) const {
  std::map<std::string, std::vector<const MasterFramework*>> roles;
  for (const auto& [id, framework] : frameworks_)
    for (const std::string& role : framework.roles()) roles[role].push_back(&framework);
  out.key("roles").begin_array();
  for (const auto& [name, frameworks] : roles) {
    out.begin_object().member("name", name).member("weight", 1.0).key("frameworks").begin_array();
    Holdings used;
    for (const MasterFramework* framework : frameworks) {
      out.string(framework->id());
      for (const auto& [id, task] : framework->tasks)
        if (task.charged && task.info.resources_size() > 0 &&
            task.info.resources(0).allocation_info().role() == name)
          used.add(task.amounts);
    }
    out.end_array();
    write_amounts(out, "resources", used.sum());
    out.end_object();
  }
  out.end_array();
}

std::map<std::string, std::string> MasterModel::flags() const {
  const auto ms = [](std::int64_t value) { return std::to_string(value) + "ms"; };
  return {{"agent_ping_timeout", ms(options_.agent_ping_timeout_ms)},
          {"agent_reregister_timeout", ms(options_.agent_reregister_ms)},
          {"allocation_interval", ms(options_.allocation_interval_ms)},
          {"max_completed_frameworks", std::to_string(options_.completed_frameworks_max)},
          {"max_completed_tasks_per_framework", std::to_string(options_.completed_tasks_max)},
          {"ip", options_.address.host},
          {"port", std::to_string(options_.address.port)}};
}

std::map<std::string, double> MasterModel::metrics(Instant now) const {
  std::map<std::string, double> all{{"master/elected", 1.0},
                                    {"master/uptime_secs", static_cast<double>(now - started_at_) / 1000.0}};
  all["master/frameworks_connected"] = all["master/frameworks_disconnected"] = 0;
  for (const auto& [id, framework] : frameworks_)
    ++all[framework.connected ? "master/frameworks_connected" : "master/frameworks_disconnected"];
  all["master/slaves_connected"] = all["master/slaves_disconnected"] = 0;
  Holdings total;
  Holdings used;
  for (const auto& [id, agent] : agents_) {
    ++all[agent.connected ? "master/slaves_connected" : "master/slaves_disconnected"];
    total.add(agent.total);
    used.add(agent.used);
  }
  all["master/slaves_unreachable"] = static_cast<double>(unreachable_agents_.size());
  all["master/outstanding_offers"] = static_cast<double>(offers_.size());
  for (const char* name : {"cpus", "mem", "disk"}) {
    all[std::string("master/") + name + "_total"] = static_cast<double>(total.scalar(name)) / 1000.0;
    all[std::string("master/") + name + "_used"] = static_cast<double>(used.scalar(name)) / 1000.0;
  }
  Counts counts;
  for (const auto& [id, framework] : frameworks_) counts.add(framework, nullptr);
  for (const auto& [state, name] : {std::pair{mv1::TASK_STAGING, "staging"},
                                    {mv1::TASK_STARTING, "starting"},
                                    {mv1::TASK_RUNNING, "running"},
                                    {mv1::TASK_KILLING, "killing"},
                                    {mv1::TASK_FINISHED, "finished"},
                                    {mv1::TASK_FAILED, "failed"},
                                    {mv1::TASK_KILLED, "killed"},
                                    {mv1::TASK_LOST, "lost"},
                                    {mv1::TASK_ERROR, "error"},
                                    {mv1::TASK_UNREACHABLE, "unreachable"}})
    all[std::string("master/tasks_") + name] = counts.by_state[state];
  return all;
}

void MasterModel::write_state(json::Writer& out) const {
  const std::string pid = "master@" + options_.address.text();
  const auto active = std::count_if(agents_.begin(), agents_.end(), [](const auto& one) {
    return one.second.connected && !one.second.deactivated;
  });
  out.member("version", kMesosVersion).member("start_time", seconds(started_at_));
  out.member("elected_time", seconds(started_at_)).member("id", options_.master_id);
  out.member("pid", pid).member("hostname", options_.address.host).key("capabilities").begin_array();
  for (const char* one : {"AGENT_UPDATE", "AGENT_DRAINING", "QUOTA_V2"}) out.string(one);
  out.end_array().member("activated_slaves", static_cast<double>(active));
  out.member("deactivated_slaves", static_cast<double>(static_cast<std::ptrdiff_t>(agents_.size()) - active));
  out.member("unreachable_slaves", static_cast<double>(unreachable_agents_.size())).member("leader", pid);
  out.key("leader_info").begin_object().member("id", options_.master_id).member("pid", pid);
  out.member("port", options_.address.port).member("hostname", options_.address.host).end_object();
  out.key("flags").begin_object();
  for (const auto& [name, value] : flags()) out.member(name, value);
  out.end_object();
  write_agents(out, true);
  out.key("recovered_slaves").begin_array();
  for (const std::string& id : recovering_agents_) out.begin_object().member("id", id).end_object();
  out.end_array();
  write_frameworks(out);
  out.key("orphan_tasks").begin_array().end_array();
}

std::string MasterModel::document(const std::string& path, std::size_t limit, std::size_t offset) const {
  json::Writer out;
  out.begin_object();
  if (path == "/state") {
    write_state(out);
  } else if (path == "/state-summary") {
    out.member("hostname", options_.address.host);
    write_agents(out, false);
    out.key("frameworks").begin_array();
    for (const auto& [id, framework] : frameworks_) write_framework(out, framework, true);
    out.end_array();
  } else if (path == "/slaves") {
    write_agents(out, true);
    out.key("recovered_slaves").begin_array().end_array();
  } else if (path == "/frameworks") {
    write_frameworks(out);
  } else if (path == "/tasks") {
    write_tasks(out, limit, offset);
  } else if (path == "/roles") {
    write_roles(out);
  } else if (path == "/flags") {
    out.key("flags").begin_object();
    for (const auto& [name, value] : flags()) out.member(name, value);
    out.end_object();
  } else {
    out.end_object();
    return {};
  }
  out.end_object();
  return out.take();
}

}  // namespace mimas::pocket
