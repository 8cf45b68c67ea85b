#include "server/live_policy.h"

#include <utility>

#include "server/private_file.h"

namespace mimas::server {
namespace {

Error every_fault(const std::string& file, const std::vector<api::Fault>& faults) {
  std::string text;
  for (const api::Fault& fault : faults) {
    text += (text.empty() ? "" : "; ") +
            (fault.pointer.empty() ? fault.detail : fault.pointer + " " + fault.detail);
  }
  return make_error(Code::invalid_argument, std::move(text), file,
                    "docs/security.md describes the file of --policy");
}

}  // namespace

Result<api::JobPolicy> LivePolicy::read() const {
  api::JobPolicy policy;
  if (!is_file()) {
    policy = options_.source == "open" ? api::open_policy(ground_.process_user)
                                       : api::safe_policy(ground_.process_user, ground_.own_network);
    policy.own_network = ground_.own_network;
  } else {
    const auto text = read_guarded(options_.source, api::kPolicyFileBytesMax);
    if (!text) return text.error();
    auto parsed = api::parse_policy(*text, options_.source, ground_);
    if (!parsed.ok()) return every_fault(options_.source, parsed.faults);
    policy = std::move(parsed.value);
  }
  for (api::JobRules* rules : {&policy.viewer, &policy.operator_rules, &policy.admin}) {
    if (options_.privileged) {
      rules->privileged = true;
      rules->capabilities = {std::string(api::kAnything)};
    }
    if (options_.host_volumes) rules->host_volumes = {"/"};
  }
  return policy;
}

Result<std::unique_ptr<LivePolicy>> LivePolicy::open(PolicyOptions options, api::PolicyGround ground) {
  std::unique_ptr<LivePolicy> made(new LivePolicy(std::move(options), std::move(ground)));
  if (Status read = made->reload(); !read) return std::move(read).error();
  return made;
}

std::shared_ptr<const api::JobPolicy> LivePolicy::current() const {
  const std::lock_guard hold(mutex_);
  return policy_;
}

Status LivePolicy::reload() {
  auto fresh = read();
  if (!fresh) return std::move(fresh).error();
  auto shared = std::make_shared<const api::JobPolicy>(*std::move(fresh));
  const std::lock_guard hold(mutex_);
  policy_ = std::move(shared);
  return Done{};
}

const api::JobRules& rules_of(const api::JobPolicy& policy, Role role) {
  if (role == Role::admin) return policy.admin;
  return role == Role::operator_ ? policy.operator_rules : policy.viewer;
}

std::string note_on_recovered(const engine::View& view, const api::JobPolicy& policy) {
  const api::Grants none;
  const api::Claim claim{policy, policy.operator_rules, role_name(Role::operator_), {}, none};
  std::int64_t count = 0;
  std::string first;
  for (const JobPtr& job : view.jobs()) {
    if (job->state == JobState::ended) continue;
    const std::vector<api::Fault> faults = api::policy_faults(*job->spec, claim);
    if (faults.empty()) continue;
    if (count++ == 0) first = job->id.value + ", " + faults.front().pointer;
  }
  if (count == 0) return {};
  return std::to_string(count) +
         " live jobs have what the policy does not give to operators (the first: " + first +
         "); they go on, but cannot be changed or raised by whom it does not allow that";
}

}  // namespace mimas::server
