#include "store/spec_json.h"

#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "json/value.h"
#include "json/writer.h"

namespace mimas::store {
namespace {

constexpr std::array<std::pair<JobType, std::string_view>, 2> kJobTypes{{
    {JobType::batch, "batch"},
    {JobType::service, "service"},
}};
constexpr std::array<std::pair<HealthCheck::Kind, std::string_view>, 3> kCheckKinds{{
    {HealthCheck::Kind::http, "http"},
    {HealthCheck::Kind::tcp, "tcp"},
    {HealthCheck::Kind::command, "command"},
}};
constexpr std::array<std::pair<Runtime, std::string_view>, 2> kRuntimes{{
    {Runtime::process, "process"},
    {Runtime::docker, "docker"},
}};

constexpr std::array<std::pair<ContainerSettings::Pull, std::string_view>, 3> kPulls{{
    {ContainerSettings::Pull::missing, "missing"},
    {ContainerSettings::Pull::always, "always"},
    {ContainerSettings::Pull::never, "never"},
}};

template <class Names, class Value>
std::string_view name_in(const Names& names, Value value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  ASSERT(false);
}

// One object's members into fields. The first fault sticks; later calls do nothing.
class Fields {
 public:
  explicit Fields(json::Value value) : value_(value) { check(value.object()); }

  void read(std::string_view name, std::string& into) {
    each(name, [&](json::Value v) { set(v.string(), into); });
  }
  void read(std::string_view name, std::int64_t& into) {
    each(name, [&](json::Value v) { set(v.int64(), into); });
  }
  void read(std::string_view name, std::int32_t& into) {
    each(name, [&](json::Value v) { set_small(v, into); });
  }
  void read(std::string_view name, bool& into) {
    each(name, [&](json::Value v) { set(v.boolean(), into); });
  }
  void read(std::string_view name, std::vector<std::string>& into) {
    list(name, [&](json::Value v) { set(v.string(), into.emplace_back()); });
  }
  void read(std::string_view name, std::vector<std::int32_t>& into) {
    list(name, [&](json::Value v) { set_small(v, into.emplace_back()); });
  }
  void read(std::string_view name, std::map<std::string, std::string>& into) {
    each(name, [&](json::Value object) {
      if (!check(object.object())) return;
      for (std::size_t i = 0; i < object.size() && !fault_; ++i) {
        set(object.at(i).string(), into[std::string(object.name(i))]);
      }
    });
  }
  void read(std::string_view name, Scalars& into) {
    each(name, [&](json::Value object) {
      if (!check(object.object())) return;
      for (std::size_t i = 0; i < object.size() && !fault_; ++i) {
        std::int64_t amount = 0;
        set(object.at(i).int64(), amount);
        add_scalars(into, {{std::string(object.name(i)), amount}});
      }
    });
  }
  template <class Names, class Value>
  void read_name(std::string_view name, const Names& names, Value& into) {
    each(name, [&](json::Value v) {
      std::string text;
      set(v.string(), text);
      if (fault_) return;
      for (const auto& [known, spelling] : names) {
        if (spelling == text) return void(into = known);
      }
      fault_ = make_error(Code::invalid_argument, "unknown value \"" + text + "\"", v.pointer());
    });
  }
  // A member object whose fields `read_members(Fields&)` reads.
  template <class Function>
  void nested(std::string_view name, Function read_members) {
    each(name, [&](json::Value v) { nest(v, read_members); });
  }
  // An object of objects: `read_members(name, Fields&)` for each.
  template <class Function>
  void nested_map(std::string_view name, Function read_members) {
    each(name, [&](json::Value object) {
      if (!check(object.object())) return;
      for (std::size_t i = 0; i < object.size() && !fault_; ++i) {
        nest(object.at(i), [&](Fields& inner) { read_members(object.name(i), inner); });
      }
    });
  }
  template <class Function>
  void nested_list(std::string_view name, Function read_members) {
    list(name, [&](json::Value v) { nest(v, read_members); });
  }
  template <class Function>
  void list(std::string_view name, Function item) {
    each(name, [&](json::Value array) {
      if (!check(array.array())) return;
      for (std::size_t i = 0; i < array.size() && !fault_; ++i) item(array.at(i));
    });
  }
  void fail(Error error) {
    if (!fault_) fault_ = std::move(error);
  }
  void set_small(json::Value from, std::int32_t& into) {
    std::int64_t wide = 0;
    set(from.int64(), wide);
    if (wide < std::numeric_limits<std::int32_t>::min() || wide > std::numeric_limits<std::int32_t>::max()) {
      fail(make_error(Code::invalid_argument, "number out of range", from.pointer()));
    }
    if (!fault_) into = static_cast<std::int32_t>(wide);
  }
  template <class T, class Into>
  void set(const Result<T>& result, Into& into) {
    if (check(result)) into = Into(*result);
  }
  const std::optional<Error>& fault() const { return fault_; }

 private:
  template <class Function>
  void each(std::string_view name, Function use) {
    if (fault_) return;
    const std::optional<json::Value> member = value_.find(name);
    if (member) use(*member);
  }
  template <class Function>
  void nest(json::Value v, Function read_members) {
    Fields inner(v);
    if (!inner.fault_) read_members(inner);
    if (inner.fault_) fail(*inner.fault_);
  }
  template <class T>
  bool check(const Result<T>& result) {
    if (!result) fail(result.error());
    return result.ok();
  }

  json::Value value_;
  std::optional<Error> fault_;
};

void write_texts(json::Writer& out, std::string_view name, const std::vector<std::string>& texts) {
  out.key(name).begin_array();
  for (const std::string& text : texts) out.string(text);
  out.end_array();
}

void write_map(json::Writer& out, std::string_view name, const std::map<std::string, std::string>& map) {
  out.key(name).begin_object();
  for (const auto& [key, value] : map) out.member(key, value);
  out.end_object();
}

void write_scalars(json::Writer& out, const Scalars& scalars) {
  if (scalars.empty()) return;
  out.key("scalars").begin_object();
  for (const auto& [name, amount] : scalars) out.member(name, amount);
  out.end_object();
}

void write_what_runs(json::Writer& out, const JobSpec& spec) {
  out.member("entry_point", spec.entry_point);
  write_texts(out, "command", spec.command);
  write_map(out, "env", spec.env);
  if (!spec.secret_env.empty()) write_map(out, "secret_env", spec.secret_env);
  out.member("working_directory", spec.working_directory);
  out.key("artifacts").begin_array();
  for (const Artifact& artifact : spec.artifacts) {
    out.begin_object()
        .member("uri", artifact.uri)
        .member("extract", artifact.extract)
        .member("executable", artifact.executable)
        .member("cache", artifact.cache)
        .end_object();
  }
  out.end_array();
}

void write_request(json::Writer& out, const ResourceRequest& request) {
  out.begin_object()
      .member("cpu_milli", request.cpu_milli)
      .member("mem_mib", request.mem_mib)
      .member("disk_mib", request.disk_mib)
      .member("gpus", request.gpus)
      .member("ports", request.ports);
  write_scalars(out, request.scalars);
  out.end_object();
}

void write_how_much(json::Writer& out, const JobSpec& spec) {
  out.key("request");
  write_request(out, spec.request);
  out.key("container_ports").begin_array();
  for (const std::int32_t port : spec.container_ports) out.int64(port);
  out.end_array();
  out.member("network_mbps", spec.network_mbps);
}

void write_confinement(json::Writer& out, const JobSpec& spec) {
  out.member("run_as", spec.run_as).member("cpu_quota", spec.cpu_quota).member("pids_max", spec.pids_max);
  out.key("rlimits").begin_object();
  for (const auto& [name, limit] : spec.rlimits) {
    out.key(name).begin_object().member("soft", limit.soft).member("hard", limit.hard).end_object();
  }
  out.end_object();
  out.key("logs")
      .begin_object()
      .member("rotate_mib", spec.logs.rotate_mib)
      .member("keep", spec.logs.keep)
      .member("compress", spec.logs.compress)
      .end_object();
}

// Left out where there is nothing to say: most jobs are processes.
void write_container(json::Writer& out, const ContainerSettings& container) {
  if (container == ContainerSettings{}) return;
  out.key("container")
      .begin_object()
      .member("digest", container.digest)
      .member("pull", name_in(kPulls, container.pull));
  out.key("volumes").begin_array();
  for (const VolumeMount& volume : container.volumes) {
    out.begin_object()
        .member("source", volume.source)
        .member("target", volume.target)
        .member("read_only", volume.read_only)
        .end_object();
  }
  out.end_array();
  write_map(out, "labels", container.labels);
  write_texts(out, "cap_add", container.cap_add);
  write_texts(out, "cap_drop", container.cap_drop);
  out.member("hostname", container.hostname)
      .member("network", container.network)
      .member("log_driver", container.log_driver)
      .member("shm_mib", container.shm_mib)
      .member("init", container.init)
      .member("read_only_root", container.read_only_root)
      .member("privileged", container.privileged)
      .end_object();
}

// As text: the parser is the one place that knows what it means.
void write_constraints(json::Writer& out, std::string_view name, const std::vector<Constraint>& constraints) {
  out.key(name).begin_array();
  for (const Constraint& constraint : constraints) out.string(constraint_text(constraint));
  out.end_array();
}

void write_check(json::Writer& out, const HealthCheck& check) {
  out.begin_object()
      .member("kind", name_in(kCheckKinds, check.kind))
      .member("port", check.port)
      .member("path", check.path);
  write_texts(out, "command", check.command);
  out.member("interval_ms", check.interval_ms)
      .member("timeout_ms", check.timeout_ms)
      .member("grace_ms", check.grace_ms)
      .member("max_failures", check.max_failures);
  if (check.informational) out.member("informational", true);
  out.end_object();
}

// Readiness is left out where there is none.
void write_health(json::Writer& out, const JobSpec& spec) {
  out.key("health_checks").begin_array();
  for (const HealthCheck& check : spec.health_checks) write_check(out, check);
  out.end_array();
  if (!spec.readiness) return;
  out.key("readiness");
  write_check(out, *spec.readiness);
}

void write_when_it_fails(json::Writer& out, const JobSpec& spec) {
  out.member("retries", spec.retries).member("restart_on_success", spec.restart_on_success);
  out.key("retry_policy")
      .begin_object()
      .member("initial_delay_ms", spec.retry_policy.initial_delay_ms)
      .member("max_delay_ms", spec.retry_policy.max_delay_ms)
      .end_object();
  out.member("runtime_limit_ms", spec.runtime_limit_ms)
      .member("kill_grace_ms", spec.kill_grace_ms)
      .member("unreachable_timeout_ms", spec.unreachable_timeout_ms);
  if (spec.kill_signal != 0) out.member("kill_signal", spec.kill_signal);
}

// Up to version 0.1 a hard constraint was an object whose `text` meant the same, and soft ones were any text,
// kept unread: what is none now is left out of those.
void read_hard_constraints(Fields& from, std::vector<Constraint>& into) {
  from.list("hard_constraints", [&](json::Value item) {
    std::string text;
    if (item.is_object()) {
      Fields(item).read("text", text);
    } else {
      from.set(item.string(), text);
    }
    const Result<Constraint> constraint = parse_constraint(text);
    if (!constraint.ok()) {
      return from.fail(make_error(Code::invalid_argument, constraint.error().message, item.pointer()));
    }
    into.push_back(*constraint);
  });
}

void read_soft_constraints(Fields& from, std::vector<Constraint>& into) {
  std::vector<std::string> texts;
  from.read("soft_constraints", texts);
  for (const std::string& text : texts) {
    if (const Result<Constraint> constraint = parse_constraint(text); constraint.ok()) {
      into.push_back(*constraint);
    }
  }
}

void read_check(Fields& from, HealthCheck& into) {
  from.read_name("kind", kCheckKinds, into.kind);
  from.read("port", into.port);
  from.read("path", into.path);
  from.read("command", into.command);
  from.read("interval_ms", into.interval_ms);
  from.read("timeout_ms", into.timeout_ms);
  from.read("grace_ms", into.grace_ms);
  from.read("max_failures", into.max_failures);
  from.read("informational", into.informational);
}

void read_artifact(Fields& from, Artifact& into) {
  from.read("uri", into.uri);
  from.read("extract", into.extract);
  from.read("executable", into.executable);
  from.read("cache", into.cache);
}

void read_request(Fields& from, ResourceRequest& into) {
  from.read("cpu_milli", into.cpu_milli);
  from.read("mem_mib", into.mem_mib);
  from.read("disk_mib", into.disk_mib);
  from.read("gpus", into.gpus);
  from.read("ports", into.ports);
  from.read("scalars", into.scalars);
}

void read_amounts(Fields& from, JobSpec& into) {
  from.nested("request", [&](Fields& inner) { read_request(inner, into.request); });
  from.read("container_ports", into.container_ports);
  from.read("network_mbps", into.network_mbps);
}

void read_confinement(Fields& from, JobSpec& into) {
  from.read("run_as", into.run_as);
  from.read("cpu_quota", into.cpu_quota);
  from.read("pids_max", into.pids_max);
  from.nested_map("rlimits", [&](std::string_view name, Fields& inner) {
    ProcessLimit& limit = into.rlimits[std::string(name)];
    inner.read("soft", limit.soft);
    inner.read("hard", limit.hard);
  });
  from.nested("logs", [&](Fields& inner) {
    inner.read("rotate_mib", into.logs.rotate_mib);
    inner.read("keep", into.logs.keep);
    inner.read("compress", into.logs.compress);
  });
}

void read_container(Fields& from, ContainerSettings& into) {
  from.read("digest", into.digest);
  from.read_name("pull", kPulls, into.pull);
  from.nested_list("volumes", [&](Fields& inner) {
    VolumeMount& volume = into.volumes.emplace_back();
    inner.read("source", volume.source);
    inner.read("target", volume.target);
    inner.read("read_only", volume.read_only);
  });
  from.read("labels", into.labels);
  from.read("cap_add", into.cap_add);
  from.read("cap_drop", into.cap_drop);
  from.read("hostname", into.hostname);
  from.read("network", into.network);
  from.read("log_driver", into.log_driver);
  from.read("shm_mib", into.shm_mib);
  from.read("init", into.init);
  from.read("read_only_root", into.read_only_root);
  from.read("privileged", into.privileged);
}

void read_failure_rules(Fields& from, JobSpec& into) {
  from.read("retries", into.retries);
  from.read("restart_on_success", into.restart_on_success);
  from.nested("retry_policy", [&](Fields& inner) {
    inner.read("initial_delay_ms", into.retry_policy.initial_delay_ms);
    inner.read("max_delay_ms", into.retry_policy.max_delay_ms);
  });
  from.read("runtime_limit_ms", into.runtime_limit_ms);
  from.read("kill_grace_ms", into.kill_grace_ms);
  from.read("kill_signal", into.kill_signal);
  from.read("unreachable_timeout_ms", into.unreachable_timeout_ms);
}

void read_spec(Fields& from, JobSpec& into) {
  from.read_name("type", kJobTypes, into.type);
  from.read_name("runtime", kRuntimes, into.runtime);
  from.read("name", into.name);
  from.read("application_name", into.application_name);
  from.read("version", into.version);
  from.read("app_name", into.app_name);
  from.read("user", into.user);
  from.read("job_group_stack", into.job_group_stack);
  from.read("job_group_detail", into.job_group_detail);
  from.read("job_group_sequence", into.job_group_sequence);
  from.read("capacity_group", into.capacity_group);
  from.read("priority", into.priority);
  from.read("production", into.production);
  from.read("labels", into.labels);
  from.read("entry_point", into.entry_point);
  from.read("command", into.command);
  from.read("env", into.env);
  from.read("secret_env", into.secret_env);
  from.read("working_directory", into.working_directory);
  from.nested_list("artifacts", [&](Fields& inner) { read_artifact(inner, into.artifacts.emplace_back()); });
  read_amounts(from, into);
  read_confinement(from, into);
  from.nested("container", [&](Fields& inner) { read_container(inner, into.container); });
  read_hard_constraints(from, into.hard_constraints);
  read_soft_constraints(from, into.soft_constraints);
  from.nested_list("health_checks",
                   [&](Fields& inner) { read_check(inner, into.health_checks.emplace_back()); });
  from.nested("readiness", [&](Fields& inner) { read_check(inner, into.readiness.emplace()); });
  read_failure_rules(from, into);
  from.read("echoed_json", into.echoed_json);
}

}  // namespace

std::string render_spec(const JobSpec& spec) {
  json::Writer out;
  out.begin_object()
      .member("type", name_in(kJobTypes, spec.type))
      .member("runtime", name_in(kRuntimes, spec.runtime))
      .member("name", spec.name)
      .member("application_name", spec.application_name)
      .member("version", spec.version)
      .member("app_name", spec.app_name)
      .member("user", spec.user)
      .member("job_group_stack", spec.job_group_stack)
      .member("job_group_detail", spec.job_group_detail)
      .member("job_group_sequence", spec.job_group_sequence)
      .member("capacity_group", spec.capacity_group)
      .member("priority", spec.priority)
      .member("production", spec.production);
  write_map(out, "labels", spec.labels);
  write_what_runs(out, spec);
  write_how_much(out, spec);
  write_confinement(out, spec);
  write_container(out, spec.container);
  write_constraints(out, "hard_constraints", spec.hard_constraints);
  write_constraints(out, "soft_constraints", spec.soft_constraints);
  write_health(out, spec);
  write_when_it_fails(out, spec);
  out.member("echoed_json", spec.echoed_json).end_object();
  return out.take();
}

Result<JobSpec> parse_spec(std::string_view text) {
  const Result<json::Document> document = json::parse(text);
  if (!document) return document.error();
  JobSpec spec;
  Fields fields(document->root());
  if (!fields.fault()) read_spec(fields, spec);
  if (fields.fault()) return *fields.fault();
  return spec;
}

std::string render_request(const ResourceRequest& request) {
  json::Writer out;
  write_request(out, request);
  return out.take();
}

Result<ResourceRequest> parse_request(std::string_view text) {
  const Result<json::Document> document = json::parse(text);
  if (!document) return document.error();
  ResourceRequest request;
  Fields fields(document->root());
  read_request(fields, request);
  if (fields.fault()) return *fields.fault();
  return request;
}

std::string render_resources(const Resources& resources) {
  json::Writer out;
  out.begin_object()
      .member("cpu_milli", resources.cpu_milli)
      .member("mem_mib", resources.mem_mib)
      .member("disk_mib", resources.disk_mib)
      .member("gpus", resources.gpus);
  out.key("ports").begin_array();
  for (const PortRange& range : resources.ports.ranges()) {
    out.begin_array().int64(range.first).int64(range.last).end_array();
  }
  out.end_array();
  write_scalars(out, resources.scalars);
  out.end_object();
  return out.take();
}

Result<Resources> parse_resources(std::string_view text) {
  const Result<json::Document> document = json::parse(text);
  if (!document) return document.error();
  Resources resources;
  std::vector<PortRange> ranges;
  Fields fields(document->root());
  fields.read("cpu_milli", resources.cpu_milli);
  fields.read("mem_mib", resources.mem_mib);
  fields.read("disk_mib", resources.disk_mib);
  fields.read("gpus", resources.gpus);
  fields.read("scalars", resources.scalars);
  fields.list("ports", [&](json::Value pair) {
    if (!pair.is_array() || pair.size() != 2) {
      return fields.fail(make_error(Code::invalid_argument, "expected [first, last]", pair.pointer()));
    }
    PortRange range;
    fields.set_small(pair.at(0), range.first);
    fields.set_small(pair.at(1), range.last);
    ranges.push_back(range);
  });
  if (fields.fault()) return *fields.fault();
  Result<Ports> ports = Ports::from_ranges(std::move(ranges));
  if (!ports) return std::move(ports).error();
  resources.ports = std::move(*ports);
  return resources;
}

}  // namespace mimas::store
