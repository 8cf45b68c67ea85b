#include "model/job_difference.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace mimas {
namespace {

// Adding a member to JobSpec or ResourceRequest makes this fail to compile: it needs a row below, too.
[[maybe_unused]] void every_member_is_named(const JobSpec& spec) {
  [[maybe_unused]] const auto& [type, runtime, name, application_name, version, app_name, user, stack, detail,
                                sequence, capacity_group, priority, production, labels, entry_point, command,
                                env, secret_env, working_directory, artifacts, run_as, container, logs,
                                request, container_ports, network_mbps, cpu_quota, pids_max, rlimits, hard,
                                soft, health_checks, readiness, retries, restart_on_success, retry_policy,
                                runtime_limit_ms, kill_grace_ms, kill_signal, unreachable_timeout_ms,
                                echoed_json] = spec;
  [[maybe_unused]] const auto& [cpu, mem, disk, gpus, ports, scalars] = request;
}

// What a running task has from its description stays with it until it ends; the rest is looked at when it is
// needed.
enum class Concerns { the_future, running_tasks };
using enum Concerns;

struct Row {
  std::string_view name;
  Concerns concerns;
  bool (*differs)(const JobSpec&, const JobSpec&);
};

template <auto Member>
bool differ(const JobSpec& from, const JobSpec& to) {
  return from.*Member != to.*Member;
}
template <auto Member>
bool request_differs(const JobSpec& from, const JobSpec& to) {
  return from.request.*Member != to.request.*Member;
}
template <auto Member>
bool container_differs(const JobSpec& from, const JobSpec& to) {
  return from.container.*Member != to.container.*Member;
}

// What has a field of its own in the REST API is not part of its `container`.
bool rest_of_container_differs(const JobSpec& from, const JobSpec& to) {
  ContainerSettings one = from.container;
  one.digest = to.container.digest;
  one.volumes = to.container.volumes;
  one.shm_mib = to.container.shm_mib;
  return one != to.container;
}

bool ports_differ(const JobSpec& from, const JobSpec& to) {
  return from.container_ports != to.container_ports || from.request.ports != to.request.ports;
}

bool scalars_differ(const JobSpec& from, const JobSpec& to) {
  return from.request.scalars != to.request.scalars;
}

constexpr std::array kRows{
    Row{"name", running_tasks, differ<&JobSpec::name>},
    Row{"type", running_tasks, differ<&JobSpec::type>},
    Row{"runtime", running_tasks, differ<&JobSpec::runtime>},
    Row{"applicationName", running_tasks, differ<&JobSpec::application_name>},
    Row{"version", running_tasks, differ<&JobSpec::version>},
    Row{"digest", running_tasks, container_differs<&ContainerSettings::digest>},
    Row{"appName", running_tasks, differ<&JobSpec::app_name>},
    Row{"user", the_future, differ<&JobSpec::user>},
    Row{"jobGroupStack", running_tasks, differ<&JobSpec::job_group_stack>},
    Row{"jobGroupDetail", running_tasks, differ<&JobSpec::job_group_detail>},
    Row{"jobGroupSequence", running_tasks, differ<&JobSpec::job_group_sequence>},
    Row{"capacityGroup", the_future, differ<&JobSpec::capacity_group>},
    Row{"priority", the_future, differ<&JobSpec::priority>},
    Row{"production", the_future, differ<&JobSpec::production>},
    Row{"labels", the_future, differ<&JobSpec::labels>},
    Row{"entryPoint", running_tasks, differ<&JobSpec::entry_point>},
    Row{"command", running_tasks, differ<&JobSpec::command>},
    Row{"env", running_tasks, differ<&JobSpec::env>},
    Row{"secretEnv", running_tasks, differ<&JobSpec::secret_env>},
    Row{"workingDirectory", running_tasks, differ<&JobSpec::working_directory>},
    Row{"artifacts", running_tasks, differ<&JobSpec::artifacts>},
    Row{"runAs", running_tasks, differ<&JobSpec::run_as>},
    Row{"cpu", running_tasks, request_differs<&ResourceRequest::cpu_milli>},
    Row{"memory", running_tasks, request_differs<&ResourceRequest::mem_mib>},
    Row{"disk", running_tasks, request_differs<&ResourceRequest::disk_mib>},
    Row{"gpu", running_tasks, request_differs<&ResourceRequest::gpus>},
    Row{"networkMbps", running_tasks, differ<&JobSpec::network_mbps>},
    Row{"resources", running_tasks, scalars_differ},
    Row{"ports", running_tasks, ports_differ},
    Row{"cpuQuota", running_tasks, differ<&JobSpec::cpu_quota>},
    Row{"pids", running_tasks, differ<&JobSpec::pids_max>},
    Row{"rlimits", running_tasks, differ<&JobSpec::rlimits>},
    Row{"logs", running_tasks, differ<&JobSpec::logs>},
    Row{"shmSize", running_tasks, container_differs<&ContainerSettings::shm_mib>},
    Row{"volumes", running_tasks, container_differs<&ContainerSettings::volumes>},
    Row{"container", running_tasks, rest_of_container_differs},
    Row{"hardConstraints", the_future, differ<&JobSpec::hard_constraints>},
    Row{"softConstraints", the_future, differ<&JobSpec::soft_constraints>},
    Row{"healthChecks", running_tasks, differ<&JobSpec::health_checks>},
    Row{"readiness", running_tasks, differ<&JobSpec::readiness>},
    Row{"retries", the_future, differ<&JobSpec::retries>},
    Row{"restartOnSuccess", the_future, differ<&JobSpec::restart_on_success>},
    Row{"retryPolicy", the_future, differ<&JobSpec::retry_policy>},
    Row{"runtimeLimitSecs", the_future, differ<&JobSpec::runtime_limit_ms>},
    Row{"killGraceSecs", the_future, differ<&JobSpec::kill_grace_ms>},
    Row{"killSignal", running_tasks, differ<&JobSpec::kill_signal>},
    Row{"unreachableTimeoutSecs", the_future, differ<&JobSpec::unreachable_timeout_ms>},
    Row{"echoed", the_future, differ<&JobSpec::echoed_json>},
};

}  // namespace

std::vector<std::string> differing_fields(const JobSpec& from, const JobSpec& to) {
  std::vector<std::string> names;
  for (const Row& row : kRows) {
    if (row.differs(from, to)) names.emplace_back(row.name);
  }
  return names;
}

std::vector<std::string> needs_new_tasks(const JobSpec& from, const JobSpec& to) {
  std::vector<std::string> names;
  for (const Row& row : kRows) {
    if (row.concerns == running_tasks && row.differs(from, to)) names.emplace_back(row.name);
  }
  return names;
}

}  // namespace mimas
