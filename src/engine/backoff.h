// first·2ⁿ, never above max: the one back-off of the engine (kills, launches, retries, reconciliation).
#pragma once

#include <algorithm>
#include <cstdint>

namespace mimas::engine {

inline std::int64_t backoff_ms(std::int64_t first_ms, std::int64_t max_ms, std::int64_t n) {
  std::int64_t delay = std::max<std::int64_t>(first_ms, 0);
  for (; n > 0 && delay < max_ms && delay > 0; --n) delay = delay > max_ms / 2 ? max_ms : delay * 2;
  return std::min(delay, std::max<std::int64_t>(max_ms, 0));
}

}  // namespace mimas::engine
