// How agents are chosen (placement/rules of docs/placement.md), and who may be ended for what: flags of
// `mimas serve` and `mimas dev`. Tested in tests/cli/placement_flags_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/server.h"

namespace CLI {
class App;
}

namespace mimas::cli {

struct PlacementFlags {
  std::string fitness = "pack=80, same-type=20, spread-services=250";
  std::int64_t good_enough = 1'001;
  std::vector<std::string> dedicated;
  std::string preemption = "on";
  std::string orphans = "wait";
};

inline constexpr std::size_t kDedicatedMax = 64;
inline constexpr std::int64_t kOrphanWaitSecsMax = 31'536'000;  // a year

void add_placement_flags(CLI::App& app, PlacementFlags& flags);

// Fills in `policy.rules`, `policy.preemption` and `policy.orphan_wait_ms`. An Error's `where` names the
// flag.
Status take_placement_flags(const PlacementFlags& flags, server::ServerOptions& options);

}  // namespace mimas::cli
