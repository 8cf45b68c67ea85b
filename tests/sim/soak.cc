// The simulation for longer than a test may take: `soak --seeds N --steps N --first-seed N`. Every seed runs
// twice and must end in the same digest. With --trace one seed is told step by step. Ends with 1 at the first
// seed that breaks a rule, having said which.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "world.h"

namespace {

using mimas::sim::Options;
using mimas::sim::World;

std::uint64_t live(std::uint64_t seed, std::int64_t steps, bool trace, bool* ok,
                   std::map<std::string, std::int64_t>* probes) {
  Options options;
  options.seed = seed;
  World world(options);
  if (trace) {
    world.ground().trace = [](mimas::Instant at, std::string_view text) {
      std::printf("%10.3f %.*s\n", static_cast<double>(at.ms - 1'000'000'000) / 1'000.0,
                  static_cast<int>(text.size()), text.data());
    };
  }
  world.run(steps);
  world.calm();
  for (const std::string& what : world.violations()) {
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), what.c_str());
    *ok = false;
  }
  for (const auto& [probe, hits] : world.probes()) (*probes)[probe] += hits;
  return world.digest();
}

}  // namespace

int main(int count, char** words) {
  std::uint64_t seeds = 100, first = 1;
  std::int64_t steps = 5'000;
  bool trace = false;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const auto number = [&] { return i + 1 < count ? std::strtoull(words[++i], nullptr, 10) : 0ULL; };
    if (word == "--seeds") {
      seeds = number();
    } else if (word == "--first-seed") {
      first = number();
    } else if (word == "--steps") {
      steps = static_cast<std::int64_t>(number());
    } else if (word == "--trace") {
      trace = true;
    } else {
      std::fprintf(stderr, "usage: soak [--seeds N] [--steps N] [--first-seed N] [--trace]\n");
      return 2;
    }
  }
  std::map<std::string, std::int64_t> probes;
  bool ok = true;
  for (std::uint64_t seed = first; seed < first + seeds && ok; ++seed) {
    const std::uint64_t one = live(seed, steps, trace, &ok, &probes);
    if (!trace && live(seed, steps, false, &ok, &probes) != one) {
      std::printf("seed %llu: two runs differ\n", static_cast<unsigned long long>(seed));
      ok = false;
    }
  }
  if (!trace)
    for (const auto& [probe, hits] : probes)
      std::printf("%8lld %s\n", static_cast<long long>(hits), probe.c_str());
  return ok ? 0 : 1;
}
