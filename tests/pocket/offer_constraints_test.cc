#include "pocket/offer_constraints.h"

#include <doctest/doctest.h>

#include "master_bench.h"

namespace mimas::pocket {
namespace {

using Predicate = mscheduler::AttributeConstraint::Predicate;

mv1::AgentInfo agent() {
  mv1::AgentInfo info;
  info.set_hostname("pi1");
  auto* rack = info.add_attributes();
  rack->set_name("rack");
  rack->set_type(mv1::Value::TEXT);
  rack->mutable_text()->set_value("r9");
  auto* cores = info.add_attributes();
  cores->set_name("cores");
  cores->set_type(mv1::Value::SCALAR);
  cores->mutable_scalar()->set_value(4);
  return info;
}

mscheduler::OfferConstraints on(const std::string& attribute, const Predicate& predicate) {
  mscheduler::OfferConstraints constraints;
  auto* one = (*constraints.mutable_role_constraints())["r"].add_groups()->add_attribute_constraints();
  one->mutable_selector()->set_attribute_name(attribute);
  *one->mutable_predicate() = predicate;
  return constraints;
}

Predicate matching(const std::string& regex, bool negated = false) {
  Predicate predicate;
  if (negated) {
    predicate.mutable_text_not_matches()->set_regex(regex);
  } else {
    predicate.mutable_text_matches()->set_regex(regex);
  }
  return predicate;
}

bool allows(const mscheduler::OfferConstraints& constraints, const std::string& role = "r") {
  return constraints_allow(constraints, role, agent());
}

TEST_CASE(
    "regular expressions match whole texts; what is not text passes; what is missing fails unless negated") {
  CHECK(allows(on("rack", matching("r[0-9]+"))));
  CHECK(!allows(on("rack", matching("r"))));
  CHECK(!allows(on("rack", matching("r9", true))));
  CHECK(allows(on("rack", matching("r", true))));
  CHECK(allows(on("cores", matching("never"))));
  CHECK(allows(on("cores", matching("4", true))));
  CHECK(!allows(on("missing", matching(".*"))));
  CHECK(allows(on("missing", matching(".*", true))));
}

TEST_CASE("groups are alternatives, constraints in a group go together, other roles are free") {
  mscheduler::OfferConstraints both = on("rack", matching("r9"));
  *(*both.mutable_role_constraints())["r"].mutable_groups(0)->add_attribute_constraints() =
      on("rack", matching("r8")).role_constraints().at("r").groups(0).attribute_constraints(0);
  CHECK(!allows(both));
  *(*both.mutable_role_constraints())["r"].add_groups() =
      on("rack", matching("r9")).role_constraints().at("r").groups(0);
  CHECK(allows(both));
  CHECK(allows(on("rack", matching("r8")), "other"));
}

TEST_CASE("the hostname can be asked for like an attribute") {
  mscheduler::OfferConstraints constraints = on("x", matching("pi[0-9]"));
  auto* selector = (*constraints.mutable_role_constraints())["r"]
                       .mutable_groups(0)
                       ->mutable_attribute_constraints(0)
                       ->mutable_selector();
  selector->clear_attribute_name();
  selector->set_pseudoattribute_type(mscheduler::AttributeConstraint::Selector::HOSTNAME);
  CHECK(check_offer_constraints(constraints).empty());
  CHECK(allows(constraints));
}

TEST_CASE("empty groups, unset predicates and bad or large regular expressions are refused") {
  CHECK(check_offer_constraints({}).empty());
  CHECK(check_offer_constraints(on("rack", matching("a|b"))).empty());
  CHECK(!check_offer_constraints(on("rack", matching("("))).empty());
  CHECK(!check_offer_constraints(on("rack", matching("(a)\\1"))).empty());
  CHECK(!check_offer_constraints(on("rack", matching(std::string(101, 'a')))).empty());
  CHECK(check_offer_constraints(on("rack", matching("(?i)R[0-9]\\z"))).empty());
  CHECK(!check_offer_constraints(on("rack", matching("(a{50}){50}"))).empty());
  CHECK(!check_offer_constraints(on("rack", Predicate())).empty());
  mscheduler::OfferConstraints empty;
  (*empty.mutable_role_constraints())["r"];
  CHECK(!check_offer_constraints(empty).empty());
  (*empty.mutable_role_constraints())["r"].add_groups();
  CHECK(!check_offer_constraints(empty).empty());
}

TEST_CASE("a subscription with bad constraints gets the ERROR event, an update of the framework 400") {
  MasterWorld world;
  Call call;
  call.set_type(Call::SUBSCRIBE);
  auto* info = call.mutable_subscribe()->mutable_framework_info();
  info->set_user("u");
  info->set_name("n");
  info->add_roles("r");
  info->add_capabilities()->set_type(Capability::MULTI_ROLE);
  *call.mutable_subscribe()->mutable_offer_constraints() = on("rack", matching("("));
  world.subscribe(call);
  REQUIRE(world.events.size() == 1);
  CHECK(world.events[0].event.error().message().find("Offer constraints are not valid: ") == 0);
  world.subscribe("F", {"r"});
  Call update = world.make(Call::UPDATE_FRAMEWORK);
  *update.mutable_update_framework()->mutable_framework_info() = world.model.frameworks().at("F").info;
  *update.mutable_update_framework()->mutable_offer_constraints() = on("rack", matching("("));
  CHECK(world.call(update).status == 400);
  info->mutable_roles()->Clear();
  info->add_roles("s");
  *call.mutable_subscribe()->mutable_offer_constraints() = on("rack", matching("r9"));
  world.subscribe(call);
  CHECK(world.events.back().event.error().message().find("not contained in the set of roles") !=
        std::string::npos);
}

}  // namespace
}  // namespace mimas::pocket
