// A placement constraint as text and as value. Grammar:
//   name=value   name!=value   name in (a, b, c)   name not in (a, b)   name (the attribute exists)
//   UniqueHost
// `name` is an agent attribute or the pseudo-attributes hostname and agentId. Values are compared as text,
// exactly. Blanks around tokens are ignored. Limits: 256 bytes a constraint, 64 values a list.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mimas {

using Attributes =
    std::map<std::string, std::string, std::less<>>;  // name → text; the first of duplicates wins

struct Constraint {
  enum class Kind { equals, not_equals, in, not_in, exists, unique_host };
  Kind kind = Kind::exists;
  std::string attribute;            // empty for unique_host
  std::vector<std::string> values;  // one for equals/not_equals, one or more for in/not_in
  std::string text;                 // as the user wrote it, trimmed
  bool operator==(const Constraint&) const = default;
};

Result<Constraint> parse_constraint(std::string_view text);

// For every kind but unique_host (which needs to know who runs where; placement answers it).
// A missing attribute satisfies != and not in, and nothing else.
bool satisfies(const Constraint& constraint, const Attributes& attributes);

}  // namespace mimas
