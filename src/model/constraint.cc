#include "model/constraint.h"

#include <algorithm>

namespace mimas {
namespace {

constexpr std::size_t kConstraintBytesMax = 256;
constexpr std::size_t kConstraintValuesMax = 64;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || c == ':' || c == '/';
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

Error bad(std::string why) {
  return make_error(Code::invalid_argument, "constraint " + std::move(why), {},
                    "write name=value, name!=value, name in (a, b), name not in (a, b), name, or UniqueHost");
}

// A word and the blanks behind it, if `rest` begins with exactly that word.
bool take_word(std::string_view& rest, std::string_view word) {
  if (!rest.starts_with(word)) return false;
  std::string_view after = rest.substr(word.size());
  if (!after.empty() && is_name_char(after.front())) return false;
  rest = trim(after);
  return true;
}

Result<std::vector<std::string>> parse_list(std::string_view text) {
  if (text.size() < 2 || text.front() != '(' || text.back() != ')') return bad("needs a list in parentheses");
  text = text.substr(1, text.size() - 2);
  std::vector<std::string> values;
  while (true) {
    std::size_t comma = text.find(',');
    std::string_view value = trim(text.substr(0, comma));
    if (value.empty()) return bad("has an empty value in its list");
    if (value.find_first_of("()") != std::string_view::npos) return bad("has a parenthesis inside its list");
    if (values.size() == kConstraintValuesMax) return bad("has more than 64 values in its list");
    values.emplace_back(value);
    if (comma == std::string_view::npos) return values;
    text.remove_prefix(comma + 1);
  }
}

Result<Constraint> with_list(Constraint constraint, Constraint::Kind kind, std::string_view list) {
  Result<std::vector<std::string>> values = parse_list(list);
  if (!values.ok()) return values.error();
  constraint.kind = kind;
  constraint.values = std::move(*values);
  return constraint;
}

Result<Constraint> with_value(Constraint constraint, Constraint::Kind kind, std::string_view value) {
  value = trim(value);
  if (value.empty()) return bad("has no value after its operator");
  if (value.front() == '=') return bad("has '==' where '=' is meant");
  constraint.kind = kind;
  constraint.values = {std::string(value)};
  return constraint;
}

}  // namespace

Result<Constraint> parse_constraint(std::string_view text) {
  text = trim(text);
  if (text.empty()) return bad("must not be empty");
  if (text.size() > kConstraintBytesMax) return bad("must not be longer than 256 bytes");
  for (unsigned char c : text) {
    if ((c < 0x20 && c != '\t') || c == 0x7f) return bad("must not contain control characters");
  }
  Constraint constraint;
  constraint.text = std::string(text);
  if (text == "UniqueHost") {
    constraint.kind = Constraint::Kind::unique_host;
    return constraint;
  }
  std::size_t end = 0;
  while (end < text.size() && is_name_char(text[end])) ++end;
  if (end == 0) return bad("must begin with an attribute's name");
  constraint.attribute = std::string(text.substr(0, end));
  std::string_view rest = trim(text.substr(end));
  if (rest.empty()) return constraint;
  if (rest.starts_with("!=")) {
    return with_value(std::move(constraint), Constraint::Kind::not_equals, rest.substr(2));
  }
  if (rest.front() == '=') return with_value(std::move(constraint), Constraint::Kind::equals, rest.substr(1));
  if (take_word(rest, "in")) return with_list(std::move(constraint), Constraint::Kind::in, rest);
  if (take_word(rest, "not") && take_word(rest, "in")) {
    return with_list(std::move(constraint), Constraint::Kind::not_in, rest);
  }
  return bad("has an unknown operator after '" + constraint.attribute + "'");
}

bool is_about_attributes(Constraint::Kind kind) { return kind <= Constraint::Kind::missing; }

bool satisfies(const Constraint& constraint, const Attributes& attributes) {
  auto at = attributes.find(constraint.attribute);
  bool exists = at != attributes.end();
  auto listed = [&] {
    return exists && std::find(constraint.values.begin(), constraint.values.end(), at->second) !=
                         constraint.values.end();
  };
  switch (constraint.kind) {
    case Constraint::Kind::equals:
    case Constraint::Kind::in: return listed();
    case Constraint::Kind::not_equals:
    case Constraint::Kind::not_in: return !listed();
    case Constraint::Kind::exists: return exists;
    case Constraint::Kind::missing: return !exists;
    default: break;
  }
  return true;
}

}  // namespace mimas
