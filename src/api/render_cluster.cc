#include "api/render_cluster.h"

#include <algorithm>
#include <map>

#include "api/job_limits.h"
#include "api/render_job.h"
#include "json/writer.h"
#include "model/group.h"
#include "model/readiness.h"
#include "model/secret.h"

namespace mimas::api {
namespace {

struct Group {
  std::string name;
  std::vector<engine::WaitingJob> jobs;
  std::int64_t tasks = 0;
  Instant since = kNever;
};

std::vector<Group> waiting_groups(const engine::View& view) {
  std::map<std::string, Group> groups;
  for (engine::WaitingJob& waiting : view.waiting()) {
    const std::string name(group_of(*waiting.job->spec));
    Group& group = groups[name];
    group.name = name;
    group.tasks += static_cast<std::int64_t>(waiting.tasks.size());
    group.since = std::min(group.since, waiting.tasks.front().since);
    group.jobs.push_back(std::move(waiting));
  }
  std::vector<Group> sorted;
  for (auto& [name, group] : groups) sorted.push_back(std::move(group));
  std::ranges::stable_sort(sorted, {}, &Group::since);
  return sorted;
}

void write_limit(json::Writer& out, const NumberLimit& limit) {
  out.key(limit.field).begin_object().member("minimum", limit.least).member("maximum", limit.most);
  out.member("default", limit.fallback).end_object();
}

}  // namespace

std::string render_queue(const engine::View& view) {
  json::Writer out;
  out.begin_array();
  for (const Group& group : waiting_groups(view)) {
    out.begin_object();
    out.member("capacityGroup", group.name);
    out.member("tasks", group.tasks).member("waitingSince", format_rfc3339(group.since));
    out.key("jobs").begin_array();
    for (const engine::WaitingJob& waiting : group.jobs) {
      const JobId& id = waiting.job->id;
      out.begin_object().member("jobId", id.value).member("name", waiting.job->spec->name);
      out.member("tasks", static_cast<std::int64_t>(waiting.tasks.size()));
      write_text_or_null(out, "message", view.shortfall(id));
      out.key("taskIds").begin_array();
      for (std::size_t i = 0; i < waiting.tasks.size() && i < kQueueTasksShown; ++i)
        out.string(make_task_id(id, waiting.tasks[i].index, waiting.tasks[i].number).value);
      out.end_array().end_object();
    }
    out.end_array().end_object();
  }
  out.end_array();
  return out.take();
}

std::string render_leader(const ServerFacts& facts, const engine::View& view) {
  json::Writer out;
  out.begin_object().member("hostname", facts.hostname).member("hostIP", facts.address);
  out.key("apiPort");
  if (facts.port > 0) {
    out.int64(facts.port);
  } else {
    out.null();
  }
  out.member("apiStatusUri", "/api/v2/status");
  out.member("createTime", facts.started_at.ms);
  write_text_or_null(out, "mesosLeader", view.connection().master);
  out.key("mesosServers").begin_array();
  for (const std::string& master : facts.masters) out.string(master);
  out.end_array().end_object();
  return out.take();
}

std::string render_status(const ServerFacts& facts, const engine::View& view, Instant now) {
  const engine::Connection connection = view.connection();
  std::int64_t jobs = 0;
  std::map<std::string_view, std::int64_t> tasks;
  for (const auto& [job, counts, held, ready] : view.live_jobs()) {
    ++jobs;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const auto state = static_cast<TaskState>(i);
      if (counts[i] > 0 && !is_terminal(state)) tasks[titus_state_name(state)] += counts[i];
    }
  }
  json::Writer out;
  out.begin_object().member("leader", true).member("version", facts.version);
  out.member("startedAt", format_rfc3339(facts.started_at));
  out.member("upTimeSecs", std::max<std::int64_t>(0, now - facts.started_at) / 1000);
  out.key("mesos").begin_object().member("subscribed", connection.subscribed);
  write_text_or_null(out, "master", connection.master);
  write_text_or_null(out, "frameworkId", connection.framework.value);
  out.end_object().member("liveJobs", jobs);
  out.key("liveTasks").begin_object();
  for (const auto& [state, count] : tasks) out.member(state, count);
  out.end_object();
  out.member("agents", static_cast<std::int64_t>(view.agents().size()));
  out.key("alerts").begin_array();
  for (const auto& [name, text] : view.alerts())
    out.begin_object().member("name", name).member("text", text).end_object();
  out.end_array().end_object();
  return out.take();
}

std::string render_limits(const ServerLimits& server) {
  json::Writer out;
  out.begin_object().key("fields").begin_object();
  out.key("cpu")
      .begin_object()
      .member("minimum", 0.01)
      .member("maximum", 1024)
      .member("default", 1)
      .end_object();
  for (const NumberLimit& limit : kNumberLimits) write_limit(out, limit);
  for (const NumberLimit& limit :
       {kShmMib, kRotateMb, kMaxConsecutiveFailures, kDelayMs, kInitialDelayMs, kMaxDelayIntervalMs})
    write_limit(out, limit);
  out.end_object();
  const auto bound = [&](const char* name, auto most) { out.member(name, static_cast<std::int64_t>(most)); };
  bound("batchInstances", kBatchInstancesMax);
  bound("serviceInstances", kServiceInstancesMax);
  bound("bodyBytes", kBodyBytesMax);
  bound("bodyDepth", kBodyDepthMax);
  bound("textBytes", kTextBytesMax);
  bound("labels", kLabelsMax);
  bound("labelValueBytes", kLabelValueBytesMax);
  bound("env", kEnvMax);
  bound("envBytes", kEnvBytesMax);
  bound("programBytes", kProgramBytesMax);
  bound("commandArguments", kCommandArgsMax);
  bound("artifacts", kArtifactsMax);
  bound("volumes", kVolumesMax);
  bound("ports", kPortsMax);
  bound("constraints", kConstraintsMax);
  bound("healthChecks", kHealthChecksMax);
  bound("tasksInOneKill", kKillTasksMax);
  bound("pageSize", kPageMax);
  bound("secretEnv", kSecretEnvMax);
  bound("secretBytes", kSecretValueBytesMax);
  bound("auditRecords", server.audits);
  bound("auditRecordsMs", server.audits_ms);
  bound("auditFileBytes", server.audit_file_bytes);
  bound("auditFiles", server.audit_files);
  bound("auditFilesMs", server.audit_files_ms);
  bound("idempotencyKeys", server.keys);
  bound("idempotencyKeysPerCaller", server.keys_per_caller);
  bound("idempotencyKeysMs", server.keys_ms);
  out.end_object();
  return out.take();
}

}  // namespace mimas::api
