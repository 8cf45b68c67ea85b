// What the master is to keep in mind, by values.
#include "mesos/standing.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace mimas;
using namespace mimas::mesos;
using Roles = std::set<std::string>;

TEST_CASE("suppressed roles are what was asked for last, role by role") {
  mimas::mesos::Standing standing({"a", "b"});
  CHECK(standing.suppressed().empty());
  standing.note(engine::SuppressOffers{});
  CHECK(standing.suppressed() == Roles{"a", "b"});
  standing.note(engine::ReviveOffers{{"a"}});
  CHECK(standing.suppressed() == Roles{"b"});
  standing.note(engine::SuppressOffers{{"a"}});
  CHECK(standing.suppressed() == Roles{"a", "b"});
  standing.note(engine::ReviveOffers{});
  CHECK(standing.suppressed().empty());
}

TEST_CASE("a list with a role that is not ours changes nothing, as at the master") {
  mimas::mesos::Standing standing({"a", "b"});
  standing.note(engine::SuppressOffers{{"a", "foreign"}});
  CHECK(standing.suppressed().empty());
  standing.note(engine::SuppressOffers{});
  standing.note(engine::ReviveOffers{{"a", "foreign"}});
  CHECK(standing.suppressed() == Roles{"a", "b"});
}

TEST_CASE("constraints replace one another, and can be dropped without touching the roles") {
  mimas::mesos::Standing standing({"a"});
  standing.note(engine::SuppressOffers{});
  engine::ConstrainOffers wanted;
  wanted.roles["a"] = {{{engine::AttributeTest::Kind::exists, {}, "gpu", ""}}};
  standing.note(wanted);
  CHECK(standing.constraints() == wanted);
  const mimas::mesos::Standing before = standing;
  standing.note(engine::Reconcile{});
  CHECK(standing == before);
  standing.drop_constraints();
  CHECK(standing.constraints().roles.empty());
  CHECK(standing.suppressed() == Roles{"a"});
}
