#include "server/policy_gate.h"

#include <algorithm>
#include <utility>

#include "api/faults.h"
#include "server/live_policy.h"

namespace mimas::server {
namespace {

using Faults = std::vector<api::Fault>;

std::shared_ptr<const api::JobPolicy> policy_of(const RouteContext& context) {
  if (context.policy) return context.policy();
  static const auto safe = std::make_shared<const api::JobPolicy>(api::safe_policy("root", false));
  return safe;
}

Faults faults_of(const RouteContext& context, const Call& call, const JobSpec& spec) {
  const auto policy = policy_of(context);
  const api::Grants grants = api::grants_of(call.who.grants, call.who.apps);
  return api::policy_faults(
      spec, {*policy, rules_of(*policy, call.who.role), role_name(call.who.role), call.who.name, grants});
}

// Early, for people: whether it is there when a task starts is seen then.
void add_missing(const RouteContext& context, const JobSpec& spec, const JobSpec* before, Faults& faults) {
  for (const auto& [variable, name] : spec.secret_env) {
    const bool had = before != nullptr && std::ranges::any_of(before->secret_env, [&](const auto& one) {
                       return one.second == name;
                     });
    if (had) continue;
    const auto value = context.secret
                           ? context.secret(name)
                           : Result<std::string>(make_error(Code::not_found, "this server has no secrets"));
    if (value.ok()) continue;
    const Error& error = value.error();
    faults.push_back({"/secretEnv/" + api::pointer_segment(variable),
                      error.hint.empty() ? error.message : error.message + "; " + error.hint,
                      '"' + name + '"', ""});
  }
}

}  // namespace

Faults forbidden(const RouteContext& context, const Call& call, const engine::SubmitJob& command) {
  Faults faults = faults_of(context, call, *command.spec);
  if (faults.empty()) add_missing(context, *command.spec, nullptr, faults);
  return faults;
}

Faults forbidden(const RouteContext& context, const Call& call, const engine::ChangeJob& command) {
  const JobPtr job = context.view.job(command.job);
  if (!job) return {};  // the engine says so
  const bool same = *job->spec == *command.spec && command.instances_desired <= job->instances_desired;
  if (same) return {};
  Faults faults = faults_of(context, call, *command.spec);
  if (faults.empty()) add_missing(context, *command.spec, job->spec.get(), faults);
  return faults;
}

Faults forbidden(const RouteContext& context, const Call& call, const engine::SetInstanceCounts& command) {
  const JobPtr job = context.view.job(command.job);
  if (!job || command.desired <= job->instances_desired) return {};
  return faults_of(context, call, *job->spec);
}

api::Sight sight_of(const RouteContext& context, const Call& call) {
  return {rules_of(*policy_of(context), call.who.role).read_env, call.who.apps};
}

}  // namespace mimas::server
