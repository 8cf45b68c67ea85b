#include "model/constraint.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "model/constraint_reader.h"
#include "model/pattern.h"

namespace mimas {
namespace {

using Kind = Constraint::Kind;

constexpr std::size_t kConstraintBytesMax = 256;
constexpr std::size_t kConstraintValuesMax = 64;
constexpr std::int64_t kMaxPerMost = 10'000;
constexpr std::int64_t kWeightMost = 100;

// Those that are one word.
constexpr std::array<std::pair<std::string_view, Kind>, 3> kWords{{
    {"UniqueHost", Kind::unique_host},
    {"ExclusiveHost", Kind::exclusive_host},
    {"ZoneBalance", Kind::group_by},
}};

Status with_value(ConstraintReader& in, Kind kind, Constraint& into) {
  if (in.at('=')) return in.expected("a value ('=' is written once)");
  into.kind = kind;
  into.values = {std::string(in.take_rest())};
  return into.values.front().empty() ? Status(in.expected("a value")) : Status(Done{});
}

Status with_list(ConstraintReader& in, Kind kind, Constraint& into) {
  into.kind = kind;
  if (!in.take("(")) return in.expected("'('");
  do {
    if (into.values.size() == kConstraintValuesMax) return in.expected("')' after 64 values");
    into.values.emplace_back(in.take_until("(),"));
    if (into.values.back().empty()) return in.expected("a value");
  } while (in.take(","));
  return in.take(")") ? in.end() : Status(in.expected("',' or ')'"));
}

Status with_pattern(ConstraintReader& in, Kind kind, Constraint& into) {
  into.kind = kind;
  const ConstraintReader before = in;
  into.values = {std::string(in.take_rest())};
  if (into.values.front().empty()) return before.expected("a regular expression");
  Result<std::shared_ptr<const Pattern>> pattern = Pattern::compile(into.values.front());
  if (!pattern.ok()) return before.expected("a regular expression: " + pattern.error().message);
  into.pattern = std::move(*pattern);
  return Done{};
}

Status with_number(ConstraintReader& in, Kind kind, Constraint& into) {
  into.kind = kind;
  const ConstraintReader before = in;
  into.values = {std::string(in.take_rest())};
  const std::optional<std::int64_t> number = parse_thousandths(into.values.front());
  if (!number) return before.expected("a number with up to three places");
  into.number = *number;
  return Done{};
}

Status read_operator(ConstraintReader& in, Constraint& into) {
  if (in.take("!=")) return with_value(in, Kind::not_equals, into);
  if (in.take("<=")) return with_number(in, Kind::at_most, into);
  if (in.take(">=")) return with_number(in, Kind::at_least, into);
  if (in.take("=")) return with_value(in, Kind::equals, into);
  if (in.take("<")) return with_number(in, Kind::less, into);
  if (in.take(">")) return with_number(in, Kind::greater, into);
  if (in.take_word("in")) return with_list(in, Kind::in, into);
  if (in.take_word("like")) return with_pattern(in, Kind::like, into);
  if (!in.take_word("not"))
    return in.expected("an operator (=, !=, <, <=, >, >=, in, not in, like, not like)");
  if (in.take_word("in")) return with_list(in, Kind::not_in, into);
  if (in.take_word("like")) return with_pattern(in, Kind::not_like, into);
  return in.expected("'in' or 'like' after 'not'");
}

Status read_attribute(ConstraintReader& in, Constraint& into) {
  into.attribute = std::string(in.take_name());
  return into.attribute.empty() ? Status(in.expected("the name of an attribute")) : Status(Done{});
}

Status read_number_of_tasks(ConstraintReader& in, Constraint& into) {
  const ConstraintReader before = in;
  const std::optional<std::int64_t> number = parse_digits(in.take_until("(),"));
  if (!number || *number < 1 || *number > kMaxPerMost) return before.expected("a number from 1 to 10000");
  into.number = *number;
  return Done{};
}

Status read_job(ConstraintReader& in, Constraint& into) {
  const ConstraintReader before = in;
  into.job = std::string(in.take_until("(),"));
  const std::size_t prefix = into.job.find(':') + 1;
  if (!(into.job.starts_with("job:") || into.job.starts_with("app:")) || prefix == into.job.size()) {
    return before.expected("job:NAME or app:NAME");
  }
  return Done{};
}

// What is written like a function; nothing when `name` is none.
std::optional<Status> read_call(std::string_view name, ConstraintReader& in, Constraint& into) {
  into.attribute.clear();
  Status read = Done{};
  if (name == "GroupBy" || name == "MaxPer") {
    into.kind = name == "GroupBy" ? Kind::group_by : Kind::max_per;
    in.take("(");
    read = read_attribute(in, into);
    if (read.ok() && into.kind == Kind::max_per) {
      read = in.take(",") ? read_number_of_tasks(in, into) : Status(in.expected("',' and a number"));
    }
  } else if (name == "with" || name == "apart") {
    into.kind = name == "with" ? Kind::with_job : Kind::apart_from_job;
    in.take("(");
    read = read_job(in, into);
  } else {
    return std::nullopt;
  }
  if (!read.ok()) return read;
  return in.take(")") ? in.end() : Status(in.expected("')'"));
}

Status read_constraint(ConstraintReader& in, Constraint& into) {
  if (in.take("!")) {
    into.kind = Kind::missing;
    const Status read = read_attribute(in, into);
    return read.ok() ? in.end() : read;
  }
  if (const Status read = read_attribute(in, into); !read.ok()) return read;
  if (in.at('(')) {
    const std::string name = into.attribute;
    if (auto called = read_call(name, in, into)) return *called;
    return in.expected("an operator, or one of GroupBy, MaxPer, with and apart before the parenthesis");
  }
  if (!in.at_end()) return read_operator(in, into);
  for (const auto& [word, kind] : kWords) {
    if (into.attribute != word) continue;
    into.kind = kind;
    into.attribute = kind == Kind::group_by ? "zone" : "";
  }
  return Done{};
}

}  // namespace

bool is_about_attributes(Kind kind) { return kind <= Kind::missing; }

Result<Constraint> parse_constraint(std::string_view text) {
  ConstraintReader in(text);
  if (text.size() > kConstraintBytesMax) {
    return make_error(Code::invalid_argument, "a constraint must not be longer than 256 bytes", {},
                      "write two, or a shorter expression");
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c < 0x20 && c != '\t') || c == 0x7f) return in.expected_at(i, "no control character");
  }
  Constraint constraint;
  if (const std::string_view weight = in.take_weight(); !weight.empty()) {
    const std::optional<std::int64_t> number = parse_digits(weight);
    if (!number || *number < 1 || *number > kWeightMost) {
      return in.expected_at(weight.data() - text.data(), "a weight from 1 to 100");
    }
    constraint.weight = *number;
    if (!ConstraintReader(in).take_weight().empty()) return in.expected_at(0, "one weight");
  }
  constraint.text = std::string(in.rest());
  if (const Status read = read_constraint(in, constraint); !read.ok()) return read.error();
  return constraint;
}

Result<Constraint> parse_hard_constraint(std::string_view text) {
  const std::string_view weight = ConstraintReader(text).take_weight();
  if (weight.empty()) return parse_constraint(text);
  return make_error(Code::invalid_argument, "a hard constraint has no weight: every one of them must hold",
                    {}, "leave the weight out, or make it a soft constraint");
}

std::string constraint_text(const Constraint& constraint) {
  if (constraint.weight == 1) return constraint.text;
  return constraint.text + " weight " + std::to_string(constraint.weight);
}

bool satisfies(const Constraint& constraint, const Attributes& attributes) {
  const auto at = attributes.find(constraint.attribute);
  const bool exists = at != attributes.end();
  const auto listed = [&] {
    return exists && std::find(constraint.values.begin(), constraint.values.end(), at->second) !=
                         constraint.values.end();
  };
  const auto matches = [&] {
    return exists && constraint.pattern && constraint.pattern->matches(at->second);
  };
  const auto compares = [&](auto holds) {
    const auto number = exists ? parse_thousandths(at->second) : std::nullopt;
    return number && holds(*number, constraint.number);
  };
  switch (constraint.kind) {
    case Kind::equals:
    case Kind::in: return listed();
    case Kind::not_equals:
    case Kind::not_in: return !listed();
    case Kind::like: return matches();
    case Kind::not_like: return !matches();
    case Kind::less: return compares(std::less<>());
    case Kind::at_most: return compares(std::less_equal<>());
    case Kind::greater: return compares(std::greater<>());
    case Kind::at_least: return compares(std::greater_equal<>());
    case Kind::exists: return exists;
    case Kind::missing: return !exists;
    case Kind::unique_host:
    case Kind::exclusive_host:
    case Kind::group_by:
    case Kind::max_per:
    case Kind::with_job:
    case Kind::apart_from_job: break;  // placement's to answer
  }
  return true;
}

}  // namespace mimas
