// Offer constraints (mesos-protocol §2.2): while everything that waits in a role can only run on some agents,
// the master is asked for offers of those alone. The master's predicates are texts to compare, so a list is
// spelt out as alternatives, and of a comparison of numbers it is said that the attribute must be there. What
// cannot be said is left out: UniqueHost and its like, agentId, expressions above the master's bounds, and
// zone and region, which an agent may tell by an attribute or by its fault domain. Constraints may let too
// much pass, never too little, for placement decides again. They are said late and taken back at once.
#include <algorithm>

#include "engine/lines.h"
#include "engine/parts.h"
#include "model/pattern.h"

namespace mimas::engine {
namespace {

using Group = OfferGroup;

constexpr std::size_t kGroupsMax = 64;  // of one role; with more, none is said
constexpr int kLinesMax = 256;          // looked at; a queue of more kinds is not worth constraining

using Kind = AttributeTest::Kind;

AttributeTest test_of(Kind kind, const std::string& attribute, const std::string& value = {}) {
  AttributeTest test;
  test.kind = kind;
  if (attribute == "hostname") {
    test.selector = AttributeTest::Selector::hostname;
  } else {
    test.attribute = attribute;
  }
  test.value = value;
  return test;
}

void add_to_all(std::vector<Group>& groups, const AttributeTest& test) {
  for (Group& group : groups) group.push_back(test);
}

void add_alternatives(std::vector<Group>& groups, const Constraint& list) {
  if (groups.size() * list.values.size() > kGroupsMax) return;  // left out: lets more pass
  std::vector<Group> product;
  for (const Group& group : groups) {
    for (const std::string& value : list.values) {
      product.push_back(group);
      product.back().push_back(test_of(Kind::text_equals, list.attribute, value));
    }
  }
  groups = std::move(product);
}

void add(std::vector<Group>& groups, const Constraint& constraint) {
  const std::string& name = constraint.attribute;
  if (name == "agentId" || name == "zone" || name == "region") return;
  const bool like = constraint.kind == Constraint::Kind::like;
  switch (constraint.kind) {
    case Constraint::Kind::less:
    case Constraint::Kind::at_most:
    case Constraint::Kind::greater:
    case Constraint::Kind::at_least:
    case Constraint::Kind::exists: return add_to_all(groups, test_of(Kind::exists, name));
    case Constraint::Kind::missing: return add_to_all(groups, test_of(Kind::not_exists, name));
    case Constraint::Kind::like:
    case Constraint::Kind::not_like:
      if (!constraint.pattern || !constraint.pattern->is_fit_for_masters()) return;
      return add_to_all(groups, test_of(like ? Kind::text_matches : Kind::text_not_matches, name,
                                        constraint.values.front()));
    case Constraint::Kind::equals:
    case Constraint::Kind::in: return add_alternatives(groups, constraint);
    case Constraint::Kind::not_equals:
    case Constraint::Kind::not_in: break;
    default: return;
  }
  for (const std::string& value : constraint.values) {
    add_to_all(groups, test_of(Kind::text_not_equals, name, value));
  }
}

// The alternatives of one job; empty when it could run anywhere as far as can be said.
std::vector<Group> groups_of(const JobSpec& spec) {
  std::vector<Group> groups(1);
  for (const Constraint& constraint : spec.hard_constraints) add(groups, constraint);
  if (groups.front().empty()) groups.clear();
  return groups;
}

// Of everything that waits in the role; empty: offers of any agent are wanted, or none at all.
std::vector<Group> groups_wanted(const State::Data& data, const std::string& name, const RoleEntry& role) {
  if (role.ready == 0 || role.operations > 0) return {};
  std::vector<Group> all;
  int lines = 0;
  for (const auto& [key, line] : data.lines) {  // whose jobs all ask for the same
    if (line.role != name) continue;
    std::vector<Group> groups = groups_of(*data.jobs.at(line.jobs.begin()->job).record->spec);
    if (groups.empty() || ++lines > kLinesMax) return {};
    for (Group& group : groups) {
      if (std::find(all.begin(), all.end(), group) == all.end()) all.push_back(std::move(group));
    }
    if (all.size() > kGroupsMax) return {};
  }
  return all;
}

Instant due_at(const Policy& policy, const RoleEntry& role) {
  if (role.groups_said == role.groups_wanted) return kNever;
  return role.groups_said.empty() ? role.groups_since + policy.constrain_after_ms : Instant{};
}

}  // namespace

Instant constrain_at(const State::Data& data) {
  Instant first = kNever;
  if (!data.subscribed || data.policy.roles.empty()) return first;
  for (const auto& [name, role] : data.roles) first = std::min(first, due_at(data.policy, role));
  return first == kNever ? first : std::max(first, data.constrained_at + data.policy.revive_min_ms);
}

void constrain_offers(Turn& turn) {
  State::Data& data = turn.data;
  if (data.policy.roles.empty()) return;
  if (std::exchange(data.constraints_stale, false)) {
    line_up(data);
    for (auto& [name, role] : data.roles) {
      std::vector<Group> wanted = groups_wanted(data, name, role);
      if (wanted == role.groups_wanted) continue;
      role.groups_wanted = std::move(wanted);
      role.groups_since = turn.now;
    }
  }
  if (constrain_at(data) > turn.now) return;
  ConstrainOffers call;
  for (auto& [name, role] : data.roles) {
    if (!is_ours(data.policy, name)) continue;
    if (due_at(data.policy, role) <= turn.now) role.groups_said = role.groups_wanted;
    if (!role.groups_said.empty()) call.roles[name] = role.groups_said;
  }
  data.constrained_at = turn.now;
  turn.reason(call.roles.empty() ? "offers of all agents are wanted"
                                 : "offers are wanted only of agents that fit what waits");
  turn.effect(std::move(call));
}

}  // namespace mimas::engine
