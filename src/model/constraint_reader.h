// A constraint's text, read from the left: tokens with the blanks behind them, and errors that name the
// column. Private to the parser in constraint.cc; tested through it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mimas {

class ConstraintReader {
 public:
  explicit ConstraintReader(std::string_view text);

  std::string_view take_weight();  // the digits of a " weight N" at the end; empty: there is none
  std::string_view rest() const { return rest_; }
  bool at_end() const { return rest_.empty(); }
  bool at(char c) const { return rest_.starts_with(c); }
  bool take(std::string_view token);                    // exactly that, whatever follows
  bool take_word(std::string_view word);                // exactly that, and no more letters of a name behind
  std::string_view take_name();                         // empty: none begins here
  std::string_view take_until(std::string_view stops);  // trimmed; up to one of the characters or the end
  std::string_view take_rest();
  Status end() const;  // an error unless everything was taken

  Error expected(std::string_view what) const { return expected_at(rest_.data() - text_.data(), what); }
  Error expected_at(std::ptrdiff_t offset, std::string_view what) const;  // from the text's first byte

 private:
  std::string_view taken(std::size_t bytes);

  std::string_view text_, rest_;
};

// "12" → 12: one to nine digits, nothing else.
std::optional<std::int64_t> parse_digits(std::string_view text);
// "-1.25" → -1250: up to twelve digits before the point and three behind it.
std::optional<std::int64_t> parse_thousandths(std::string_view text);

}  // namespace mimas
