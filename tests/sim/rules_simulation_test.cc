// Rules 131 to 133 in the simulated world: a random life from a seed, a crash at every write boundary in
// turn, a reader that stops reading. Longer: build/tests/sim/soak.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "world.h"

namespace mimas::sim {
namespace {

using Probes = std::map<std::string, std::int64_t>;

std::string told(const World& world) {
  std::string text;
  for (const std::string& one : world.violations()) text += one + "\n";
  return text;
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mimas-sim-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string path;
};

std::uint64_t live(std::uint64_t seed, std::int64_t steps, Probes* probes) {
  Options options;
  options.seed = seed;
  World world(options);
  world.run(steps);
  world.calm();
  CHECK_MESSAGE(world.violations().empty(), "seed " << seed << ": " << told(world));
  CHECK(world.steps() >= steps);
  for (const auto& [probe, hits] : world.probes()) (*probes)[probe] += hits;
  return world.digest();
}

// A mistake is found when a seed or two later a rule is broken.
bool is_found(Planted mistake, const std::string& complaint) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Options options;
    options.seed = seed;
    options.planted = mistake;
    World world(options);
    world.run(1'500);
    world.calm();
    if (told(world).find(complaint) != std::string::npos) return true;
  }
  return false;
}

TEST_CASE(
    "rule 131: through 10^5 steps of disconnects, failovers, lost agents, repeats, reordering, late "
    "acknowledgements "
    "and restarts every invariant holds, the same seed ends the same, and all converges when the faults "
    "stop") {
  Probes probes;
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    const std::uint64_t digest = live(seed, 4'000, &probes);
    if (seed <= 5) CHECK(live(seed, 4'000, &probes) == digest);
  }
  for (const char* const rare : {"agent kept",
                                 "agent marked gone",
                                 "agent partitioned",
                                 "agent rebooted",
                                 "agent wiped",
                                 "asked a master that does not lead",
                                 "call repeated",
                                 "clock jumped between two lives",
                                 "connection cut during an ACCEPT",
                                 "container does not start",
                                 "crash at a write boundary",
                                 "executor crashed",
                                 "executor lies",
                                 "executor says it twice",
                                 "executor that never subscribes",
                                 "failover during a launch",
                                 "held offer rescinded",
                                 "invalid offers",
                                 "launch refused by the driver",
                                 "reconciliation answered",
                                 "scheduler crashed",
                                 "task back from unreachable",
                                 "task unreachable",
                                 "unknown offer rescinded",
                                 "unread bytes ran over",
                                 "update repeated after its commit"}) {
    CHECK_MESSAGE(probes[rare] > 0, "never reached: " << std::string(rare));
  }
}

TEST_CASE("a mistake made on purpose is found by the simulation") {
  CHECK(is_found(Planted::acts_before_commit, "before "));
  CHECK(is_found(Planted::never_acknowledges, "unacknowledged for more than ten minutes"));
  CHECK(is_found(Planted::never_reconciles, "no convergence"));
}

// The same short life each time, over a real store, with one crash in it.
std::int64_t life_with_crash_at(std::int64_t boundary) {
  const TemporaryDirectory directory;
  Options options;
  options.seed = 7;
  options.agents = 2;
  options.directory = directory.path;
  options.crash_at = boundary;
  World world(options);
  world.turn_faults(false);
  world.pass(3'000);
  world.submit(JobType::batch, 2);
  world.submit(JobType::service, 1);
  world.pass(15'000);
  world.masters().fail_over();
  world.submit(JobType::service, 1);
  world.pass(30'000);
  world.calm();
  CHECK_MESSAGE(world.violations().empty(), "crash at boundary " << boundary << ": " << told(world));
  CHECK((boundary == 0) == (world.probes().count("crash at a write boundary") == 0));
  return world.boundaries();
}

TEST_CASE(
    "rule 132: killed at each write boundary in turn, before a commit, between it and its effects, after "
    "each call that "
    "left, the scheduler comes back from its store and everything converges") {
  const std::int64_t boundaries = life_with_crash_at(0);
  CHECK(boundaries > 40);
  for (std::int64_t boundary = 1; boundary <= boundaries; ++boundary) life_with_crash_at(boundary);
}

TEST_CASE(
    "rule 133: a reader that stops for ten minutes under load is given up by the master; subscribed again, "
    "both tables "
    "of tasks become equal") {
  Options options;
  options.seed = 3;
  World world(options);
  world.turn_faults(false);
  world.pass(3'000);
  for (int i = 0; i < 4; ++i) world.submit(JobType::service, 4);
  for (int i = 0; i < 8; ++i) world.submit(JobType::batch, 4);
  world.pass(3'000);
  const std::int64_t subscribed = world.probes().at("subscribed");
  REQUIRE(world.scheduler() != nullptr);
  world.scheduler()->pause_reader(600'000);  // their updates come meanwhile, and come again
  world.pass(600'000);
  world.calm();
  CHECK_MESSAGE(world.violations().empty(), told(world));
  CHECK(world.probes().count("unread bytes ran over") == 1);
  CHECK(world.probes().at("subscribed") > subscribed);
}

}  // namespace
}  // namespace mimas::sim
