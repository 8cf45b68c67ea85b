// `mimas run`: its flags as a job's description, checked as far as a server is not needed for it.
#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

#include "cli/flags.h"
#include "cli/usage_error.h"

namespace mimas::cli {
namespace {

Result<double> parse_cpu(const std::string& text) {
  double cpu = 0;
  const auto [rest, failure] =
      std::from_chars(text.data(), text.data() + text.size(), cpu, std::chars_format::fixed);
  // from_chars also reads "inf" and "nan": only a plain decimal between the bounds passes.
  const bool plain =
      failure == std::errc{} && rest == text.data() + text.size() && cpu >= 0.01 && cpu <= 100'000;
  if (!plain) return usage_error("--cpu", "must be a number of CPUs from 0.01 upwards, not '" + text + "'");
  return cpu;
}

Status check_count(const char* flag, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value >= least && value <= most) return Done{};
  return usage_error(flag, "must be " + std::to_string(least) + " to " + std::to_string(most));
}

Status check_run_numbers(const RunFlags& flags) {
  if (const Status fits = check_count("--mem", flags.memory_mib, 0, INT32_MAX); !fits.ok()) return fits;
  if (const Status fits = check_count("--disk", flags.disk_mib, 0, INT32_MAX); !fits.ok()) return fits;
  if (const Status fits = check_count("--ports", flags.ports, 0, 1'000); !fits.ok()) return fits;
  if (const Status fits = check_count("--priority", flags.priority, 0, 100); !fits.ok()) return fits;
  if (const Status fits = check_count("--retries", flags.retries, 0, INT32_MAX); !fits.ok()) return fits;
  // A service may start with none; a batch job without instances would be done before it began.
  return check_count("--instances", flags.instances, flags.service ? 0 : 1, INT32_MAX);
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Result<Pairs> parse_pairs(const char* flag, const std::vector<std::string>& texts) {
  Pairs pairs;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return usage_error(flag, "must be NAME=VALUE, not '" + text + "'");
    pairs.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return pairs;
}

std::optional<std::int64_t> parse_port(std::string_view text) {
  std::int64_t port = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failure != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65'535)
    return std::nullopt;
  return port;
}

// "http", "http:8080", "http:8080/health", "http:/health", "tcp", "tcp:5432"; anything else is a shell line.
Result<HealthRequest> parse_health(const std::string& text) {
  const auto bad = [&] {
    return usage_error("--health",
                       "'" + text + "' has no port from 1 to 65535; as in http:8080/health or tcp:5432");
  };
  HealthRequest check;
  for (const char* kind : {"http", "tcp"}) {
    if (text != kind && !text.starts_with(std::string(kind) + ":")) continue;
    check.kind = kind;
    std::string_view rest(text);
    rest.remove_prefix(std::min(check.kind.size() + 1, rest.size()));
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    if (slash < rest.size() && check.kind == "tcp") return bad();
    check.path = rest.substr(slash);
    if (slash == 0) return check;
    const std::optional<std::int64_t> port = parse_port(rest.substr(0, slash));
    if (!port) return bad();
    check.port = *port;
    return check;
  }
  if (text.empty())
    return usage_error("--health", "is empty; as in http:8080/health, tcp:5432 or a shell line");
  check.kind = "command";
  check.command = text;
  return check;
}

// "SOURCE:TARGET" or "SOURCE:TARGET:ro", as `docker run` takes it.
Result<VolumeRequest> parse_volume(const std::string& text) {
  VolumeRequest volume;
  const std::size_t colon = text.find(':');
  const std::size_t second = colon == std::string::npos ? colon : text.find(':', colon + 1);
  const std::string mode = second == std::string::npos ? "" : text.substr(second + 1);
  volume.source = text.substr(0, colon);
  if (colon != std::string::npos)
    volume.target = text.substr(colon + 1, second == std::string::npos ? second : second - colon - 1);
  volume.read_only = mode == "ro";
  if (volume.source.empty() || !volume.target.starts_with('/') ||
      (!mode.empty() && mode != "ro" && mode != "rw"))
    return usage_error("--volume", "must be SOURCE:/TARGET or SOURCE:/TARGET:ro, not '" + text + "'");
  return volume;
}

// Printable ASCII, as far as the server takes it.
Status check_key(const std::string& key) {
  constexpr std::size_t kKeyBytesMax = 255;
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (printable && key.size() <= kKeyBytesMax) return Done{};
  return usage_error("--idempotency-key", "must be at most 255 printable characters without blanks");
}

bool only_the_file(const RunFlags& flags) {
  return flags.command.empty() && flags.name.empty() && flags.image.empty() && flags.cpu.empty() &&
         flags.env.empty() && flags.constraints.empty() && flags.memory_mib == 0 && flags.disk_mib == 0 &&
         flags.ports == 0 && flags.container_ports.empty() && flags.instances == 1 && flags.retries == 0 &&
         flags.user.empty() && !flags.service && flags.app.empty() && flags.labels.empty() &&
         flags.health.empty() && flags.volumes.empty() && flags.artifacts.empty() && flags.run_as.empty() &&
         flags.priority == 0 && !flags.production;
}

std::string default_name(const RunFlags& flags) {
  const std::string& from = flags.command.empty() ? flags.image : flags.command.front();
  return from.substr(from.rfind('/') + 1);  // npos + 1 is 0: all of it
}

// What goes with containers alone, and what is asked of the whole.
Status take_container(const RunFlags& flags, JobRequest& request) {
  if (flags.image.empty() && !flags.container_ports.empty())
    return usage_error(
        "--port", "publishes a container's port and goes with --image; a process gets ports with --ports N");
  if (!flags.container_ports.empty() && flags.ports > 0)
    return usage_error("--port", "does not go with --ports");
  if (flags.image.empty() && !flags.volumes.empty()) return usage_error("--volume", "goes with --image");
  for (const std::int64_t port : flags.container_ports) {
    if (const Status fits = check_count("--port", port, 1, 65'535); !fits.ok()) return fits;
  }
  request.container_ports = flags.container_ports;
  for (const std::string& text : flags.volumes) {
    Result<VolumeRequest> volume = parse_volume(text);
    if (!volume.ok()) return volume.error();
    request.volumes.push_back(*std::move(volume));
  }
  for (const std::string& text : flags.health) {
    Result<HealthRequest> check = parse_health(text);
    if (!check.ok()) return check.error();
    request.health.push_back(*std::move(check));
  }
  return Done{};
}

Result<JobRequest> to_job_request(const RunFlags& flags) {
  if (flags.command.empty() && flags.image.empty()) {
    return usage_error("run", "needs a COMMAND after '--', an --image, or a job file with -f");
  }
  if (const Status fits = check_run_numbers(flags); !fits.ok()) return fits.error();
  JobRequest request;
  if (!flags.cpu.empty()) {
    const Result<double> cpu = parse_cpu(flags.cpu);
    if (!cpu.ok()) return cpu.error();
    request.cpu = *cpu;
  }
  Result<Pairs> env = parse_pairs("--env", flags.env);
  if (!env.ok()) return env.error();
  Result<Pairs> labels = parse_pairs("--label", flags.labels);
  if (!labels.ok()) return labels.error();
  if (const Status taken = take_container(flags, request); !taken.ok()) return taken.error();
  for (const auto& [flag, text] : {std::pair<const char*, const std::string&>{"--name", flags.name},
                                   {"--image", flags.image},
                                   {"--user", flags.user},
                                   {"--app", flags.app},
                                   {"--run-as", flags.run_as}}) {
    if (const Status fits = check_text(flag, text); !fits.ok()) return fits.error();
  }
  request.name = flags.name.empty() ? default_name(flags) : flags.name;
  request.type = flags.service ? "service" : "batch";
  request.image = flags.image;
  request.memory_mib = flags.memory_mib;
  request.disk_mib = flags.disk_mib;
  request.ports = flags.ports;
  request.instances = flags.instances;
  request.retries = flags.retries;
  request.user = flags.user;
  request.constraints = flags.constraints;
  request.env = std::move(*env);
  request.labels = *std::move(labels);
  request.app = flags.app;
  request.run_as = flags.run_as;
  request.artifacts = flags.artifacts;
  request.priority = flags.priority;
  request.production = flags.production;
  request.command = flags.command;
  return request;
}

}  // namespace

Result<Run> to_run(const RunFlags& flags, const Client& client) {
  Run run;
  run.client = client;
  run.follow = flags.follow;
  run.output = !flags.no_output;
  run.await_ready = flags.wait;
  run.wait = !flags.no_wait;
  run.dry_run = flags.dry_run;
  run.idempotency_key = flags.idempotency_key;
  run.timeout_secs = flags.timeout_secs;
  if (flags.no_wait && !flags.follow) return usage_error("--no-wait", "goes with --follow");
  if (flags.no_output && !flags.follow) return usage_error("--no-output", "goes with --follow");
  if (flags.wait && flags.follow)
    return usage_error("--wait", "does not go with --follow, which waits for the job's end");
  if (flags.wait && flags.detach) return usage_error("--detach", "does not go with --wait");
  if (flags.timeout_secs != 0 && !flags.follow && !flags.wait)
    return usage_error("--timeout", "goes with --follow or --wait");
  if (flags.detach && flags.follow) return usage_error("--detach", "does not go with --follow");
  if (flags.dry_run && flags.follow) return usage_error("--dry-run", "makes no job that could be followed");
  if (flags.dry_run && flags.wait) return usage_error("--dry-run", "makes no job that could be waited for");
  if (const Status fits = check_key(flags.idempotency_key); !fits.ok()) return fits.error();
  if (!flags.file.empty()) {
    if (!only_the_file(flags)) {
      return usage_error(
          "--file", "describes the whole job; flags that describe one too, or a COMMAND, do not go with it");
    }
    run.file = flags.file;
    return run;
  }
  Result<JobRequest> request = to_job_request(flags);
  if (!request.ok()) return request.error();
  run.request = std::move(*request);
  return run;
}

}  // namespace mimas::cli
