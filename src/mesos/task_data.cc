#include "mesos/task_data.h"

#include <string_view>
#include <utility>
#include <vector>

#include "json/writer.h"
#include "mesos/task_checks.h"
#include "model/artifact_name.h"
#include "model/shell_words.h"

namespace mimas::mesos {
namespace {

using Environment = std::map<std::string, std::string>;

constexpr std::string_view kLatest = "latest";  // what Docker takes an image without a tag for

bool is_docker(const JobSpec& spec) { return spec.runtime == Runtime::docker; }

// "0.5", "2": as people write it, and as the REST API shows it.
std::string cpu_text(std::int64_t milli) {
  std::string text = std::to_string(milli / 1000);
  if (milli % 1000 == 0) return text;
  std::string fraction = std::to_string(1000 + milli % 1000).substr(1);
  while (fraction.back() == '0') fraction.pop_back();
  return text + "." + fraction;
}

// app[-stack[-detail]], and app--detail without a stack (spinnaker §1.6).
std::string cluster_name(const JobSpec& spec) {
  std::string name = spec.app_name;
  if (!spec.job_group_stack.empty() || !spec.job_group_detail.empty()) name += "-" + spec.job_group_stack;
  if (!spec.job_group_detail.empty()) name += "-" + spec.job_group_detail;
  return name;
}

void add_identity(const engine::Launch& launch, Environment& env) {
  const Task& task = *launch.task;
  const JobSpec& spec = *launch.spec;
  const std::string index = std::to_string(task.index);
  env["MIMAS_TASK_ID"] = env["TITUS_TASK_ID"] = env["TITUS_TASK_INSTANCE_ID"] = task.id.value;
  env["MIMAS_JOB_ID"] = env["TITUS_JOB_ID"] = task.job.value;
  env["MIMAS_INSTANCE_INDEX"] = env["TITUS_TASK_INDEX"] = index;
  // The slot is what an instance may name its storage by: the lowest free one, taken again after an end.
  env["MIMAS_STORAGE_INDEX"] = index;
  env["MIMAS_TASK_NUMBER"] = std::to_string(task.number);
  if (!spec.name.empty()) env["MIMAS_JOB_NAME"] = spec.name;
  if (!task.hostname.empty()) env["MIMAS_HOST"] = task.hostname;
  env["NETFLIX_EXECUTOR"] = "titus";
  env["NETFLIX_INSTANCE_ID"] = task.id.value;
  if (!spec.user.empty()) env["NETFLIX_APPUSER"] = spec.user;
  if (spec.app_name.empty()) return;
  env["NETFLIX_APP"] = spec.app_name;
  env["NETFLIX_CLUSTER"] = cluster_name(spec);
  env["NETFLIX_STACK"] = spec.job_group_stack;
  env["NETFLIX_DETAIL"] = spec.job_group_detail;
  const std::string& sequence = spec.job_group_sequence;
  env["NETFLIX_AUTO_SCALE_GROUP"] = cluster_name(spec) + "-" + (sequence.empty() ? "v000" : sequence);
}

void tell_amounts(const JobSpec& spec, Environment& env) {
  env["TITUS_NUM_CPU"] = cpu_text(spec.request.cpu_milli);
  env["TITUS_NUM_MEM"] = std::to_string(spec.request.mem_mib);
  env["TITUS_NUM_DISK"] = std::to_string(spec.request.disk_mib);
  env["TITUS_NUM_NETWORK_BANDWIDTH"] = std::to_string(spec.network_mbps);
}

void add_image(const JobSpec& spec, Environment& env) {
  if (spec.application_name.empty()) return;
  env["TITUS_IMAGE_NAME"] = spec.application_name;
  const bool pinned = !spec.container.digest.empty();
  if (pinned) env["TITUS_IMAGE_DIGEST"] = spec.container.digest;
  if (!spec.version.empty()) {
    env["TITUS_IMAGE_TAG"] = spec.version;
  } else if (is_docker(spec) && !pinned) {
    env["TITUS_IMAGE_TAG"] = kLatest;
  }
}

void add_ports(const engine::Launch& launch, Environment& env) {
  const auto ports = launch.task->allocated.ports.list();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string port = std::to_string(ports[i]);
    if (i == 0) env["PORT"] = port;
    env["PORT" + std::to_string(i)] = port;
    const auto& asked = launch.spec->container_ports;
    if (i < asked.size() && asked[i] > 0) env["PORT_" + std::to_string(asked[i])] = port;
  }
}

void write_words(json::Writer& out, std::string_view name, const std::vector<std::string>& words) {
  if (words.empty()) return;
  out.key(name).begin_array();
  for (const std::string& word : words) out.string(word);
  out.end_array();
}

void write_map(json::Writer& out, std::string_view name, const Environment& map) {
  out.key(name).begin_object();
  for (const auto& [key, value] : map) out.member(key, value);
  out.end_object();
}

void write_text(json::Writer& out, std::string_view name, const std::string& text) {
  if (!text.empty()) out.member(name, text);
}

void write_program(json::Writer& out, const engine::Launch& launch, const LaunchFacts& facts) {
  const JobSpec& spec = *launch.spec;
  out.member("runtime", is_docker(spec) ? "docker" : "process");
  // A container's line replaces its entry point (write_container) and stands beside its command.
  if (!is_docker(spec) && spec.command.empty()) out.member("shell", spec.entry_point);
  write_words(out, "argv", spec.command);
  write_map(out, "env", task_environment(launch, facts));
  write_text(out, "cwd", spec.working_directory);
  write_text(out, "user", spec.run_as);
  if (spec.kill_signal > 0) out.member("killSignal", spec.kill_signal);
}

void write_limits(json::Writer& out, const JobSpec& spec) {
  out.key("limits").begin_object();
  if (spec.request.cpu_milli > 0) out.member("cpuMilli", spec.request.cpu_milli);
  if (spec.cpu_quota) out.member("cpuQuota", true);
  if (spec.request.mem_mib > 0) out.member("memoryBytes", spec.request.mem_mib << 20);
  if (spec.pids_max > 0) out.member("pids", spec.pids_max);
  if (!spec.rlimits.empty()) {
    out.key("rlimits").begin_object();
    for (const auto& [name, limit] : spec.rlimits) {
      out.key(name).begin_array().int64(limit.soft).int64(limit.hard).end_array();
    }
    out.end_object();
  }
  out.end_object();
}

// The host's network needs no mapping: the container listens on the host's ports (PORT…) itself.
bool has_mapped_ports(const JobSpec& spec, const LaunchFacts& facts) {
  const std::string network = container_network(spec, facts);
  return network != "host" && network != "none";
}

void write_ports(json::Writer& out, const engine::Launch& launch, const LaunchFacts& facts) {
  const JobSpec& spec = *launch.spec;
  const auto ports = launch.task->allocated.ports.list();
  if (ports.empty() || !has_mapped_ports(spec, facts)) return;
  out.key("ports").begin_array();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::int32_t asked = i < spec.container_ports.size() ? spec.container_ports[i] : 0;
    out.begin_object()
        .member("container", asked > 0 ? asked : ports[i])
        .member("host", ports[i])
        .end_object();
  }
  out.end_array();
}

std::string_view pull_name(ContainerSettings::Pull pull) {
  switch (pull) {
    case ContainerSettings::Pull::missing: return "missing";
    case ContainerSettings::Pull::always: return "always";
    case ContainerSettings::Pull::never: return "never";
  }
  return "missing";
}

void write_volumes(json::Writer& out, const ContainerSettings& container) {
  if (container.volumes.empty()) return;
  out.key("volumes").begin_array();
  for (const VolumeMount& volume : container.volumes) {
    out.begin_object().member("source", volume.source).member("target", volume.target);
    if (volume.read_only) out.member("readOnly", true);
    out.end_object();
  }
  out.end_array();
}

void write_container(json::Writer& out, const engine::Launch& launch, const LaunchFacts& facts) {
  const JobSpec& spec = *launch.spec;
  const ContainerSettings& container = spec.container;
  out.key("container").begin_object();
  out.member("image", image_reference(spec)).member("pull", pull_name(container.pull));
  // api has refused lines that cannot be cut; an empty one leaves the image its own.
  if (const auto words = shell_words(spec.entry_point)) write_words(out, "entrypoint", *words);
  write_ports(out, launch, facts);
  write_volumes(out, container);
  if (!container.labels.empty()) write_map(out, "labels", container.labels);
  write_words(out, "capAdd", container.cap_add);
  write_words(out, "capDrop", container.cap_drop);
  write_text(out, "hostname", container.hostname);
  // The host's is also what nobody has asked for: an operator's own network (--executor-network) goes before
  // it.
  const std::string network = container_network(spec, facts);
  if (network != "host" || !spec.container.network.empty()) out.member("network", network);
  write_text(out, "logDriver", container.log_driver);
  if (container.shm_mib > 0) out.member("shmBytes", container.shm_mib << 20);
  out.member("init", container.init);
  if (container.read_only_root) out.member("readOnlyRoot", true);
  if (container.privileged) out.member("privileged", true);
  out.end_object();
}

void write_logs(json::Writer& out, const LogRules& logs) {
  out.key("logs").begin_object().member("rotateBytes", logs.rotate_mib << 20);
  out.member("keep", logs.keep).member("compress", logs.compress).end_object();
}

// Only where the executor's sandbox is not the task's own.
void write_artifacts(json::Writer& out, const engine::Launch& launch) {
  if (!launch.shared) return;
  std::vector<std::string> names;
  for (const Artifact& artifact : launch.spec->artifacts)
    if (std::string name = artifact_name(artifact.uri); !name.empty()) names.push_back(std::move(name));
  write_words(out, "artifacts", names);
}

void write_tags(json::Writer& out, const engine::Launch& launch) {
  const JobSpec& spec = *launch.spec;
  out.key("tags").begin_object();
  write_text(out, "app", spec.app_name);
  if (is_docker(spec)) out.member("image", image_reference(spec));
  out.member("index", std::to_string(launch.task->index));
  out.member("job", launch.task->job.value);
  write_text(out, "name", spec.name);
  out.end_object();
}

}  // namespace

std::string container_network(const JobSpec& spec, const LaunchFacts& facts) {
  if (!spec.container.network.empty()) return spec.container.network;
  for (const std::int32_t port : spec.container_ports) {
    if (port > 0) return "bridge";
  }
  return facts.default_network;
}

std::string image_reference(const JobSpec& spec) {
  if (!spec.container.digest.empty()) return spec.application_name + "@" + spec.container.digest;
  return spec.application_name + ":" + (spec.version.empty() ? std::string(kLatest) : spec.version);
}

std::map<std::string, std::string> task_environment(const engine::Launch& launch, const LaunchFacts& facts) {
  Environment env = launch.spec->env;
  for (const auto& [variable, value] : facts.secrets) env[variable] = value;
  add_identity(launch, env);
  tell_amounts(*launch.spec, env);
  add_image(*launch.spec, env);
  add_ports(launch, env);
  return env;
}

std::string task_data(const engine::Launch& launch, const LaunchFacts& facts) {
  const JobSpec& spec = *launch.spec;
  json::Writer out;
  out.begin_object().member("v", 1);
  write_program(out, launch, facts);
  write_limits(out, spec);
  if (is_docker(spec)) write_container(out, launch, facts);
  write_checks(out, spec, *launch.task);
  write_logs(out, spec.logs);
  write_artifacts(out, launch);
  write_tags(out, launch);
  out.end_object();
  return out.take();
}

}  // namespace mimas::mesos
