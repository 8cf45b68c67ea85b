#include "api/operations.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "api/field_reader.h"
#include "api/job_limits.h"
#include "api/render.h"
#include "api/render_job.h"
#include "json/writer.h"

namespace mimas::api {
namespace {

constexpr std::int64_t kCountMax = 1'000'000;
constexpr std::int64_t kMibMax = std::int64_t{1} << 40;

void refuse_others(FieldReader& in) {
  std::vector<std::string> ignored;
  in.refuse_unknown(false, ignored);
}

std::int64_t read_cpu(FieldReader& in) {
  const auto found = in.take("cpu");
  if (!found) return 0;
  const auto number = found->number();
  if (!number.ok()) {
    in.faults().at(*found, type_fault("a number", *found));
    return 0;
  }
  if (!std::isfinite(*number) || *number < 0 || *number > 1'000'000) {
    in.faults().at(*found, "must be a number from 0 to 1000000", "1000000");
    return 0;
  }
  return std::llround(*number * 1000);
}

Ports read_ports(FieldReader& in) {
  const auto found = in.take("ports");
  const auto list = found ? bounded_list(*found, kPortRangesMax, in.faults()) : std::nullopt;
  std::vector<PortRange> ranges;
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    const json::Value one = list->at(i);
    if (!one.is_object()) {
      in.faults().at(one, type_fault("an object with `first` and `last`", one));
      continue;
    }
    FieldReader range(one, in.faults());
    const auto first = range.count("first", 65'535);
    const auto last = range.count("last", 65'535);
    refuse_others(range);
    if (!first || !last) {
      if (!range.has("first") || !range.has("last")) in.faults().at(one, "needs `first` and `last`");
    } else if (*first > *last) {
      in.faults().at(one, "must not end before it begins");
    } else {
      ranges.push_back({static_cast<std::int32_t>(*first), static_cast<std::int32_t>(*last)});
    }
  }
  auto ports = Ports::from_ranges(std::move(ranges));
  return ports.ok() ? *std::move(ports) : Ports();
}

void read_resources(FieldReader& in, Resources& amounts) {
  const auto found = in.take("resources");
  if (!found) return in.faults().add("/resources", "is required for reserve and unreserve");
  if (!found->is_object()) return in.faults().at(*found, type_fault("an object", *found));
  FieldReader fields(*found, in.faults());
  const std::size_t before = in.faults().count();
  amounts.cpu_milli = read_cpu(fields);
  amounts.mem_mib = fields.count("memory", kMibMax).value_or(0);
  amounts.disk_mib = fields.count("disk", kMibMax).value_or(0);
  amounts.gpus = fields.count("gpu", kCountMax).value_or(0);
  amounts.ports = read_ports(fields);
  refuse_others(fields);
  if (amounts == Resources() && in.faults().count() == before) {
    in.faults().at(*found, "names no amount: give cpu, memory, disk, gpu or ports");
  }
}

// A container path stays inside the sandbox.
std::string path_fault(std::string_view path) {
  if (path.empty()) return "is required: where a container finds the volume, for instance `data`";
  if (path.front() == '/') return "must be relative to the sandbox";
  while (!path.empty()) {
    const auto slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return "must not have empty parts, `.` or `..`";
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return {};
}

void read_volume(FieldReader& in, engine::RequestOperation& out) {
  const auto found = in.take("volume");
  if (!found) return in.faults().add("/volume", "is required for create and destroy");
  if (!found->is_object()) return in.faults().at(*found, type_fault("an object", *found));
  FieldReader fields(*found, in.faults());
  const std::size_t before = in.faults().count();
  out.volume = fields.text("id");
  out.path = fields.text("containerPath", kVolumePathBytesMax);
  const auto disk = fields.count("disk", kMibMax);
  refuse_others(fields);
  if (in.faults().count() > before) return;
  if (const Status id = check_mesos_id(out.volume, "the id"); !id.ok()) {
    in.faults().add("/volume/id", id.error().message, out.volume);
  }
  if (out.type == OperationType::destroy) {
    if (disk || !out.path.empty()) in.faults().at(*found, "destroy needs the volume's `id` alone");
    return;
  }
  if (const std::string wrong = path_fault(out.path); !wrong.empty()) {
    in.faults().add("/volume/containerPath", wrong, out.path);
  }
  out.amounts.disk_mib = disk.value_or(0);
  if (out.amounts.disk_mib == 0) in.faults().add("/volume/disk", "is required: how many MiB");
}

void write_amounts(json::Writer& out, const Resources& amounts) {
  out.key("resources").begin_object();
  write_cpu(out, amounts.cpu_milli);
  out.member("memory", amounts.mem_mib).member("disk", amounts.disk_mib).member("gpu", amounts.gpus);
  out.key("ports").begin_array();
  for (const PortRange& range : amounts.ports.ranges()) {
    out.begin_object().member("first", range.first).member("last", range.last).end_object();
  }
  out.end_array().end_object();
}

void write_operation(json::Writer& out, const Operation& operation) {
  out.begin_object().member("id", operation.id.value);
  out.member("type", operation_type_name(operation.type));
  out.member("state", operation_state_name(operation.state));
  write_text_or_null(out, "message", operation.message);
  out.member("agentId", operation.agent.value).member("role", operation.role);
  if (operation.volume.empty()) {
    write_amounts(out, operation.amounts);
  } else {
    out.key("volume").begin_object().member("id", operation.volume);
    write_text_or_null(out, "containerPath", operation.path);
    out.member("disk", operation.amounts.disk_mib).end_object();
  }
  write_text_or_null(out, "user", operation.user);
  out.member("feedback", operation.feedback).member("attempts", operation.attempt);
  write_date_or_null(out, "createdAt", operation.created_at);
  write_date_or_null(out, "sentAt", operation.sent_at);
  write_date_or_null(out, "updatedAt", operation.updated_at);
  out.end_object();
}

}  // namespace

Checked<engine::RequestOperation> parse_operation(std::string_view body) {
  Faults faults;
  const auto document = parse_body(body, faults);
  if (!document) return {{}, faults.take()};
  FieldReader in(document->root(), faults);
  engine::RequestOperation out;
  const std::string name = in.required_text("type");
  const auto type = parse_operation_type(name);
  if (!name.empty() && !type) {
    faults.add("/type", "must be reserve, unreserve, create or destroy", name);
  }
  const std::string agent = in.required_text("agentId");
  if (!agent.empty()) {
    if (const Status id = check_mesos_id(agent, "the agent id"); !id.ok()) {
      faults.add("/agentId", id.error().message, agent);
    }
  }
  out.agent = AgentId(agent);
  out.role = in.text("role");
  out.user = in.text("user");
  if (type) {
    out.type = *type;
    const bool of_volume = out.type == OperationType::create || out.type == OperationType::destroy;
    if (of_volume) {
      read_volume(in, out);
    } else {
      read_resources(in, out.amounts);
    }
    refuse_others(in);
  }
  return {std::move(out), faults.take()};
}

std::string render_operation(const Operation& operation) {
  json::Writer out;
  write_operation(out, operation);
  return out.take();
}

std::string render_operations(const engine::View& view) {
  json::Writer out;
  out.begin_array();
  for (const OperationPtr& operation : view.operations()) write_operation(out, *operation);
  out.end_array();
  return out.take();
}

std::string operation_uri(const OperationId& id) { return "/api/v2/operations/" + id.value; }

std::string render_operation_accepted(const OperationId& id) {
  json::Writer out;
  out.begin_object().member("operationId", id.value).member("operationUri", operation_uri(id)).end_object();
  return out.take();
}

}  // namespace mimas::api
