// What a user asked for (JobSpec) and what became of it (Job). Plain values; records are immutable once
// published.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "model/constraint.h"
#include "model/resources.h"

namespace mimas {

enum class JobType { batch, service };
enum class Runtime { process, docker };
std::string_view job_type_name(JobType type);    // "batch", "service"
std::string_view runtime_name(Runtime runtime);  // "process", "docker"

// A file fetched into the sandbox before the start.
struct Artifact {
  std::string uri;
  bool extract = false;
  bool executable = false;
  bool cache = false;
  bool operator==(const Artifact&) const = default;
};

// How long to wait before a failed slot is started again: initial·2ⁿ, capped (Titus's "exponential").
struct RetryPolicy {
  std::int64_t initial_delay_ms = 1'000;
  std::int64_t max_delay_ms = 60'000;
  bool operator==(const RetryPolicy&) const = default;
};

// Resource limits of setrlimit(2) by their names in lower case without RLIMIT_; -1: unlimited.
struct ProcessLimit {
  std::int64_t soft = -1, hard = -1;
  bool operator==(const ProcessLimit&) const = default;
};

struct VolumeMount {
  std::string source;  // an absolute path of the agent, or a Docker volume's name
  std::string target;  // absolute, in the container
  bool read_only = false;
  bool operator==(const VolumeMount&) const = default;
};

// How the image runs; for Runtime::docker. Image and tag are application_name and version.
struct ContainerSettings {
  enum class Pull { missing, always, never };
  std::string digest;  // "sha256:…"; then version is not looked at
  Pull pull = Pull::missing;
  std::vector<VolumeMount> volumes;
  std::map<std::string, std::string> labels;
  std::vector<std::string> cap_add, cap_drop;
  std::string hostname;
  std::string network;     // empty: "host" without container ports, else "bridge"
  std::string log_driver;  // empty: the executor's log keeper
  std::int64_t shm_mib = 0;
  bool init = true;
  bool read_only_root = false;
  bool privileged = false;
  bool operator==(const ContainerSettings&) const = default;
};

// Asked by the executor; acted upon by the engine: a task whose liveness check has failed max_failures times
// in a row is ended and replaced; one that is not ready counts as not running yet. An informational check is
// shown with the task and judges nothing.
struct HealthCheck {
  enum class Kind { http, tcp, command };
  Kind kind = Kind::http;
  std::int32_t port = 0;   // http, tcp: one of the job's container ports, or its place where they have no
                           // numbers; 0: the first
  std::string path = "/";  // http
  std::vector<std::string> command;  // command
  std::int64_t interval_ms = 10'000;
  std::int64_t timeout_ms = 5'000;
  std::int64_t grace_ms = 15'000;
  std::int64_t max_failures = 3;
  bool informational = false;  // it is shown, and nothing follows
  bool operator==(const HealthCheck&) const = default;
};

struct LogRules {
  std::int64_t rotate_mib = 16;
  std::int64_t keep = 3;
  bool compress = true;
  bool operator==(const LogRules&) const = default;
};

// A validated job description: whoever holds one may rely on every limit of api's validation.
struct JobSpec {
  JobType type = JobType::batch;
  Runtime runtime = Runtime::process;

  // who
  std::string name;
  std::string application_name;  // the image, verbatim
  std::string version;           // the image's tag
  std::string app_name;
  std::string user;
  std::string job_group_stack, job_group_detail, job_group_sequence;
  std::string capacity_group;
  std::int64_t priority = 0;  // 0..100; higher goes first within its group
  bool production = false;    // may take the place of work that is not (placement/preemption.h)
  std::map<std::string, std::string> labels;

  // what runs: exactly one of entry_point (a shell line) and command (argv)
  std::string entry_point;
  std::vector<std::string> command;
  std::map<std::string, std::string> env;
  std::map<std::string, std::string> secret_env;  // variable → the secret's name (model/secret.h); no value
  std::string working_directory;                  // relative to the sandbox; empty: the sandbox itself
  std::vector<Artifact> artifacts;

  std::string run_as;  // user[:group] on the agent or in the container; empty: the executor's, the image's
  ContainerSettings container;  // docker only
  LogRules logs;

  // how much, for one instance, without the executor's share
  ResourceRequest request;
  std::vector<std::int32_t> container_ports;  // Titus's `ports`: container ports, in order; size() ==
                                              // request.ports (0 where only a count was asked for)
  std::int64_t network_mbps = 0;              // not in request.scalars: agents without any charge none
  bool cpu_quota = false;                     // request.cpu_milli is also a ceiling
  std::int64_t pids_max = 0;                  // 0: none
  std::map<std::string, ProcessLimit> rlimits;

  // where
  std::vector<Constraint> hard_constraints;
  std::vector<Constraint> soft_constraints;  // preferences: they order agents and exclude none

  // health
  std::vector<HealthCheck> health_checks;
  std::optional<HealthCheck> readiness;

  // when it fails
  std::int64_t retries = 0;         // per slot, batch only; kRetriesUnlimited for no bound
  bool restart_on_success = false;  // batch only; services always restart
  RetryPolicy retry_policy;
  std::int64_t runtime_limit_ms = 0;  // 0: none
  std::int64_t kill_grace_ms = 5'000;
  std::int32_t kill_signal = 0;  // asks an instance to end; 0: SIGTERM, of a container its image's STOPSIGNAL
  std::int64_t unreachable_timeout_ms = 30'000;  // an unreachable task is replaced after this

  // Fields that were accepted and are echoed, but mean nothing here (yet): JSON object text, "{}" when none.
  std::string echoed_json = "{}";

  bool operator==(const JobSpec&) const = default;
};

inline constexpr std::int64_t kRetriesUnlimited =
    2'147'483'647;  // int32 max, as Titus reports it for services

enum class JobState {
  active,   // instances are wanted
  killing,  // no instance is wanted, some are not gone yet
  ended,    // final: see Job::outcome
};
enum class JobOutcome { none, finished, failed, killed };

struct Job {
  JobId id;
  std::int64_t number = 0;  // the <n> of "mimas-<n>", the primary sort key
  std::shared_ptr<const JobSpec> spec;
  JobState state = JobState::active;
  JobOutcome outcome = JobOutcome::none;
  std::int64_t version = 1;  // grows with every change of what the user asked for
  std::int64_t instances_desired = 1, instances_min = 1, instances_max = 1;
  bool in_service = true;
  // Titus's jobProcesses: instancesDesired may not be raised, lowered.
  bool increase_disabled = false, decrease_disabled = false;
  std::int64_t next_task_number = 0;  // job-wide, never reused
  Instant submitted_at, ended_at;
  std::string message;  // why it ended or what changed last, for a person
};
using JobPtr = std::shared_ptr<const Job>;

}  // namespace mimas
