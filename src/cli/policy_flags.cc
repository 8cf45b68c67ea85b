#include "cli/policy_flags.h"

#include <CLI/CLI.hpp>

#include "cli/retention_flags.h"
#include "cli/usage_error.h"

namespace mimas::cli {
namespace {

constexpr std::int64_t kAuditLogMibMax = 1'024;
constexpr std::int64_t kAuditLogFilesMax = 1'000;

}  // namespace

void add_policy_flags(CLI::App& app, PolicyFlags& flags) {
  app.add_option(
         "--policy", flags.policy,
         "what jobs may ask for: safe, open, or a file with rules for each role; default: safe for serve, "
         "open for dev")
      ->type_name("safe|open|FILE")
      ->envname("MIMAS_POLICY");
  app.add_flag("--allow-privileged", flags.allow_privileged,
               "jobs may have privileged containers, and capabilities that Docker does not give by itself, "
               "whatever "
               "the policy says")
      ->envname("MIMAS_ALLOW_PRIVILEGED");
  app.add_flag("--allow-host-volumes", flags.allow_host_volumes,
               "jobs may mount paths of the agents into their containers, whatever the policy says")
      ->envname("MIMAS_ALLOW_HOST_VOLUMES");
  app.add_option("--secrets", flags.secrets,
                 "a directory of secrets, a file each, that jobs may name in secretEnv")
      ->type_name("DIR")
      ->envname("MIMAS_SECRETS");
  app.add_option(
         "--audit-log", flags.audit_log,
         "keeps the record of changes, a line each, longer than the database does; none: nowhere; default: "
         "audit.log below --data")
      ->type_name("FILE")
      ->envname("MIMAS_AUDIT_LOG");
  app.add_option("--audit-log-mib", flags.audit_log_mib, "how large it becomes before it is rotated")
      ->type_name("MIB")
      ->capture_default_str();
  app.add_option("--audit-log-files", flags.audit_log_files, "how many rotated ones are kept")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--audit-log-for", flags.audit_log_for,
                 "how long rotated ones are kept at most; 0secs: as many as --audit-log-files says")
      ->type_name("DURATION")
      ->capture_default_str();
}

Status take_policy_flags(const PolicyFlags& flags, bool alone, server::ServerOptions& options) {
  if (Status fits = check_number("--audit-log-mib", flags.audit_log_mib, 1, kAuditLogMibMax); !fits.ok())
    return fits;
  if (Status fits = check_number("--audit-log-files", flags.audit_log_files, 0, kAuditLogFilesMax);
      !fits.ok())
    return fits;
  const Result<std::int64_t> keep = parse_age("--audit-log-for", flags.audit_log_for);
  if (!keep.ok()) return keep.error();
  const std::string otherwise = alone ? "safe" : "open";
  options.job_policy = {flags.policy.empty() ? otherwise : flags.policy, flags.allow_privileged,
                        flags.allow_host_volumes};
  options.secrets_directory = flags.secrets;
  options.audit_log_off = flags.audit_log == "none";
  options.audit_log.file = options.audit_log_off ? std::string() : flags.audit_log;
  options.audit_log.file_bytes_max = flags.audit_log_mib << 20;
  options.audit_log.files = flags.audit_log_files;
  options.audit_log.keep_ms = *keep;
  return Done{};
}

}  // namespace mimas::cli
