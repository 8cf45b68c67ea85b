#include "pocket/offer_constraints.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>

namespace mimas::pocket {
namespace {

using Constraint = mscheduler::AttributeConstraint;
using Predicate = Constraint::Predicate;
using Selector = Constraint::Selector;

// Of a predicate that has one; nullptr: it has none.
const std::string* regex_of(const Predicate& predicate) {
  if (predicate.predicate_case() == Predicate::kTextMatches) return &predicate.text_matches().regex();
  if (predicate.predicate_case() == Predicate::kTextNotMatches) return &predicate.text_not_matches().regex();
  return nullptr;
}

// By the same library and with the same bounds as a Mesos master's.
re2::RE2::Options options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kConstraintRegexMemoryBytes);
  return options;
}

std::string check_regex(const std::string& pattern) {
  const re2::RE2 compiled(pattern, options());
  if (!compiled.ok()) {
    return "Failed to construct regex from pattern '" + pattern + "': " + compiled.error();
  }
  if (compiled.ProgramSize() > kConstraintRegexProgramMax) return "Regex '" + pattern + "' is too large";
  return {};
}

std::string check_constraint(const Constraint& constraint) {
  const Selector& selector = constraint.selector();
  const bool pseudo =
      selector.has_pseudoattribute_type() && selector.pseudoattribute_type() != Selector::UNKNOWN;
  if (!pseudo && !selector.has_attribute_name())
    return "Exactly one of 'AttributeConstraint::Selector::name' or "
           "'AttributeConstraint::Selector::pseudoattribute_type' must be present";
  if (constraint.predicate().predicate_case() == Predicate::PREDICATE_NOT_SET)
    return "Unknown predicate type";
  const std::string* pattern = regex_of(constraint.predicate());
  return pattern == nullptr ? std::string() : check_regex(*pattern);
}

// What a selector finds on an agent.
struct Selected {
  std::optional<std::string> text;
  bool is_text = true;
};

Selected select(const Selector& selector, const mv1::AgentInfo& agent) {
  if (selector.has_pseudoattribute_type()) {
    const auto& place = agent.domain().fault_domain();
    if (selector.pseudoattribute_type() == Selector::HOSTNAME) return {agent.hostname()};
    if (!agent.domain().has_fault_domain()) return {};
    if (selector.pseudoattribute_type() == Selector::REGION) return {place.region().name()};
    if (selector.pseudoattribute_type() == Selector::ZONE) return {place.zone().name()};
    return {};
  }
  for (const auto& attribute : agent.attributes())  // the first of that name counts
    if (attribute.name() == selector.attribute_name())
      return {attribute.text().value(), attribute.type() == mv1::Value::TEXT};
  return {};
}

bool matches(const std::string& text, const std::string& pattern) {
  return re2::RE2::FullMatch(text, re2::RE2(pattern, options()));
}

// Predicates on text are true for attributes that are not text: the scheduler looks itself.
bool satisfies(const Constraint& constraint, const mv1::AgentInfo& agent) {
  const Selected found = select(constraint.selector(), agent);
  const Predicate& predicate = constraint.predicate();
  const bool present = found.text.has_value();
  switch (predicate.predicate_case()) {
    case Predicate::kExists: return present;
    case Predicate::kNotExists: return !present;
    case Predicate::kTextEquals:
      return present && (!found.is_text || *found.text == predicate.text_equals().value());
    case Predicate::kTextNotEquals:
      return !present || !found.is_text || *found.text != predicate.text_not_equals().value();
    case Predicate::kTextMatches:
      return present && (!found.is_text || matches(*found.text, predicate.text_matches().regex()));
    case Predicate::kTextNotMatches:
      return !present || !found.is_text || !matches(*found.text, predicate.text_not_matches().regex());
    default: return true;
  }
}

}  // namespace

std::string check_offer_constraints(const mscheduler::OfferConstraints& constraints) {
  for (const auto& [role, of_role] : constraints.role_constraints()) {
    const auto invalid = [&](const std::string& why) { return "Role '" + role + "': " + why; };
    if (of_role.groups().empty())
      return invalid("'OfferConstraints::RoleConstraints::groups' must be non-empty");
    for (const auto& group : of_role.groups()) {
      if (group.attribute_constraints().empty())
        return invalid("'OfferConstraints::RoleConstraints::Group::attribute_constraints' must be non-empty");
      for (const Constraint& constraint : group.attribute_constraints())
        if (const std::string why = check_constraint(constraint); !why.empty()) return invalid(why);
    }
  }
  return {};
}

std::string check_constraint_roles(const mscheduler::OfferConstraints& constraints,
                                   const std::vector<std::string>& roles) {
  for (const auto& [role, of_role] : constraints.role_constraints())
    if (std::find(roles.begin(), roles.end(), role) == roles.end())
      return "Offer constraints specify `role_constraints` for a role '" + role +
             "' which is not contained in the set of roles";
  return {};
}

bool constraints_allow(const mscheduler::OfferConstraints& constraints, const std::string& role,
                       const mv1::AgentInfo& agent) {
  const auto found = constraints.role_constraints().find(role);
  if (found == constraints.role_constraints().end()) return true;
  const auto& groups = found->second.groups();
  return std::any_of(groups.begin(), groups.end(), [&](const auto& group) {
    return std::all_of(group.attribute_constraints().begin(), group.attribute_constraints().end(),
                       [&](const auto& constraint) { return satisfies(constraint, agent); });
  });
}

}  // namespace mimas::pocket
