// Who may use the API: the text of the credentials file (--api-credentials), and the tokens that `mimas
// token` makes. A text is
//
//   {"credentials": [
//     {"name": "ci", "role": "operator", "apps": ["shop"], "id": "0a1b2c3d4e5f", "tokenHash": "$y$…",
//      "notAfter": "2027-01-01T00:00:00Z", "groups": ["shop", "batch"], "secrets": ["ci-"], "priorityMax":
//      20, "production": false},
//     {"name": "ann", "role": "admin", "passwordHash": "$y$…"},
//     {"name": "gate", "role": "viewer", "certificate": "gate.example.org"}]}
//
// and holds hashes alone, see server/password_hash.h. A token is "mimas_<id>_<secret>": the id finds its
// entry, so that no other hash has to be tried. Members that nobody knows are refused: a misspelt "apps" must
// not give everything away. Pure, thread-safe. Bounds: the constants below. Tested in
// tests/server/access_file_test.cc.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/uuid.h"
#include "server/call.h"

namespace mimas::server {

inline constexpr std::size_t kAccessFileBytesMax = 1u << 20;
inline constexpr std::size_t kAccessEntriesMax = 1'000;
inline constexpr std::size_t kAccessNameBytesMax = 64;
inline constexpr std::size_t kAccessAppsMax = 100;
inline constexpr std::size_t kAppNameBytesMax = 255;
inline constexpr std::size_t kTokenIdDigits = 12;
inline constexpr std::size_t kTokenSecretDigits = 64;

struct AccessEntry {
  std::string name;  // 1 to 64 letters, digits and -._@
  Role role = Role::viewer;
  std::vector<std::string> apps;     // empty: all
  std::string id;                    // of the token; with token_hash alone
  std::string token_hash;            // at least one of these three
  std::string password_hash;         //
  std::string certificate;           // the common name of a client's certificate
  std::optional<Instant> not_after;  // from then on nobody
  api::Grants grants = {};           // what it narrows the policy to (api/job_policy.h)
  bool operator==(const AccessEntry&) const = default;
};

// "viewer", "operator", "admin", and "none" where that is a role one may give.
Result<Role> parse_role(std::string_view text, bool none_too = false);

Status check_entry(const AccessEntry& entry);

// No name, token id or certificate twice. An empty list is one: whoever revokes the last entry means it.
Result<std::vector<AccessEntry>> parse_access(std::string_view text);
std::string render_access(const std::vector<AccessEntry>& entries);

struct Token {
  std::string id, secret;  // lower-case hexadecimal digits
  std::string text() const { return "mimas_" + id + "_" + secret; }
};
Token make_token(const RandomBytes& id, const RandomBytes& secret_begin, const RandomBytes& secret_end);
std::optional<Token> parse_token(std::string_view text);

}  // namespace mimas::server
