#include "pocket/agent_view.h"

#include <algorithm>

#include "json/writer.h"

namespace mimas::pocket {
namespace {

constexpr const char* kVersion = "1.12.0";  // of the protocol spoken
constexpr std::int64_t kMebibyte = 1 << 20;

Amounts amounts_of(const ResourceList& list) {
  ResourceList plain;  // reserved or not, volume or not: it is there
  for (const mv1::Resource& one : list) {
    mv1::Resource* value = plain.Add();
    value->set_name(one.name());
    value->set_type(one.type());
    if (one.has_scalar()) *value->mutable_scalar() = one.scalar();
    if (one.has_ranges()) *value->mutable_ranges() = one.ranges();
  }
  Result<Amounts> amounts = read_amounts(plain);
  return amounts ? *std::move(amounts) : Amounts{};
}

void write_resources(json::Writer& out, const Amounts& amounts) {
  out.key("resources").begin_object();
  for (const char* always : {"cpus", "mem", "disk", "gpus"})
    out.member(always, static_cast<double>(amounts.scalar(always)) / 1000.0);
  for (const auto& [name, ranges] : amounts.ranges) {
    std::string text;
    for (const Interval& one : ranges)
      text += (text.empty() ? "[" : ", ") + std::to_string(one.begin) + "-" + std::to_string(one.end);
    out.member(name, text + "]");
  }
  out.end_object();
}

void write_task(json::Writer& out, const AgentExecutor& executor, const AgentTask& task) {
  out.begin_object().member("id", task.info.task_id().value()).member("name", task.info.name());
  out.member("framework_id", executor.container.framework_id);
  out.member("executor_id", executor.command ? std::string() : executor.container.executor_id);
  out.member("slave_id", task.info.agent_id().value()).member("state", mv1::TaskState_Name(task.latest));
  write_resources(out, amounts_of(task.info.resources()));
  out.end_object();
}

void write_executor(json::Writer& out, const AgentExecutor& executor, const std::string& directory) {
  out.begin_object().member("id", executor.container.executor_id).member("name", executor.info.name());
  out.member("source", executor.info.source()).member("container", executor.container.container_id);
  out.member("directory", directory).member("type", "CUSTOM");
  Amounts all = amounts_of(executor.info.resources());
  for (const auto& [id, task] : executor.tasks)
    if (!is_terminal(task.latest)) all.add(amounts_of(task.info.resources()));
  write_resources(out, all);
  const auto list = [&](const char* name, const auto& wanted) {
    out.key(name).begin_array();
    for (const auto& [id, task] : executor.tasks)
      if (wanted(task)) write_task(out, executor, task);
    out.end_array();
  };
  list("queued_tasks", [](const AgentTask& task) { return !task.delivered && !is_terminal(task.latest); });
  list("tasks", [](const AgentTask& task) { return task.delivered && !is_terminal(task.latest); });
  list("completed_tasks", [](const AgentTask& task) { return is_terminal(task.latest); });
  out.end_object();
}

void write_framework(json::Writer& out, const AgentFramework& framework, const std::string& root) {
  const std::string& id = framework.info.id().value();
  out.begin_object().member("id", id).member("name", framework.info.name());
  out.member("user", framework.info.user()).member("hostname", framework.info.hostname());
  out.member("checkpoint", framework.info.checkpoint());
  for (const bool over : {false, true}) {
    out.key(over ? "completed_executors" : "executors").begin_array();
    for (const auto& [executor_id, executor] : framework.executors) {
      if ((executor.state == ExecutorState::terminated) != over) continue;
      write_executor(out, executor,
                     root + "/frameworks/" + id + "/executors/" + executor_id + "/runs/" +
                         executor.container.container_id);
    }
    out.end_array();
  }
  out.end_object();
}

void write_use(json::Writer& out, const Amounts& limits, const SessionUse& use, Instant now) {
  out.key("statistics").begin_object().member("timestamp", static_cast<double>(now.ms) / 1000.0);
  out.member("cpus_user_time_secs", use.user_seconds).member("cpus_system_time_secs", use.system_seconds);
  out.member("cpus_limit", static_cast<double>(limits.scalar("cpus")) / 1000.0);
  out.member("mem_rss_bytes", use.rss_bytes);
  out.member("mem_limit_bytes", limits.scalar("mem") * kMebibyte / 1000).end_object();
}

}  // namespace

std::string agent_state_json(const AgentModel& model, const std::string& agent_dir) {
  const mv1::AgentInfo& info = model.info();
  const std::string root = agent_dir + "/slaves/" + info.id().value();
  json::Writer out;
  out.begin_object().member("version", kVersion).member("id", info.id().value());
  out.member("pid", "slave(1)@" + model.ip() + ":" + std::to_string(info.port()));
  out.member("hostname", info.hostname());
  write_resources(out, amounts_of(info.resources()));
  out.key("attributes").begin_object();
  for (const auto& attribute : info.attributes()) {
    if (attribute.type() == mv1::Value::SCALAR) out.member(attribute.name(), attribute.scalar().value());
    if (attribute.type() == mv1::Value::TEXT) out.member(attribute.name(), attribute.text().value());
  }
  out.end_object().key("flags").begin_object().end_object().key("frameworks").begin_array();
  for (const auto& [id, framework] : model.frameworks()) write_framework(out, framework, root);
  out.end_array().key("completed_frameworks").begin_array().end_array().end_object();
  return out.take();
}

std::string containers_json(const AgentModel& model, const std::map<std::string, SessionUse>& used,
                            Instant now) {
  json::Writer out;
  out.begin_array();
  for (const auto& [framework_id, framework] : model.frameworks()) {
    for (const auto& [executor_id, executor] : framework.executors) {
      if (executor.state == ExecutorState::terminated) continue;
      out.begin_object().member("container_id", executor.container.container_id);
      out.member("executor_id", executor_id).member("executor_name", executor.info.name());
      out.member("framework_id", framework_id).member("source", executor.info.source());
      out.key("status").begin_object().member("executor_pid", executor.pid).end_object();
      const auto use = used.find(executor.container.container_id);
      if (use != used.end()) {
        Amounts limits = amounts_of(executor.info.resources());
        for (const auto& [id, task] : executor.tasks)
          if (!is_terminal(task.latest)) limits.add(amounts_of(task.info.resources()));
        write_use(out, limits, use->second, now);
      }
      out.end_object();
    }
  }
  out.end_array();
  return out.take();
}

}  // namespace mimas::pocket
