#include "placement/scaling.h"

#include <algorithm>
#include <tuple>

namespace mimas::placement {
namespace {

std::string agents_text(std::int64_t count) {
  return std::to_string(count) + (count == 1 ? " agent" : " agents");
}

std::string seconds_text(std::int64_t ms) {
  if (ms % 1'000 != 0) return std::to_string(ms) + " ms";
  if (ms % 60'000 != 0) return std::to_string(ms / 1'000) + " s";
  return std::to_string(ms / 60'000) + " min";
}

// What a look counts, once memory is up to date.
struct Count {
  std::int64_t size = 0, leaving = 0, idle = 0, coming = 0;
  std::int64_t staying() const { return size - leaving; }
};

bool is_idle(const ScalingMemory& memory, const ScalingMember& member) {
  return member.empty && member.open && !memory.leaving.contains(member.agent);
}

Count count(const ScalingMemory& memory, const ScalingSight& sight) {
  Count all;
  all.size = static_cast<std::int64_t>(sight.members.size());
  all.leaving = static_cast<std::int64_t>(memory.leaving.size());
  all.idle = std::count_if(sight.members.begin(), sight.members.end(),
                           [&](const ScalingMember& member) { return is_idle(memory, member); });
  all.coming = static_cast<std::int64_t>(memory.awaited.size());
  return all;
}

void note_failure(ScalingMemory& memory, std::string trouble, Instant now) {
  const int doublings = static_cast<int>(std::min<std::int64_t>(memory.failures, 20));
  ++memory.failures;
  memory.paused_until = now + std::min(kScalingRetryMaxMs, kScalingRetryFirstMs << doublings);
  memory.trouble = std::move(trouble);
}

void note_success(ScalingMemory& memory) {
  memory.failures = 0;
  memory.paused_until = Instant{};
  memory.trouble.clear();
}

// Whoever was not known has come; one that was away for a moment is nobody new.
void note_arrivals(const ScalingRule& rule, ScalingMemory& memory, const ScalingSight& sight, Instant now) {
  const std::int64_t forget_ms = std::max<std::int64_t>(rule.arrival_ms, 3'600'000);
  for (const ScalingMember& member : sight.members) {
    const auto [at, fresh] = memory.known.insert_or_assign(member.agent, now);
    if (!fresh || memory.awaited.empty()) continue;
    memory.awaited.pop_front();
    memory.calm_until = std::max(memory.calm_until, now + rule.cool_down_ms);
    if (memory.awaited.empty()) note_success(memory);
  }
  std::erase_if(memory.known, [&](const auto& one) { return one.second + forget_ms < now; });
}

void give_up_awaited(const ScalingRule& rule, ScalingMemory& memory, Instant now) {
  std::int64_t lost = 0;
  while (!memory.awaited.empty() && memory.awaited.front().until <= now) {
    memory.awaited.pop_front();
    ++lost;
  }
  if (lost == 0) return;
  note_failure(memory,
               agents_text(lost) + " asked for " + seconds_text(rule.arrival_ms) + " ago did not come", now);
}

// Who has gone is forgotten; who is still there though it should have gone is used again, and so is one that
// was found not to be empty any more before anything was asked for.
void note_departures(const ScalingRule& rule, ScalingMemory& memory, const ScalingSight& sight, Instant now) {
  std::map<AgentId, const ScalingMember*> present;
  for (const ScalingMember& member : sight.members) present[member.agent] = &member;
  std::int64_t stayed = 0;
  bool gone = false;
  std::erase_if(memory.leaving, [&](const auto& one) {
    const auto at = present.find(one.first);
    if (at == present.end()) {
      gone = gone || one.second.decision != 0;
      return true;
    }
    if (one.second.decision == 0) return !at->second->empty;
    if (one.second.until > now) return false;
    ++stayed;
    return true;
  });
  if (gone) note_success(memory);
  if (stayed == 0) return;
  note_failure(memory,
               agents_text(stayed) + " that should have gone " + seconds_text(rule.arrival_ms) + " ago " +
                   (stayed == 1 ? "is" : "are") + " still there",
               now);
}

struct Wish {
  std::int64_t add = 0;
  ScalingCause cause = ScalingCause::shortfall;
  std::string why;
};

void prefer(Wish& best, std::int64_t add, ScalingCause cause, std::string why) {
  if (add > best.add) best = {add, cause, std::move(why)};
}

Wish wish_for_more(const ScalingRule& rule, const ScalingMemory& memory, const ScalingSight& sight,
                   const Count& all, Instant settled, Instant now) {
  Wish wish;
  const std::string coming = all.coming == 0 ? "" : ", " + std::to_string(all.coming) + " more asked for";
  if (sight.needed > 0) {
    const std::string tasks =
        sight.needed_tasks == 1 ? "1 task waits" : std::to_string(sight.needed_tasks) + " tasks wait";
    prefer(wish, sight.needed, ScalingCause::shortfall,
           tasks + " that " + std::to_string(sight.needed) + " more of these " + "agents would run" + coming);
  }
  if (now >= settled) {
    prefer(
        wish, rule.min_size - all.staying() - all.coming, ScalingCause::min_size,
        agents_text(all.staying()) + coming + ", at least " + std::to_string(rule.min_size) + " should be");
  }
  if (now >= settled && now >= memory.calm_until) {
    prefer(wish, rule.min_idle - all.idle - all.coming, ScalingCause::min_idle,
           std::to_string(all.idle) + " of " + agents_text(all.staying()) + " idle" + coming + ", at least " +
               std::to_string(rule.min_idle) + " should be");
  }
  return wish;
}

// Those that only take no new work are the nearest agents there are.
void take_back(ScalingMemory& memory, std::int64_t& wanted) {
  for (auto at = memory.leaving.begin(); wanted > 0 && at != memory.leaving.end();) {
    if (at->second.decision != 0) {
      ++at;
      continue;
    }
    at = memory.leaving.erase(at);
    --wanted;
  }
}

// Out of the zone with the most agents, again and again; of equal zones the first by name, there the last by
// id.
std::vector<const ScalingMember*> choose(const ScalingMemory& memory, const ScalingSight& sight,
                                         std::int64_t how_many) {
  std::map<std::string, std::int64_t> staying;
  std::map<std::string, std::vector<const ScalingMember*>> candidates;
  for (const ScalingMember& member : sight.members) {
    if (memory.leaving.contains(member.agent)) continue;
    ++staying[member.zone];
    if (is_idle(memory, member)) candidates[member.zone].push_back(&member);
  }
  std::vector<const ScalingMember*> chosen;
  while (static_cast<std::int64_t>(chosen.size()) < how_many) {
    auto fullest = candidates.end();
    for (auto zone = candidates.begin(); zone != candidates.end(); ++zone) {
      if (zone->second.empty()) continue;
      if (fullest == candidates.end() || staying[zone->first] > staying[fullest->first]) fullest = zone;
    }
    if (fullest == candidates.end()) break;
    chosen.push_back(fullest->second.back());
    fullest->second.pop_back();
    --staying[fullest->first];
  }
  return chosen;
}

// Marks who should go. Nothing is asked for yet: what is on its way there is seen by the next look.
void begin_to_leave(const ScalingRule& rule, ScalingMemory& memory, const ScalingSight& sight,
                    const Count& all, Instant now) {
  const std::int64_t too_large = all.staying() - rule.max_size;
  const std::int64_t too_idle = all.idle - rule.max_idle;
  if (too_idle <= 0) memory.too_many_since = kNever;
  if (too_idle > 0) memory.too_many_since = std::min(memory.too_many_since, now);
  const bool long_enough = too_idle > 0 && memory.too_many_since + rule.cool_down_ms <= now;
  if (now < memory.calm_until || (!long_enough && too_large <= 0)) return;
  std::int64_t go = std::max(long_enough ? too_idle : 0, too_large);
  go = std::min({go, all.staying() - rule.min_size, all.idle - rule.min_idle});
  const ScalingCause cause = long_enough ? ScalingCause::max_idle : ScalingCause::max_size;
  for (const ScalingMember* member : choose(memory, sight, go))
    memory.leaving[member->agent] = {0, cause, now + kScalingConfirmMs};
}

std::optional<ScalingDecision> let_go(const ScalingRule& rule, ScalingMemory& memory,
                                      const ScalingSight& sight, const Count& all, std::int64_t number,
                                      Instant now) {
  ScalingDecision decision;
  for (const ScalingMember& member : sight.members) {
    const auto at = memory.leaving.find(member.agent);
    if (at == memory.leaving.end() || at->second.decision != 0 || at->second.until > now) continue;
    decision.cause = at->second.cause;
    at->second.decision = number;
    at->second.until = now + rule.arrival_ms;
    decision.remove.push_back({member.agent, member.hostname});
  }
  if (decision.remove.empty()) return std::nullopt;
  const std::int64_t going = static_cast<std::int64_t>(decision.remove.size());
  if (decision.cause == ScalingCause::max_size) {
    decision.why = agents_text(all.staying() + going) + ", at most " + std::to_string(rule.max_size) +
                   " should be: empty ones go, out of the fullest zones first";
  } else {
    decision.why = std::to_string(all.idle + going) + " of " + agents_text(all.staying() + going) +
                   " idle for " + seconds_text(rule.cool_down_ms) + ", at most " +
                   std::to_string(rule.max_idle) +
                   " should be: empty ones go, out of the fullest zones first";
  }
  memory.calm_until = std::max(memory.calm_until, now + rule.cool_down_ms);
  return decision;
}

Instant next_look(const ScalingRule& rule, const ScalingMemory& memory, const Count& all, Instant settled,
                  Instant now) {
  Instant next = kNever;
  const auto at = [&](Instant when) {
    if (when > now) next = std::min(next, when);
  };
  if (!memory.awaited.empty()) at(memory.awaited.front().until);
  for (const auto& [agent, leaving] : memory.leaving) at(leaving.until);
  const bool amiss = all.staying() + all.coming < rule.min_size || all.idle + all.coming < rule.min_idle ||
                     all.idle > rule.max_idle || all.staying() > rule.max_size || !memory.trouble.empty();
  if (!amiss) return next;
  at(settled);
  at(memory.calm_until);
  at(memory.paused_until);
  if (memory.too_many_since != kNever) at(memory.too_many_since + rule.cool_down_ms);
  return next;
}

std::optional<ScalingDecision> decide(const ScalingRule& rule, ScalingMemory& memory,
                                      const ScalingSight& sight, std::int64_t number, Instant settled,
                                      Instant now) {
  const Count all = count(memory, sight);
  Wish wish = wish_for_more(rule, memory, sight, all, settled, now);
  if (wish.add > 0) {
    memory.too_many_since = kNever;
    take_back(memory, wish.add);
    wish.add = std::min(wish.add, rule.max_size - all.size - all.coming);
    if (wish.add <= 0 || now < memory.paused_until) return std::nullopt;
    ScalingDecision decision;
    decision.cause = wish.cause;
    decision.add = wish.add;
    decision.why = std::move(wish.why);
    for (std::int64_t i = 0; i < wish.add; ++i) memory.awaited.push_back({number, now + rule.arrival_ms});
    memory.calm_until = std::max(memory.calm_until, now + rule.cool_down_ms);
    return decision;
  }
  if (all.coming > 0 || now < settled) {
    memory.too_many_since = kNever;
    return std::nullopt;
  }
  if (now < memory.paused_until) return std::nullopt;
  if (auto decision = let_go(rule, memory, sight, all, number, now)) return decision;
  begin_to_leave(rule, memory, sight, all, now);
  return std::nullopt;
}

}  // namespace

ScalingLook look(const ScalingRule& rule, ScalingMemory& memory, const ScalingSight& sight,
                 std::int64_t number, Instant now) {
  const Instant settled = sight.since + std::min(rule.cool_down_ms, kScalingSettleMs);
  note_arrivals(rule, memory, sight, now);
  give_up_awaited(rule, memory, now);
  note_departures(rule, memory, sight, now);
  ScalingLook done;
  done.decision = decide(rule, memory, sight, number, settled, now);
  if (done.decision) {
    done.decision->number = number;
    done.decision->group = rule.name;
    done.decision->at = now;
  }
  const Count all = count(memory, sight);
  done.idle = all.idle;
  done.look_at = next_look(rule, memory, all, settled, now);
  return done;
}

void note_report(ScalingMemory& memory, std::int64_t decision, bool ok, const std::string& message,
                 Instant now) {
  if (ok) {
    note_success(memory);
    return;
  }
  std::erase_if(memory.awaited, [&](const auto& one) { return one.decision == decision; });
  std::erase_if(memory.leaving, [&](const auto& one) { return one.second.decision == decision; });
  note_failure(memory, message, now);
}

std::optional<ScalingTemplate> learn(const ScalingRule& rule, const std::vector<ScalingMember>& members) {
  if (rule.agent) {
    ScalingTemplate given = *rule.agent;
    given.attributes.insert_or_assign(rule.attribute, rule.value);
    return given;
  }
  const ScalingMember* smallest = nullptr;
  ScalingTemplate learned;
  const auto size = [](const ScalingMember& one) {
    return std::tie(one.total->cpu_milli, one.total->mem_mib, one.total->disk_mib);
  };
  for (const ScalingMember& member : members) {
    if (member.total == nullptr || member.attributes == nullptr) continue;
    if (smallest == nullptr) learned.attributes = *member.attributes;
    std::erase_if(learned.attributes, [&](const auto& one) {
      const auto at = member.attributes->find(one.first);
      return at == member.attributes->end() || at->second != one.second;
    });
    if (smallest == nullptr || size(member) < size(*smallest)) smallest = &member;
  }
  if (smallest == nullptr) return std::nullopt;
  learned.total = *smallest->total;
  return learned;
}

}  // namespace mimas::placement
