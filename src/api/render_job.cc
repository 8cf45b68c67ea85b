#include "api/render_job.h"

#include "api/render_why.h"

#include <algorithm>
#include <string>

#include "api/job_health.h"
#include "api/job_notes.h"
#include "base/time.h"
#include "json/value.h"
#include "model/readiness.h"
#include "model/signals.h"

namespace mimas::api {
namespace {

std::string_view job_state_text(const Job& job, bool dispatched) {
  if (job.state != JobState::ended) return dispatched ? "DISPATCHED" : "QUEUED";
  switch (job.outcome) {
    case JobOutcome::finished: return "FINISHED";
    case JobOutcome::failed: return "FAILED";
    case JobOutcome::killed:
    case JobOutcome::none: break;
  }
  return "STOPPED";
}

void write_map(json::Writer& out, std::string_view name, const std::map<std::string, std::string>& map) {
  out.key(name).begin_object();
  for (const auto& [key, value] : map) out.member(key, value);
  out.end_object();
}

// Names of secrets are none.
void write_environment(json::Writer& out, std::string_view name, const JobSpec& spec, const Sight& sight) {
  const bool seen = sight.sees(spec);
  out.key(name).begin_object();
  for (const auto& [variable, value] : spec.env)
    out.member(variable, seen ? std::string_view(value) : kMasked);
  out.end_object();
  write_map(out, "secretEnv", spec.secret_env);
}

void write_container_ports(json::Writer& out, const JobSpec& spec) {
  out.key("ports");
  if (spec.container_ports.empty()) {
    out.null();
    return;
  }
  out.begin_array();
  for (const std::int32_t port : spec.container_ports) out.int64(port);
  out.end_array();
}

void write_program(json::Writer& out, const JobSpec& spec) {
  write_text_or_null(out, "entryPoint", spec.entry_point);
  out.key("command");
  if (spec.command.empty()) {
    out.null();
  } else {
    out.begin_array();
    for (const std::string& argument : spec.command) out.string(argument);
    out.end_array();
  }
  write_text_or_null(out, "workingDirectory", spec.working_directory);
  out.key("artifacts").begin_array();
  for (const Artifact& artifact : spec.artifacts) {
    out.begin_object().member("uri", artifact.uri);
    out.member("extract", artifact.extract).member("executable", artifact.executable);
    out.member("cache", artifact.cache).end_object();
  }
  out.end_array();
}

void write_texts(json::Writer& out, std::string_view name, const std::vector<std::string>& texts) {
  out.key(name).begin_array();
  for (const std::string& text : texts) out.string(text);
  out.end_array();
}

void write_confinement(json::Writer& out, const JobSpec& spec) {
  write_text_or_null(out, "runAs", spec.run_as);
  out.member("cpuQuota", spec.cpu_quota).member("pids", spec.pids_max);
  out.key("rlimits").begin_object();
  for (const auto& [name, limit] : spec.rlimits) {
    out.key(name).begin_object().member("soft", limit.soft).member("hard", limit.hard).end_object();
  }
  out.end_object();
  out.key("logs").begin_object().member("rotateMb", spec.logs.rotate_mib).member("keep", spec.logs.keep);
  out.member("compress", spec.logs.compress).end_object();
}

std::string_view pull_text(ContainerSettings::Pull pull) {
  switch (pull) {
    case ContainerSettings::Pull::missing: return "missing";
    case ContainerSettings::Pull::always: return "always";
    case ContainerSettings::Pull::never: return "never";
  }
  return "missing";
}

void write_container(json::Writer& out, const JobSpec& spec) {
  const ContainerSettings& container = spec.container;
  write_text_or_null(out, "digest", container.digest);
  out.member("shmSize", container.shm_mib);
  out.key("volumes").begin_array();
  for (const VolumeMount& volume : container.volumes) {
    out.begin_object().member("source", volume.source).member("target", volume.target);
    out.member("readOnly", volume.read_only).end_object();
  }
  out.end_array().key("container");
  if (spec.runtime != Runtime::docker) {
    out.null();
    return;
  }
  out.begin_object().member("pull", pull_text(container.pull));
  write_map(out, "labels", container.labels);
  write_texts(out, "capAdd", container.cap_add);
  write_texts(out, "capDrop", container.cap_drop);
  write_text_or_null(out, "hostname", container.hostname);
  write_text_or_null(out, "network", container.network);
  write_text_or_null(out, "logDriver", container.log_driver);
  out.member("init", container.init).member("readOnlyRoot", container.read_only_root);
  out.member("privileged", container.privileged).end_object();
}

void write_amounts(json::Writer& out, const JobSpec& spec) {
  write_cpu(out, spec.request.cpu_milli);
  out.member("memory", spec.request.mem_mib);
  out.member("disk", spec.request.disk_mib);
  out.member("gpu", spec.request.gpus);
  out.member("networkMbps", spec.network_mbps);
  out.key("resources").begin_object();
  for (const auto& [name, thousandths] : spec.request.scalars) write_thousandths(out, name, thousandths);
  out.end_object();
}

// In the form of the body, so that what was read can be sent again.
void write_retry_policy(json::Writer& out, const RetryPolicy& policy) {
  out.key("retryPolicy").begin_object();
  if (policy.max_delay_ms == 0) {
    out.key("immediate").begin_object().end_object();
  } else if (policy.initial_delay_ms == policy.max_delay_ms) {
    out.key("delayed").begin_object().member("delayMs", policy.max_delay_ms).end_object();
  } else {
    out.key("exponentialBackOff").begin_object();
    out.member("initialDelayMs", policy.initial_delay_ms);
    out.member("maxDelayIntervalMs", policy.max_delay_ms).end_object();
  }
  out.end_object();
}

void write_failure_rules(json::Writer& out, const JobSpec& spec) {
  out.member("retries", spec.retries);
  write_retry_policy(out, spec.retry_policy);
  out.member("restartOnSuccess", spec.restart_on_success);
  out.member("runtimeLimitSecs", spec.runtime_limit_ms / 1000);
  out.member("killGraceSecs", spec.kill_grace_ms / 1000);
  write_text_or_null(out, "killSignal", spec.kill_signal == 0 ? "" : signal_name(spec.kill_signal));
  out.member("unreachableTimeoutSecs", spec.unreachable_timeout_ms / 1000);
}

void write_constraints(json::Writer& out, const JobSpec& spec) {
  out.key("hardConstraints").begin_array();
  for (const Constraint& constraint : spec.hard_constraints) out.string(constraint_text(constraint));
  out.end_array();
  out.key("softConstraints").begin_array();
  for (const Constraint& constraint : spec.soft_constraints) out.string(constraint_text(constraint));
  out.end_array();
}

// The fields that are kept without a meaning, as they came.
void write_echoed(json::Writer& out, const JobSpec& spec) {
  if (spec.echoed_json == "{}") return;  // nearly always, and parsing costs
  const auto document = json::parse(spec.echoed_json);
  if (!document.ok() || !document->root().is_object()) return;
  for (std::size_t i = 0; i < document->root().size(); ++i)
    out.member_raw(document->root().name(i), document->root().at(i).dump());
}

// Container port → host port; by order, from "0", where only a number of ports was asked for.
void write_host_ports(json::Writer& out, const Task& task, const JobSpec& spec) {
  const std::vector<std::int32_t> host = task.allocated.ports.list();
  out.key("ports").begin_object();
  for (std::size_t i = 0; i < host.size(); ++i) {
    const std::int32_t container = i < spec.container_ports.size() ? spec.container_ports[i] : 0;
    out.member(container > 0 ? std::to_string(container) : std::to_string(i), host[i]);
  }
  out.end_object();
}

void write_exit(json::Writer& out, const Exit& exit) {
  out.key("exit");
  if (exit == Exit{}) {
    out.null();
    return;
  }
  out.begin_object();
  if (exit.code) out.member("code", *exit.code);
  if (exit.signal) out.member("signal", *exit.signal);
  if (exit.memory_limit) out.member("memoryLimit", true);
  if (exit.memory_peak_bytes) out.member("memoryPeakBytes", *exit.memory_peak_bytes);
  out.end_object();
}

// The address of an agent's "ip:port"; empty: there is none.
std::string_view address_of(std::string_view endpoint) {
  std::string_view address = endpoint.substr(0, std::min(endpoint.rfind(':'), endpoint.size()));
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  return address;
}

// Titus's `data` is an object or null, never anything else (spinnaker §1.4).
void write_data(json::Writer& out, const Task& task) {
  out.key("data");
  if (task.agent.empty()) {
    out.null();
    return;
  }
  out.begin_object().member("agentId", task.agent.value);
  write_text_or_null(out, "agentEndpoint", task.agent_endpoint);
  out.key("ports").begin_array();
  for (const std::int32_t port : task.allocated.ports.list()) out.int64(port);
  out.end_array();
  out.member("executorId", task.executor.empty() ? task.id.value : task.executor);
  write_text_or_null(out, "executorVersion", run_facts(task).executor_version);
  if (run_facts(task).pid > 0) out.member("pid", run_facts(task).pid);
  if (!run_facts(task).container_id.empty()) out.member("containerId", run_facts(task).container_id);
  // Spinnaker's driver takes a container's address from here (spinnaker §1.4).
  if (!run_facts(task).ip.empty()) {
    out.key("ipAddresses").begin_object().member("nfvpc", run_facts(task).ip).end_object();
  }
  // And from here what a task's host is called: the agent's address, where its ports are.
  if (const std::string_view address = address_of(task.agent_endpoint); !address.empty()) {
    out.key("NetworkConfiguration").begin_object().member("EniIPAddress", address).end_object();
  }
  out.end_object();
}

void write_log_urls(json::Writer& out, const Task& task, std::string_view base_url) {
  const std::string logs = std::string(base_url) + "/api/v2/logs/" + task.id.value;
  const bool started = !task.agent.empty();
  write_text_or_null(out, "stdoutLive", started ? logs + "/stdout?follow=true" : "");
  write_text_or_null(out, "logs", started ? logs : "");
  out.key("snapshots").null();
}

// Titus's state of an unreachable task stays RUNNING; that it may not be so stands here.
std::string_view reason_of(const Task& task, bool waits_for_place) {
  if (waits_for_place) return "NO_PLACE";
  // Whether our executor saw it or the agent's isolator did.
  if (task.exit.memory_limit || task.reason == "CONTAINER_LIMITATION_MEMORY") return "MEMORY_LIMIT";
  return task.state == TaskState::unreachable ? std::string_view("UNREACHABLE")
                                              : std::string_view(task.reason);
}

void write_history(json::Writer& out, const Task& task) {
  out.key("statusHistory").begin_array();
  for (const StatusChange& change : status_history(task)) {
    out.begin_object().member("state", task_state_name(change.state));
    write_date_or_null(out, "at", change.at);
    write_text_or_null(out, "reason", change.reason);
    write_text_or_null(out, "message", change.message);
    out.end_object();
  }
  out.end_array();
}

void write_reason(json::Writer& out, const Task& task, std::string_view shortfall) {
  const bool waits = task.state == TaskState::queued && !is_backing_off(task) && !shortfall.empty();
  write_text_or_null(out, "message", waits ? shortfall : std::string_view(task.message));
  write_text_or_null(out, "reason", reason_of(task, waits));
}

}  // namespace

void write_text_or_null(json::Writer& out, std::string_view name, std::string_view text) {
  out.key(name);
  if (text.empty()) {
    out.null();
  } else {
    out.string(text);
  }
}

void write_date_or_null(json::Writer& out, std::string_view name, Instant at) {
  write_text_or_null(out, name, at.ms == 0 || at == kNever ? std::string() : format_rfc3339(at));
}

void write_thousandths(json::Writer& out, std::string_view name, std::int64_t thousandths) {
  if (thousandths % 1000 == 0) {
    out.member(name, thousandths / 1000);
  } else {
    out.member(name, static_cast<double>(thousandths) / 1000);
  }
}

void write_cpu(json::Writer& out, std::int64_t milli) { write_thousandths(out, "cpu", milli); }

namespace {

void write_identity(json::Writer& out, const JobSpec& spec) {
  write_text_or_null(out, "applicationName", spec.application_name);
  write_text_or_null(out, "version", spec.version);
  write_text_or_null(out, "appName", spec.app_name);
  write_text_or_null(out, "user", spec.user);
  write_text_or_null(out, "jobGroupStack", spec.job_group_stack);
  write_text_or_null(out, "jobGroupDetail", spec.job_group_detail);
  write_text_or_null(out, "jobGroupSequence", spec.job_group_sequence);
  write_text_or_null(out, "capacityGroup", spec.capacity_group);
  out.member("priority", spec.priority).member("production", spec.production);
}

void write_counts(json::Writer& out, const InstanceCounts& counts) {
  out.member("instances", counts.desired).member("instancesMin", counts.min);
  out.member("instancesMax", counts.max).member("instancesDesired", counts.desired);
}

// From the amounts to the health checks. The environment has another name in answers (spinnaker §1.4).
void write_rules(json::Writer& out, const JobSpec& spec, std::string_view env_name, const Sight& sight) {
  write_amounts(out, spec);
  write_container_ports(out, spec);
  write_confinement(out, spec);
  write_container(out, spec);
  write_failure_rules(out, spec);
  write_environment(out, env_name, spec, sight);
  write_map(out, "labels", spec.labels);
  write_constraints(out, spec);
  write_health_checks(out, spec);
}

void write_job_members(json::Writer& out, const Job& job, bool dispatched, std::int64_t ready,
                       const std::vector<std::string>& notes, const Sight& sight) {
  const JobSpec& spec = *job.spec;
  write_text_or_null(out, "id", job.id.value);
  out.member("name", spec.name);
  out.member("type", job_type_name(spec.type)).member("runtime", runtime_name(spec.runtime));
  out.member("state", job_state_text(job, dispatched));
  write_text_or_null(out, "message", job.message);
  write_identity(out, spec);
  write_program(out, spec);
  write_counts(out, {job.instances_desired, job.instances_min, job.instances_max});
  out.member("instancesReady", ready);
  out.member("restarts", std::max<std::int64_t>(job.next_task_number - job.instances_desired, 0));
  out.member("inService", job.in_service);
  out.key("jobProcesses").begin_object().member("disableIncreaseDesired", job.increase_disabled);
  out.member("disableDecreaseDesired", job.decrease_disabled).end_object();
  write_rules(out, spec, "environment", sight);
  write_echoed(out, spec);
  write_texts(out, "notes", notes);
  out.member("jobVersion", job.version);
  write_date_or_null(out, "submittedAt", job.submitted_at);
  write_date_or_null(out, "finishedAt", job.ended_at);
}

}  // namespace

void write_job_alone(json::Writer& out, const Job& job, bool dispatched, std::int64_t ready,
                     const Sight& sight) {
  out.begin_object();
  write_job_members(out, job, dispatched, ready, notes_of(*job.spec), sight);
  out.end_object();
}

void write_preview(json::Writer& out, const Job& job, const std::vector<std::string>& notes,
                   std::string_view changes, const Sight& sight, const PlacementPlanPtr& plan) {
  out.begin_object();
  write_job_members(out, job, false, 0, notes, sight);
  out.key("tasks").begin_array().end_array();
  out.member("dryRun", true).member_raw("changes", changes);
  if (plan != nullptr) {
    out.key("placement");
    write_plan(out, *plan);
  }
  out.end_object();
}

void write_wanted(json::Writer& out, const JobSpec& spec, const InstanceCounts& counts, bool in_service,
                  const Sight& sight) {
  out.member("name", spec.name);
  out.member("type", job_type_name(spec.type)).member("runtime", runtime_name(spec.runtime));
  write_identity(out, spec);
  write_program(out, spec);
  write_counts(out, counts);
  out.member("inService", in_service);
  write_rules(out, spec, "env", sight);
  write_echoed(out, spec);
}

void write_job(json::Writer& out, const Job& job, const std::vector<TaskPtr>& tasks,
               const std::vector<TaskPtr>& shown, bool dispatched, std::int64_t ready,
               std::string_view shortfall, const Sight& sight, std::string_view base_url) {
  out.begin_object();
  write_job_members(out, job, dispatched, ready, notes_of(*job.spec), sight);
  out.key("tasks").begin_array();
  for (const TaskPtr& task : shown) {
    write_task(out, *task, job, shortfall, false, sight, base_url, last_ending(tasks, *task));
  }
  out.end_array().end_object();
}

const Task* last_ending(const std::vector<TaskPtr>& tasks, const Task& task) {
  if (is_terminal(task.state)) return nullptr;
  const auto place = [](const TaskPtr& one) { return std::pair(one->index, one->number); };
  auto at = std::ranges::lower_bound(tasks, std::pair(task.index, task.number), {}, place);
  while (at != tasks.begin() && (*--at)->index == task.index) {
    if (is_terminal((*at)->state)) return at->get();
  }
  return nullptr;
}

void write_last_ending(json::Writer& out, const Task* last) {
  out.key("lastEnding");
  if (last == nullptr) {
    out.null();
    return;
  }
  out.begin_object().member("taskId", last->id.value).member("state", titus_state_name(last->state));
  write_reason(out, *last, {});
  write_exit(out, last->exit);
  write_date_or_null(out, "at", last->ended_at);
  out.end_object();
}

void write_task(json::Writer& out, const Task& task, const Job& job, std::string_view shortfall, bool alone,
                const Sight& sight, std::string_view base_url, const Task* last) {
  const JobSpec& spec = *job.spec;
  out.begin_object();
  out.member("id", task.id.value).member("instanceId", task.id.value);
  if (alone) {
    out.member("jobId", task.job.value);
    write_text_or_null(out, "applicationName", spec.application_name);
    write_text_or_null(out, "version", spec.version);
    write_text_or_null(out, "entryPoint", spec.entry_point);
    write_text_or_null(out, "capacityGroup", spec.capacity_group);
    write_amounts(out, spec);
    write_environment(out, "env", spec, sight);
  }
  out.member("index", task.index).member("number", task.number).member("attempt", task.attempt);
  out.member("state", titus_state_name(task.state));
  write_reason(out, task, shortfall);
  write_exit(out, task.exit);
  write_last_ending(out, last);
  write_text_or_null(out, "host", task.hostname);
  write_text_or_null(out, "region", task.region);
  write_text_or_null(out, "zone", task.zone);
  write_host_ports(out, task, spec);
  out.member("submittedAt", format_rfc3339(task.queued_at));
  write_date_or_null(out, "launchedAt", task.dispatched_at);
  write_date_or_null(out, "startedAt", task.running_at);
  write_date_or_null(out, "finishedAt", task.ended_at);
  write_date_or_null(out, "notBefore", task.state == TaskState::queued ? task.not_before : Instant{});
  write_date_or_null(out, "unreachableSince",
                     task.state == TaskState::unreachable ? task.unreachable_since : Instant{});
  out.member("killRequested", task.kill_requested);
  write_task_health(out, task);
  write_data(out, task);
  write_log_urls(out, task, base_url);
  if (alone) write_history(out, task);
  out.end_object();
}

}  // namespace mimas::api
