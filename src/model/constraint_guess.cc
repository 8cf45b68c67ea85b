#include "model/constraint_guess.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mimas {
namespace {

std::string small_letters(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view without_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// One word, in small letters, for ours.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kWords{{
    {"uniquehost", "UniqueHost"},
    {"unique_host", "UniqueHost"},
    {"unique-host", "UniqueHost"},
    {"distinct_hosts", "UniqueHost"},
    {"distincthosts", "UniqueHost"},
    {"distinct-hosts", "UniqueHost"},
    {"exclusivehost", "ExclusiveHost"},
    {"exclusive_host", "ExclusiveHost"},
    {"exclusive-host", "ExclusiveHost"},
    {"zonebalance", "ZoneBalance"},
    {"zone_balance", "ZoneBalance"},
    {"distinct_property", "MaxPer(NAME, 1)"},
}};

std::string guess_word(std::string_view text) {
  const std::string small = small_letters(text);
  for (const auto& [word, ours] : kWords) {
    if (small == word && text != ours) return std::string(ours);
  }
  return {};
}

// FIELD:OPERATOR:VALUE, by Marathon's operators; FIELD:VALUE, as Mesos writes attributes.
std::string guess_triple(const std::string& field, std::string_view rest) {
  const std::size_t colon = std::min(rest.find(':'), rest.size());
  const std::string name = small_letters(without_blanks(rest.substr(0, colon)));
  const std::string value(colon < rest.size() ? without_blanks(rest.substr(colon + 1)) : std::string_view());
  if (name == "unique") return field == "hostname" ? "UniqueHost" : "MaxPer(" + field + ", 1)";
  if (name == "group_by") return "GroupBy(" + field + ")";
  if (name == "max_per") return "MaxPer(" + field + ", " + (value.empty() ? "1" : value) + ")";
  if (name == "like") return field + " like " + (value.empty() ? "REGEX" : value);
  if (name == "unlike") return field + " not like " + (value.empty() ? "REGEX" : value);
  if (name == "cluster" || name == "is") return field + "=" + (value.empty() ? "VALUE" : value);
  return field + "=" + std::string(without_blanks(rest));
}

}  // namespace

std::string guess_constraint(std::string_view text) {
  text = without_blanks(text);
  const bool without = text.starts_with('!');
  if (without) text = without_blanks(text.substr(1));
  const std::size_t colon = text.find(':');
  // Behind an operator, a blank or a parenthesis a colon is a part of some value.
  if (colon == 0 || colon == std::string_view::npos ||
      text.substr(0, colon).find_first_of(" \t=!<>(),") != std::string_view::npos) {
    return without ? std::string() : guess_word(text);
  }
  const std::string field(text.substr(0, colon));
  if (without) return field + "!=" + std::string(without_blanks(text.substr(colon + 1)));
  return guess_triple(field, text.substr(colon + 1));
}

}  // namespace mimas
