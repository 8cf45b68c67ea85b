#include "mesos/translate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "json/value.h"
#include "v1/codec.h"
#include "wire/endpoint.h"

namespace mimas::mesos {
namespace {

constexpr std::int64_t kAmountMax = std::int64_t{1} << 50;  // model/resources.h
constexpr std::uint64_t kPortMax = 65'535;
constexpr std::size_t kTaskIdBytesMax = 1'024;
constexpr std::size_t kFactBytesMax = 128;

std::string scalar_text(double value) {
  if (!std::isfinite(value)) return {};
  const bool negative = value < 0;
  const std::int64_t milli = thousandths(std::fabs(value));
  std::string text = (negative && milli != 0 ? "-" : "") + std::to_string(milli / 1000);
  if (milli % 1000 == 0) return text;
  std::string fraction = std::to_string(1000 + milli % 1000).substr(1);
  while (fraction.back() == '0') fraction.pop_back();
  return text + "." + fraction;
}

std::string ranges_text(const pb::Value::Ranges& ranges) {
  std::string text = "[";
  for (const auto& range : ranges.range()) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(range.begin()) + "-" + std::to_string(range.end());
  }
  return text + "]";
}

std::string set_text(const pb::Value::Set& set) {
  std::string text = "{";
  for (const auto& item : set.item()) {
    if (text.size() > 1) text += ", ";
    text += item;
  }
  return text + "}";
}

std::string attribute_text(const pb::Attribute& attribute) {
  switch (attribute.type()) {
    case pb::Value::TEXT: return attribute.text().value();
    case pb::Value::SCALAR: return scalar_text(attribute.scalar().value());
    case pb::Value::RANGES: return ranges_text(attribute.ranges());
    case pb::Value::SET: return set_text(attribute.set());
  }
  return {};
}

void add_ranges(const pb::Value::Ranges& ranges, std::vector<PortRange>& into) {
  for (const auto& range : ranges.range()) {
    if (range.begin() > range.end() || range.begin() > kPortMax) continue;
    into.push_back({static_cast<std::int32_t>(range.begin()),
                    static_cast<std::int32_t>(std::min(range.end(), kPortMax))});
  }
}

std::string without_prefix(std::string text, std::string_view prefix) {
  if (text.starts_with(prefix)) text.erase(0, prefix.size());
  return cut_text(text, 128);
}

engine::MesosState to_state(pb::TaskState state) {
  switch (state) {
    case pb::TASK_STAGING: return engine::MesosState::staging;
    case pb::TASK_STARTING: return engine::MesosState::starting;
    case pb::TASK_RUNNING: return engine::MesosState::running;
    case pb::TASK_KILLING: return engine::MesosState::killing;
    case pb::TASK_FINISHED: return engine::MesosState::finished;
    case pb::TASK_FAILED: return engine::MesosState::failed;
    case pb::TASK_KILLED: return engine::MesosState::killed;
    case pb::TASK_ERROR: return engine::MesosState::error;
    case pb::TASK_LOST: return engine::MesosState::lost;
    case pb::TASK_DROPPED: return engine::MesosState::dropped;
    case pb::TASK_UNREACHABLE: return engine::MesosState::unreachable;
    case pb::TASK_GONE: return engine::MesosState::gone;
    case pb::TASK_GONE_BY_OPERATOR: return engine::MesosState::gone_by_operator;
    case pb::TASK_UNKNOWN: return engine::MesosState::unknown;
  }
  return engine::MesosState::unknown;
}

engine::MesosOperationState to_operation_state(pb::OperationState state) {
  using State = engine::MesosOperationState;
  switch (state) {
    case pb::OPERATION_UNSUPPORTED: return State::unsupported;
    case pb::OPERATION_PENDING: return State::pending;
    case pb::OPERATION_FINISHED: return State::finished;
    case pb::OPERATION_FAILED: return State::failed;
    case pb::OPERATION_ERROR: return State::error;
    case pb::OPERATION_DROPPED: return State::dropped;
    case pb::OPERATION_UNREACHABLE: return State::unreachable;
    case pb::OPERATION_GONE_BY_OPERATOR: return State::gone_by_operator;
    case pb::OPERATION_RECOVERING: return State::recovering;
    case pb::OPERATION_UNKNOWN: return State::unknown;
  }
  return State::unsupported;
}

Error malformed(std::string what) { return make_error(Code::protocol, std::move(what)); }

std::string agent_endpoint(const pb::Offer& offer) {
  const auto& address = offer.url().address();
  const std::string& host = address.ip().empty() ? address.hostname() : address.ip();
  if (host.empty() || address.port() < 1 || address.port() > static_cast<std::int32_t>(kPortMax)) return {};
  return wire::Endpoint{host, static_cast<std::uint16_t>(address.port())}.text();
}

std::string reason_text(const pb::TaskStatus& status) {
  if (status.has_reason()) {
    return without_prefix(pb::TaskStatus::Reason_Name(status.reason()), "REASON_");
  }
  return without_prefix(v1::unknown_enum(status, pb::TaskStatus::kReasonFieldNumber), "REASON_");
}

std::string source_text(const pb::TaskStatus& status) {
  if (status.has_source()) {
    return without_prefix(pb::TaskStatus::Source_Name(status.source()), "SOURCE_");
  }
  return without_prefix(v1::unknown_enum(status, pb::TaskStatus::kSourceFieldNumber), "SOURCE_");
}

}  // namespace

std::int64_t thousandths(double value) {
  // What no machine has counts as nothing, so that no sum of it can be spent (mesos-protocol §8.7 rule 128).
  if (!(value > 0) || value > static_cast<double>(kAmountMax) / 1000.0) return 0;
  return std::llround(value * 1000.0);
}

bool is_plain(const pb::Resource& resource) {
  return !resource.has_revocable() && !resource.has_shared() && !resource.has_disk() &&
         !resource.has_provider_id();
}

namespace {

// Deprecated, and still what masters and agents of the format before refinement send.
const std::string& old_role(const pb::Resource& resource) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  return resource.role();
#pragma GCC diagnostic pop
}

}  // namespace

bool is_reserved(const pb::Resource& resource) {
  if (resource.reservations_size() > 0 || resource.has_reservation()) return true;
  return !old_role(resource).empty() && old_role(resource) != "*";
}

bool is_dynamically_reserved(const pb::Resource& resource) {
  const int stacked = resource.reservations_size();
  if (stacked > 0) return resource.reservations(stacked - 1).type() == pb::Resource::ReservationInfo::DYNAMIC;
  return resource.has_reservation();
}

bool is_volume(const pb::Resource& resource) {
  return resource.name() == "disk" && resource.disk().has_persistence() && !resource.has_provider_id() &&
         !resource.disk().persistence().id().empty();
}

namespace {

// What a job can ask for under `resources` or as networkMbps: names that it could write.
bool is_custom_scalar(const pb::Resource& resource) {
  constexpr std::size_t kNameBytesMax = 64;
  const std::string& name = resource.name();
  return resource.type() == pb::Value::SCALAR && !name.empty() && name.size() <= kNameBytesMax &&
         name != "cpus" && name != "mem" && name != "disk" && name != "gpus";
}

void add_custom(const pb::Resource& resource, Scalars& to) {
  const std::int64_t room = kAmountMax - scalar(to, resource.name());
  add_scalars(to, {{resource.name(), std::min(room, thousandths(resource.scalar().value()))}});
}

template <class Predicate>
Resources sum_of(const google::protobuf::RepeatedPtrField<pb::Resource>& resources, Predicate counts) {
  std::int64_t cpus = 0, mem = 0, disk = 0, gpus = 0;
  std::vector<PortRange> ports;
  Scalars scalars;
  const auto add = [](std::int64_t& to, const pb::Resource& resource) {
    to = std::min(kAmountMax, to + thousandths(resource.scalar().value()));
  };
  for (const auto& resource : resources) {
    if (!is_plain(resource) || !counts(resource)) continue;
    if (resource.name() == "cpus") add(cpus, resource);
    if (resource.name() == "mem") add(mem, resource);
    if (resource.name() == "disk") add(disk, resource);
    if (resource.name() == "gpus") add(gpus, resource);
    if (resource.name() == "ports") add_ranges(resource.ranges(), ports);
    if (is_custom_scalar(resource)) add_custom(resource, scalars);
  }
  Resources sum;
  sum.cpu_milli = cpus;
  sum.mem_mib = mem / 1000;
  sum.disk_mib = disk / 1000;
  sum.gpus = gpus / 1000;
  if (auto set = Ports::from_ranges(std::move(ports)); set.ok()) sum.ports = *std::move(set);
  sum.scalars = std::move(scalars);
  return sum;
}

}  // namespace

Resources to_resources(const google::protobuf::RepeatedPtrField<pb::Resource>& resources) {
  return sum_of(resources, [](const pb::Resource&) { return true; });
}

Attributes to_attributes(const google::protobuf::RepeatedPtrField<pb::Attribute>& attributes) {
  Attributes map;
  for (const auto& attribute : attributes) map.try_emplace(attribute.name(), attribute_text(attribute));
  return map;
}

Result<Unavailability> to_unavailability(const pb::Unavailability& from) {
  constexpr std::int64_t kNanosPerMs = 1'000'000;
  if (from.start().nanoseconds() < 0) return malformed("unavailability before 1970");
  Unavailability planned{Instant{from.start().nanoseconds() / kNanosPerMs}, 0};
  if (from.has_duration()) {
    planned.duration_ms = std::max<std::int64_t>(from.duration().nanoseconds() / kNanosPerMs, 1);
  }
  return planned;
}

Result<InverseOffer> to_inverse_offer(const pb::InverseOffer& from) {
  if (const Status valid = check_mesos_id(from.id().value(), "inverse offer id"); !valid.ok()) {
    return malformed(valid.error().message);
  }
  auto planned = to_unavailability(from.unavailability());
  if (!planned.ok()) return planned.error();
  return InverseOffer{OfferId(from.id().value()), AgentId(from.agent_id().value()), *planned};
}

Result<Offer> to_offer(const pb::Offer& from) {
  if (const Status valid = check_mesos_id(from.id().value(), "offer id"); !valid.ok()) {
    return malformed(valid.error().message);
  }
  if (const Status valid = check_mesos_id(from.agent_id().value(), "agent id"); !valid.ok()) {
    return malformed(valid.error().message);
  }
  Offer offer;
  offer.id = OfferId(from.id().value());
  offer.agent = AgentId(from.agent_id().value());
  offer.hostname = from.hostname();
  offer.endpoint = agent_endpoint(from);
  offer.role = from.allocation_info().role();
  offer.attributes = to_attributes(from.attributes());
  offer.region = from.domain().fault_domain().region().name();
  offer.zone = from.domain().fault_domain().zone().name();
  offer.resources = to_resources(from.resources());
  offer.unreserved = sum_of(from.resources(), [](const pb::Resource& one) { return !is_reserved(one); });
  offer.reserved = sum_of(from.resources(), is_dynamically_reserved);
  for (const auto& resource : from.resources()) {
    if (!is_volume(resource)) continue;
    offer.volumes.emplace(resource.disk().persistence().id(), thousandths(resource.scalar().value()) / 1000);
  }
  if (from.has_unavailability()) {
    // One that cannot be read says nothing against the offer.
    if (const auto planned = to_unavailability(from.unavailability()); planned.ok()) {
      offer.unavailability = *planned;
    }
  }
  return offer;
}

namespace {

std::optional<std::int64_t> number_in(const json::Value& object, std::string_view name, std::int64_t low,
                                      std::int64_t high) {
  const std::int64_t value = object.int64_or(name, low - 1);
  return value >= low && value <= high ? std::optional(value) : std::nullopt;
}

std::string short_text(const json::Value& object, std::string_view name) {
  const std::string_view text = object.string_or(name, {});
  return text.size() <= kFactBytesMax ? std::string(text) : std::string();
}

Exit read_exit(const json::Value& object) {
  Exit exit;
  if (const auto code = number_in(object, "exitCode", 0, 255)) exit.code = static_cast<int>(*code);
  if (const auto signal = number_in(object, "signal", 1, 127)) exit.signal = static_cast<int>(*signal);
  exit.memory_limit = object.bool_or("memoryLimit", false);
  exit.memory_peak_bytes = number_in(object, "memoryPeakBytes", 0, std::numeric_limits<std::int64_t>::max());
  return exit;
}

std::optional<RunFacts> read_facts(const json::Value& object) {
  RunFacts facts;
  facts.pid = number_in(object, "pid", 1, std::numeric_limits<std::int32_t>::max()).value_or(0);
  facts.container_id = short_text(object, "containerId");
  facts.ip = short_text(object, "ip");
  facts.executor_version = short_text(object, "executor");
  return facts == RunFacts{} ? std::nullopt : std::optional(std::move(facts));
}

}  // namespace

StatusData to_status_data(std::string_view data) {
  StatusData read;
  json::ParseLimits limits;
  limits.bytes_max = kStatusDataBytesMax;
  const auto parsed = json::parse(data, limits);
  if (!parsed.ok() || parsed->root().int64_or("v", 0) != 1) return read;
  const json::Value object = parsed->root();
  read.exit = read_exit(object);
  read.facts = read_facts(object);
  if (const auto ready = object.find("ready")) {
    if (const auto value = ready->boolean(); value.ok()) read.ready = *value;
  }
  return read;
}

Result<engine::StatusUpdate> to_status(const pb::TaskStatus& from) {
  // A master echoes whatever id a task was launched with, also one it refuses; it must still be acknowledged.
  const std::string& id = from.task_id().value();
  if (id.empty() || id.size() > kTaskIdBytesMax) {
    return malformed("task id of " + std::to_string(id.size()) + " bytes");
  }
  engine::StatusUpdate update;
  update.task = TaskId(from.task_id().value());
  update.state = from.has_state() ? to_state(from.state()) : engine::MesosState::unknown;
  update.agent = AgentId(from.agent_id().value());
  // Any other length would be refused as an acknowledgement, and no agent sends it.
  if (from.uuid().size() == 16) update.uuid = from.uuid();
  update.reason = reason_text(from);
  update.source = source_text(from);
  update.message = cut_text(from.message(), kMessageTextBytesMax);
  if (!from.has_state() && update.message.empty()) {
    const std::string raw = v1::unknown_enum(from, pb::TaskStatus::kStateFieldNumber);
    if (!raw.empty()) update.message = "state " + cut_text(raw, 128) + ", which this version does not know";
  }
  if (from.has_data()) {
    StatusData data = to_status_data(from.data());
    update.exit = data.exit;
    update.facts = std::move(data.facts);
    update.ready = data.ready;
  }
  if (from.executor_id().value().size() <= kTaskIdBytesMax) update.executor = from.executor_id().value();
  if (from.has_healthy()) update.healthy = from.healthy();
  return update;
}

Result<engine::OperationUpdate> to_operation_update(const pb::OperationStatus& from) {
  const std::string& id = from.operation_id().value();
  if (id.size() > kTaskIdBytesMax)
    return malformed("operation id of " + std::to_string(id.size()) + " bytes");
  engine::OperationUpdate update;
  update.operation = OperationId(id);
  update.agent = AgentId(from.agent_id().value());
  if (from.uuid().value().size() == 16) update.uuid = from.uuid().value();
  update.message = cut_text(from.message(), kMessageTextBytesMax);
  if (from.has_state()) update.state = to_operation_state(from.state());
  return update;
}

}  // namespace mimas::mesos
