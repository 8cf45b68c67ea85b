// What operators read through the v1 operator API (mesos-protocol §5.6).
#include <arpa/inet.h>

#include "pocket/master_model.h"

namespace mimas::pocket {
namespace {

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
  info.set_version(kMesosVersion);
  info.mutable_address()->set_hostname(at.host);
  info.mutable_address()->set_ip(at.host);
  info.mutable_address()->set_port(at.port);
  using Capability = mv1::MasterInfo::Capability;
  for (const auto type : {Capability::AGENT_UPDATE, Capability::AGENT_DRAINING, Capability::QUOTA_V2})
    info.add_capabilities()->set_type(type);
  return info;
}

std::optional<std::string> MasterModel::principal_of(const std::string& framework) const {
  const auto found = frameworks_.find(framework);
  if (found == frameworks_.end()) return std::nullopt;
  return found->second.info.principal();
}

void MasterModel::fill(mmaster::Response::GetAgents* list) const {
  const Rendering plain{"*", false, false};
  for (const auto& [id, agent] : agents_) {
    auto* one = list->add_agents();
    *one->mutable_agent_info() = agent.info;
    one->set_active(agent.connected && !agent.deactivated);
    one->set_deactivated(agent.deactivated);
    one->set_version(kMesosVersion);
    one->set_pid(pid_of(agent));
    one->mutable_registered_time()->set_nanoseconds(agent.registered_at.ms * 1'000'000);
    agent.total.render(plain, one->mutable_total_resources());
    agent.used.render(plain, one->mutable_allocated_resources());
    offered_on(id).render(plain, one->mutable_offered_resources());
    using Capability = mv1::AgentInfo::Capability;
    for (const auto type : {Capability::MULTI_ROLE, Capability::HIERARCHICAL_ROLE,
                            Capability::RESERVATION_REFINEMENT, Capability::AGENT_OPERATION_FEEDBACK})
      one->add_capabilities()->set_type(type);
  }
  for (const std::string& id : recovering_agents_) {  // nothing but their ids is remembered
    auto* one = list->add_recovered_agents();
    one->mutable_id()->set_value(id);
    one->set_hostname("");
  }
}

void MasterModel::fill(mmaster::Response::GetTasks* list) const {
  const auto add = [&](const MasterFramework& framework) {
    for (const auto& [id, task] : framework.tasks) *list->add_tasks() = render_task(framework.id(), task);
    for (const auto& [id, task] : framework.unreachable)
      *list->add_unreachable_tasks() = render_task(framework.id(), task);
    for (const MasterTask& task : framework.completed)
      *list->add_completed_tasks() = render_task(framework.id(), task);
  };
  for (const auto& [id, framework] : frameworks_) add(framework);
  for (const MasterFramework& framework : completed_frameworks_) add(framework);
}

void MasterModel::fill(mmaster::Response::GetFrameworks* list) const {
  const Rendering plain{"*", false, false};
  const auto write = [&](const MasterFramework& framework, mmaster::Response::GetFrameworks::Framework* one) {
    *one->mutable_framework_info() = framework.info;
    one->set_active(framework.connected);
    one->set_connected(framework.connected);
    one->set_recovered(framework.recovered());
    one->mutable_registered_time()->set_nanoseconds(framework.registered_at.ms * 1'000'000);
    if (framework.unregistered_at != kNever)
      one->mutable_unregistered_time()->set_nanoseconds(framework.unregistered_at.ms * 1'000'000);
    for (const auto& [id, offer] : offers_)
      if (offer.framework_id == framework.id()) *one->add_offers() = render_offer(offer);
    for (const auto& [id, offer] : inverse_offers_)
      if (offer.framework_id == framework.id()) *one->add_inverse_offers() = render_inverse_offer(offer);
    used_by(framework).render(plain, one->mutable_allocated_resources());
    offered_to(framework.id()).render(plain, one->mutable_offered_resources());
    *one->mutable_offer_constraints() = framework.constraints.offer_constraints();
  };
  for (const auto& [id, framework] : frameworks_) write(framework, list->add_frameworks());
  for (const MasterFramework& framework : completed_frameworks_)
    write(framework, list->add_completed_frameworks());
}

void MasterModel::fill(mmaster::Response::GetExecutors* list) const {
  for (const auto& [id, agent] : agents_) {
    for (const auto& [key, executor] : agent.executors) {
      auto* one = list->add_executors();
      *one->mutable_executor_info() = executor.info;
      one->mutable_agent_id()->set_value(id);
    }
  }
}

void MasterModel::fill(mmaster::Response::GetRoles* list) const {
  std::map<std::string, std::vector<const MasterFramework*>> roles;
  for (const auto& [id, framework] : frameworks_)
    for (const std::string& role : framework.roles()) roles[role].push_back(&framework);
  for (const auto& [name, frameworks] : roles) {
    mv1::Role* role = list->add_roles();
    role->set_name(name);
    role->set_weight(1.0);
    for (const MasterFramework* framework : frameworks) *role->add_frameworks() = framework->info.id();
  }
}

std::optional<mmaster::Response> MasterModel::view(mmaster::Call::Type type, Instant now) const {
  using Call = mmaster::Call;
  using Response = mmaster::Response;
  Response out;
  const auto is = [&](Response::Type response) {
    out.set_type(response);
    return &out;
  };
  switch (type) {
    case Call::GET_HEALTH: is(Response::GET_HEALTH)->mutable_get_health()->set_healthy(true); break;
    case Call::GET_VERSION:
      is(Response::GET_VERSION)->mutable_get_version()->mutable_version_info()->set_version(kMesosVersion);
      break;
    case Call::GET_FLAGS:
      for (const auto& [name, value] : flags()) {
        mv1::Flag* flag = is(Response::GET_FLAGS)->mutable_get_flags()->add_flags();
        flag->set_name(name);
        flag->set_value(value);
      }
      break;
    case Call::GET_METRICS:
      for (const auto& [name, value] : metrics(now)) {
        mv1::Metric* metric = is(Response::GET_METRICS)->mutable_get_metrics()->add_metrics();
        metric->set_name(name);
        metric->set_value(value);
      }
      break;
    case Call::GET_STATE: {
      auto* state = is(Response::GET_STATE)->mutable_get_state();
      fill(state->mutable_get_tasks());
      fill(state->mutable_get_executors());
      fill(state->mutable_get_frameworks());
      fill(state->mutable_get_agents());
      break;
    }
    case Call::GET_AGENTS: fill(is(Response::GET_AGENTS)->mutable_get_agents()); break;
    case Call::GET_FRAMEWORKS: fill(is(Response::GET_FRAMEWORKS)->mutable_get_frameworks()); break;
    case Call::GET_EXECUTORS: fill(is(Response::GET_EXECUTORS)->mutable_get_executors()); break;
    case Call::GET_TASKS: fill(is(Response::GET_TASKS)->mutable_get_tasks()); break;
    case Call::GET_ROLES: fill(is(Response::GET_ROLES)->mutable_get_roles()); break;
    case Call::GET_MASTER: {
      auto* master = is(Response::GET_MASTER)->mutable_get_master();
      *master->mutable_master_info() = info();
      master->set_start_time(seconds(started_at_));
      master->set_elected_time(seconds(started_at_));
      break;
    }
    case Call::GET_MAINTENANCE_STATUS:
      *is(Response::GET_MAINTENANCE_STATUS)->mutable_get_maintenance_status()->mutable_status() =
          maintenance_status();
      break;
    case Call::GET_MAINTENANCE_SCHEDULE:
      *is(Response::GET_MAINTENANCE_SCHEDULE)->mutable_get_maintenance_schedule()->mutable_schedule() =
          schedule_;
      break;
    default: return std::nullopt;
  }
  return out;
}

}  // namespace mimas::pocket
