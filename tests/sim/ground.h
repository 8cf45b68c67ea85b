// What every part of the simulated world stands on: virtual time, one source of chance, the switch for
// faults, a running digest of all that happens, counters that prove that rare paths were taken, and the
// faults found in the code under test. One thread; one seed, one run. Tested through
// tests/sim/rules_simulation_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "timeline.h"

namespace mimas::sim {

class Ground {
 public:
  explicit Ground(std::uint64_t seed) : random(seed) {}

  Timeline time;
  Prng random;
  bool faults = true;           // chance() of a fault; delays are short without
  Instant slow_until{};         // the network is slow, with faults on
  std::int64_t steps = 0;       // deeds and interventions so far
  std::int64_t faults_off = 0;  // the time in ms at which faults were turned off, 0: they are on

  Instant now() const { return time.now(); }

  // True so many times in a thousand. fault(): only while there are faults.
  bool chance(std::uint64_t per_mille) { return random.below(1'000) < per_mille; }
  bool fault(std::uint64_t per_mille) { return faults && chance(per_mille); }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
  }
  // One way through the network.
  std::int64_t delay_ms() {
    if (faults && now() < slow_until) return between(100, 20'000);
    return fault(10) ? between(20, 3'000) : between(1, 20);
  }

  // Part of the run's digest (FNV-1a).
  void note(std::string_view text) {
    for (const char c : text) mix(static_cast<unsigned char>(c));
    for (int shift = 0; shift < 64; shift += 8) mix(static_cast<unsigned char>(now().ms >> shift));
    if (trace) trace(now(), text);
  }
  std::uint64_t digest() const { return digest_; }

  void hit(const std::string& probe) { ++probes[probe]; }
  std::map<std::string, std::int64_t> probes;

  // A rule was broken. Only the first few are kept: what follows is their consequence.
  void broken(const std::string& what) {
    note("BROKEN " + what);
    if (violations.size() >= 5) return;
    violations.push_back("step " + std::to_string(steps) + ", " +
                         std::to_string((now().ms - 1'000'000'000) / 1'000) + " s: " + what);
  }
  std::vector<std::string> violations;

  std::function<void(Instant, std::string_view)> trace;  // for a person who looks into one seed

 private:
  void mix(unsigned char byte) { digest_ = (digest_ ^ byte) * 1'099'511'628'211ULL; }
  std::uint64_t digest_ = 14'695'981'039'346'656'037ULL;
};

}  // namespace mimas::sim
