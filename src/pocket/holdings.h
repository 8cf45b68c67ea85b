// An agent's resources with what they are set aside for: amounts side by side, one pile per kind. A kind is
// everything about a Resource but its name, its value and its allocation: reservations, volume, sharing,
// provider. The old spelling of reservations (`role`, `reservation`) is read as the new one (mesos-protocol
// §4.4). Operations change kinds and never amounts. Plain values. Tested in tests/pocket/holdings_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "base/result.h"
#include "pocket/amounts.h"
#include "pocket/protos.h"

namespace mimas::pocket {

class Holdings {
 public:
  // Errors: those of read_amounts; revocable and shared resources; a volume that is not reserved; an empty
  // disk.
  static Result<Holdings> read(const ResourceList& list);
  bool contains(const Holdings& other) const;  // persistent volumes only as a whole
  void add(const Holdings& other);
  void subtract(const Holdings& other);  // what is not there is not taken
  void render(ResourceList* into) const;
  void render(const Rendering& how, ResourceList* into) const;  // as an offer shows them, or an operator
  bool empty() const { return piles_.empty(); }
  std::int64_t scalar(const std::string& name) const;  // of all kinds together
  Amounts sum() const;
  Amounts sum_for(const std::string& role) const;  // reserved for exactly that role; "*": unreserved
  std::set<std::string> roles() const;             // something is reserved for them
  // What may be offered to the role: the unreserved, and what is reserved for it or a role above it.
  // Reservations refined more than once only to those who understand them.
  Holdings for_role(const std::string& role, bool refinement) const;
  bool has_volume(const std::string& role, const std::string& persistence_id) const;
  // Mesos's own notation in error texts: "cpus(allocated: r)(reservations: [(DYNAMIC,r,p)]):1".
  std::string text(const std::string& allocated_to) const;
  bool operator==(const Holdings& other) const;

 private:
  struct Pile {
    mv1::Resource kind;
    Amounts amounts;
  };
  std::map<std::string, Pile> piles_;  // by the kind's bytes; never an empty pile
};

// What RESERVE, UNRESERVE, CREATE or DESTROY takes and what it puts in its place.
struct Conversion {
  Holdings consumed;
  Holdings converted;
};
// Errors (invalid_argument) for other operations, a missing member, nothing to unreserve or to destroy.
Result<Conversion> conversion_of(const mv1::Offer::Operation& operation);

}  // namespace mimas::pocket
