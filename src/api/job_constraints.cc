// read_constraints of api/job_fields.h: lists of expressions, and the maps of Titus's v3 API.
#include "api/job_fields.h"
#include "model/constraint_guess.h"

namespace mimas::api {
namespace {

// Constraints that are one word, by their own name and by Titus's of the v3 API; empty: none.
std::string_view flag_of(std::string_view name) {
  if (name == "UniqueHost" || name == "uniqueHost") return "UniqueHost";
  if (name == "ExclusiveHost" || name == "exclusiveHost") return "ExclusiveHost";
  if (name == "ZoneBalance" || name == "zoneBalance") return "ZoneBalance";
  return {};
}

using Parser = Result<Constraint> (*)(std::string_view);

// What other schedulers' spellings would read as: an attribute that no agent can have.
void refuse_foreign(const json::Value& where, const std::string& guess, Faults& faults) {
  faults.at(where, "is written in the way of another scheduler, and would never hold: did you mean `" +
                       guess + "`?");
}

void add(const json::Value& where, const std::string& text, Parser parse, std::vector<Constraint>& into,
         Faults& faults) {
  if (const std::string guess = guess_constraint(text); !guess.empty()) {
    return refuse_foreign(where, guess, faults);
  }
  auto parsed = parse(text);
  if (!parsed.ok()) {
    const Error& error = parsed.error();
    faults.at(where, error.hint.empty() ? error.message : error.message + " (" + error.hint + ")");
    return;
  }
  into.push_back(std::move(parsed).value());
}

// {"arch": "arm", "UniqueHost": "true"} → texts; false takes a flag away.
std::optional<std::string> map_entry_text(std::string_view name, const json::Value& value, Faults& faults) {
  const std::string_view flag = flag_of(name);
  if (!flag.empty() && value.is_bool()) return std::string(value.boolean().value() ? flag : "");
  const auto text = plain_text(value, kConstraintBytesMax, false, faults);
  if (!text) return std::nullopt;
  if (flag.empty()) {
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
  if (*text == "true" || text->empty()) return std::string(flag);
  if (*text == "false") return std::string();
  faults.at(value, "must be true or false");
  return std::nullopt;
}

// ["hostname", "UNIQUE"], as Marathon has it, as one text; empty: it is no such list.
std::string joined_list(const json::Value& value) {
  std::string text;
  for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
    if (!value.at(i).is_string()) return {};
    text += (i == 0 ? "" : ":") + std::string(value.at(i).string().value());
  }
  return text;
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
    const bool ours = found->is_object() && !flag_of(found->name(i)).empty();
    const std::string foreign = found->is_object() ? std::string(found->name(i)) : joined_list(value);
    if (const std::string guess = ours ? std::string() : guess_constraint(foreign); !guess.empty()) {
      refuse_foreign(value, guess, faults);
      continue;
    }
    auto text = found->is_object() ? map_entry_text(found->name(i), value, faults)
                                   : plain_text(value, kConstraintBytesMax, false, faults);
    if (!text || (found->is_object() && text->empty())) continue;
    if (const std::string_view flag = flag_of(*text); !flag.empty()) *text = flag;
    out.push_back({value, std::move(*text)});
  }
  return out;
}

}  // namespace

void read_constraints(FieldReader& in, JobSpec& spec) {
  for (const Expression& hard : read_expressions(in, "hardConstraints")) {
    add(hard.where, hard.text, parse_hard_constraint, spec.hard_constraints, in.faults());
  }
  for (const Expression& soft : read_expressions(in, "softConstraints")) {
    add(soft.where, soft.text, parse_constraint, spec.soft_constraints, in.faults());
  }
}

}  // namespace mimas::api
