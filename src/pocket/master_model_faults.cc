// What the master's model does on order (pocket/fault.h).
#include "pocket/master_model.h"

namespace mimas::pocket {

bool MasterModel::rescind_offers(const std::string& framework_id, Instant now) {
  if (!framework_id.empty() && find_framework(framework_id) == nullptr) return false;
  for (const auto& [id, framework] : frameworks_)
    if (framework_id.empty() || framework_id == id) drop_offers_of_framework(id, nullptr, true);
  allocate_soon(now);
  return true;
}

bool MasterModel::forget_framework(const std::string& framework_id, Instant now) {
  MasterFramework* framework = find_framework(framework_id);
  if (framework == nullptr) return false;
  drop_offers_of_framework(framework_id, nullptr, false);
  drop_inverse_offers(framework_id, "", false);
  std::set<std::string> asked;
  for (const auto& [task_id, task] : framework->tasks) asked.insert(task.agent_id);
  frameworks_.erase(framework_id);
  for (const std::string& agent_id : asked) {
    const auto agent = agents_.find(agent_id);
    if (agent == agents_.end()) continue;
    if (agent->second.connected) outputs_.emplace_back(EndStream{agent->second.stream});
    rescind_offers_of_agent(agent_id);
    agents_.erase(agent);
    recovering_agents_.insert(agent_id);
    recovery_ends_ = now + options_.agent_reregister_ms;
  }
  allocate_by(now);
  return true;
}

}  // namespace mimas::pocket
