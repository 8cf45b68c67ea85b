// A placement constraint as text and as value: the one language of hardConstraints, softConstraints, the
// command line and operators' rules. Grammar (blanks around tokens are ignored; a soft one may end in "
// weight N", 1..100):
//   name=value  name!=value  name in (a, b)  name not in (a, b)  name like REGEX  name not like REGEX
//   name<number  name<=number  name>number  name>=number  name  !name
//   UniqueHost  ExclusiveHost  ZoneBalance  GroupBy(name)  MaxPer(name, n)
//   with(job:X)  with(app:X)  apart(job:X)  apart(app:X)
// `name` is an agent attribute or one of the pseudo-attributes hostname, agentId, zone, region. Values are
// compared as text, exactly; `like` matches the whole value by RE2's syntax; numbers are decimal with up to
// three places. ZoneBalance is GroupBy(zone). Limits: 256 bytes a constraint, 64 values a list, n 1..10,000.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mimas {

using Attributes =
    std::map<std::string, std::string, std::less<>>;  // name → text; the first of duplicates wins

class Pattern;  // a compiled regular expression; immutable, shared

struct Constraint {
  enum class Kind {
    equals,
    not_equals,
    in,
    not_in,
    like,
    not_like,
    less,
    at_most,
    greater,
    at_least,
    exists,
    missing,
    unique_host,     // no two tasks of the job on one agent
    exclusive_host,  // nobody else's task on the agent, before or after
    group_by,        // as many tasks of the job on each value of the attribute, within one
    max_per,         // at most `number` tasks of the job on each value of the attribute
    with_job,        // where a task of the named job or application runs
    apart_from_job,  // where none does, and none comes later
  };
  Kind kind = Kind::exists;
  std::string attribute;            // empty for those that name none
  std::vector<std::string> values;  // one for equals … at_least, one or more for in/not_in
  std::int64_t number = 0;          // max_per: n; less … at_least: the number in thousandths
  std::string job;                  // with_job, apart_from_job: "job:X" (id or name) or "app:X" (appName)
  std::int64_t weight = 1;          // of a soft one among the others, 1..100
  std::shared_ptr<const Pattern> pattern;  // like, not_like
  std::string text;                        // as the user wrote it, trimmed, without the weight
  // Equal texts and weights mean the same.
  bool operator==(const Constraint& other) const { return text == other.text && weight == other.weight; }
};

// Does the kind ask about an agent's attributes alone, so that satisfies() answers it?
bool is_about_attributes(Constraint::Kind kind);

// The message of an error tells the column (1 is the first byte) at which the text is not understood.
Result<Constraint> parse_constraint(std::string_view text);
// The same for one that must hold: a weight is refused.
Result<Constraint> parse_hard_constraint(std::string_view text);
std::string constraint_text(const Constraint& constraint);  // with its weight: as it is parsed again

// For the kinds that ask about attributes. A missing attribute satisfies !=, not in, not like and !name, and
// nothing else; a value that is no number satisfies no comparison of numbers.
bool satisfies(const Constraint& constraint, const Attributes& attributes);

}  // namespace mimas
