// How often an address may be wrong. Each has a store of kAttempts, of which one comes back every
// kAttemptBackMs; who has none left is not even asked (429) until one is back. An IPv6 address counts by its
// /64, which is what one household gets. At most kAddressesMax are remembered; beyond that the one which
// needs it least is forgotten, so that memory is bounded whoever knocks. Not thread-safe; time is an
// argument. Tested in tests/server/attempts_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace mimas::server {

inline constexpr std::int64_t kAttempts = 10;
inline constexpr std::int64_t kAttemptBackMs = 10'000;
inline constexpr std::size_t kAddressesMax = 4'096;

// "10.0.0.1" as it is, "2001:db8:1:2:3::4" as "2001:db8:1:2::/64".
std::string counted_address(const std::string& numeric);

class Attempts {
 public:
  // False: there is none left. `address` as counted_address() answers it.
  bool take(const std::string& address, std::int64_t now_ms);
  void give_back(const std::string& address);  // it was right after all
  std::size_t addresses() const { return taken_.size(); }

 private:
  // As if an empty store filled up at a steady rate: the instant at which it is full again says all.
  std::map<std::string, std::int64_t> taken_;  // full again at
  void forget(std::int64_t now_ms);
};

}  // namespace mimas::server
