// Unreserved resources of one agent as exact numbers: scalars in thousandths (Mesos's own fixed point,
// mesos-protocol §4.4), ranges as sorted disjoint intervals, sets. A pocket has no reservations, volumes,
// shared or revocable resources: a Resource carrying one is refused at the door. Plain values; bounds:
// scalars below 9e12. Tested in tests/pocket/parts_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "pocket/protos.h"

namespace mimas::pocket {

struct Interval {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  // inclusive
  bool operator==(const Interval&) const = default;
};

using ResourceList = ::google::protobuf::RepeatedPtrField<mv1::Resource>;

struct Amounts {
  std::map<std::string, std::int64_t> scalars;  // milli-units, never 0
  std::map<std::string, std::vector<Interval>> ranges;
  std::map<std::string, std::set<std::string>> sets;

  bool empty() const { return scalars.empty() && ranges.empty() && sets.empty(); }
  bool contains(const Amounts& other) const;
  void add(const Amounts& other);
  void subtract(const Amounts& other);  // what is not there is not taken: never below nothing
  std::int64_t scalar(const std::string& name) const;
  bool operator==(const Amounts&) const = default;
};

// The shape of an offer's resources depends on the framework (mesos-protocol §2.4, §4.4).
struct Rendering {
  std::string role = "*";       // the allocation role
  bool allocation_info = true;  // MULTI_ROLE frameworks see it
  bool role_field = true;       // frameworks without RESERVATION_REFINEMENT see `role: "*"`
};

// Errors (invalid_argument): negative, not finite, rounding to nothing, reversed or overlapping ranges,
// reserved…
Result<Amounts> read_amounts(const ResourceList& list);
void render_amounts(const Amounts& amounts, const Rendering& how, ResourceList* into);
// Mesos's own notation in error texts: "cpus(allocated: *):0.1; mem(allocated: *):32".
std::string amounts_text(const Amounts& amounts, const std::string& role);

}  // namespace mimas::pocket
