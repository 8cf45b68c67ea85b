// Groups of agents that grow and shrink: who belongs to them, what waits that new ones would run, and what
// became of what was asked for. The decisions are placement's (placement/scaling.h); nothing of this is on
// disk, a restart sees the agents anew.
#include <algorithm>

#include "engine/index.h"
#include "engine/orphans.h"
#include "engine/parts.h"
#include "engine/queue.h"
#include "engine/standing.h"

namespace mimas::engine {
namespace {

constexpr std::int64_t kScalingLookMs = 1'000;  // at most so often

std::string_view value_of(const Agent& agent, std::string_view name) {
  const auto at = agent.attributes.find(name);
  if (at != agent.attributes.end()) return at->second;
  if (name == "zone") return agent.zone;
  return name == "region" ? std::string_view(agent.region) : std::string_view();
}

std::string zone_of(const Agent& agent) { return std::string(value_of(agent, "zone")); }

placement::ScalingSight see(const Turn& turn, const ScalingRule& rule) {
  placement::ScalingSight sight;
  sight.since = turn.data.subscribed_at;
  for (const auto& [id, entry] : turn.data.agents) {
    const Agent& agent = entry.record;
    if (agent.state != AgentState::active || value_of(agent, rule.attribute) != rule.value) continue;
    placement::ScalingMember member;
    member.agent = id;
    member.hostname = agent.hostname;
    member.zone = zone_of(agent);
    member.empty = entry.tasks.empty();
    const Standing standing = standing_of(turn, entry);
    member.open = standing == Standing::open || standing == Standing::launching;
    member.attributes = &agent.attributes;
    member.total = &agent.total;
    sight.members.push_back(std::move(member));
  }
  return sight;
}

// Agents that stand closed only because work was just sent there.
std::vector<placement::HostIndex> busy_in(const Turn& turn, const std::string& view) {
  std::vector<placement::HostIndex> busy;
  for (const auto& [id, agent] : turn.data.agents) {
    const auto host = agent.hosts.find(view);
    if (host != agent.hosts.end() && standing_of(turn, agent) == Standing::launching)
      busy.push_back(host->second);
  }
  return busy;
}

placement::TrialGroup trial_group(const Turn& turn, std::size_t index, const placement::ScalingSight& sight) {
  const ScalingRule& rule = turn.data.policy.scaling[index];
  placement::TrialGroup group;
  const auto agent = placement::learn(rule, sight.members);
  const Instant heard_of = sight.since + rule.patience_ms;
  if (!agent || turn.now < heard_of) return group;  // no room: it takes no part
  group.agent = *agent;
  group.coming = static_cast<std::int64_t>(turn.data.scaling[index].memory.awaited.size());
  group.room = rule.max_size - static_cast<std::int64_t>(sight.members.size()) - group.coming;
  group.latest = Instant{turn.now.ms - rule.patience_ms};
  std::map<std::string, std::int64_t> zones;
  for (const placement::ScalingMember& member : sight.members) ++zones[member.zone];
  for (const auto& [zone, agents] : zones) group.zones.push_back(zone);
  std::stable_sort(group.zones.begin(), group.zones.end(),
                   [&](const auto& left, const auto& right) { return zones[left] < zones[right]; });
  return group;
}

// What waits in one role, and what new agents would do for it; they count as coming for the next role.
void try_role(Turn& turn, const std::string& role, const std::vector<std::int64_t>& jobs,
              std::vector<placement::TrialGroup>& groups, std::vector<placement::ScalingSight>& sights) {
  State::Data& data = turn.data;
  WaitingRound round{turn.now};
  for (const std::int64_t number : jobs) (void)add_waiting(data, data.jobs.at(number), round);
  refresh(data, round);
  // Where all roles are one, agents' offers come in one role as a rule: that view stands for all.
  const bool any = data.policy.roles.empty() && !data.clusters.empty();
  const std::string view = any ? data.clusters.begin()->first : role;
  const auto results =
      placement::try_new_agents(cluster_of(turn, view), round.queue, groups, busy_in(turn, view));
  for (std::size_t i = 0; i < results.size(); ++i) {
    sights[i].needed += results[i].agents;
    sights[i].needed_tasks += results[i].tasks;
    groups[i].coming += results[i].agents;
    groups[i].room -= results[i].agents;
  }
  for (const placement::Demand& demand : round.queue.demands) {
    for (const ScalingRule& rule : data.policy.scaling) {
      const Instant ripe = std::max(demand.since, data.subscribed_at) + rule.patience_ms;
      if (ripe > turn.now) data.scaling_look_at = std::min(data.scaling_look_at, ripe);
    }
  }
}

void see_shortfalls(Turn& turn, std::vector<placement::ScalingSight>& sights) {
  State::Data& data = turn.data;
  if (data.ready.empty() || data.restarted) return;
  tell_changed_agents(turn);
  std::vector<placement::TrialGroup> groups;
  for (std::size_t i = 0; i < sights.size(); ++i) groups.push_back(trial_group(turn, i, sights[i]));
  std::map<std::string, std::vector<std::int64_t>> by_role;
  for (const auto& [number, places] : data.ready) by_role[data.jobs.at(number).role].push_back(number);
  for (const auto& [role, jobs] : by_role) {
    if (is_ours(data.policy, role)) try_role(turn, role, jobs, groups, sights);
  }
}

// Whether readers would see a difference. Decisions are only ever added or answered.
bool shows_the_same(const ScalingGroup& left, const ScalingGroup& right) {
  const auto answers = [](const ScalingGroup& group) {
    return std::count_if(group.decisions.begin(), group.decisions.end(),
                         [](const auto& one) { return one.outcome == ScalingOutcome::asked; });
  };
  const auto newest = [](const ScalingGroup& group) {
    return group.decisions.empty() ? 0 : group.decisions.front().number;
  };
  return left.size == right.size && left.idle == right.idle && left.leaving == right.leaving &&
         left.awaited == right.awaited && left.paused_until == right.paused_until &&
         left.trouble == right.trouble && newest(left) == newest(right) && answers(left) == answers(right);
}

void show(Turn& turn, ScalingEntry& entry, const ScalingRule& rule, std::int64_t size, std::int64_t idle) {
  auto group = std::make_shared<ScalingGroup>();
  group->rule = rule;
  group->size = size;
  group->idle = idle;
  group->leaving = static_cast<std::int64_t>(entry.memory.leaving.size());
  group->awaited = static_cast<std::int64_t>(entry.memory.awaited.size());
  group->paused_until = entry.memory.paused_until;
  group->trouble = entry.memory.trouble;
  group->decisions = entry.decisions;
  if (entry.shown && shows_the_same(*entry.shown, *group)) return;
  entry.shown = group;
  turn.change(PutScaling{std::move(group)});
}

std::string text_of(const ScalingDecision& decision) {
  std::string text = "scaling " + decision.group + ": ";
  if (decision.add > 0) {
    text += std::to_string(decision.add) + (decision.add == 1 ? " agent" : " agents") + " asked for";
  } else {
    for (std::size_t i = 0; i < decision.remove.size(); ++i)
      text += (i == 0 ? "" : ", ") + decision.remove[i].hostname;
    text += " to be removed";
  }
  return text + " (" + decision.why + ")";
}

void carry_out(Turn& turn, ScalingEntry& entry, ScalingDecision decision, ScalingTemplate agent) {
  turn.data.scaling_number = decision.number;
  turn.reason(text_of(decision));
  entry.decisions.insert(entry.decisions.begin(), decision);
  if (entry.decisions.size() > kScalingDecisionsKept) entry.decisions.resize(kScalingDecisionsKept);
  turn.effect(ScaleAgents{std::move(decision), std::move(agent)});
}

// Placement learns who takes no new work any more, or does again, as it learns everything of agents.
void mark_standing(State::Data& data, const std::set<AgentId>& before, const ScalingEntry& entry) {
  for (const AgentId& id : before) {
    if (!entry.memory.leaving.contains(id)) data.agents_unpublished.insert(id);
    data.scaling_leaving.erase(id);
  }
  for (const auto& [id, leaving] : entry.memory.leaving) {
    if (!before.contains(id)) data.agents_unpublished.insert(id);
    data.scaling_leaving.insert(id);
  }
}

void raise_alert(Turn& turn) {
  std::string text;
  for (std::size_t i = 0; i < turn.data.scaling.size(); ++i) {
    const std::string& trouble = turn.data.scaling[i].memory.trouble;
    if (!trouble.empty())
      text += (text.empty() ? "" : "; ") + turn.data.policy.scaling[i].name + ": " + trouble;
  }
  set_alert(turn, "scaling", text);
}

}  // namespace

void on_input(Turn& turn, const ScalingReport& report) {
  State::Data& data = turn.data;
  for (std::size_t i = 0; i < data.scaling.size(); ++i) {
    if (data.policy.scaling[i].name != report.group) continue;
    ScalingEntry& entry = data.scaling[i];
    for (ScalingDecision& decision : entry.decisions) {
      if (decision.number != report.number || decision.outcome != ScalingOutcome::asked) continue;
      decision.outcome = report.ok ? ScalingOutcome::done : ScalingOutcome::failed;
      decision.message = report.message;
      std::set<AgentId> before;
      for (const auto& [id, leaving] : entry.memory.leaving) before.insert(id);
      placement::note_report(entry.memory, report.number, report.ok, report.message, turn.now);
      mark_standing(data, before, entry);
      turn.reason("scaling " + report.group + ": " + (report.ok ? "done" : "failed: " + report.message));
    }
  }
  data.scaling_stale = true;
}

void look_at_scaling(Turn& turn) {
  State::Data& data = turn.data;
  if (data.scaling.empty() || turn.now < scaling_at(turn)) return;
  data.scaling_stale = false;
  data.scaling_looked_at = turn.now;
  data.scaling_look_at = kNever;
  std::vector<placement::ScalingSight> sights;
  for (const ScalingRule& rule : data.policy.scaling) sights.push_back(see(turn, rule));
  see_shortfalls(turn, sights);
  for (std::size_t i = 0; i < data.scaling.size(); ++i) {
    const ScalingRule& rule = data.policy.scaling[i];
    ScalingEntry& entry = data.scaling[i];
    const placement::ScalingSight& sight = sights[i];
    std::set<AgentId> before;
    for (const auto& [id, leaving] : entry.memory.leaving) before.insert(id);
    const std::int64_t number = std::max(data.scaling_number + 1, turn.now.ms);
    placement::ScalingLook look = placement::look(rule, entry.memory, sight, number, turn.now);
    data.scaling_look_at = std::min(data.scaling_look_at, look.look_at);
    mark_standing(data, before, entry);
    if (look.decision) {
      carry_out(turn, entry, *std::move(look.decision),
                placement::learn(rule, sight.members).value_or(ScalingTemplate{}));
    }
    show(turn, entry, rule, static_cast<std::int64_t>(sight.members.size()), look.idle);
  }
  raise_alert(turn);
}

Instant scaling_at(const Turn& turn) {
  const State::Data& data = turn.data;
  if (data.scaling.empty() || !data.subscribed) return kNever;
  const Instant soonest = data.scaling_looked_at + kScalingLookMs;
  return data.scaling_stale ? soonest : std::max(soonest, data.scaling_look_at);
}

}  // namespace mimas::engine
