#include "api/job_fields.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "json/writer.h"
#include "model/artifact_name.h"
#include "model/secret.h"
#include "model/shell_words.h"
#include "model/signals.h"

namespace mimas::api {
namespace {

void read_env(FieldReader& in, JobSpec& spec) {
  spec.env = read_text_map(in, {"env", kEnvMax, kEnvBytesMax, true});
  std::size_t bytes = 0;
  for (const auto& [name, value] : spec.env) {
    bytes += name.size() + value.size() + 2;
    if (name.find('=') != std::string::npos) {
      in.faults().add("/env/" + pointer_segment(name), "its name must not contain '='");
    }
  }
  if (bytes > kEnvBytesMax) {
    in.faults().add("/env", "must not be larger than " + std::to_string(kEnvBytesMax) + " bytes in all", "",
                    std::to_string(kEnvBytesMax));
  }
}

// Variables whose values the server reads from its secrets when it starts a task: names of secrets stand
// here.
void read_secret_env(FieldReader& in, JobSpec& spec) {
  spec.secret_env = read_text_map(in, {"secretEnv", kSecretEnvMax, kTextBytesMax, false});
  for (const auto& [name, secret] : spec.secret_env) {
    const std::string pointer = "/secretEnv/" + pointer_segment(name);
    if (name.find('=') != std::string::npos) in.faults().add(pointer, "its name must not contain '='");
    if (spec.env.contains(name)) in.faults().add(pointer, "stands in `env` too: a variable has one value");
    if (!is_secret_name(secret)) {
      in.faults().add(
          pointer,
          "must be a secret's name, as in token or shop/token: letters, digits, '.', '_' and '-', at "
          "most 64 in each part",
          secret);
    }
  }
}

void read_command(FieldReader& in, JobSpec& spec) {
  const auto found = in.take("command");
  if (!found || (found->is_string() && is_unset(*found))) return;
  Faults& faults = in.faults();
  if (found->is_string()) {
    faults.at(*found, "expected an array of arguments, found a string (a shell line goes into `entryPoint`)");
    return;
  }
  const auto list = bounded_list(*found, kCommandArgsMax, faults);
  if (!list) return;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto argument = plain_text(list->at(i), kProgramBytesMax, true, faults);
    if (!argument) continue;
    if (i == 0 && argument->empty()) faults.at(list->at(i), "must name a program");
    bytes += argument->size() + 1;
    spec.command.push_back(std::move(*argument));
  }
  if (bytes > kProgramBytesMax) {
    faults.add("/command", "must not be larger than " + std::to_string(kProgramBytesMax) + " bytes in all",
               "", std::to_string(kProgramBytesMax));
  }
}

void read_working_directory(FieldReader& in, JobSpec& spec) {
  spec.working_directory = in.text("workingDirectory", kPathBytesMax);
  const std::string& path = spec.working_directory;
  if (path.empty()) return;
  bool climbs = false;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    if (path.substr(at, slash - at) == "..") climbs = true;
    at = slash + 1;
  }
  const bool docker = spec.runtime == Runtime::docker;
  if (!climbs && path.starts_with('/') == docker) return;
  in.faults().at(*in.find("workingDirectory"),
                 docker ? "must be a path in the container: absolute, and without `..`"
                        : "must be a path within the sandbox: relative, and without `..`");
}

// What Mesos's fetcher takes, less what needs a Hadoop client (mesos-protocol §4).
bool is_fetchable(std::string_view uri) {
  for (std::string_view scheme : {"http://", "https://", "file:///"}) {
    if (uri.starts_with(scheme) && uri.size() > scheme.size()) return true;
  }
  return uri.size() > 1 && uri.starts_with('/');
}

void read_artifact(const json::Value& value, JobSpec& spec, Faults& faults, UnknownFields& unknown) {
  Artifact artifact;
  json::Value uri = value;
  if (value.is_object()) {
    FieldReader in(value, faults);
    const auto named = in.take("uri");
    artifact.extract = in.flag("extract", false);
    artifact.executable = in.flag("executable", false);
    artifact.cache = in.flag("cache", false);
    const auto checksum = in.take("checksum");
    if (checksum && !is_unset(*checksum)) faults.later(*checksum, std::string(kNotServed));
    in.refuse_unknown(unknown.lenient, unknown.ignored);
    if (!named) {
      faults.add(value.pointer() + "/uri", "is required");
      return;
    }
    uri = *named;
  } else if (!value.is_string()) {
    faults.at(value, type_fault("an object with `uri`, or a string", value));
    return;
  }
  auto text = plain_text(uri, kPathBytesMax, false, faults);
  if (!text) return;
  if (!is_fetchable(*text)) {
    faults.at(uri, "must be an http:// or https:// address, a file:/// address or an absolute path");
  } else if (text->find_first_of("\\' ") != std::string::npos) {
    faults.at(uri, "must not contain blanks, backslashes or single quotes");
  } else if (artifact_name(*text).empty()) {
    faults.at(uri, "must end in the name of a file");
  }
  artifact.uri = std::move(*text);
  spec.artifacts.push_back(std::move(artifact));
}

std::int64_t read_cpu_milli(FieldReader& in) {
  const auto found = in.take("cpu", "cpus");
  if (!found) return kCpuMilli.fallback;
  if (!found->is_number()) {
    in.faults().at(*found, type_fault("a number", *found), "0.01..1024");
    return kCpuMilli.fallback;
  }
  const auto number = found->number();
  if (number.ok() && std::fpclassify(number.value()) == FP_ZERO) return kCpuMilli.fallback;
  const double most = static_cast<double>(kCpuMilli.most) / 1000;
  if (number.ok() && std::isfinite(number.value()) && number.value() >= 0 && number.value() <= most) {
    const std::int64_t milli = std::llround(number.value() * 1000);
    if (milli >= kCpuMilli.least) return milli;
  }
  in.faults().at(*found, "must be a number from 0.01 to 1024", "0.01..1024");
  return kCpuMilli.fallback;
}

void read_port_list(const json::Value& list, JobSpec& spec, Faults& faults) {
  std::size_t zeros = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto port = whole_number(list.at(i), 0, kPortMax, faults);
    if (!port) continue;
    if (*port == 0) {
      ++zeros;
    } else if (std::ranges::find(spec.container_ports, *port) != spec.container_ports.end()) {
      faults.at(list.at(i), "is listed twice");
    }
    spec.container_ports.push_back(static_cast<std::int32_t>(*port));
  }
  if (zeros > 0 && zeros < spec.container_ports.size()) {
    faults.at(list, "0 stands for any port: either all are 0 or none is");
  }
}

void read_ports(FieldReader& in, JobSpec& spec) {
  const auto found = in.take("ports");
  if (!found) return;
  if (found->is_array()) {
    if (const auto list = bounded_list(*found, kPortsMax, in.faults()))
      read_port_list(*list, spec, in.faults());
  } else if (found->is_number()) {
    const auto count = whole_number(*found, 0, static_cast<std::int64_t>(kPortsMax), in.faults());
    spec.container_ports.assign(static_cast<std::size_t>(count.value_or(0)), 0);
  } else {
    in.faults().at(*found, type_fault("a number of ports or an array of container ports", *found));
  }
  spec.request.ports = static_cast<std::int64_t>(spec.container_ports.size());
}

// One retry policy of Titus's v3 API; `retries` in it is another word for the job's own.
void read_policy_form(const json::Value& value, std::string_view form, JobSpec& spec, FieldReader& job,
                      UnknownFields& unknown) {
  if (!value.is_object()) {
    job.faults().at(value, type_fault("an object", value));
    return;
  }
  FieldReader in(value, job.faults());
  RetryPolicy& policy = spec.retry_policy;
  if (form == "immediate") {
    policy = {0, 0};
  } else if (form == "delayed") {
    policy.initial_delay_ms = policy.max_delay_ms = in.number(kDelayMs);
  } else {
    policy.initial_delay_ms = in.number(kInitialDelayMs);
    policy.max_delay_ms = in.number(kMaxDelayIntervalMs);
    if (policy.max_delay_ms < policy.initial_delay_ms) {
      job.faults().at(value, "maxDelayIntervalMs must not be below initialDelayMs");
    }
  }
  const auto inner = in.take("retries");
  const auto outer = job.has("retries") ? job.find("retries") : job.find("numRetries");
  if (inner && !is_unset(*inner)) {
    const std::int64_t retries =
        whole_number(*inner, kRetries.least, kRetries.most, job.faults()).value_or(0);
    if (outer && !is_unset(*outer) && retries != spec.retries) {
      job.faults().at(*inner, "differs from the job's own `retries`");
    }
    spec.retries = retries;
  }
  in.refuse_unknown(unknown.lenient, unknown.ignored);
}

void read_retry_policy(FieldReader& job, JobSpec& spec, UnknownFields& unknown) {
  const auto found = job.take("retryPolicy");
  if (!found || is_unset(*found)) return;
  if (!found->is_object()) {
    job.faults().at(*found, type_fault("an object", *found));
    return;
  }
  FieldReader in(*found, job.faults());
  int forms = 0;
  for (std::string_view form : {"immediate", "delayed", "exponentialBackOff"}) {
    const auto value = in.take(form);
    if (!value) continue;
    if (++forms == 1) read_policy_form(*value, form, spec, job, unknown);
  }
  if (forms > 1)
    job.faults().at(*found, "must have only one of `immediate`, `delayed` and `exponentialBackOff`");
  in.refuse_unknown(unknown.lenient, unknown.ignored);
}

// A name or a number; null and "" are the default, 0 is none of them.
std::int32_t read_kill_signal(FieldReader& in) {
  const auto found = in.take("killSignal");
  if (!found || (found->is_string() && is_unset(*found))) return 0;
  Faults& faults = in.faults();
  if (!found->is_string() && !found->is_number()) {
    faults.at(*found, type_fault("the name or the number of a signal", *found), "SIGQUIT");
    return 0;
  }
  const auto text = found->is_string() ? found->string() : Result<std::string_view>(std::string_view());
  const auto number = found->is_number() ? found->int64() : Result<std::int64_t>(0);
  if (!text.ok() || !number.ok()) {
    faults.at(*found, "must be a whole number", "1..31, 34..64");
    return 0;
  }
  const auto signal = found->is_string() ? parse_signal(*text) : check_signal(*number);
  if (!signal.ok()) {
    faults.at(*found, signal.error().message + (found->is_string() ? guess(*text, signal_names()) : ""));
    return 0;
  }
  if (is_uncatchable(*signal))
    faults.at(
        *found,
        "no program can act on " + signal_name(*signal) +
            ": name what it ends on, such as SIGTERM, SIGINT or SIGQUIT; after `killGraceSecs` it is killed",
        "SIGTERM");
  return *signal;
}

struct EchoedField {
  std::string_view name;
  json::Kind kind;
  std::string_view wanted;
};
constexpr std::array<EchoedField, 9> kEchoed{{
    {"allocateIpAddress", json::Kind::boolean, "true or false"},
    {"efs", json::Kind::object, "an object"},
    {"efsMounts", json::Kind::array, "an array"},
    {"iamProfile", json::Kind::string, "a string"},
    {"location", json::Kind::string, "a string"},
    {"migrationPolicy", json::Kind::object, "an object"},
    {"owner", json::Kind::object, "an object"},
    {"securityGroups", json::Kind::array, "an array of strings"},
    {"tags", json::Kind::array, "an array of strings"},
}};

constexpr std::array<std::string_view, 8> kUnserved{
    "schedule", "timeZone",     "overlap", "startDeadlineSecs",
    "oncePer",  "onlyWhenIdle", "update",  "startTimeoutSecs"};

// Spinnaker's driver reads an echo of the wrong type as a broken answer (spinnaker §1.4), so it must not get
// in.
bool is_echoable(const json::Value& value, const EchoedField& field) {
  if (value.kind() != field.kind) return false;
  if (field.wanted != "an array of strings") return true;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!value.at(i).is_string()) return false;
  }
  return true;
}

}  // namespace

std::optional<JobType> read_type(FieldReader& in) {
  const std::size_t before = in.faults().count();
  const std::string text = in.text("type");
  if (in.faults().count() > before) return std::nullopt;
  if (text.empty() || text == "batch") return JobType::batch;
  if (text == "service") return JobType::service;
  const json::Value value = *in.find("type");
  if (text == "cron" || text == "system") {
    in.faults().later(value, text + " jobs are not supported by this version", "batch, service");
  } else {
    in.faults().at(value,
                   "must be `batch` or `service`" + guess(text, {"batch", "service", "cron", "system"}),
                   "batch, service");
  }
  return std::nullopt;
}

std::optional<Runtime> read_runtime(FieldReader& in) {
  const std::size_t before = in.faults().count();
  const std::string text = in.text("runtime");
  if (in.faults().count() > before) return std::nullopt;
  const auto image = in.find("applicationName");
  const bool implied = text.empty() && image && !is_unset(*image);
  if (text == "docker" || implied) return Runtime::docker;
  if (text == "process" || text.empty()) return Runtime::process;
  in.faults().at(*in.find("runtime"), "must be `process` or `docker`" + guess(text, {"process", "docker"}),
                 "process, docker");
  return std::nullopt;
}

void read_identity(FieldReader& in, JobSpec& spec) {
  spec.name = in.text("name");
  spec.application_name = in.text("applicationName");
  spec.version = in.text("version");
  spec.app_name = in.text("appName");
  spec.user = in.text("user");
  spec.job_group_stack = in.text("jobGroupStack");
  spec.job_group_detail = in.text("jobGroupDetail");
  spec.job_group_sequence = in.text("jobGroupSequence");
  spec.capacity_group = in.text("capacityGroup");
  if (spec.app_name.find_first_not_of(' ') == std::string::npos) spec.app_name.clear();
  if (spec.capacity_group.find_first_not_of(' ') == std::string::npos) spec.capacity_group = spec.app_name;
  spec.priority = in.number(kPriority);
  spec.production = in.flag("production", false);
  spec.labels = read_text_map(in, {"labels", kLabelsMax, kLabelValueBytesMax, false});
}

void read_program(FieldReader& in, JobSpec& spec, bool known_runtime, UnknownFields& unknown) {
  Faults& faults = in.faults();
  if (const auto line = in.take("entryPoint")) {
    if (line->is_array() && line->size() > 0) {
      faults.at(*line, "expected a shell line, found an array (a list of arguments goes into `command`)");
    } else if (!is_unset(*line) || !line->is_array()) {
      spec.entry_point = plain_text(*line, kProgramBytesMax, true, faults).value_or("");
    }
  }
  read_command(in, spec);
  const auto is_set = [&](std::string_view name) {
    const auto value = in.find(name);
    return value && !is_unset(*value);
  };
  const bool line = is_set("entryPoint"), list = is_set("command");
  if (spec.runtime == Runtime::docker) {
    if (const auto words = shell_words(spec.entry_point); !words) {
      faults.at(*in.find("entryPoint"), words.error().message);
    }
  } else if (line && list) {
    faults.add("/command", "a job has either `entryPoint` or `command`, not both");
  } else if (known_runtime && !line && !list) {
    faults.add("/entryPoint",
               "is required: what to run, a shell line here or a list of arguments in `command`");
  }
  read_env(in, spec);
  read_secret_env(in, spec);
  read_working_directory(in, spec);
  if (const auto found = in.take("artifacts"); found && !is_unset(*found)) {
    const auto list_of = bounded_list(*found, kArtifactsMax, faults);
    for (std::size_t i = 0; list_of && i < list_of->size(); ++i)
      read_artifact(list_of->at(i), spec, faults, unknown);
  }
}

void read_amounts(FieldReader& in, JobSpec& spec) {
  spec.request.cpu_milli = read_cpu_milli(in);
  spec.request.mem_mib = in.number(kMemoryMib);
  spec.request.disk_mib = in.number(kDiskMib);
  spec.request.gpus = in.number(kGpus);
  spec.network_mbps = in.number(kNetworkMbps);
  spec.request.scalars = read_scalars(in, "resources");
  read_ports(in, spec);
}

void read_failure_rules(FieldReader& in, JobSpec& spec, UnknownFields& unknown) {
  const auto again = in.take("restartOnFailure");
  const bool restart = in.flag("restartOnFailure", true);
  spec.restart_on_success = in.flag("restartOnSuccess", false);
  spec.retries = in.number(kRetries, "numRetries");
  read_retry_policy(in, spec, unknown);
  if (again && restart && spec.retries == 0) spec.retries = kRetriesUnlimited;
  if (!restart) spec.retries = 0;
  if (spec.type == JobType::service) {
    if (!restart)
      in.faults().at(*again, "a service is always started again; a job that is not has type `batch`");
    // Not of the number that we render ourselves, nor of Titus's.
    if (spec.retries != 0 && spec.retries != kRetriesUnlimited && spec.retries != kRetries.most) {
      unknown.notes.push_back("`retries` has no effect: a service is started again without end");
    }
    spec.retries = kRetriesUnlimited;
  }
  spec.runtime_limit_ms = in.number(kRuntimeLimitSecs) * 1000;
  spec.kill_grace_ms = in.number(kKillGraceSecs) * 1000;
  spec.kill_signal = read_kill_signal(in);
  spec.unreachable_timeout_ms = in.number(kUnreachableTimeoutSecs) * 1000;
}

InstanceCounts read_instance_counts(FieldReader& in, std::optional<JobType> type, UnknownFields& unknown) {
  Faults& faults = in.faults();
  const std::size_t before = faults.count();
  const bool batch = type != JobType::service;
  const std::int64_t most = type == JobType::service ? kServiceInstancesMax : kBatchInstancesMax;
  const auto instances = in.count("instances", most);
  const auto desired = in.count("instancesDesired", most);
  const auto min = in.count("instancesMin", most);
  const auto max = in.count("instancesMax", most);
  if (faults.count() > before || !type) return {};
  InstanceCounts out;
  if (batch) {
    const std::int64_t count = std::max<std::int64_t>(1, instances.value_or(0));
    for (std::string_view name : {"instancesDesired", "instancesMin", "instancesMax"}) {
      const auto value = in.find(name);
      if (!value || is_unset(*value) || value->int64().value() == count) continue;
      if (unknown.lenient) {
        unknown.ignored.emplace_back(name);
      } else {
        faults.at(*value, "a batch job has `instances` alone: leave this out or make it the same",
                  std::to_string(count));
      }
    }
    return {count, count, count};
  }
  if (desired && instances && *instances != 0 && *instances != *desired) {
    faults.at(*in.find("instances"), "is another word for `instancesDesired`, but the two differ",
              std::to_string(*desired));
  }
  out.desired = desired     ? *desired
                : instances ? *instances
                : min       ? *min
                            : std::min<std::int64_t>(1, max.value_or(1));
  out.min = min.value_or(out.desired);
  out.max = max.value_or(out.desired);
  if (out.min > out.desired) {
    faults.at(*in.find("instancesMin"), "must not be above instancesDesired", std::to_string(out.desired));
  }
  if (out.max < out.desired) {
    faults.at(*in.find("instancesMax"), "must not be below instancesDesired", std::to_string(out.desired));
  }
  return out;
}

void read_echoed(FieldReader& in, JobSpec& spec) {
  json::Writer out;
  out.begin_object();
  std::size_t bytes = 2;
  for (const EchoedField& field : kEchoed) {
    const auto value = in.take(field.name);
    if (!value || is_unset(*value)) continue;
    if (!is_echoable(*value, field)) {
      in.faults().at(*value, type_fault(field.wanted, *value));
      continue;
    }
    const std::string text = value->dump();
    bytes += field.name.size() + text.size() + 4;
    if (bytes > kEchoedBytesMax) {
      in.faults().at(*value,
                     "makes the fields that are only kept larger than " + std::to_string(kEchoedBytesMax) +
                         " bytes in all",
                     std::to_string(kEchoedBytesMax));
      break;
    }
    out.member_raw(field.name, text);
  }
  out.end_object();
  spec.echoed_json = out.take();
}

void refuse_unserved(FieldReader& in) {
  for (std::string_view name : kUnserved) {
    const auto value = in.take(name);
    if (value && !is_unset(*value)) in.faults().later(*value, std::string(kNotServed));
  }
}

}  // namespace mimas::api
