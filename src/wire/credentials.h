// A principal and its secret, and HTTP's Basic scheme (mesos-protocol §1.12). Mesos splits the decoded pair
// at every colon and wants exactly two parts, so neither may hold one. Pure, thread-safe. Bound: 255 bytes
// each. Tested in tests/wire/credentials_test.cc; rule 135 in tests/mesos/rules_security_test.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mimas::wire {

struct Credentials {
  std::string principal;
  std::string secret;
  bool empty() const { return principal.empty(); }
  bool operator==(const Credentials&) const = default;
};

// invalid_argument unless both have 1 to 255 bytes, no colon and no control character. Never repeats the
// secret.
Status check_credentials(const Credentials& credentials);

std::string basic_authorization(const Credentials& credentials);  // "Basic cDpz", checked before
// The pair in a header "Basic …" as Mesos reads it; nullopt for other schemes and whatever does not decode
// into two parts.
std::optional<Credentials> parse_basic_authorization(std::string_view header);

}  // namespace mimas::wire
