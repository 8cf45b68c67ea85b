// read_constraints of api/job_fields.h: lists of expressions, and the maps of Titus's v3 API.
#include "api/job_fields.h"

namespace mimas::api {
namespace {

bool is_for_later(std::string_view name) { return name == "ZoneBalance" || name == "ExclusiveHost"; }

void add_hard(const json::Value& where, const std::string& text, JobSpec& spec, Faults& faults) {
  if (is_for_later(text)) {
    faults.later(where, text + " is not supported by this version as a hard constraint");
    return;
  }
  auto parsed = parse_constraint(text);
  if (!parsed.ok()) {
    const Error& error = parsed.error();
    faults.at(where, error.hint.empty() ? error.message : error.message + " (" + error.hint + ")");
    return;
  }
  spec.hard_constraints.push_back(std::move(parsed).value());
}

// {"arch": "arm", "UniqueHost": "true"} → texts; false takes a flag away.
std::optional<std::string> map_entry_text(std::string_view name, const json::Value& value, Faults& faults) {
  const bool is_flag = name == "UniqueHost" || name == "uniqueHost" || is_for_later(name);
  if (is_flag && value.is_bool()) return value.boolean().value() ? std::string(name) : std::string();
  const auto text = plain_text(value, kConstraintBytesMax, false, faults);
  if (!text) return std::nullopt;
  if (!is_flag) {
    // The pair must mean itself, whatever characters the two hold.
    const std::string expression = std::string(name) + "=" + *text;
    const auto parsed = parse_constraint(expression);
    if (parsed.ok() && parsed->kind == Constraint::Kind::equals && parsed->attribute == name &&
        parsed->values == std::vector<std::string>{*text}) {
      return expression;
    }
    faults.at(value, "must be the name of an attribute and its value");
    return std::nullopt;
  }
  if (*text == "true" || text->empty()) return std::string(name);
  if (*text == "false") return std::string();
  faults.at(value, "must be true or false");
  return std::nullopt;
}

struct Expression {
  json::Value where;
  std::string text;
};

std::vector<Expression> read_expressions(FieldReader& in, std::string_view field) {
  std::vector<Expression> out;
  Faults& faults = in.faults();
  const auto found = in.take(field);
  if (!found || (is_unset(*found) && (found->is_array() || found->is_object() || found->is_string())))
    return out;
  if (!found->is_array() && !found->is_object()) {
    faults.at(*found, type_fault("an array of expressions or an object", *found));
    return out;
  }
  if (found->size() > kConstraintsMax) {
    faults.at(*found, "must not have more than " + std::to_string(kConstraintsMax) + " constraints",
              std::to_string(kConstraintsMax));
    return out;
  }
  for (std::size_t i = 0; i < found->size(); ++i) {
    const json::Value value = found->at(i);
    auto text = found->is_object() ? map_entry_text(found->name(i), value, faults)
                                   : plain_text(value, kConstraintBytesMax, false, faults);
    if (!text || (found->is_object() && text->empty())) continue;
    if (*text == "uniqueHost") *text = "UniqueHost";
    out.push_back({value, std::move(*text)});
  }
  return out;
}

}  // namespace

void read_constraints(FieldReader& in, JobSpec& spec) {
  for (const Expression& hard : read_expressions(in, "hardConstraints")) {
    add_hard(hard.where, hard.text, spec, in.faults());
  }
  for (Expression& soft : read_expressions(in, "softConstraints")) {
    if (soft.text.empty()) {
      in.faults().at(soft.where, "must not be empty");
    } else {
      spec.soft_constraints.emplace_back().text = std::move(soft.text);
    }
  }
}

}  // namespace mimas::api
