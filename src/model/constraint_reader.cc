#include "model/constraint_reader.h"

#include <algorithm>

namespace mimas {
namespace {

constexpr std::size_t kDigitsMax = 9;
constexpr std::size_t kWholeDigitsMax = 12;
constexpr std::size_t kPlacesMax = 3;

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '-' ||
         c == '.' || c == ':' || c == '/';
}

std::string_view skip_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view drop_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<std::int64_t> digits(std::string_view text, std::size_t most) {
  if (text.empty() || text.size() > most || !std::all_of(text.begin(), text.end(), is_digit)) {
    return std::nullopt;
  }
  std::int64_t number = 0;
  for (char c : text) number = number * 10 + (c - '0');
  return number;
}

}  // namespace

ConstraintReader::ConstraintReader(std::string_view text)
    : text_(text), rest_(drop_blanks(skip_blanks(text))) {}

std::string_view ConstraintReader::take_weight() {
  std::string_view left = rest_;
  while (!left.empty() && is_digit(left.back())) left.remove_suffix(1);
  const std::string_view number = rest_.substr(left.size());
  std::string_view before = drop_blanks(left);
  constexpr std::string_view kWord = "weight";
  if (number.empty() || before.size() == left.size() || !before.ends_with(kWord)) return {};
  before.remove_suffix(kWord.size());
  if (drop_blanks(before).size() == before.size()) return {};  // part of a longer word, or nothing before it
  rest_ = drop_blanks(before);
  return number;
}

std::string_view ConstraintReader::taken(std::size_t bytes) {
  const std::string_view token = rest_.substr(0, bytes);
  rest_ = skip_blanks(rest_.substr(token.size()));
  return token;
}

bool ConstraintReader::take(std::string_view token) {
  if (!rest_.starts_with(token)) return false;
  taken(token.size());
  return true;
}

bool ConstraintReader::take_word(std::string_view word) {
  if (!rest_.starts_with(word)) return false;
  if (rest_.size() > word.size() && is_name_char(rest_[word.size()])) return false;
  taken(word.size());
  return true;
}

std::string_view ConstraintReader::take_name() {
  return taken(
      static_cast<std::size_t>(std::find_if_not(rest_.begin(), rest_.end(), is_name_char) - rest_.begin()));
}

std::string_view ConstraintReader::take_until(std::string_view stops) {
  return drop_blanks(taken(std::min(rest_.find_first_of(stops), rest_.size())));
}

std::string_view ConstraintReader::take_rest() { return taken(rest_.size()); }

Status ConstraintReader::end() const { return at_end() ? Status(Done{}) : Status(expected("nothing more")); }

Error ConstraintReader::expected_at(std::ptrdiff_t offset, std::string_view what) const {
  return make_error(Code::invalid_argument,
                    "a constraint is not understood at column " + std::to_string(offset + 1) + ": expected " +
                        std::string(what),
                    {},
                    "write name=value, name!=value, name in (a, b), name not in (a, b), name like REGEX, "
                    "name>=number, name, !name, UniqueHost, ExclusiveHost, ZoneBalance, GroupBy(name), "
                    "MaxPer(name, n), with(job:X) or apart(app:X)");
}

std::optional<std::int64_t> parse_digits(std::string_view text) { return digits(text, kDigitsMax); }

std::optional<std::int64_t> parse_thousandths(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  const auto whole = digits(text.substr(0, point), kWholeDigitsMax);
  if (!whole) return std::nullopt;
  std::int64_t thousandths = *whole * 1000;
  if (point < text.size()) {
    std::string places(text.substr(point + 1));
    if (places.empty() || places.size() > kPlacesMax) return std::nullopt;
    places.resize(kPlacesMax, '0');
    const auto fraction = digits(places, kPlacesMax);
    if (!fraction) return std::nullopt;
    thousandths += *fraction;
  }
  return negative ? -thousandths : thousandths;
}

}  // namespace mimas
