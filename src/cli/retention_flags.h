// How much of what is over is kept, and for how long (docs/history.md): flags of `mimas serve` and
// `mimas dev`. Tested in tests/cli/retention_flags_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "server/server.h"

namespace CLI {
class App;
}

namespace mimas::cli {

struct RetentionFlags {
  std::int64_t jobs = 1'000;
  std::string jobs_for = "0secs";
  std::int64_t audits = 10'000;
  std::string audits_for = "30days";
};

// Bounds of the numbers: what is kept is in memory, too.
inline constexpr std::int64_t kJobsKeptMax = 1'000'000;
inline constexpr std::int64_t kAuditsKeptMax = 1'000'000;

void add_retention_flags(CLI::App& app, RetentionFlags& flags);

// Of a flag that is a number, and of one that is a duration in milliseconds, at most ten years.
Status check_number(const char* flag, std::int64_t number, std::int64_t least, std::int64_t most);
Result<std::int64_t> parse_age(const char* flag, const std::string& text);

// Fills in `policy`. An Error's `where` names the flag.
Status take_retention_flags(const RetentionFlags& flags, server::ServerOptions& options);

}  // namespace mimas::cli
