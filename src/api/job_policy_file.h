// The policy as text (docs/security.md "What jobs may ask for"):
//
//   {"base": "safe",
//    "everybody": {"users": ["nobody", "www-data"], "hostVolumes": ["/srv/shared:ro"]},
//    "operator": {"priorityMax": 50},
//    "admin": {"runtimes": ["*"], "users": ["*", "root"]}}
//
// A role's rules are those of the base, with what "everybody" says in place of them, and then what the role
// itself says. Members that nobody knows are faults, as is whatever could never hold: a misspelt rule must
// not open a door. Pure. Tested in tests/api/job_policy_test.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "api/job_policy.h"
#include "json/writer.h"

namespace mimas::api {

inline constexpr std::size_t kPolicyFileBytesMax = 256u << 10;

// What a policy has from the server and not from its text.
struct PolicyGround {
  std::string process_user = "root";
  bool own_network = false;
};
// All faults, each with its pointer.
Checked<JobPolicy> parse_policy(std::string_view text, const std::string& name, const PolicyGround& ground);

// {"name", "viewer": {…}, "operator": {…}, "admin": {…}, …}: what holds, for GET /v2/config.
void write_policy(json::Writer& out, const JobPolicy& policy);

}  // namespace mimas::api
