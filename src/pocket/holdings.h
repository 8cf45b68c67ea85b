// An agent's resources with what they are set aside for: amounts side by side, one pile per kind. A kind is
// everything about a Resource but its name, its value and its allocation: reservations, volume, sharing,
// provider. The old spelling of reservations (`role`, `reservation`) is read as the new one (mesos-protocol
// §4.4). Operations change kinds and never amounts. Plain values. Tested in tests/pocket/holdings_test.cc.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "pocket/amounts.h"
#include "pocket/protos.h"

namespace mimas::pocket {

class Holdings {
 public:
  // Errors: those of read_amounts.
  static Result<Holdings> read(const ResourceList& list);
  bool contains(const Holdings& other) const;
  void add(const Holdings& other);
  void subtract(const Holdings& other);  // what is not there is not taken
  void render(ResourceList* into) const;
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
