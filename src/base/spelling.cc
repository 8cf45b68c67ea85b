#include "base/spelling.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

namespace mimas {
namespace {

constexpr std::size_t kWordBytesMax = 40;
constexpr std::size_t kEditsMax = 2;

// Letters put in, left out, changed, or two neighbours that changed places (optimal string alignment), three
// rows at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, row(b.size() + 1), next(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      next[j] = std::min({change, row[j] + 1, next[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before = std::exchange(row, next);
  }
  return row[b.size()];
}

std::string in_small_letters(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

std::string_view nearest_word(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.empty() || word.size() > kWordBytesMax) return {};
  const std::string small = in_small_letters(word);
  std::string_view best;
  std::size_t best_edits = kEditsMax + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > small.size() + kEditsMax || small.size() > candidate.size() + kEditsMax) continue;
    const std::size_t edits = edit_distance(small, in_small_letters(candidate));
    // Two edits make any three-letter word out of any other one.
    if (edits < best_edits && edits * 2 < std::max<std::size_t>(candidate.size(), 3)) {
      best = candidate;
      best_edits = edits;
    }
  }
  return best;
}

}  // namespace mimas
