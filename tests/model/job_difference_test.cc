#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "model/job_difference.h"

namespace mimas {
namespace {

using Names = std::vector<std::string>;

struct Case {
  std::string name;
  bool new_tasks;
  std::function<void(JobSpec&)> change;
};

// One for every member of JobSpec, and of what it holds: src/model/job_difference.cc does not compile when
// one of JobSpec's is added and not named there.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"type", true, [](JobSpec& s) { s.type = JobType::service; }},
      {"runtime", true, [](JobSpec& s) { s.runtime = Runtime::docker; }},
      {"name", true, [](JobSpec& s) { s.name = "x"; }},
      {"applicationName", true, [](JobSpec& s) { s.application_name = "x"; }},
      {"version", true, [](JobSpec& s) { s.version = "x"; }},
      {"appName", true, [](JobSpec& s) { s.app_name = "x"; }},
      {"user", false, [](JobSpec& s) { s.user = "x"; }},
      {"jobGroupStack", true, [](JobSpec& s) { s.job_group_stack = "x"; }},
      {"jobGroupDetail", true, [](JobSpec& s) { s.job_group_detail = "x"; }},
      {"jobGroupSequence", true, [](JobSpec& s) { s.job_group_sequence = "x"; }},
      {"capacityGroup", false, [](JobSpec& s) { s.capacity_group = "x"; }},
      {"labels", false, [](JobSpec& s) { s.labels["x"] = "y"; }},
      {"entryPoint", true, [](JobSpec& s) { s.entry_point = "x"; }},
      {"command", true, [](JobSpec& s) { s.command = {"x"}; }},
      {"env", true, [](JobSpec& s) { s.env["x"] = "y"; }},
      {"secretEnv", true, [](JobSpec& s) { s.secret_env["x"] = "y"; }},
      {"workingDirectory", true, [](JobSpec& s) { s.working_directory = "x"; }},
      {"artifacts", true, [](JobSpec& s) { s.artifacts.push_back({"http://h/x"}); }},
      {"runAs", true, [](JobSpec& s) { s.run_as = "x"; }},
      {"digest", true, [](JobSpec& s) { s.container.digest = "x"; }},
      {"container", true, [](JobSpec& s) { s.container.pull = ContainerSettings::Pull::always; }},
      {"volumes", true,
       [](JobSpec& s) {
         s.container.volumes.push_back({"/a", "/b"});
       }},
      {"container", true, [](JobSpec& s) { s.container.labels["x"] = "y"; }},
      {"container", true, [](JobSpec& s) { s.container.cap_add = {"x"}; }},
      {"container", true, [](JobSpec& s) { s.container.cap_drop = {"x"}; }},
      {"container", true, [](JobSpec& s) { s.container.hostname = "x"; }},
      {"container", true, [](JobSpec& s) { s.container.network = "x"; }},
      {"container", true, [](JobSpec& s) { s.container.log_driver = "x"; }},
      {"shmSize", true, [](JobSpec& s) { s.container.shm_mib = 7; }},
      {"container", true, [](JobSpec& s) { s.container.init = false; }},
      {"container", true, [](JobSpec& s) { s.container.read_only_root = true; }},
      {"container", true, [](JobSpec& s) { s.container.privileged = true; }},
      {"logs", true, [](JobSpec& s) { s.logs.keep = 9; }},
      {"cpu", true, [](JobSpec& s) { s.request.cpu_milli = 7; }},
      {"memory", true, [](JobSpec& s) { s.request.mem_mib = 7; }},
      {"disk", true, [](JobSpec& s) { s.request.disk_mib = 7; }},
      {"gpu", true, [](JobSpec& s) { s.request.gpus = 7; }},
      {"ports", true, [](JobSpec& s) { s.request.ports = 7; }},
      {"ports", true, [](JobSpec& s) { s.container_ports = {80}; }},
      {"priority", false, [](JobSpec& s) { s.priority = 7; }},
      {"production", false, [](JobSpec& s) { s.production = true; }},
      {"resources", true,
       [](JobSpec& s) {
         s.request.scalars = {{"fpga", 7}};
       }},
      {"networkMbps", true, [](JobSpec& s) { s.network_mbps = 7; }},
      {"cpuQuota", true, [](JobSpec& s) { s.cpu_quota = true; }},
      {"pids", true, [](JobSpec& s) { s.pids_max = 7; }},
      {"rlimits", true,
       [](JobSpec& s) {
         s.rlimits["nofile"] = {1, 2};
       }},
      {"hardConstraints", false,
       [](JobSpec& s) { s.hard_constraints.push_back(*parse_constraint("UniqueHost")); }},
      {"softConstraints", false,
       [](JobSpec& s) { s.soft_constraints.push_back(*parse_constraint("ZoneBalance")); }},
      {"healthChecks", true, [](JobSpec& s) { s.health_checks.emplace_back(); }},
      {"readiness", true, [](JobSpec& s) { s.readiness.emplace(); }},
      {"retries", false, [](JobSpec& s) { s.retries = 7; }},
      {"restartOnSuccess", false, [](JobSpec& s) { s.restart_on_success = true; }},
      {"retryPolicy", false, [](JobSpec& s) { s.retry_policy.max_delay_ms = 7; }},
      {"runtimeLimitSecs", false, [](JobSpec& s) { s.runtime_limit_ms = 7; }},
      {"killGraceSecs", false, [](JobSpec& s) { s.kill_grace_ms = 7; }},
      {"killSignal", true, [](JobSpec& s) { s.kill_signal = 3; }},
      {"unreachableTimeoutSecs", false, [](JobSpec& s) { s.unreachable_timeout_ms = 7; }},
      {"echoed", false, [](JobSpec& s) { s.echoed_json = "{\"x\":1}"; }},
  };
  return all;
}

TEST_CASE("a description differs from itself in nothing") {
  CHECK(differing_fields(JobSpec{}, JobSpec{}).empty());
  CHECK(needs_new_tasks(JobSpec{}, JobSpec{}).empty());
}

TEST_CASE("every member that changes is named, alone, in both directions") {
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    const JobSpec before;
    JobSpec after;
    one.change(after);
    REQUIRE_FALSE(before == after);
    CHECK(differing_fields(before, after) == Names{one.name});
    CHECK(differing_fields(after, before) == Names{one.name});
    CHECK(needs_new_tasks(before, after) == (one.new_tasks ? Names{one.name} : Names{}));
  }
}

TEST_CASE("several changes are named in a fixed order, each once") {
  JobSpec after;
  for (const Case& one : cases()) one.change(after);
  const Names names = differing_fields(JobSpec{}, after);
  CHECK(names.front() == "name");
  CHECK(names.back() == "echoed");
  for (const Case& one : cases()) CHECK(std::count(names.begin(), names.end(), one.name) == 1);
  CHECK(std::count(names.begin(), names.end(), "container") == 1);
}

}  // namespace
}  // namespace mimas
