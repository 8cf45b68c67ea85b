#include "cli/placement_flags.h"

#include <doctest/doctest.h>

#include <CLI/CLI.hpp>

using namespace mimas;
using namespace mimas::cli;

namespace {

Status take(const std::vector<std::string>& line, server::ServerOptions& options) {
  CLI::App app;
  PlacementFlags flags;
  add_placement_flags(app, flags);
  app.parse(std::vector<std::string>(line.rbegin(), line.rend()));
  return take_placement_flags(flags, options);
}

std::string fault_of(const std::vector<std::string>& line) {
  server::ServerOptions options;
  const Status taken = take(line, options);
  REQUIRE_FALSE(taken.ok());
  return taken.error().text();
}

}  // namespace

TEST_CASE("without a flag agents are chosen as placement does by itself") {
  server::ServerOptions options;
  REQUIRE(take({}, options).ok());
  const placement::Fitness usual;
  CHECK(placement::fitness_text(options.policy.rules.fitness.terms) == placement::fitness_text(usual.terms));
  CHECK(options.policy.rules.fitness.good_enough == usual.good_enough);
  CHECK(options.policy.rules.dedicated.empty());
}

TEST_CASE("terms, the score that is good enough, and attributes that keep others out") {
  server::ServerOptions options;
  REQUIRE(
      take({"--fitness", "spread=3", "--good-enough", "900", "--dedicated-attributes", "arch, gpu"}, options)
          .ok());
  CHECK(placement::fitness_text(options.policy.rules.fitness.terms) == "spread=3");
  CHECK(options.policy.rules.fitness.good_enough == 900);
  CHECK(options.policy.rules.dedicated == std::set<std::string>{"arch", "gpu"});
}

TEST_CASE("tasks that an older database does not know wait, for a time, or not at all") {
  server::ServerOptions options;
  REQUIRE(take({}, options).ok());
  CHECK(options.policy.orphan_wait_ms == engine::kNeverMs);
  REQUIRE(take({"--orphans", "3600"}, options).ok());
  CHECK(options.policy.orphan_wait_ms == 3'600'000);
  REQUIRE(take({"--orphans", "kill"}, options).ok());
  CHECK(options.policy.orphan_wait_ms == 0);
}

TEST_CASE("what is none of these is refused by the name of its flag") {
  CHECK(fault_of({"--fitness", "best=1"}).starts_with("--fitness"));
  CHECK(fault_of({"--good-enough", "1002"}).starts_with("--good-enough"));
  CHECK(fault_of({"--dedicated-attributes", "a=b"}).starts_with("--dedicated-attributes"));
  for (const char* orphans : {"", "0", "-1", "5m", "never", "99999999999999999999"}) {
    CHECK(fault_of({"--orphans", orphans}).starts_with("--orphans"));
  }
}
