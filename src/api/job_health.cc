#include "api/job_health.h"

#include <algorithm>
#include <cmath>

#include "api/render_job.h"

namespace mimas::api {
namespace {

std::string seconds_text(std::int64_t ms) {
  std::string text = std::to_string(ms / 1000);
  if (ms % 1000 != 0) {
    std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
    text += "." + fraction.substr(0, fraction.find_last_not_of('0') + 1);
  }
  return text;
}

std::int64_t read_seconds(FieldReader& in, const SecondsLimit& limit) {
  const auto found = in.take(limit.field, limit.alias);
  if (!found) return limit.fallback_ms;
  const std::string range = seconds_text(limit.least_ms) + ".." + seconds_text(limit.most_ms);
  if (!found->is_number()) {
    in.faults().at(*found, type_fault("a number of seconds", *found), range);
    return limit.fallback_ms;
  }
  const auto number = found->number();
  const double most = static_cast<double>(limit.most_ms) / 1000;
  if (number.ok() && std::isfinite(number.value()) && number.value() >= 0 && number.value() <= most) {
    const std::int64_t ms = std::llround(number.value() * 1000);
    if (ms >= limit.least_ms) return ms;
  }
  in.faults().at(*found,
                 "must be a number of seconds from " + seconds_text(limit.least_ms) + " to " +
                     seconds_text(limit.most_ms) + "; left out it is " + seconds_text(limit.fallback_ms),
                 range);
  return limit.fallback_ms;
}

std::string ports_text(const JobSpec& spec) {
  const auto& ports = spec.container_ports;
  if (ports.front() == 0) return "0.." + std::to_string(ports.size() - 1);
  std::string text;
  for (const std::int32_t port : ports) text += (text.empty() ? "" : ", ") + std::to_string(port);
  return text;
}

void read_port(FieldReader& in, const json::Value& of, const JobSpec& spec, HealthCheck& check) {
  const auto found = in.take("port");
  std::int64_t port = 0;
  if (found && !is_unset(*found)) {
    const auto number = whole_number(*found, 0, kPortMax, in.faults());
    if (!number) return;
    port = *number;
  }
  const json::Value& at = found ? *found : of;
  if (spec.container_ports.empty()) {
    in.faults().at(at, "the job has no port to ask at: name it in the job's `ports`, or use `command`");
    return;
  }
  const bool counted = spec.container_ports.front() == 0;
  const bool known =
      port == 0 || (counted ? port < static_cast<std::int64_t>(spec.container_ports.size())
                            : std::ranges::find(spec.container_ports, port) != spec.container_ports.end());
  if (!known) {
    in.faults().at(at,
                   counted ? "must be the place of one of the job's `ports`, from 0"
                           : "must be one of the job's `ports`, as the program in the container knows it",
                   ports_text(spec));
  }
  check.port = static_cast<std::int32_t>(port);
}

void read_path(FieldReader& in, HealthCheck& check) {
  const auto found = in.take("path");
  if (!found || is_unset(*found)) return;
  auto path = plain_text(*found, kHealthPathBytesMax, false, in.faults());
  if (!path) return;
  const bool visible = std::ranges::all_of(*path, [](char c) { return c > ' ' && c <= '~'; });
  if (!path->starts_with('/')) {
    in.faults().at(*found, "must begin with /");
  } else if (!visible) {
    in.faults().at(*found,
                   "must not contain blanks or characters beyond ASCII: write them as %20, %C3%A4, …");
  }
  check.path = std::move(*path);
}

void read_argv(const json::Value& value, HealthCheck& check, Faults& faults) {
  if (value.is_string()) {
    faults.at(value,
              R"(expected an array of arguments, found a string (a shell line is ["/bin/sh","-c","…"]))");
    return;
  }
  const auto list = bounded_list(value, kCommandArgsMax, faults);
  std::size_t bytes = 0;
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    auto argument = plain_text(list->at(i), kHealthCommandBytesMax, true, faults);
    if (!argument) continue;
    if (i == 0 && argument->empty()) faults.at(list->at(i), "must name a program");
    bytes += argument->size() + 1;
    check.command.push_back(std::move(*argument));
  }
  if (bytes > kHealthCommandBytesMax) {
    faults.at(value, "must not be larger than " + std::to_string(kHealthCommandBytesMax) + " bytes in all",
              std::to_string(kHealthCommandBytesMax));
  }
}

void read_target(const json::Value& value, HealthCheck& check, const JobSpec& spec, Faults& faults,
                 UnknownFields& unknown) {
  if (!value.is_object()) {
    faults.at(value, type_fault("an object", value));
    return;
  }
  FieldReader in(value, faults);
  read_port(in, value, spec, check);
  if (check.kind == HealthCheck::Kind::http) read_path(in, check);
  in.refuse_unknown(unknown.lenient, unknown.ignored);
}

HealthCheck read_check(const json::Value& value, const JobSpec& spec, Faults& faults,
                       UnknownFields& unknown) {
  HealthCheck check;
  if (!value.is_object()) {
    faults.at(value, type_fault("an object with `http`, `tcp` or `command`", value));
    return check;
  }
  FieldReader in(value, faults);
  const auto http = in.take("http");
  const auto tcp = in.take("tcp");
  auto command = in.take("command");
  if (command && is_unset(*command)) command.reset();
  const int kinds = (http ? 1 : 0) + (tcp ? 1 : 0) + (command ? 1 : 0);
  if (kinds != 1) {
    faults.at(value, "must have exactly one of `http`, `tcp` and `command`");
  } else if (command) {
    check.kind = HealthCheck::Kind::command;
    read_argv(*command, check, faults);
  } else {
    check.kind = http ? HealthCheck::Kind::http : HealthCheck::Kind::tcp;
    read_target(http ? *http : *tcp, check, spec, faults, unknown);
  }
  check.interval_ms = read_seconds(in, kHealthInterval);
  check.timeout_ms = read_seconds(in, kHealthTimeout);
  check.grace_ms = read_seconds(in, kHealthGrace);
  check.max_failures = in.number(kMaxConsecutiveFailures);
  check.informational = in.flag("informational", false);
  in.refuse_unknown(unknown.lenient, unknown.ignored);
  return check;
}

void write_seconds(json::Writer& out, std::string_view name, std::int64_t ms) {
  if (ms % 1000 == 0) {
    out.member(name, ms / 1000);
  } else {
    out.member(name, static_cast<double>(ms) / 1000);
  }
}

void begin_check(json::Writer& out, const HealthCheck& check) {
  out.begin_object();
  if (check.kind == HealthCheck::Kind::command) {
    out.key("command").begin_array();
    for (const std::string& argument : check.command) out.string(argument);
    out.end_array();
  } else {
    const bool http = check.kind == HealthCheck::Kind::http;
    out.key(http ? "http" : "tcp").begin_object().member("port", check.port);
    if (http) out.member("path", check.path);
    out.end_object();
  }
  write_seconds(out, kHealthInterval.field, check.interval_ms);
  write_seconds(out, kHealthTimeout.field, check.timeout_ms);
  write_seconds(out, kHealthGrace.field, check.grace_ms);
  out.member(kMaxConsecutiveFailures.field, check.max_failures);
}

void write_flag(json::Writer& out, std::string_view name, const std::optional<bool>& flag) {
  out.key(name);
  if (flag) {
    out.boolean(*flag);
  } else {
    out.null();
  }
}

}  // namespace

void read_health(FieldReader& in, JobSpec& spec, UnknownFields& unknown) {
  if (const auto found = in.take("healthChecks"); found && !is_unset(*found)) {
    const auto list = bounded_list(*found, kHealthChecksMax, in.faults());
    for (std::size_t i = 0; list && i < list->size(); ++i) {
      spec.health_checks.push_back(read_check(list->at(i), spec, in.faults(), unknown));
    }
  }
  if (const auto found = in.take("readiness"); found && !is_unset(*found)) {
    spec.readiness = read_check(*found, spec, in.faults(), unknown);
    if (spec.readiness->informational)
      in.faults().at(*found->find("informational"),
                     "goes with `healthChecks`: this check ends no instance anyway", "false");
  }
}

void write_health_checks(json::Writer& out, const JobSpec& spec) {
  out.key("healthChecks").begin_array();
  for (const HealthCheck& check : spec.health_checks) {
    begin_check(out, check);
    out.member("informational", check.informational).end_object();
  }
  out.end_array();
  out.key("readiness");
  if (spec.readiness) {
    begin_check(out, *spec.readiness);
    out.end_object();
  } else {
    out.null();
  }
}

void write_task_health(json::Writer& out, const Task& task) {
  write_flag(out, "healthy", task.healthy);
  write_flag(out, "ready", task.ready);
  write_text_or_null(out, "lastHealthMessage", task.health_message);
}

}  // namespace mimas::api
