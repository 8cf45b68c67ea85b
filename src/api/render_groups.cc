// The rendering half of api/groups.h.
#include <algorithm>
#include <map>
#include <utility>

#include "api/groups.h"
#include "api/render_job.h"
#include "json/writer.h"

namespace mimas::api {
namespace {

// A group as it stands: what was described, or the defaults, and what its jobs do.
struct GroupStanding {
  CapacityGroupPtr described;
  ResourceRequest used;
  std::int64_t running = 0, queued = 0;
  Instant since = kNever;  // when the first of those that wait began to
};

std::map<std::string, GroupStanding> standings(const engine::View& view) {
  std::map<std::string, GroupStanding> all;
  all.try_emplace(std::string(kDefaultGroup));
  for (const CapacityGroupPtr& group : view.groups()) all[group->name].described = group;
  for (const auto& [job, tasks, held, ready] : view.live_jobs()) {
    GroupStanding& into = all[std::string(group_of(*job->spec))];
    add_amounts(into.used, held);
    for (std::size_t state = 0; state < tasks.size(); ++state) {
      if (is_live_on_agent(static_cast<TaskState>(state))) into.running += tasks[state];
    }
  }
  for (const auto& [job, tasks] : view.waiting()) {
    GroupStanding& into = all[std::string(group_of(*job->spec))];
    into.queued += static_cast<std::int64_t>(tasks.size());
    into.since = std::min(into.since, tasks.front().since);
  }
  return all;
}

// What is promised and not used: nothing where more is used than that.
ResourceRequest unused(const ResourceRequest& guarantee, const ResourceRequest& used) {
  const auto left = [](std::int64_t promised, std::int64_t in_use) {
    return std::max<std::int64_t>(promised - in_use, 0);
  };
  ResourceRequest rest;
  rest.cpu_milli = left(guarantee.cpu_milli, used.cpu_milli);
  rest.mem_mib = left(guarantee.mem_mib, used.mem_mib);
  rest.disk_mib = left(guarantee.disk_mib, used.disk_mib);
  rest.gpus = left(guarantee.gpus, used.gpus);
  for (const auto& [name, amount] : guarantee.scalars) {
    add_scalars(rest.scalars, {{name, left(amount, scalar(used.scalars, name))}});
  }
  return rest;
}

void write_amounts(json::Writer& out, std::string_view name, const ResourceRequest& amounts) {
  out.key(name).begin_object();
  write_cpu(out, amounts.cpu_milli);
  out.member("memory", amounts.mem_mib).member("disk", amounts.disk_mib).member("gpu", amounts.gpus);
  write_thousandths(out, "networkMbps", scalar(amounts.scalars, kNetworkScalar));
  out.key("resources").begin_object();
  for (const auto& [scalar_name, thousandths] : amounts.scalars) {
    if (scalar_name != kNetworkScalar) write_thousandths(out, scalar_name, thousandths);
  }
  out.end_object().end_object();
}

void write_group(json::Writer& out, const std::string& name, const GroupStanding& standing) {
  const CapacityGroup group = standing.described ? *standing.described : CapacityGroup();
  out.begin_object().member("name", name).member("described", standing.described != nullptr);
  out.member("tier", tier_name(group.tier)).member("weight", group.weight);
  write_amounts(out, "guarantee", group.guarantee);
  if (group.quota) {
    write_amounts(out, "quota", *group.quota);
  } else {
    out.key("quota").null();
  }
  write_amounts(out, "used", standing.used);
  write_amounts(out, "unused", unused(group.guarantee, standing.used));
  out.member("running", standing.running).member("queued", standing.queued);
  write_date_or_null(out, "waitingSince", standing.since);
  out.member("version", standing.described ? group.version : 0);
  write_date_or_null(out, "updatedAt", group.updated_at);
  write_text_or_null(out, "updatedBy", group.updated_by);
  out.end_object();
}

// A guarantee is a sum here: one instance of it all.
void write_application(json::Writer& out, const CapacityGroup& group) {
  out.begin_object().member("appName", group.name);
  out.member("tier", group.tier == Tier::critical ? "Critical" : "Flex");
  write_thousandths(out, "instanceCPU", group.guarantee.cpu_milli);
  out.member("instanceMemoryMB", group.guarantee.mem_mib);
  out.member("instanceDiskMB", group.guarantee.disk_mib);
  out.member("instanceNetworkMbs", scalar(group.guarantee.scalars, kNetworkScalar) / 1000);
  out.member("instanceCount", 1).end_object();
}

// By name, DEFAULT among them whether somebody has described it or not.
std::map<std::string, CapacityGroup> applications(const engine::View& view) {
  std::map<std::string, CapacityGroup> all;
  all[std::string(kDefaultGroup)].name = kDefaultGroup;
  for (const CapacityGroupPtr& group : view.groups()) all[group->name] = *group;
  return all;
}

}  // namespace

std::string render_groups(const engine::View& view) {
  json::Writer out;
  out.begin_array();
  for (const auto& [name, standing] : standings(view)) write_group(out, name, standing);
  out.end_array();
  return out.take();
}

std::string render_group(const engine::View& view, const std::string& name) {
  const auto all = standings(view);
  const auto found = all.find(name);
  if (found == all.end()) return {};
  json::Writer out;
  write_group(out, name, found->second);
  return out.take();
}

std::string render_applications(const engine::View& view) {
  json::Writer out;
  out.begin_array();
  for (const auto& [name, group] : applications(view)) write_application(out, group);
  out.end_array();
  return out.take();
}

std::string render_application(const engine::View& view, const std::string& name) {
  const auto all = applications(view);
  const auto found = all.find(name);
  if (found == all.end()) return {};
  json::Writer out;
  write_application(out, found->second);
  return out.take();
}

}  // namespace mimas::api
