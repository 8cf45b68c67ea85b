#include "mesos/task_checks.h"

#include <string_view>
#include <vector>

namespace mimas::mesos {
namespace {

// Container ports stand for the host ports in order; a port is named by its number, or by its place where
// the ports have none. 0 is the first.
std::int32_t host_port(const HealthCheck& check, const JobSpec& spec, const Task& task) {
  const std::vector<std::int32_t> hosts = task.allocated.ports.list();
  for (std::size_t i = 0; i < spec.container_ports.size() && i < hosts.size(); ++i) {
    const std::int32_t named = spec.container_ports[i];
    const bool meant = named > 0 ? named == check.port : static_cast<std::int32_t>(i) == check.port;
    if (meant || check.port == 0) return hosts[i];
  }
  return 0;
}

std::string_view kind_name(HealthCheck::Kind kind) {
  switch (kind) {
    case HealthCheck::Kind::http: return "http";
    case HealthCheck::Kind::tcp: return "tcp";
    case HealthCheck::Kind::command: break;
  }
  return "command";
}

void write_check(json::Writer& out, const HealthCheck& check, bool readiness, std::int32_t port) {
  out.begin_object().member("kind", kind_name(check.kind));
  if (readiness) out.member("purpose", "readiness");
  if (check.informational) out.member("purpose", "informational");
  if (check.kind == HealthCheck::Kind::command) {
    out.key("argv").begin_array();
    for (const std::string& argument : check.command) out.string(argument);
    out.end_array();
  } else {
    out.member("port", port);
  }
  if (check.kind == HealthCheck::Kind::http) out.member("path", check.path);
  out.member("intervalMs", check.interval_ms).member("timeoutMs", check.timeout_ms);
  out.member("graceMs", check.grace_ms).member("failures", check.max_failures).end_object();
}

}  // namespace

void write_checks(json::Writer& out, const JobSpec& spec, const Task& task) {
  if (spec.health_checks.empty() && !spec.readiness) return;
  out.key("checks").begin_array();
  const auto one = [&](const HealthCheck& check, bool readiness) {
    const std::int32_t port = host_port(check, spec, task);
    if (check.kind == HealthCheck::Kind::command || port > 0) write_check(out, check, readiness, port);
  };
  for (const HealthCheck& check : spec.health_checks) one(check, false);
  if (spec.readiness) one(*spec.readiness, true);
  out.end_array();
}

}  // namespace mimas::mesos
