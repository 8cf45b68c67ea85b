#include "http/reply_budget.h"

#include <malloc.h>

#include <algorithm>

namespace mimas::http {

ReplyBudget::Share::Share(ReplyBudget& of, std::int64_t bytes)
    : of_(of), bytes_(bytes), granted_(of.take(bytes)) {}

ReplyBudget::Share::~Share() {
  if (granted_) of_.give_back(bytes_);
}

bool ReplyBudget::take(std::int64_t bytes) {
  std::int64_t now = under_way_.load();
  do {
    if (bytes > 0 && now > 0 && now + bytes > most_) return false;
  } while (!under_way_.compare_exchange_weak(now, now + bytes));
  std::int64_t peak = peak_.load();
  while (peak < now + bytes && !peak_.compare_exchange_weak(peak, now + bytes)) {
  }
  return true;
}

// At the end of the crowd rather than of every reply: looking through all arenas takes a moment.
void ReplyBudget::give_back(std::int64_t bytes) {
  const std::int64_t left = under_way_.fetch_sub(bytes) - bytes;
  std::int64_t peak = peak_.load();
  if (peak < kTrimBytes || left > peak / 4 || !peak_.compare_exchange_strong(peak, left)) return;
  ::malloc_trim(0);
}

}  // namespace mimas::http
