// What we want the master to keep in mind from one call to the next: which roles get no offers, and which
// offers are worth sending. Noted when it is asked for, whether or not anybody listens, so that every
// SUBSCRIBE can carry it (mesos-protocol §1.8, §2.2; §8.2 rule 47) instead of racing a SUPPRESS. Pure; a
// value. Tested in tests/mesos/standing_test.cc.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/effect.h"

namespace mimas::mesos {

class Standing {
 public:
  explicit Standing(std::vector<std::string> roles) : roles_(roles.begin(), roles.end()) {}

  // Takes note of SuppressOffers, ReviveOffers and ConstrainOffers; anything else changes nothing. As at the
  // master, a list with a role that is not ours is void as a whole.
  void note(const engine::Effect& effect);
  // The master refused them: without, there are more offers than needed, but there are offers.
  void drop_constraints() { constraints_ = {}; }

  const std::set<std::string>& suppressed() const { return suppressed_; }
  const engine::ConstrainOffers& constraints() const { return constraints_; }
  bool operator==(const Standing&) const = default;

 private:
  bool ours(const std::vector<std::string>& roles) const;

  std::set<std::string> roles_;
  std::set<std::string> suppressed_;
  engine::ConstrainOffers constraints_;
};

}  // namespace mimas::mesos
