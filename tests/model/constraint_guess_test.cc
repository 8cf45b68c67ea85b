#include "model/constraint_guess.h"

#include <doctest/doctest.h>

#include "model/constraint.h"

namespace mimas {

TEST_CASE("constraints in other schedulers' spelling are known, with what is meant") {
  struct Case {
    const char *theirs, *ours;
  };
  for (const Case& one : std::initializer_list<Case>{
           {"rack:r1", "rack=r1"},
           {" rack : r1 ", ""},  // a name, and then something that is refused anyway
           {"!rack:r1", "rack!=r1"},
           {"hostname:UNIQUE", "UniqueHost"},
           {"hostname:unique", "UniqueHost"},
           {"rack:UNIQUE", "MaxPer(rack, 1)"},
           {"rack:CLUSTER:r1", "rack=r1"},
           {"rack:CLUSTER", "rack=VALUE"},
           {"rack:IS:r1", "rack=r1"},
           {"rack:GROUP_BY", "GroupBy(rack)"},
           {"rack:GROUP_BY:3", "GroupBy(rack)"},
           {"rack:MAX_PER:2", "MaxPer(rack, 2)"},
           {"kernel:LIKE:6[.].*", "kernel like 6[.].*"},
           {"kernel:UNLIKE:a:b", "kernel not like a:b"},
           {"uniquehost", "UniqueHost"},
           {"UNIQUEHOST", "UniqueHost"},
           {"distinct_hosts", "UniqueHost"},
           {"distinct_property", "MaxPer(NAME, 1)"},
           {"exclusivehost", "ExclusiveHost"},
           {"zonebalance", "ZoneBalance"},
       }) {
    CAPTURE(std::string(one.theirs));
    const std::string guess = guess_constraint(one.theirs);
    CHECK(guess == one.ours);
    if (!guess.empty()) CHECK(parse_constraint(guess).ok());
  }
}

TEST_CASE("our own words and whatever has a colon in a value are left alone") {
  for (const char* ours :
       {"UniqueHost", "ExclusiveHost", "ZoneBalance", "ssd", "!gpu", "rack=r1", "image=a:b", "rack!=a:b",
        "cost<12.5", "with(job:web)", "apart(app:shop)", "rack in (a:b, c)", "kernel like a:b", "", ":",
        "GroupBy(rack)", "unique_id", "rack=r1 weight 2"}) {
    CAPTURE(std::string(ours));
    CHECK(guess_constraint(ours).empty());
  }
}

}  // namespace mimas
