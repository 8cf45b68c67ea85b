// What jobs may ask for, the secrets they may be given, and the file that keeps the record of changes
// (docs/security.md, docs/history.md): flags of `mimas serve` and `mimas dev`. Tested in
// tests/cli/policy_flags_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "server/server.h"

namespace CLI {
class App;
}

namespace mimas::cli {

struct PolicyFlags {
  std::string policy;  // empty: "safe" for serve, "open" for dev
  bool allow_privileged = false;
  bool allow_host_volumes = false;
  std::string secrets;
  std::string audit_log;  // empty: DIR/audit.log; "none": there is none
  std::int64_t audit_log_mib = 16;
  std::int64_t audit_log_files = 10;
  std::string audit_log_for = "365days";
};

void add_policy_flags(CLI::App& app, PolicyFlags& flags);

// `alone`: a server whose cluster is others', too. An Error's `where` names the flag.
Status take_policy_flags(const PolicyFlags& flags, bool alone, server::ServerOptions& options);

}  // namespace mimas::cli
