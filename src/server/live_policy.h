// The operator's policy (api/job_policy.h) as it holds now: "safe", "open", or a file that is read at start
// and again on reload(); a bad file keeps a server from starting, and later changes nothing. Thread-safe.
// Tested in tests/server/live_policy_test.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

#include "api/job_policy_file.h"
#include "base/result.h"
#include "engine/view.h"
#include "server/call.h"

namespace mimas::server {

struct PolicyOptions {
  std::string source = "safe";  // --policy: "safe", "open", or the path of a file
  bool privileged = false;      // --allow-privileged and --allow-host-volumes, on top of it for every role
  bool host_volumes = false;
};

class LivePolicy {
 public:
  // Errors: of the file, which others must not be able to write; all its faults in one text.
  static Result<std::unique_ptr<LivePolicy>> open(PolicyOptions options, api::PolicyGround ground);

  std::shared_ptr<const api::JobPolicy> current() const;
  bool is_file() const { return options_.source != "safe" && options_.source != "open"; }
  Status reload();

 private:
  LivePolicy(PolicyOptions options, api::PolicyGround ground)
      : options_(std::move(options)), ground_(std::move(ground)) {}
  Result<api::JobPolicy> read() const;

  const PolicyOptions options_;
  const api::PolicyGround ground_;
  mutable std::mutex mutex_;
  std::shared_ptr<const api::JobPolicy> policy_;
};

const api::JobRules& rules_of(const api::JobPolicy& policy, Role role);  // of no role: a viewer's

// Live jobs that ask for what operators may not have any more, one sentence; empty: there are none. They go
// on: a policy is about what people ask for from now on.
std::string note_on_recovered(const engine::View& view, const api::JobPolicy& policy);

}  // namespace mimas::server
