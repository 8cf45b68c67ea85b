// What is removed because it is old or because there is too much of it: ended jobs, ended starts of a slot,
// audits, versions, receipts. In small steps, so that no Settle takes long and no commit is large.
#include <algorithm>

#include "engine/history.h"
#include "engine/parts.h"

namespace mimas::engine {
namespace {

constexpr int kRemovalsPerSettle = 100;

std::int64_t size_of(const auto& records) { return static_cast<std::int64_t>(records.size()); }

// When what began at `at` has been kept for long enough; kNever without such a bound.
Instant end_of(Instant at, std::int64_t keep_ms) { return keep_ms > 0 ? at + keep_ms : kNever; }

std::int64_t jobs_kept(const State::Data& data) {
  const std::int64_t policy = std::max<std::int64_t>(data.policy.ended_jobs_kept, 0);
  return std::min(policy, data.jobs_kept_now.value_or(policy));
}

// When the oldest of each may go; kNever: none is old, and there are not too many.
Instant job_goes_at(const State::Data& data) {
  if (data.ended_jobs.empty()) return kNever;
  if (size_of(data.ended_jobs) > jobs_kept(data)) return Instant{};
  return end_of(data.ended_jobs.begin()->first, data.policy.ended_jobs_keep_ms);
}

// The newest stays: its number says which comes next.
Instant audit_goes_at(const State::Data& data) {
  if (data.audits.size() <= 1) return kNever;
  if (size_of(data.audits) > data.policy.audits_kept) return Instant{};
  return end_of(data.audits.begin()->second->at, data.policy.audits_keep_ms);
}

Instant receipt_goes_at(const State::Data& data) {
  if (data.receipts_by_age.empty()) return kNever;
  return data.receipts_by_age.begin()->first + data.policy.receipts_keep_ms;
}

void remove_jobs(Turn& turn, int& budget) {
  while (budget > 0 && job_goes_at(turn.data) <= turn.now) {
    --budget;
    turn.remove_job(turn.data.ended_jobs.begin()->second);
  }
  if (size_of(turn.data.ended_jobs) <= jobs_kept(turn.data)) turn.data.jobs_kept_now.reset();
}

void remove_starts(Turn& turn, int& budget) {
  State::Data& data = turn.data;
  const std::int64_t keep = std::max<std::int64_t>(data.policy.ended_tasks_kept_per_slot, 1);
  while (!data.crowded_slots.empty() && budget > 0) {
    auto [number, index] = *data.crowded_slots.begin();
    auto job = data.jobs.find(number);
    bool crowded = false;
    if (job != data.jobs.end()) {
      auto slot = job->second.slots.find(index);
      while (slot != job->second.slots.end() && budget > 0 && size_of(slot->second.ended) > keep) {
        --budget;
        turn.remove_task(job->second, {number, index, slot->second.ended.first()});
        crowded = size_of(slot->second.ended) > keep;
      }
    }
    if (!crowded) data.crowded_slots.erase({number, index});
  }
}

// Of too many: one of whoever has the most, so that a flood of changes washes its own traces away and nobody
// else's. Who that is, a name says, or an address where nobody is asked for names and many are made up; an
// address that is mostly one name's, as a proxy's may be, is not blamed for it.
std::int64_t audit_to_remove(const State::Data& data) {
  const std::int64_t oldest = data.audits.begin()->first;
  if (size_of(data.audits) <= data.policy.audits_kept) return oldest;
  const bool by_name = data.audits_by_user.largest() * 2 >= data.audits_by_address.largest();
  const std::int64_t number =
      by_name ? data.audits_by_user.oldest_of_largest() : data.audits_by_address.oldest_of_largest();
  return number == data.audits.rbegin()->first ? oldest : number;
}

void remove_audits(Turn& turn, int& budget) {
  while (budget > 0 && audit_goes_at(turn.data) <= turn.now) {
    --budget;
    drop_audit(turn, audit_to_remove(turn.data));
  }
}

void remove_receipts(Turn& turn, int& budget) {
  while (budget > 0 && receipt_goes_at(turn.data) <= turn.now) {
    --budget;
    drop_receipt(turn, std::string(turn.data.receipts_by_age.begin()->second));
  }
}

}  // namespace

void remove_old(Turn& turn) {
  int budget = kRemovalsPerSettle;
  remove_jobs(turn, budget);
  remove_starts(turn, budget);
  remove_audits(turn, budget);
  remove_receipts(turn, budget);
}

Instant retention_at(const Turn& turn) {
  const State::Data& data = turn.data;
  if (!data.crowded_slots.empty()) return turn.now;
  return std::min({job_goes_at(data), audit_goes_at(data), receipt_goes_at(data)});
}

// At once: a job gets them one at a time.
void drop_old_versions(Turn& turn, JobEntry& entry) {
  const std::int64_t keep = std::max<std::int64_t>(turn.data.policy.versions_kept, 1);
  while (size_of(entry.versions) > keep) {
    const auto oldest = entry.versions.begin();
    turn.change(RemoveJobVersion{entry.record->id, oldest->first});
    entry.versions.erase(oldest);
  }
}

}  // namespace mimas::engine
