#include "api/render_summary.h"

#include <algorithm>
#include <array>
#include <map>

#include "api/render_job.h"
#include "json/writer.h"
#include "model/group.h"
#include "model/readiness.h"

namespace mimas::api {
namespace {

constexpr std::array kStandings{Standing::open,     Standing::maintenance, Standing::drained,
                                Standing::disabled, Standing::quarantined, Standing::launching};

struct Sums {
  std::int64_t known = 0, active = 0, idle = 0;
  std::map<Standing, std::int64_t> standings;
  Resources total, used, offered, largest;  // largest: of what is free, the most that one agent has
};

Resources without_ports(Resources amounts) {
  amounts.ports = {};
  return amounts;
}

void add(Sums& sums, const Agent& agent) {
  ++sums.known;
  if (agent.state != AgentState::active) return;
  ++sums.active;
  ++sums.standings[agent.standing];
  if (agent.tasks == 0) ++sums.idle;
  sums.total += without_ports(agent.total);
  sums.used += without_ports(agent.used);
  sums.offered += without_ports(agent.offered);
  if (agent.standing != Standing::open) return;  // what is free there is for nobody
  const auto larger = [](std::int64_t& most, std::int64_t total, std::int64_t used) {
    most = std::max(most, total - used);
  };
  larger(sums.largest.cpu_milli, agent.total.cpu_milli, agent.used.cpu_milli);
  larger(sums.largest.mem_mib, agent.total.mem_mib, agent.used.mem_mib);
  larger(sums.largest.disk_mib, agent.total.disk_mib, agent.used.disk_mib);
  larger(sums.largest.gpus, agent.total.gpus, agent.used.gpus);
}

void write_amounts(json::Writer& out, std::string_view name, const Resources& amounts) {
  out.key(name).begin_object();
  write_cpu(out, amounts.cpu_milli);
  out.member("memory", amounts.mem_mib).member("disk", amounts.disk_mib).member("gpu", amounts.gpus);
  out.end_object();
}

struct Depth {  // of those that wait for a place
  std::int64_t jobs = 0, tasks = 0;
  Instant since = kNever;
};

std::map<std::string, Depth> depths_of(const engine::View& view) {
  std::map<std::string, Depth> depths;
  for (const auto& [job, tasks] : view.waiting()) {
    Depth& depth = depths[std::string(group_of(*job->spec))];
    ++depth.jobs;
    depth.tasks += static_cast<std::int64_t>(tasks.size());
    depth.since = std::min(depth.since, tasks.front().since);
  }
  return depths;
}

void write_queue(json::Writer& out, const engine::View& view) {
  const std::map<std::string, Depth> depths = depths_of(view);
  std::int64_t tasks = 0;
  for (const auto& [group, depth] : depths) tasks += depth.tasks;
  out.key("queue").begin_object().member("tasks", tasks).key("groups").begin_array();
  for (const auto& [group, depth] : depths) {
    out.begin_object().member("capacityGroup", group);
    out.member("jobs", depth.jobs).member("tasks", depth.tasks);
    out.member("waitingSince", format_rfc3339(depth.since)).end_object();
  }
  out.end_array().end_object();
}

}  // namespace

std::string render_summary(const engine::View& view) {
  Sums sums;
  for (const AgentPtr& agent : view.agents()) add(sums, *agent);
  Resources free = sums.total;
  free -= sums.used;
  json::Writer out;
  out.begin_object().key("agents").begin_object();
  out.member("known", sums.known).member("active", sums.active).member("idle", sums.idle);
  out.key("standings").begin_object();
  for (const Standing standing : kStandings) out.member(standing_name(standing), sums.standings[standing]);
  out.end_object().end_object();
  write_amounts(out, "total", sums.total);
  write_amounts(out, "used", sums.used);
  write_amounts(out, "free", free);
  write_amounts(out, "largestFree", sums.largest);
  write_amounts(out, "offered", sums.offered);
  write_queue(out, view);
  out.end_object();
  return out.take();
}

}  // namespace mimas::api
