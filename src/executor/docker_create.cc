#include "executor/docker_create.h"

#include <algorithm>

#include "json/writer.h"

namespace mimas::executor {
namespace {

constexpr std::size_t kNameMax = 100;

std::uint64_t fnv1a(std::string_view text, std::uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

bool may_stand_in_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_';
}

void write_strings(json::Writer& writer, const char* name, const std::vector<std::string>& strings) {
  if (strings.empty()) return;
  writer.key(name).begin_array();
  for (const std::string& text : strings) writer.string(text);
  writer.end_array();
}

std::string port_name(const PortMapping& port) {
  return std::to_string(port.container) + (port.udp ? "/udp" : "/tcp");
}

void write_labels(json::Writer& writer, const TaskOrder& order, const DockerWho& who) {
  writer.key("Labels").begin_object();
  for (const auto& [name, value] : order.spec.container.labels) {
    if (!name.starts_with("mimas.")) writer.member(name, value);
  }
  for (const auto& [name, value] : order.spec.tags) writer.member("mimas.tag." + name, value);
  writer.member("mimas.task", order.task_id)
      .member("mimas.framework", who.framework_id)
      .member("mimas.agent", who.agent_id)
      .member("mimas.executor.pid", std::to_string(who.mark.pid))
      .member("mimas.executor.start", who.mark.start)
      .member("mimas.boot", who.mark.boot)
      .member("mimas.pidns", who.mark.pid_ns)
      .end_object();
}

// Several mappings may share a container's port: it has one key, and a list.
void write_bindings(json::Writer& writer, const std::vector<PortMapping>& ports) {
  writer.key("PortBindings").begin_object();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const auto same = [&](const PortMapping& p) { return port_name(p) == port_name(ports[i]); };
    if (std::any_of(ports.begin(), ports.begin() + static_cast<std::ptrdiff_t>(i), same)) continue;
    writer.key(port_name(ports[i])).begin_array();
    for (const PortMapping& port : ports) {
      if (same(port)) writer.begin_object().member("HostPort", std::to_string(port.host)).end_object();
    }
    writer.end_array();
  }
  writer.end_object();
}

void write_limits(json::Writer& writer, const Limits& limits, int minor) {
  if (limits.cpu_milli > 0)
    writer.member("CpuShares", std::max<std::int64_t>(2, limits.cpu_milli * 1024 / 1000));
  if (limits.cpu_milli > 0 && limits.cpu_quota) {
    // Not NanoCpus: Docker refuses more of those than the machine has, and an agent may offer more.
    writer.member("CpuPeriod", std::int64_t{100'000});
    writer.member("CpuQuota", std::max<std::int64_t>(1000, limits.cpu_milli * 100));
  }
  if (limits.memory_bytes > 0) {
    const std::int64_t bytes = std::max(limits.memory_bytes, kDockerMemoryMin);
    writer.member("Memory", bytes).member("MemorySwap", bytes);
  }
  if (limits.pids > 0 && minor >= 23) writer.member("PidsLimit", limits.pids);
  if (!limits.rlimits.empty()) {
    writer.key("Ulimits").begin_array();
    for (const ResourceLimit& limit : limits.rlimits) {
      writer.begin_object().member("Name", limit.name).member("Soft", limit.soft);
      writer.member("Hard", limit.hard).end_object();
    }
    writer.end_array();
  }
}

void write_host_config(json::Writer& writer, const TaskOrder& order, int minor) {
  const Container& container = order.spec.container;
  const std::string network = container.network.empty() ? "host" : container.network;
  writer.key("HostConfig").begin_object();
  writer.key("Binds").begin_array().string(order.sandbox + ":" + kContainerSandbox);
  for (const Volume& volume : container.volumes)
    writer.string(volume.source + ":" + volume.target + (volume.read_only ? ":ro" : ""));
  writer.end_array();
  writer.member("NetworkMode", network);
  if (network != "host" && !container.ports.empty()) write_bindings(writer, container.ports);
  write_limits(writer, order.spec.limits, minor);
  write_strings(writer, "CapAdd", container.cap_add);
  write_strings(writer, "CapDrop", container.cap_drop);
  if (container.shm_bytes > 0) writer.member("ShmSize", container.shm_bytes);
  if (container.read_only_root) writer.member("ReadonlyRootfs", true);
  if (container.privileged) writer.member("Privileged", true);
  if (minor >= 25) writer.member("Init", container.init);
  writer.key("LogConfig").begin_object();
  if (container.log_driver.empty()) {
    writer.member("Type", "json-file").key("Config").begin_object();
    writer.member("max-size", kDockerLogSize).member("max-file", kDockerLogFiles).end_object();
  } else {
    writer.member("Type", container.log_driver);
  }
  writer.end_object();
  writer.key("RestartPolicy").begin_object().member("Name", "no").end_object();
  writer.end_object();
}

}  // namespace

ExecutorMark mark_of(const ContainerState& container) {
  ExecutorMark out;
  for (const char c : container.label("mimas.executor.pid")) {
    if (c < '0' || c > '9' || out.pid > 100'000'000) return {};
    out.pid = out.pid * 10 + (c - '0');
  }
  out.start = container.label("mimas.executor.start");
  out.boot = container.label("mimas.boot");
  out.pid_ns = container.label("mimas.pidns");
  if (out.start.empty() || out.boot.empty() || out.pid_ns.empty()) return {};
  return out;
}

Owner judge_owner(const ExecutorMark& mark, const ExecutorMark& here, bool docker_is_local, bool alive) {
  if (mark.pid == 0) return Owner::foreign;
  if (mark == here) return Owner::self;
  // A unix socket does not leave its kernel: another boot is a former one of this machine. A TCP Docker may
  // serve other machines, whose executors cannot be looked at from here.
  if (mark.boot != here.boot) return docker_is_local ? Owner::dead : Owner::unsure;
  if (mark.pid_ns != here.pid_ns) return Owner::unsure;
  return alive ? Owner::alive : Owner::dead;
}

std::string container_name(std::string_view framework_id, std::string_view task_id) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "mimas-";
  for (const char c : task_id.substr(0, kNameMax)) out += may_stand_in_name(c) ? c : '_';
  std::uint64_t hash = fnv1a(task_id, fnv1a(framework_id, 0xcbf29ce484222325ULL) ^ 0xff);
  out += '-';
  for (int i = 0; i < 8; ++i, hash >>= 4) out += kHex[hash & 15];
  return out;
}

Status check_container(const TaskOrder& order) {
  const Container& container = order.spec.container;
  if (auto image = parse_image_name(container.image); !image.ok()) return image.error();
  if (order.sandbox.find(':') != std::string::npos)
    return make_error(Code::unsupported, "the sandbox's path has a colon, which Docker cannot bind",
                      order.sandbox, "move the agent's work directory");
  for (std::size_t i = 0; i < container.volumes.size(); ++i) {
    const Volume& volume = container.volumes[i];
    if ((volume.source + volume.target).find(':') != std::string::npos)
      return make_error(Code::invalid_argument, "a volume's path has a colon, which Docker cannot bind",
                        "/container/volumes/" + std::to_string(i), "use a path without one");
  }
  return Done{};
}

std::string create_body(const TaskOrder& order, const DockerWho& who, int minor) {
  const TaskSpec& spec = order.spec;
  json::Writer writer;
  writer.begin_object().member("Image", spec.container.image);
  write_strings(writer, "Cmd", spec.command.argv);
  write_strings(writer, "Entrypoint", spec.container.entrypoint);
  if (!spec.command.cwd.empty()) writer.member("WorkingDir", spec.command.cwd);
  if (!spec.command.user.empty()) writer.member("User", spec.command.user);
  if (spec.kill_signal > 0) writer.member("StopSignal", std::to_string(spec.kill_signal));
  if (!spec.container.hostname.empty()) writer.member("Hostname", spec.container.hostname);
  writer.member("Tty", false).member("AttachStdout", true).member("AttachStderr", true);
  writer.key("Env").begin_array();
  const std::string sandbox = std::string(kSandboxVariable) + "=";
  for (const std::string& entry : order.environment) {
    if (!entry.starts_with(sandbox)) writer.string(entry);
  }
  writer.string(sandbox + kContainerSandbox).end_array();
  write_labels(writer, order, who);
  if (spec.container.network != "host" && !spec.container.network.empty() && !spec.container.ports.empty()) {
    std::vector<std::string> names;
    for (const PortMapping& port : spec.container.ports) names.push_back(port_name(port));
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    writer.key("ExposedPorts").begin_object();
    for (const std::string& name : names) writer.key(name).begin_object().end_object();
    writer.end_object();
  }
  write_host_config(writer, order, minor);
  writer.end_object();
  return writer.take();
}

}  // namespace mimas::executor
