#include "pocket/election.h"

#include <algorithm>

namespace mimas::pocket {

void LocalElection::stand(const mv1::MasterInfo& me, Instant now) {
  (void)now;
  standing_.emplace_back(me.id(), wire::Endpoint{me.hostname(), static_cast<std::uint16_t>(me.port())});
}

void LocalElection::withdraw(const mv1::MasterInfo& me, Instant now) {
  const bool led = !standing_.empty() && standing_.front().first == me.id();
  std::erase_if(standing_, [&](const auto& one) { return one.first == me.id(); });
  if (led) vacant_until_ = now + pause_ms_;
}

std::optional<wire::Endpoint> LocalElection::leader(Instant now) const {
  if (standing_.empty() || now < vacant_until_) return std::nullopt;
  return standing_.front().second;
}

}  // namespace mimas::pocket
