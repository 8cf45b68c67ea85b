#include "mesos/calls.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <variant>

namespace mimas::mesos {
namespace {

using Call = scheduler::Call;
using Calls = std::vector<Call>;

Call begin(Call::Type type, const FrameworkId& framework) {
  Call call;
  call.mutable_framework_id()->set_value(framework.value);
  call.set_type(type);
  return call;
}

struct Translate {
  const FrameworkId& framework;

  Calls operator()(const engine::AcceptOffers&) const { return {}; }
  Calls operator()(const engine::ScaleAgents&) const { return {}; }
  Calls operator()(const engine::Reply&) const { return {}; }
  Calls operator()(const engine::ConstrainOffers&) const { return {}; }

  Calls operator()(const engine::ReviveOffers& revive) const {
    Call call = begin(Call::REVIVE, framework);
    for (const std::string& role : revive.roles) call.mutable_revive()->add_roles(role);
    return {std::move(call)};
  }
  Calls operator()(const engine::SuppressOffers& suppress) const {
    Call call = begin(Call::SUPPRESS, framework);
    for (const std::string& role : suppress.roles) call.mutable_suppress()->add_roles(role);
    return {std::move(call)};
  }

  Calls operator()(const engine::DeclineOffers& decline) const {
    if (decline.offers.empty()) return {};
    Call call = begin(Call::DECLINE, framework);
    for (const OfferId& id : decline.offers) call.mutable_decline()->add_offer_ids()->set_value(id.value);
    const std::int64_t ms = std::max<std::int64_t>(0, decline.refuse_ms);
    call.mutable_decline()->mutable_filters()->set_refuse_seconds(static_cast<double>(ms) / 1000.0);
    return {std::move(call)};
  }

  Calls operator()(const engine::AcceptInverseOffers& accept) const {
    if (accept.offers.empty()) return {};
    Call call = begin(Call::ACCEPT_INVERSE_OFFERS, framework);
    for (const OfferId& id : accept.offers) {
      call.mutable_accept_inverse_offers()->add_inverse_offer_ids()->set_value(id.value);
    }
    return {std::move(call)};
  }

  Calls operator()(const engine::DeclineInverseOffers& decline) const {
    if (decline.offers.empty()) return {};
    Call call = begin(Call::DECLINE_INVERSE_OFFERS, framework);
    auto* body = call.mutable_decline_inverse_offers();
    for (const OfferId& id : decline.offers) body->add_inverse_offer_ids()->set_value(id.value);
    const std::int64_t ms = std::max<std::int64_t>(0, decline.refuse_ms);
    body->mutable_filters()->set_refuse_seconds(static_cast<double>(ms) / 1000.0);
    return {std::move(call)};
  }

  Calls operator()(const engine::ReconcileOperations& reconcile) const {
    Calls calls;
    for (const auto& item : reconcile.operations) {
      if (calls.empty() ||
          calls.back().reconcile_operations().operations_size() >= static_cast<int>(kReconcileIdsMax)) {
        calls.push_back(begin(Call::RECONCILE_OPERATIONS, framework));
      }
      auto* operation = calls.back().mutable_reconcile_operations()->add_operations();
      operation->mutable_operation_id()->set_value(item.operation.value);
      if (!item.agent.empty()) operation->mutable_agent_id()->set_value(item.agent.value);
    }
    return calls;  // an empty one would ask about all, which nothing here needs
  }

  Calls operator()(const engine::AcknowledgeOperation& acknowledge) const {
    if (acknowledge.agent.empty() || acknowledge.uuid.empty()) return {};
    Call call = begin(Call::ACKNOWLEDGE_OPERATION_STATUS, framework);
    auto* body = call.mutable_acknowledge_operation_status();
    body->mutable_agent_id()->set_value(acknowledge.agent.value);
    body->set_uuid(acknowledge.uuid);
    body->mutable_operation_id()->set_value(acknowledge.operation.value);
    return {std::move(call)};
  }

  Calls operator()(const engine::KillOnAgent& kill) const {
    Call call = begin(Call::KILL, framework);
    call.mutable_kill()->mutable_task_id()->set_value(kill.task.value);
    if (!kill.agent.empty()) call.mutable_kill()->mutable_agent_id()->set_value(kill.agent.value);
    // 0 leaves the task's own policy in force, which is the job's grace.
    if (kill.grace_ms > 0) {
      constexpr std::int64_t kMsMax = std::numeric_limits<std::int64_t>::max() / 1'000'000;
      call.mutable_kill()->mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(
          std::min(kill.grace_ms, kMsMax) * 1'000'000);
    }
    return {std::move(call)};
  }

  Calls operator()(const engine::ShutDownExecutor& end) const {
    if (end.agent.empty() || end.executor.empty()) return {};
    Call call = begin(Call::SHUTDOWN, framework);
    call.mutable_shutdown()->mutable_executor_id()->set_value(end.executor);
    call.mutable_shutdown()->mutable_agent_id()->set_value(end.agent.value);
    return {std::move(call)};
  }

  Calls operator()(const engine::Reconcile& reconcile) const {
    Calls calls;
    for (const auto& item : reconcile.tasks) {
      if (calls.empty() || calls.back().reconcile().tasks_size() >= static_cast<int>(kReconcileIdsMax)) {
        calls.push_back(begin(Call::RECONCILE, framework));
      }
      auto* task = calls.back().mutable_reconcile()->add_tasks();
      task->mutable_task_id()->set_value(item.task.value);
      if (!item.agent.empty()) task->mutable_agent_id()->set_value(item.agent.value);
    }
    if (calls.empty()) {  // implicit: the member must be there, and empty
      calls.push_back(begin(Call::RECONCILE, framework));
      calls.back().mutable_reconcile();
    }
    return calls;
  }

  Calls operator()(const engine::Acknowledge& acknowledge) const {
    if (acknowledge.agent.empty() || acknowledge.uuid.empty()) return {};
    Call call = begin(Call::ACKNOWLEDGE, framework);
    call.mutable_acknowledge()->mutable_agent_id()->set_value(acknowledge.agent.value);
    call.mutable_acknowledge()->mutable_task_id()->set_value(acknowledge.task.value);
    call.mutable_acknowledge()->set_uuid(acknowledge.uuid);
    return {std::move(call)};
  }
};

pb::FrameworkInfo framework_info(const DriverOptions& options, const FrameworkId& framework,
                                 const std::string& hostname) {
  using Capability = pb::FrameworkInfo::Capability;
  pb::FrameworkInfo info;
  if (!framework.empty()) info.mutable_id()->set_value(framework.value);
  info.set_user(options.user);
  info.set_name(options.framework_name);
  info.set_failover_timeout(static_cast<double>(options.failover_timeout_ms) / 1000.0);
  info.set_checkpoint(true);
  for (const std::string& role : options.roles) info.add_roles(role);
  if (!options.principal.empty()) info.set_principal(options.principal);
  if (!hostname.empty()) info.set_hostname(hostname);
  if (!options.webui_url.empty()) info.set_webui_url(options.webui_url);
  for (const auto type : {Capability::MULTI_ROLE, Capability::PARTITION_AWARE, Capability::TASK_KILLING_STATE,
                          Capability::RESERVATION_REFINEMENT, Capability::GPU_RESOURCES}) {
    info.add_capabilities()->set_type(type);
  }
  return info;
}

void add_test(const engine::AttributeTest& test, scheduler::OfferConstraints::RoleConstraints::Group& group) {
  using Kind = engine::AttributeTest::Kind;
  using Selector = engine::AttributeTest::Selector;
  using Proto = scheduler::AttributeConstraint;
  Proto& constraint = *group.add_attribute_constraints();
  Proto::Selector& selector = *constraint.mutable_selector();
  switch (test.selector) {
    case Selector::attribute: selector.set_attribute_name(test.attribute); break;
    case Selector::hostname: selector.set_pseudoattribute_type(Proto::Selector::HOSTNAME); break;
    case Selector::region: selector.set_pseudoattribute_type(Proto::Selector::REGION); break;
    case Selector::zone: selector.set_pseudoattribute_type(Proto::Selector::ZONE); break;
  }
  Proto::Predicate& predicate = *constraint.mutable_predicate();
  switch (test.kind) {
    case Kind::exists: predicate.mutable_exists(); break;
    case Kind::not_exists: predicate.mutable_not_exists(); break;
    case Kind::text_equals: predicate.mutable_text_equals()->set_value(test.value); break;
    case Kind::text_not_equals: predicate.mutable_text_not_equals()->set_value(test.value); break;
    case Kind::text_matches: predicate.mutable_text_matches()->set_regex(test.value); break;
    case Kind::text_not_matches: predicate.mutable_text_not_matches()->set_regex(test.value); break;
  }
}

// Of SUBSCRIBE and UPDATE_FRAMEWORK, which name the same members alike.
template <class Message>
void set_standing(const Standing& standing, Message& message) {
  for (const std::string& role : standing.suppressed()) message.add_suppressed_roles(role);
  for (const auto& [role, groups] : standing.constraints().roles) {
    auto& constraints = (*message.mutable_offer_constraints()->mutable_role_constraints())[role];
    for (const auto& tests : groups) {
      auto& group = *constraints.add_groups();
      for (const engine::AttributeTest& test : tests) add_test(test, group);
    }
  }
}

}  // namespace

Call make_subscribe(const DriverOptions& options, const FrameworkId& framework, const std::string& hostname,
                    const Standing& standing) {
  Call call;
  call.set_type(Call::SUBSCRIBE);
  if (!framework.empty()) call.mutable_framework_id()->set_value(framework.value);
  *call.mutable_subscribe()->mutable_framework_info() = framework_info(options, framework, hostname);
  set_standing(standing, *call.mutable_subscribe());
  return call;
}

Call make_update_framework(const DriverOptions& options, const FrameworkId& framework,
                           const std::string& hostname, const Standing& standing) {
  Call call = begin(Call::UPDATE_FRAMEWORK, framework);
  *call.mutable_update_framework()->mutable_framework_info() = framework_info(options, framework, hostname);
  set_standing(standing, *call.mutable_update_framework());
  return call;
}

Call make_teardown(const FrameworkId& framework) { return begin(Call::TEARDOWN, framework); }

std::vector<Call> make_calls(const engine::Effect& effect, const FrameworkId& framework) {
  return std::visit(Translate{framework}, effect);
}

}  // namespace mimas::mesos
