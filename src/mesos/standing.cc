#include "mesos/standing.h"

#include <algorithm>
#include <variant>

namespace mimas::mesos {

bool Standing::ours(const std::vector<std::string>& roles) const {
  return std::all_of(roles.begin(), roles.end(),
                     [this](const std::string& role) { return roles_.contains(role); });
}

void Standing::note(const engine::Effect& effect) {
  if (const auto* suppress = std::get_if<engine::SuppressOffers>(&effect)) {
    if (suppress->roles.empty()) suppressed_ = roles_;
    if (ours(suppress->roles)) suppressed_.insert(suppress->roles.begin(), suppress->roles.end());
  } else if (const auto* revive = std::get_if<engine::ReviveOffers>(&effect)) {
    if (revive->roles.empty()) suppressed_.clear();
    if (!ours(revive->roles)) return;
    for (const std::string& role : revive->roles) suppressed_.erase(role);
  } else if (const auto* constrain = std::get_if<engine::ConstrainOffers>(&effect)) {
    constraints_ = *constrain;
  }
}

}  // namespace mimas::mesos
