// Collects the faults of one request, so that all are answered together. Bounded: beyond kFaultsMax they are
// only counted, and the last fault says how many there were. Not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/problem.h"
#include "base/text.h"
#include "json/value.h"

namespace mimas::api {

inline constexpr std::string_view kNotServed = "is not supported by this version";

class Faults {
 public:
  void add(std::string pointer, std::string detail, std::string value = {}, std::string limit = {});
  // Of a value in the body: its pointer and its own text, cut, come along.
  void at(const json::Value& value, std::string detail, std::string limit = {});

  // The same for what a later version will take: kNotServed.
  void later(const json::Value& value, std::string detail, std::string limit = {});

  // As the free guess below, for the first kGuessesMax that ask: to compare names costs more than to read
  // them, and whoever sends thousands of unknown ones has not mistyped them.
  std::string guess(std::string_view name, const std::vector<std::string_view>& known);

  std::size_t count() const { return listed_.size() + unlisted_; }
  std::vector<Fault> take();

 private:
  std::vector<Fault> listed_;
  std::size_t unlisted_ = 0;
  std::size_t guesses_ = 0;
};

// One segment of a JSON pointer: '~' and '/' escaped.
std::string pointer_segment(std::string_view name);

// Empty when `text` may stand in a name, label or id: at most `bytes_max` bytes, no control characters.
// Otherwise what is wrong with it.
std::string text_fault(std::string_view text, std::size_t bytes_max);

// ", did you mean `name`?" where a known name is near, else nothing.
std::string guess(std::string_view name, const std::vector<std::string_view>& known);

// The known name that a person most likely meant by `name`: at most two edits away, or a common other word
// for it. Empty when none is near.
std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& known);

}  // namespace mimas::api
