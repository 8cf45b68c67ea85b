#include "api/faults.h"

#include <algorithm>
#include <array>
#include <utility>

#include "api/job_limits.h"

namespace mimas::api {
namespace {

// Levenshtein's distance, one row at a time. Names are short: callers bound both.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// What other schedulers and our own answers call it, too far away for a count of edits.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kOtherWords{{
    {"environment", "env"},
    {"mem", "memory"},
    {"ram", "memory"},
    {"cmd", "entryPoint"},
    {"shell", "entryPoint"},
    {"args", "command"},
    {"argv", "command"},
    {"image", "applicationName"},
    {"tag", "version"},
    {"gpus", "gpu"},
    {"constraints", "hardConstraints"},
    {"cwd", "workingDirectory"},
    {"timeout", "runtimeLimitSecs"},
    {"uris", "artifacts"},
}};

}  // namespace

void Faults::add(std::string pointer, std::string detail, std::string value, std::string limit) {
  if (listed_.size() >= kFaultsMax) {
    ++unlisted_;
    return;
  }
  listed_.push_back(
      {std::move(pointer), std::move(detail), cut_text(value, kFaultValueBytes), std::move(limit)});
}

void Faults::at(const json::Value& value, std::string detail, std::string limit) {
  if (listed_.size() >= kFaultsMax) {
    ++unlisted_;
    return;
  }
  add(value.pointer(), std::move(detail), value.dump(), std::move(limit));
}

void Faults::later(const json::Value& value, std::string detail, std::string limit) {
  const std::size_t before = listed_.size();
  at(value, std::move(detail), std::move(limit));
  if (listed_.size() > before) listed_.back().later = true;
}

std::string Faults::guess(std::string_view name, const std::vector<std::string_view>& known) {
  if (guesses_ == kGuessesMax) return {};
  ++guesses_;
  return api::guess(name, known);
}

std::vector<Fault> Faults::take() {
  if (unlisted_ > 0) listed_.push_back({"", "and " + std::to_string(unlisted_) + " more faults", "", ""});
  unlisted_ = 0;
  return std::exchange(listed_, {});
}

std::string pointer_segment(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string text_fault(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) return "must not be longer than " + std::to_string(bytes_max) + " bytes";
  for (unsigned char c : text) {
    if (c < 0x20 || c == 0x7f) return "must not contain control characters such as line breaks";
  }
  return {};
}

std::string guess(std::string_view name, const std::vector<std::string_view>& known) {
  const std::string_view meant = nearest_name(name, known);
  return meant.empty() ? std::string() : ", did you mean `" + std::string(meant) + "`?";
}

std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& known) {
  constexpr std::size_t kNameBytesMax = 40;
  constexpr std::size_t kEditsMax = 2;
  if (name.empty() || name.size() > kNameBytesMax) return {};
  const std::string small = lower(name);
  std::string_view best;
  std::size_t best_edits = kEditsMax + 1;
  for (std::string_view candidate : known) {
    if (candidate.size() > small.size() + kEditsMax || small.size() > candidate.size() + kEditsMax) continue;
    const std::size_t edits = edit_distance(small, lower(candidate));
    // Two edits make any three-letter word out of any other one.
    if (edits < best_edits && edits * 2 < std::max<std::size_t>(candidate.size(), 3)) {
      best = candidate;
      best_edits = edits;
    }
  }
  if (!best.empty()) return best;
  for (const auto& [word, meant] : kOtherWords) {
    if (small == word && std::ranges::find(known, meant) != known.end()) return meant;
  }
  return {};
}

}  // namespace mimas::api
