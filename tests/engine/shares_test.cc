#include "engine/shares.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "base/prng.h"

namespace mimas::engine {
namespace {

TEST_CASE("whoever has the most loses the oldest, whatever came and went before") {
  Prng prng(7);
  Shares<int> shares;
  std::map<std::string, std::set<int>> model;
  for (int round = 0; round < 5'000; ++round) {
    const std::string holder = std::string(1, static_cast<char>('a' + prng.below(5)));
    const int item = static_cast<int>(prng.below(30));
    if (prng.below(3) > 0) {
      shares.add(holder, item);
      model[holder].insert(item);
    } else {
      shares.remove(holder, item);
      model[holder].erase(item);
    }
    std::size_t largest = 0;
    for (const auto& [name, items] : model) largest = std::max(largest, items.size());
    REQUIRE(shares.of(holder) == model[holder].size());
    REQUIRE(shares.largest() == largest);
    if (largest == 0) continue;
    const int oldest = shares.oldest_of_largest();
    REQUIRE(std::ranges::any_of(model, [&](const auto& entry) {
      return entry.second.size() == largest && *entry.second.begin() == oldest;
    }));
  }
}

}  // namespace
}  // namespace mimas::engine
