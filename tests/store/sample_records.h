// Random records for the tests: every field of Job, JobSpec and Task gets a value of its own, from one seed.
#pragma once

#include <memory>
#include <string>

#include "base/prng.h"
#include "model/job.h"
#include "model/task.h"

namespace mimas::store {

inline std::string sample_text(Prng& prng) {
  static const char* const kPieces[] = {"a",  "Z",    "9", " ", "\"", "\\", "/",  "\n",
                                        "\t", "\x01", "é", "€", "😀",  "'",  ";--"};
  std::string text;
  for (std::uint64_t left = prng.below(8); left > 0; --left) text += kPieces[prng.below(std::size(kPieces))];
  return text;
}

inline std::int64_t sample_number(Prng& prng) {
  switch (prng.below(4)) {
    case 0: return static_cast<std::int64_t>(prng.below(10));
    case 1: return INT64_MAX - static_cast<std::int64_t>(prng.below(3));
    case 2: return INT64_MIN + static_cast<std::int64_t>(prng.below(3));
    default: return static_cast<std::int64_t>(prng.next());
  }
}

inline std::vector<std::string> sample_texts(Prng& prng) {
  std::vector<std::string> texts;
  for (std::uint64_t left = prng.below(4); left > 0; --left) texts.push_back(sample_text(prng));
  return texts;
}

inline std::map<std::string, std::string> sample_map(Prng& prng) {
  std::map<std::string, std::string> map;
  for (std::uint64_t left = prng.below(4); left > 0; --left) map[sample_text(prng)] = sample_text(prng);
  return map;
}

inline ContainerSettings sample_container(Prng& prng) {
  ContainerSettings container;
  container.digest = sample_text(prng);
  container.pull = static_cast<ContainerSettings::Pull>(prng.below(3));
  for (std::uint64_t left = prng.below(3); left > 0; --left) {
    container.volumes.push_back({sample_text(prng), sample_text(prng), prng.below(2) == 1});
  }
  container.labels = sample_map(prng);
  container.cap_add = sample_texts(prng);
  container.cap_drop = sample_texts(prng);
  for (std::string* text : {&container.hostname, &container.network, &container.log_driver}) {
    *text = sample_text(prng);
  }
  container.shm_mib = sample_number(prng);
  for (bool* flag : {&container.init, &container.read_only_root, &container.privileged}) {
    *flag = prng.below(2) == 1;
  }
  return container;
}

inline HealthCheck sample_check(Prng& prng) {
  HealthCheck check;
  check.kind = static_cast<HealthCheck::Kind>(prng.below(3));
  check.port = static_cast<std::int32_t>(prng.next());
  check.path = sample_text(prng);
  check.command = sample_texts(prng);
  for (std::int64_t* number : {&check.interval_ms, &check.timeout_ms, &check.grace_ms, &check.max_failures}) {
    *number = sample_number(prng);
  }
  check.informational = prng.below(2) == 1;
  return check;
}

inline Scalars sample_scalars(Prng& prng) {
  Scalars scalars;
  for (std::uint64_t left = prng.below(3); left > 0; --left) {
    add_scalars(scalars, {{"s" + sample_text(prng), 1 + static_cast<std::int64_t>(prng.below(1'000'000))}});
  }
  return scalars;
}

inline std::vector<Constraint> sample_constraints(Prng& prng, const std::string& behind) {
  static const char* const kTexts[] = {
      "UniqueHost",      "arch = arm",         "rack not in (a, b)", "!ssd",   "cost<1.5",
      "MaxPer(rack, 2)", "kernel like 6[.].*", "apart(app:é\"\\)",   "a=😀 ;--"};
  std::vector<Constraint> constraints;
  for (std::uint64_t left = prng.below(4); left > 0; --left) {
    constraints.push_back(
        *parse_constraint(kTexts[prng.below(std::size(kTexts))] + (prng.below(2) == 1 ? behind : "")));
  }
  return constraints;
}

inline JobSpec sample_spec(Prng& prng) {
  JobSpec spec;
  spec.type = static_cast<JobType>(prng.below(2));
  spec.runtime = static_cast<Runtime>(prng.below(2));
  for (std::string* text :
       {&spec.name, &spec.application_name, &spec.version, &spec.app_name, &spec.user, &spec.job_group_stack,
        &spec.job_group_detail, &spec.job_group_sequence, &spec.capacity_group, &spec.entry_point,
        &spec.working_directory, &spec.echoed_json, &spec.run_as}) {
    *text = sample_text(prng);
  }
  spec.labels = sample_map(prng);
  spec.command = sample_texts(prng);
  spec.env = sample_map(prng);
  spec.secret_env = sample_map(prng);
  for (std::uint64_t left = prng.below(3); left > 0; --left) {
    spec.artifacts.push_back({sample_text(prng), prng.below(2) == 1, prng.below(2) == 1, prng.below(2) == 1});
  }
  for (std::int64_t* number :
       {&spec.request.cpu_milli, &spec.request.mem_mib, &spec.request.disk_mib, &spec.request.gpus,
        &spec.request.ports, &spec.priority, &spec.retries, &spec.retry_policy.initial_delay_ms,
        &spec.retry_policy.max_delay_ms, &spec.runtime_limit_ms, &spec.kill_grace_ms,
        &spec.unreachable_timeout_ms, &spec.pids_max, &spec.logs.rotate_mib, &spec.logs.keep}) {
    *number = sample_number(prng);
  }
  for (std::uint64_t left = prng.below(3); left > 0; --left) {
    spec.container_ports.push_back(static_cast<std::int32_t>(prng.next()));
  }
  spec.request.scalars = sample_scalars(prng);
  if (prng.below(2) == 1) spec.network_mbps = 1 + static_cast<std::int64_t>(prng.below(1'000));
  spec.production = prng.below(2) == 1;
  spec.kill_signal = static_cast<std::int32_t>(prng.below(65));
  spec.hard_constraints = sample_constraints(prng, "");
  spec.soft_constraints = sample_constraints(prng, " weight 7");
  spec.restart_on_success = prng.below(2) == 1;
  if (prng.below(2) == 1) spec.container = sample_container(prng);
  spec.logs.compress = prng.below(2) == 1;
  spec.cpu_quota = prng.below(2) == 1;
  for (std::uint64_t left = prng.below(3); left > 0; --left) spec.health_checks.push_back(sample_check(prng));
  if (prng.below(2) == 1) spec.readiness = sample_check(prng);
  for (std::uint64_t left = prng.below(3); left > 0; --left) {
    spec.rlimits[sample_text(prng)] = {sample_number(prng), sample_number(prng)};
  }
  return spec;
}

inline Resources sample_resources(Prng& prng) {
  Resources resources;
  resources.cpu_milli = sample_number(prng);
  resources.mem_mib = sample_number(prng);
  resources.disk_mib = sample_number(prng);
  resources.gpus = sample_number(prng);
  std::vector<PortRange> ranges;
  for (std::uint64_t left = prng.below(3); left > 0; --left) {
    const auto first = static_cast<std::int32_t>(prng.below(60'000));
    ranges.push_back({first, first + static_cast<std::int32_t>(prng.below(5))});
  }
  resources.ports = Ports::from_ranges(std::move(ranges)).value();
  resources.scalars = sample_scalars(prng);
  return resources;
}

inline Job sample_job(Prng& prng, std::int64_t number) {
  Job job;
  job.id = make_job_id(number);
  job.number = number;
  job.spec = std::make_shared<const JobSpec>(sample_spec(prng));
  job.state = static_cast<JobState>(prng.below(3));
  job.outcome = static_cast<JobOutcome>(prng.below(4));
  for (std::int64_t* value : {&job.version, &job.instances_desired, &job.instances_min, &job.instances_max,
                              &job.next_task_number, &job.submitted_at.ms, &job.ended_at.ms}) {
    *value = sample_number(prng);
  }
  job.in_service = prng.below(2) == 1;
  job.increase_disabled = prng.below(2) == 1;
  job.decrease_disabled = prng.below(2) == 1;
  job.message = sample_text(prng);
  return job;
}

inline Task sample_task(Prng& prng, const JobId& job, std::int64_t index, std::int64_t number) {
  Task task;
  task.id = make_task_id(job, index, number);
  task.job = job;
  task.index = index;
  task.number = number;
  task.state = static_cast<TaskState>(prng.below(kTaskStates));
  task.agent = AgentId(sample_text(prng));
  RunFacts facts;
  for (std::string* text :
       {&task.hostname, &task.agent_endpoint, &task.region, &task.zone, &task.reason, &task.message,
        &task.executor, &facts.container_id, &facts.ip, &facts.executor_version}) {
    *text = sample_text(prng);
  }
  for (std::int64_t* value :
       {&task.attempt, &task.launch_failures, &task.queued_at.ms, &task.dispatched_at.ms,
        &task.starting_at.ms, &task.running_at.ms, &task.ended_at.ms, &task.not_before.ms,
        &task.unreachable_since.ms, &task.kill_retry_at.ms, &task.kill_sends, &facts.pid}) {
    *value = sample_number(prng);
  }
  task.facts = std::make_shared<const RunFacts>(std::move(facts));
  task.kill_requested = prng.below(2) == 1;
  task.replaced = prng.below(2) == 1;
  task.allocated = sample_resources(prng);
  if (prng.below(2) == 1) task.exit.code = static_cast<int>(prng.below(256));
  if (prng.below(2) == 1) task.exit.signal = static_cast<int>(prng.below(64));
  task.exit.memory_limit = prng.below(2) == 1;
  if (prng.below(2) == 1) task.exit.memory_peak_bytes = sample_number(prng);
  if (prng.below(2) == 1) task.healthy = prng.below(2) == 1;
  if (prng.below(2) == 1) task.ready = prng.below(2) == 1;
  task.healthy_at.ms = sample_number(prng);
  task.unhealthy_since.ms = sample_number(prng);
  task.health_message = sample_text(prng);
  for (std::uint64_t left = prng.below(4); left > 0; --left) {
    task.history.add({static_cast<TaskState>(prng.below(kTaskStates)), Instant{sample_number(prng)},
                      sample_text(prng), sample_text(prng)});
  }
  return task;
}

inline bool same(const Job& a, const Job& b) {
  return a.id == b.id && a.number == b.number && *a.spec == *b.spec && a.state == b.state &&
         a.outcome == b.outcome && a.version == b.version && a.instances_desired == b.instances_desired &&
         a.instances_min == b.instances_min && a.instances_max == b.instances_max &&
         a.in_service == b.in_service && a.next_task_number == b.next_task_number &&
         a.submitted_at == b.submitted_at && a.ended_at == b.ended_at && a.message == b.message &&
         a.increase_disabled == b.increase_disabled && a.decrease_disabled == b.decrease_disabled;
}

inline bool same(const Task& a, const Task& b) {
  return a.id == b.id && a.job == b.job && a.index == b.index && a.number == b.number &&
         a.attempt == b.attempt && a.launch_failures == b.launch_failures && a.state == b.state &&
         a.agent == b.agent && a.hostname == b.hostname && a.agent_endpoint == b.agent_endpoint &&
         a.region == b.region && a.zone == b.zone && a.allocated == b.allocated &&
         a.queued_at == b.queued_at && a.dispatched_at == b.dispatched_at && a.starting_at == b.starting_at &&
         a.running_at == b.running_at && a.ended_at == b.ended_at && a.not_before == b.not_before &&
         a.unreachable_since == b.unreachable_since && a.kill_requested == b.kill_requested &&
         a.kill_retry_at == b.kill_retry_at && a.kill_sends == b.kill_sends && a.replaced == b.replaced &&
         a.reason == b.reason && a.message == b.message && a.exit == b.exit && a.executor == b.executor &&
         run_facts(a) == run_facts(b) && a.healthy == b.healthy && a.ready == b.ready &&
         a.healthy_at == b.healthy_at && a.unhealthy_since == b.unhealthy_since &&
         a.health_message == b.health_message && a.history == b.history;
}

}  // namespace mimas::store
