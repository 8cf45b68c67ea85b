#include "api/faults.h"

#include <algorithm>
#include <array>
#include <utility>

#include "api/job_limits.h"
#include "base/spelling.h"

namespace mimas::api {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

constexpr std::size_t kOtherWordBytesMax = 40;  // longer ones are not looked at

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
  if (const std::string_view near = nearest_word(name, known); !near.empty()) return near;
  if (name.size() > kOtherWordBytesMax) return {};
  const std::string small = lower(name);
  for (const auto& [word, meant] : kOtherWords) {
    if (small == word && std::ranges::find(known, meant) != known.end()) return meant;
  }
  return {};
}

}  // namespace mimas::api
