// What becomes of offers that nothing was placed on. An offer is never kept without a deadline (rule 52):
// with no work it goes back for long and the master is told to stop; with work that does not fit it waits a
// few seconds for others to join it. Facts: mesos-protocol §2.2 DECLINE, SUPPRESS/REVIVE, §7 "Offers".
#include <algorithm>

#include "engine/parts.h"

namespace mimas::engine {

bool work_waits(const Turn& turn) {
  const State::Data& data = turn.data;
  return !data.ready.empty() || (!data.due.empty() && data.due.begin()->first <= turn.now);
}

// Who submits one job often submits the next: for a moment after work the remainder is kept at hand, so that
// the next one starts without waiting for a REVIVE and the master's allocation interval.
bool is_warm(const Turn& turn) {
  const State::Data& data = turn.data;
  return data.worked_at.ms != 0 && turn.now < data.worked_at + data.policy.idle_after_ms;
}

Instant idle_at(const State::Data& data) {
  bool settled = data.offers.empty() && (data.suppressed || !data.offers_seen);
  if (settled || !data.subscribed || data.tasks_queued > 0) return kNever;
  return data.worked_at + data.policy.idle_after_ms;
}

void return_offers(Turn& turn) {
  State::Data& data = turn.data;
  DeclineOffers call;
  bool idle = !work_waits(turn) && !is_warm(turn);
  if (idle) {
    for (const auto& [id, agent] : data.offers) call.offers.push_back(id);
    call.refuse_ms = data.policy.idle_refuse_ms;
  } else {
    for (const auto& [at, id] : data.offers_due) {
      if (at > turn.now) break;
      call.offers.push_back(id);
    }
    call.refuse_ms = data.policy.busy_refuse_ms;
  }
  if (call.offers.empty()) return;
  if (idle) data.long_filters = true;
  for (const OfferId& id : call.offers) drop_offer(data, id);
  turn.effect(std::move(call));
}

Instant revive_at(const State::Data& data) {
  bool helps = data.revive_wanted || data.suppressed || data.long_filters;
  if (!data.subscribed || data.ready.empty() || !helps) return kNever;
  return data.revived_at.ms == 0 ? Instant{} : data.revived_at + data.policy.revive_min_ms;
}

void revive_or_suppress(Turn& turn) {
  State::Data& data = turn.data;
  if (data.ready.empty()) data.revive_wanted = false;
  if (!data.subscribed) return;
  if (revive_at(data) <= turn.now) {
    turn.effect(ReviveOffers{});
    data.revived_at = turn.now;
    data.revive_wanted = data.suppressed = data.long_filters = false;
  } else if (data.tasks_queued == 0 && !is_warm(turn) && data.offers_seen && !data.suppressed) {
    // Only once something was offered: before, we would never get to know the agents.
    turn.effect(SuppressOffers{});
    data.suppressed = true;
  }
}

}  // namespace mimas::engine
