#include "server/config_json.h"

#include "api/job_policy_file.h"
#include "api/render_job.h"
#include "json/writer.h"

namespace mimas::server {
namespace {

std::string_view sharing_name(engine::Sharing sharing) {
  switch (sharing) {
    case engine::Sharing::task: return "task";
    case engine::Sharing::job: return "job";
    case engine::Sharing::agent: return "agent";
  }
  return "task";
}

void write_rules(json::Writer& out, const placement::Rules& rules) {
  out.key("placement").begin_object();
  out.member("fitness", placement::fitness_text(rules.fitness.terms));
  out.member("goodEnough", rules.fitness.good_enough).key("dedicatedAttributes").begin_array();
  for (const std::string& name : rules.dedicated) out.string(name);
  out.end_array().end_object();
}

void write_bounds(json::Writer& out, const engine::Policy& policy) {
  out.key("retention").begin_object();
  out.member("endedJobs", policy.ended_jobs_kept).member("endedJobsMs", policy.ended_jobs_keep_ms);
  out.member("endedTasksPerSlot", policy.ended_tasks_kept_per_slot);
  out.member("audits", policy.audits_kept).member("auditsMs", policy.audits_keep_ms);
  out.member("versionsPerJob", policy.versions_kept);
  out.member("idempotencyKeysMs", policy.receipts_keep_ms).end_object();
  out.key("limits").begin_object();
  out.member("liveJobs", policy.jobs_live_max).member("wantedInstances", policy.tasks_live_max);
  out.member("openOperations", policy.operations_open_max);
  out.member("strayKillsPerMinute", policy.stray_kills_per_minute).end_object();
}

// Where it is, is a matter of the machine.
void write_audit_log(json::Writer& out, const AuditLogOptions& log) {
  out.key("auditLog");
  if (log.file.empty()) {
    out.null();
    return;
  }
  out.begin_object().member("fileBytes", log.file_bytes_max).member("files", log.files);
  out.member("keepMs", log.keep_ms).member("rotateMs", log.rotate_ms).end_object();
}

}  // namespace

api::ServerLimits limits_of(const ServerOptions& options) {
  const engine::Policy& policy = options.policy;
  const AuditLogOptions& log = options.audit_log;
  const bool kept = !log.file.empty();
  return {
      policy.audits_kept,     policy.audits_keep_ms, kept ? log.file_bytes_max : 0,  kept ? log.files : 0,
      kept ? log.keep_ms : 0, policy.receipts_max,   policy.receipts_per_caller_max, policy.receipts_keep_ms};
}

std::string render_config(const ServerOptions& options, const std::string& archive,
                          const api::JobPolicy& policy) {
  json::Writer out;
  out.begin_object();
  api::write_text_or_null(out, "advertise", options.advertise);
  out.key("roles").begin_array();
  for (const std::string& role : options.roles) out.string(role);
  out.end_array();
  api::write_text_or_null(out, "user", options.user);
  out.member("failoverTimeoutMs", options.failover_timeout_ms);
  out.member("executorSharing", sharing_name(options.policy.sharing));
  write_rules(out, options.policy.rules);
  out.member("preemption", options.policy.preemption);
  out.key("orphanWaitMs");  // null: until a person decides
  if (options.policy.orphan_wait_ms == engine::kNeverMs) {
    out.null();
  } else {
    out.int64(options.policy.orphan_wait_ms);
  }
  api::write_text_or_null(out, "archive", archive);
  write_bounds(out, options.policy);
  write_audit_log(out, options.audit_log);
  out.key("policy");
  api::write_policy(out, policy);
  out.member("secrets", !options.secrets_directory.empty());
  out.key("http").begin_object().member("connections", options.access.connections_max);
  out.member("streams", options.access.streams_max);
  out.member("bodyBytes", static_cast<std::int64_t>(options.access.body_bytes_max));
  out.member("replyBytes", options.access.reply_bytes_max);
  out.member("commandTimeoutMs", options.command_timeout_ms).end_object();
  out.member("logLevel", options.log_level).end_object();
  return out.take();
}

}  // namespace mimas::server
