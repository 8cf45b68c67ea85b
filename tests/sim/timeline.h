// Virtual time for the simulation: what is to happen, in order of its instant and, at the same instant, of
// its being asked for. Nothing here reads a clock; a run is repeated to the bit by asking for the same
// things. One thread. Tested in tests/sim/timeline_test.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/time.h"

namespace mimas::sim {

class Timeline {
 public:
  using Deed = std::function<void()>;

  Instant now() const { return now_; }
  bool empty() const { return deeds_.empty(); }
  Instant next() const { return deeds_.empty() ? kNever : deeds_.begin()->first.first; }

  // An instant that has passed already means as soon as possible, after what is due before; kNever: not at
  // all.
  void at(Instant when, Deed deed) {
    if (when != kNever) deeds_.emplace(std::pair(std::max(when, now_), ++asked_), std::move(deed));
  }
  void after(std::int64_t ms, Deed deed) { at(now_ + ms, std::move(deed)); }

  // Turns time on to the next deed and does it; false when there is none.
  bool run_one() {
    if (deeds_.empty()) return false;
    auto first = deeds_.extract(deeds_.begin());
    now_ = first.key().first;
    first.mapped()();
    return true;
  }

 private:
  Instant now_{1'000'000'000};
  std::uint64_t asked_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, Deed> deeds_;
};

}  // namespace mimas::sim
