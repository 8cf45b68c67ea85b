// A regular expression of RE2's syntax, compiled once and shared. RE2 matches in time linear in the text, so
// an expression from outside cannot hold the loop. Limits: kPatternMemoryBytes for the compiled program and
// what matching keeps; beyond it compiling is refused. Immutable; thread-safe.
#pragma once

#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mimas {

inline constexpr std::int64_t kPatternMemoryBytes = 64 * 1024;

class Pattern {
 public:
  // The error's message is RE2's own reason.
  static Result<std::shared_ptr<const Pattern>> compile(std::string_view expression);

  bool matches(std::string_view text) const;  // the whole of it

  // Would a Mesos master take it among offer constraints (mesos-protocol §2.2)? It refuses the whole call for
  // one program that is too large by its RE2, which may count a little differently from ours: we keep to
  // half.
  bool is_fit_for_masters() const { return fit_for_masters_; }

 private:
  explicit Pattern(std::string_view expression);

  re2::RE2 compiled_;
  bool fit_for_masters_ = false;
};

}  // namespace mimas
