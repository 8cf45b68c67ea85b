// What becomes of offers that nothing was placed on, role by role. An offer is never kept without a deadline
// (rule 52): with no work it goes back for long and the master is told to stop; with work that does not fit
// it waits a few seconds for others to join it. Facts: mesos-protocol §2.2 DECLINE, SUPPRESS/REVIVE, §7
// "Offers".
#include <algorithm>

#include "engine/parts.h"

namespace mimas::engine {

bool work_waits(const Turn& turn, const RoleEntry& role) {
  const State::Data& data = turn.data;
  return role.ready > 0 || role.operations > 0 || (!data.due.empty() && data.due.begin()->first <= turn.now);
}

// Who submits one job often submits the next: for a moment after work the remainder is kept at hand, so that
// the next one starts without waiting for a REVIVE and the master's allocation interval.
bool is_warm(const Turn& turn, const RoleEntry& role) {
  return role.worked_at.ms != 0 && turn.now < role.worked_at + turn.data.policy.idle_after_ms;
}

// Who sizes groups of agents has to hear of every agent that comes: nothing is suppressed then.
static bool counts_agents(const State::Data& data) { return !data.scaling.empty(); }

Instant idle_at(const State::Data& data) {
  Instant first = kNever;
  if (!data.subscribed) return first;
  for (const auto& [name, role] : data.roles) {
    bool quiet = role.suppressed || !data.offers_seen || counts_agents(data);
    bool settled = role.offers == 0 && quiet;
    if (settled || role.queued > 0 || role.operations > 0) continue;
    first = std::min(first, role.worked_at + data.policy.idle_after_ms);
  }
  return first;
}

namespace {

void send_back(Turn& turn, DeclineOffers call) {
  if (call.offers.empty()) return;
  for (const OfferId& id : call.offers) drop_offer(turn.data, id);
  turn.effect(std::move(call));
}

}  // namespace

void return_offers(Turn& turn) {
  State::Data& data = turn.data;
  DeclineOffers idle{{}, data.policy.idle_refuse_ms};
  DeclineOffers overdue{{}, data.policy.busy_refuse_ms};
  std::set<const RoleEntry*> without_work;
  for (auto& [name, role] : data.roles) {
    if (role.offers == 0 || work_waits(turn, role) || is_warm(turn, role)) continue;
    without_work.insert(&role);
    role.long_filters = true;
  }
  if (!without_work.empty()) {
    for (const auto& [id, agent] : data.offers) {
      const Offer& offer = data.agents.at(agent).offers.at(id).offer;
      if (without_work.contains(&role_entry(data, offer.role))) idle.offers.push_back(id);
    }
  }
  send_back(turn, std::move(idle));
  for (const auto& [at, id] : data.offers_due) {
    if (at > turn.now) break;
    overdue.offers.push_back(id);
  }
  send_back(turn, std::move(overdue));
}

namespace {

Instant role_revive_at(const Turn& turn, std::string_view name, const RoleEntry& role) {
  bool helps = role.revive_wanted || role.suppressed || role.long_filters;
  bool work = role.ready > 0 || role.operations > 0;
  if (!turn.data.subscribed || !work || !helps || !is_ours(turn.data.policy, name)) return kNever;
  return role.revived_at.ms == 0 ? Instant{} : role.revived_at + turn.data.policy.revive_min_ms;
}

}  // namespace

Instant revive_at(const Turn& turn) {
  Instant first = kNever;
  for (const auto& [name, role] : turn.data.roles) first = std::min(first, role_revive_at(turn, name, role));
  return first;
}

// One role that is not ours would void the whole call in silence (§2.2), so every role is checked.
void revive_or_suppress(Turn& turn) {
  State::Data& data = turn.data;
  std::vector<std::string> revived, suppressed;
  for (auto& [name, role] : data.roles) {
    if (role.ready == 0 && role.operations == 0) role.revive_wanted = false;
    if (!data.subscribed || !is_ours(data.policy, name)) continue;
    if (role_revive_at(turn, name, role) <= turn.now) {
      role.revived_at = turn.now;
      role.revive_wanted = role.suppressed = role.long_filters = false;
      revived.push_back(name);
    } else if (role.queued == 0 && role.operations == 0 && !is_warm(turn, role) && data.offers_seen &&
               !role.suppressed && !counts_agents(data)) {
      // Only once something was offered: before, we would never get to know the agents.
      role.suppressed = true;
      suppressed.push_back(name);
    }
  }
  const bool one = data.policy.roles.empty();  // whose name we may not know: say "all"
  if (!revived.empty()) turn.effect(ReviveOffers{one ? std::vector<std::string>() : std::move(revived)});
  if (!suppressed.empty()) {
    turn.effect(SuppressOffers{one ? std::vector<std::string>() : std::move(suppressed)});
  }
}

}  // namespace mimas::engine
