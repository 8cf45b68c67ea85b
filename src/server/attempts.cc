#include "server/attempts.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace mimas::server {

std::string counted_address(const std::string& numeric) {
  in6_addr address{};
  if (::inet_pton(AF_INET6, numeric.c_str(), &address) != 1) return numeric;
  std::memset(address.s6_addr + 8, 0, 8);
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET6, &address, text, sizeof text);
  return std::string(text) + "/64";
}

bool Attempts::take(const std::string& address, std::int64_t now_ms) {
  const auto found = taken_.find(address);
  if (found == taken_.end()) {
    if (taken_.size() >= kAddressesMax) forget(now_ms);
    taken_.emplace(address, now_ms + kAttemptBackMs);
    return true;
  }
  const std::int64_t full_at = std::max(found->second, now_ms) + kAttemptBackMs;
  if (full_at - now_ms > kAttempts * kAttemptBackMs) return false;
  found->second = full_at;
  return true;
}

void Attempts::give_back(const std::string& address) {
  const auto found = taken_.find(address);
  if (found != taken_.end()) found->second -= kAttemptBackMs;
}

void Attempts::forget(std::int64_t now_ms) {
  std::erase_if(taken_, [now_ms](const auto& entry) { return entry.second <= now_ms; });
  if (taken_.size() < kAddressesMax) return;
  taken_.erase(std::ranges::min_element(taken_, {}, [](const auto& entry) { return entry.second; }));
}

}  // namespace mimas::server
