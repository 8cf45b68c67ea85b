#include "api/groups.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "api/field_reader.h"
#include "api/job_fields.h"

namespace mimas::api {
namespace {

using Groups = std::vector<CapacityGroupPtr>;

constexpr NumberLimit kWeight{"weight", 1, kGroupWeightMax, kGroupWeightDefault};

std::int64_t read_cpu(FieldReader& in, std::string_view field) {
  const auto found = in.take(field);
  if (!found) return 0;
  const auto number = found->number();
  if (!number.ok()) {
    in.faults().at(*found, type_fault("a number", *found));
    return 0;
  }
  if (*number >= 0 && *number <= static_cast<double>(kGroupCpusMax)) return std::llround(*number * 1000);
  in.faults().at(*found, "must be a number from 0 to " + std::to_string(kGroupCpusMax),
                 std::to_string(kGroupCpusMax));
  return 0;
}

void refuse_others(FieldReader& in) {
  std::vector<std::string> ignored;
  in.refuse_unknown(false, ignored);
}

void add_network(ResourceRequest& amounts, std::int64_t mbps) {
  add_scalars(amounts.scalars, {{std::string(kNetworkScalar), mbps * 1000}});
}

std::optional<ResourceRequest> read_quantities(FieldReader& in, std::string_view field) {
  const auto found = in.take(field);
  if (!found) return std::nullopt;
  if (!found->is_object()) {
    in.faults().at(*found, type_fault("an object of amounts", *found));
    return std::nullopt;
  }
  FieldReader fields(*found, in.faults());
  ResourceRequest amounts;
  amounts.cpu_milli = read_cpu(fields, "cpu");
  amounts.mem_mib = fields.count("memory", kGroupAmountMax).value_or(0);
  amounts.disk_mib = fields.count("disk", kGroupAmountMax).value_or(0);
  amounts.gpus = fields.count("gpu", kGroupAmountMax).value_or(0);
  amounts.scalars = read_scalars(fields, "resources");
  add_network(amounts, fields.count("networkMbps", kGroupAmountMax).value_or(0));
  refuse_others(fields);
  return amounts;
}

void check_name(const std::string& name, Faults& faults) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (name.empty() || name.size() > kTextBytesMax || std::ranges::any_of(name, is_control)) {
    faults.add("/name", "must be the name of a capacity group: 1 to 255 bytes without control characters",
               name);
  }
}

Tier read_tier(FieldReader& in) {
  const std::string text = in.text("tier");
  if (text.empty()) return Tier::flex;
  if (const auto tier = parse_tier(text)) return *tier;
  in.faults().at(*in.find("tier"), "must be `critical` or `flex`", "critical, flex");
  return Tier::flex;
}

// A quota below the guarantee would promise what it forbids.
void check_quota(const CapacityGroup& group, Faults& faults) {
  if (!group.quota) return;
  const auto check = [&](const char* field, std::int64_t quota, std::int64_t guarantee) {
    if (quota != 0 && quota < guarantee) {
      faults.add(std::string("/quota/") + field, "must not be below what is guaranteed; 0 is no bound");
    }
  };
  check("cpu", group.quota->cpu_milli, group.guarantee.cpu_milli);
  check("memory", group.quota->mem_mib, group.guarantee.mem_mib);
  check("disk", group.quota->disk_mib, group.guarantee.disk_mib);
  check("gpu", group.quota->gpus, group.guarantee.gpus);
  for (const auto& [name, amount] : group.guarantee.scalars) {
    const bool network = name == kNetworkScalar;
    check(network ? "networkMbps" : ("resources/" + name).c_str(), scalar(group.quota->scalars, name),
          amount);
  }
}

CapacityGroupPtr described(const engine::View& view, std::string_view name) {
  for (const CapacityGroupPtr& group : view.groups()) {
    if (group->name == name) return group;
  }
  return nullptr;
}

// What one instance has of Titus's dimensions, times how many.
ResourceRequest read_instances(FieldReader& in) {
  Faults& faults = in.faults();
  const std::size_t before = faults.count();
  const std::int64_t cpu = read_cpu(in, "instanceCPU");
  const std::int64_t memory = in.count("instanceMemoryMB", kGroupAmountMax).value_or(0);
  const std::int64_t disk = in.count("instanceDiskMB", kGroupAmountMax).value_or(0);
  const std::int64_t network = in.count("instanceNetworkMbs", kGroupAmountMax).value_or(0);
  const std::int64_t count = in.count("instanceCount", kGroupAmountMax).value_or(0);
  if (faults.count() > before) return {};
  if (cpu == 0) faults.add("/instanceCPU", "is required: the CPUs of one instance");
  if (memory == 0) faults.add("/instanceMemoryMB", "is required: the memory of one instance in MiB");
  if (count == 0) faults.add("/instanceCount", "is required: how many instances are guaranteed");
  ResourceRequest all;
  const auto times = [&](const char* field, std::int64_t one, std::int64_t most) {
    if (count == 0 || one <= most / count) return one * count;
    faults.add(field, "is more than can be guaranteed, times instanceCount", std::to_string(one));
    return std::int64_t{0};
  };
  all.cpu_milli = times("/instanceCPU", cpu, kGroupCpusMax * 1000);
  all.mem_mib = times("/instanceMemoryMB", memory, kGroupAmountMax);
  all.disk_mib = times("/instanceDiskMB", disk, kGroupAmountMax);
  add_network(all, times("/instanceNetworkMbs", network, kGroupAmountMax));
  return all;
}

}  // namespace

Checked<engine::SetGroup> parse_group(const std::string& name, std::string_view body) {
  engine::SetGroup command;
  Faults faults;
  const auto document = parse_body(body, faults);
  if (!document) return {{}, faults.take()};
  FieldReader in(document->root(), faults);
  check_name(name, faults);
  CapacityGroup& group = command.group;
  group.name = name;
  if (const std::string own = in.text("name"); !own.empty() && own != name) {
    faults.at(*in.find("name"), "is not the name in the path");
  }
  group.tier = read_tier(in);
  group.weight = in.number(kWeight);
  group.guarantee = read_quantities(in, "guarantee").value_or(ResourceRequest());
  group.quota = read_quantities(in, "quota");
  command.user = in.text("user");
  refuse_others(in);
  check_quota(group, faults);
  return {std::move(command), faults.take()};
}

Checked<engine::SetGroup> parse_application(const std::string& name, std::string_view body,
                                            const engine::View& view) {
  engine::SetGroup command;
  Faults faults;
  const auto document = parse_body(body, faults);
  if (!document) return {{}, faults.take()};
  FieldReader in(document->root(), faults);
  const std::string own = in.text("appName");
  if (name.empty() && own.empty()) {
    faults.add("/appName", "is required: the name of the capacity group");
  } else if (!name.empty() && !own.empty() && own != name) {
    faults.at(*in.find("appName"), "is not the name in the path");
  }
  CapacityGroup& group = command.group;
  if (const CapacityGroupPtr before = described(view, name.empty() ? own : name)) group = *before;
  group.name = name.empty() ? own : name;
  group.tier = read_tier(in);
  group.guarantee = read_instances(in);
  refuse_others(in);
  check_quota(group, faults);
  return {std::move(command), faults.take()};
}

}  // namespace mimas::api
