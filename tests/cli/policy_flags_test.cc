#include "cli/policy_flags.h"

#include <doctest/doctest.h>

#include <CLI/CLI.hpp>

using namespace mimas;
using namespace mimas::cli;

namespace {

Status take(const std::string& line, bool alone, server::ServerOptions& options) {
  CLI::App app;
  PolicyFlags flags;
  add_policy_flags(app, flags);
  app.parse(line);
  return take_policy_flags(flags, alone, options);
}

}  // namespace

TEST_CASE("a server of others' agents is safe by itself, one of its own is open") {
  for (const bool alone : {true, false}) {
    server::ServerOptions options;
    REQUIRE(take("", alone, options).ok());
    CHECK(options.job_policy.source == (alone ? "safe" : "open"));
    CHECK_FALSE(options.audit_log_off);
    REQUIRE(take("--policy /etc/p.json --allow-privileged --secrets /s", alone, options).ok());
    CHECK(options.job_policy.source == "/etc/p.json");
    CHECK(options.job_policy.privileged);
    CHECK_FALSE(options.job_policy.host_volumes);
    CHECK(options.secrets_directory == "/s");
  }
}

TEST_CASE("the record of changes has a file, another one, or none, within bounds") {
  server::ServerOptions options;
  REQUIRE(take("--audit-log /var/log/m --audit-log-mib 2 --audit-log-files 0 --audit-log-for 1days", true,
               options)
              .ok());
  CHECK(options.audit_log.file == "/var/log/m");
  CHECK(options.audit_log.file_bytes_max == 2 << 20);
  CHECK(options.audit_log.files == 0);
  CHECK(options.audit_log.keep_ms == 86'400'000);
  REQUIRE(take("--audit-log none", true, options).ok());
  CHECK(options.audit_log_off);
  for (const char* line :
       {"--audit-log-mib 0", "--audit-log-mib 1025", "--audit-log-files -1", "--audit-log-for x"}) {
    const Status taken = take(line, true, options);
    REQUIRE_FALSE(taken.ok());
    CHECK(taken.error().where.starts_with("--audit-log-"));
  }
}
