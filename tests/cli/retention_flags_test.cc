#include "cli/retention_flags.h"

#include <doctest/doctest.h>

#include <CLI/CLI.hpp>

using namespace mimas;
using namespace mimas::cli;

namespace {

Status take(const std::string& line, server::ServerOptions& options) {
  CLI::App app;
  RetentionFlags flags;
  add_retention_flags(app, flags);
  app.parse(line);
  return take_retention_flags(flags, options);
}

std::string fault_of(const std::string& line) {
  server::ServerOptions options;
  const Status taken = take(line, options);
  REQUIRE_FALSE(taken.ok());
  return taken.error().text();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("without a flag as much is kept as the engine keeps by itself") {
  server::ServerOptions options;
  REQUIRE(take("", options).ok());
  const auto& policy = options.policy;
  const auto usual = server::ServerOptions{}.policy;
  CHECK(policy.ended_jobs_kept == usual.ended_jobs_kept);
  CHECK(policy.ended_jobs_keep_ms == usual.ended_jobs_keep_ms);
  CHECK(policy.audits_kept == usual.audits_kept);
  CHECK(policy.audits_keep_ms == usual.audits_keep_ms);
}

TEST_CASE("numbers and ages of what is kept are taken over") {
  server::ServerOptions options;
  REQUIRE(take("--keep-jobs 0 --keep-jobs-for 2days --keep-audit 5 --keep-audit-for 1hrs", options).ok());
  const auto& policy = options.policy;
  CHECK(policy.ended_jobs_kept == 0);
  CHECK(policy.ended_jobs_keep_ms == 172'800'000);
  CHECK(policy.audits_kept == 5);
  CHECK(policy.audits_keep_ms == 3'600'000);
}

TEST_CASE("what cannot be kept is refused by the flag's name") {
  CHECK(contains(fault_of("--keep-jobs -1"), "--keep-jobs"));
  CHECK(contains(fault_of("--keep-jobs 1000001"), "0 to 1000000"));
  CHECK(contains(fault_of("--keep-audit 0"), "--keep-audit"));
  CHECK(contains(fault_of("--keep-jobs-for soon"), "--keep-jobs-for"));
  CHECK(contains(fault_of("--keep-audit-for 4000days"), "--keep-audit-for"));
}
