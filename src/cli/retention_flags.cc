#include "cli/retention_flags.h"

#include <CLI/CLI.hpp>

#include "cli/usage_error.h"

namespace mimas::cli {
namespace {

constexpr std::int64_t kKeepMsMax = 315'360'000'000;  // ten years

}  // namespace

Status check_number(const char* flag, std::int64_t number, std::int64_t least, std::int64_t most) {
  if (number >= least && number <= most) return Done{};
  return usage_error(flag, "must be " + std::to_string(least) + " to " + std::to_string(most));
}

Result<std::int64_t> parse_age(const char* flag, const std::string& text) {
  const Result<std::int64_t> ms = parse_mesos_duration_ms(text);
  if (!ms.ok()) return usage_error(flag, ms.error());
  if (*ms < 0 || *ms > kKeepMsMax) return usage_error(flag, "must be 0secs to 3650days");
  return ms;
}

void add_retention_flags(CLI::App& app, RetentionFlags& flags) {
  app.add_option("--keep-jobs", flags.jobs, "how many ended jobs are kept, the newest")
      ->type_name("N")
      ->capture_default_str()
      ->envname("MIMAS_KEEP_JOBS");
  app.add_option("--keep-jobs-for", flags.jobs_for,
                 "how long ended jobs are kept at most; 0secs: as many as --keep-jobs says")
      ->type_name("DURATION")
      ->capture_default_str()
      ->envname("MIMAS_KEEP_JOBS_FOR");
  app.add_option("--keep-audit", flags.audits, "how many audit records are kept, the newest")
      ->type_name("N")
      ->capture_default_str()
      ->envname("MIMAS_KEEP_AUDIT");
  app.add_option("--keep-audit-for", flags.audits_for,
                 "how long audit records are kept at most; 0secs: as many as --keep-audit says")
      ->type_name("DURATION")
      ->capture_default_str()
      ->envname("MIMAS_KEEP_AUDIT_FOR");
}

Status take_retention_flags(const RetentionFlags& flags, server::ServerOptions& options) {
  if (Status fits = check_number("--keep-jobs", flags.jobs, 0, kJobsKeptMax); !fits.ok()) return fits;
  if (Status fits = check_number("--keep-audit", flags.audits, 1, kAuditsKeptMax); !fits.ok()) return fits;
  const Result<std::int64_t> jobs_for = parse_age("--keep-jobs-for", flags.jobs_for);
  if (!jobs_for.ok()) return jobs_for.error();
  const Result<std::int64_t> audits_for = parse_age("--keep-audit-for", flags.audits_for);
  if (!audits_for.ok()) return audits_for.error();
  options.policy.ended_jobs_kept = flags.jobs;
  options.policy.ended_jobs_keep_ms = *jobs_for;
  options.policy.audits_kept = flags.audits;
  options.policy.audits_keep_ms = *audits_for;
  return Done{};
}

}  // namespace mimas::cli
