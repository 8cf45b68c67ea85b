// Subscriptions, their end, failover, teardown, and the passing of time (mesos-protocol §1.9, §2.2).
#include <algorithm>
#include <cstdio>

#include "base/assert.h"
#include "base/uuid.h"
#include "pocket/call_check.h"
#include "pocket/master_model.h"
#include "pocket/offer_constraints.h"

namespace mimas::pocket {
namespace {

using Call = mscheduler::Call;
using Event = mscheduler::Event;

Event error_event(const std::string& message) {
  Event event;
  event.set_type(Event::ERROR);
  event.mutable_error()->set_message(message);
  return event;
}

std::string stray_suppressed(const ::google::protobuf::RepeatedPtrField<std::string>& suppressed,
                             const std::vector<std::string>& roles) {
  std::string list;
  for (const std::string& role : suppressed)
    if (std::find(roles.begin(), roles.end(), role) == roles.end()) list += (list.empty() ? "" : ", ") + role;
  if (list.empty()) return {};
  return "Suppressed roles { " + list + " } are not contained in the set of roles";
}

std::string bad_constraints(const mscheduler::OfferConstraints& constraints,
                            const std::vector<std::string>& roles) {
  if (std::string why = check_constraint_roles(constraints, roles); !why.empty()) return why;
  const std::string why = check_offer_constraints(constraints);
  return why.empty() ? why : "Offer constraints are not valid: " + why;
}

std::vector<std::string> roles_of(const mv1::FrameworkInfo& info) {
  MasterFramework probe;
  probe.info = info;
  return probe.roles();
}

Instant seconds_later(Instant now, double seconds) {
  if (seconds <= 0) return now;
  if (seconds > 9e12) return kNever;
  return now + static_cast<std::int64_t>(seconds * 1000.0);
}

}  // namespace

bool is_terminal(mv1::TaskState state) {
  switch (state) {
    case mv1::TASK_FINISHED:
    case mv1::TASK_FAILED:
    case mv1::TASK_KILLED:
    case mv1::TASK_ERROR:
    case mv1::TASK_LOST:
    case mv1::TASK_DROPPED:
    case mv1::TASK_GONE:
    case mv1::TASK_GONE_BY_OPERATOR: return true;
    default: return false;
  }
}

bool MasterFramework::has(mv1::FrameworkInfo::Capability::Type capability) const {
  return std::any_of(info.capabilities().begin(), info.capabilities().end(),
                     [&](const auto& one) { return one.type() == capability; });
}

std::vector<std::string> MasterFramework::roles() const {
  if (!has(mv1::FrameworkInfo::Capability::MULTI_ROLE)) return {info.role()};
  return {info.roles().begin(), info.roles().end()};
}

MasterModel::MasterModel(MasterOptions options, Instant now)
    : options_(std::move(options)), prng_(options_.seed), started_at_(now) {
  recovering_agents_.insert(options_.agents_before.begin(), options_.agents_before.end());
  if (!recovering_agents_.empty()) recovery_ends_ = now + options_.agent_reregister_ms;
}

std::string MasterModel::next_uuid() {
  RandomBytes random{};
  for (std::size_t i = 0; i < random.size(); i += 8) {
    const std::uint64_t word = prng_.next();
    for (std::size_t k = 0; k < 8; ++k) random[i + k] = static_cast<std::uint8_t>(word >> (8 * k));
  }
  return uuid_v4_bytes(random);
}

MasterFramework* MasterModel::find_framework(const std::string& id) {
  const auto found = frameworks_.find(id);
  return found == frameworks_.end() ? nullptr : &found->second;
}

std::optional<std::string> MasterModel::refuse_subscription(const Call::Subscribe& subscribe) const {
  const mv1::FrameworkInfo& info = subscribe.framework_info();
  if (std::string why = check_framework(info); !why.empty()) return why;
  const std::string& id = info.id().value();
  if (was_removed(id)) return "Framework has been removed";
  if (std::string why = stray_suppressed(subscribe.suppressed_roles(), roles_of(info)); !why.empty())
    return why;
  if (std::string why = bad_constraints(subscribe.offer_constraints(), roles_of(info)); !why.empty())
    return why;
  const auto known = frameworks_.find(id);
  if (!id.empty() && known != frameworks_.end() && known->second.info.principal() != info.principal())
    return "Changing framework's principal is not allowed.";
  return std::nullopt;
}

std::string MasterModel::subscribe(std::uint64_t stream, const Call& call, Instant now) {
  const std::string stream_id = uuid_text(next_uuid());
  const Call::Subscribe& subscribe = call.subscribe();
  if (const auto why = refuse_subscription(subscribe)) {
    outputs_.emplace_back(ToScheduler{stream, error_event(*why)});
    outputs_.emplace_back(EndStream{stream});
    return stream_id;
  }
  std::string id = subscribe.framework_info().id().value();
  if (id.empty()) {
    char number[32];
    std::snprintf(number, sizeof number, "-%04lld", static_cast<long long>(next_framework_++));
    id = options_.master_id + number;
  }
  const auto [at, fresh] = frameworks_.try_emplace(id);
  MasterFramework& framework = at->second;
  if (framework.connected) {
    outputs_.emplace_back(ToScheduler{framework.stream, error_event("Framework failed over")});
    outputs_.emplace_back(EndStream{framework.stream});
  }
  drop_offers_of_framework(id, nullptr, false);
  drop_inverse_offers(id, "", false);
  mv1::FrameworkInfo info = subscribe.framework_info();
  info.mutable_id()->set_value(id);
  if (fresh) {
    framework.registered_at = now;
  } else {  // these two never change (mesos-protocol §2.2)
    info.set_user(framework.info.user());
    info.set_checkpoint(framework.info.checkpoint());
  }
  framework.info = std::move(info);
  framework.stream_id = stream_id;
  admit(framework, stream, subscribe, now);
  return stream_id;
}

void MasterModel::admit(MasterFramework& framework, std::uint64_t stream, const Call::Subscribe& subscribe,
                        Instant now) {
  framework.connected = true;
  framework.stream = stream;
  framework.failover_at = kNever;
  framework.suppressed = {subscribe.suppressed_roles().begin(), subscribe.suppressed_roles().end()};
  framework.filters.clear();
  framework.constraints.Clear();
  if (subscribe.has_offer_constraints())
    *framework.constraints.mutable_offer_constraints() = subscribe.offer_constraints();
  Event subscribed;
  subscribed.set_type(Event::SUBSCRIBED);
  *subscribed.mutable_subscribed()->mutable_framework_id() = framework.info.id();
  subscribed.mutable_subscribed()->set_heartbeat_interval_seconds(static_cast<double>(options_.heartbeat_ms) /
                                                                  1000.0);
  *subscribed.mutable_subscribed()->mutable_master_info() = info();
  send(framework, std::move(subscribed));
  Event heartbeat;
  heartbeat.set_type(Event::HEARTBEAT);
  send(framework, std::move(heartbeat));
  framework.heartbeat_at = now + options_.heartbeat_ms;
  for (const auto& [id, agent] : agents_) command(agent, FrameworkChanged{framework.info});
  allocate_by(now);
}

Answer MasterModel::call(const Call& call, const std::optional<std::string>& stream_id, Instant now) {
  MasterFramework* framework = find_framework(call.framework_id().value());
  if (framework == nullptr) return {400, "Framework cannot be found"};
  if (!framework->connected) return {403, "Framework is not subscribed"};
  if (!stream_id) return {400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header"};
  if (*stream_id != framework->stream_id)
    return {400, "The stream ID '" + *stream_id +
                     "' included in this request didn't match the stream ID currently" +
                     " associated with framework ID " + framework->id()};
  return dispatch(*framework, call, now);
}

Answer MasterModel::dispatch(MasterFramework& framework, const Call& call, Instant now) {
  switch (call.type()) {
    case Call::TEARDOWN: remove_framework(std::string(framework.id()), now); break;
    case Call::ACCEPT: accept(framework, call.accept(), now); break;
    case Call::DECLINE: decline(framework, call.decline(), now); break;
    case Call::REVIVE: revive(framework, call.revive().roles(), now); break;
    case Call::SUPPRESS: suppress(framework, call.suppress().roles()); break;
    case Call::KILL: kill(framework, call.kill(), now); break;
    case Call::ACKNOWLEDGE: acknowledge(framework, call.acknowledge()); break;
    case Call::RECONCILE: reconcile(framework, call.reconcile(), now); break;
    case Call::RECONCILE_OPERATIONS: reconcile_operations(framework, call.reconcile_operations()); break;
    case Call::UPDATE_FRAMEWORK: return update_framework(framework, call.update_framework(), now);
    case Call::SHUTDOWN:
    case Call::MESSAGE: {
      const bool message = call.type() == Call::MESSAGE;
      const std::string& agent_id =
          message ? call.message().agent_id().value() : call.shutdown().agent_id().value();
      const auto agent = agents_.find(agent_id);
      if (agent == agents_.end()) break;
      if (message) {
        command(agent->second,
                ToExecutor{framework.id(), call.message().executor_id().value(), call.message().data()});
      } else {
        command(agent->second, ShutdownExecutor{framework.id(), call.shutdown().executor_id().value()});
      }
      break;
    }
    case Call::ACCEPT_INVERSE_OFFERS:
      answer_inverse_offers(framework, call.accept_inverse_offers().inverse_offer_ids(),
                            call.accept_inverse_offers().filters(), mmaintenance::InverseOfferStatus::ACCEPT,
                            now);
      break;
    case Call::DECLINE_INVERSE_OFFERS:
      answer_inverse_offers(framework, call.decline_inverse_offers().inverse_offer_ids(),
                            call.decline_inverse_offers().filters(),
                            mmaintenance::InverseOfferStatus::DECLINE, now);
      break;
    case Call::ACKNOWLEDGE_OPERATION_STATUS:
      acknowledge(framework, call.acknowledge_operation_status());
      break;
    default: break;  // REQUEST: nothing here needs it
  }
  return {};
}

void MasterModel::scheduler_gone(std::uint64_t stream, Instant now) {
  for (auto& [id, framework] : frameworks_) {
    if (!framework.connected || framework.stream != stream) continue;
    disconnect_framework(framework, now);
    return;
  }
}

void MasterModel::disconnect_framework(MasterFramework& framework, Instant now) {
  framework.connected = false;
  framework.heartbeat_at = kNever;
  framework.filters.clear();
  framework.failover_at = seconds_later(now, framework.info.failover_timeout());
  drop_offers_of_framework(framework.id(), nullptr, false);
  drop_inverse_offers(framework.id(), "", false);
  allocate_by(now);
}

void MasterModel::remove_framework(const std::string& id, Instant now) {
  MasterFramework* framework = find_framework(id);
  ASSERT(framework != nullptr);
  drop_offers_of_framework(id, nullptr, false);
  drop_inverse_offers(id, "", false);
  for (auto& [task_id, task] : framework->tasks) uncharge(task, now);
  for (auto& [agent_id, agent] : agents_) {
    std::erase_if(agent.executors, [&](const auto& one) {
      if (one.first.first != id) return false;
      agent.used.subtract(one.second.amounts);
      return true;
    });
    command(agent, ShutdownFramework{id});
  }
  if (framework->connected) outputs_.emplace_back(EndStream{framework->stream});
  MasterFramework gone = std::move(*framework);
  frameworks_.erase(id);
  gone.connected = false;
  gone.failover_at = kNever;
  gone.unregistered_at = now;
  for (auto& [task_id, task] : gone.tasks) {  // told to nobody (mesos-protocol §1.9)
    if (!is_terminal(task.state)) task.state = mv1::TASK_KILLED;
    gone.completed.push_back(std::move(task));
  }
  gone.tasks.clear();
  while (gone.completed.size() > options_.completed_tasks_max) gone.completed.pop_front();
  completed_frameworks_.push_back(std::move(gone));
  while (completed_frameworks_.size() > options_.completed_frameworks_max) completed_frameworks_.pop_front();
  allocate_by(now);
}

bool MasterModel::was_removed(const std::string& framework_id) const {
  return std::any_of(completed_frameworks_.begin(), completed_frameworks_.end(),
                     [&](const MasterFramework& gone) { return gone.id() == framework_id; });
}

Answer MasterModel::teardown(const std::string& framework_id, Instant now) {
  if (find_framework(framework_id) == nullptr) return {400, "Framework cannot be found"};
  remove_framework(framework_id, now);
  return {200, ""};
}

Answer MasterModel::update_framework(MasterFramework& framework, const Call::UpdateFramework& update,
                                     Instant now) {
  const mv1::FrameworkInfo& info = update.framework_info();
  if (const std::string why = check_framework(info); !why.empty())
    return {400, "Supplied FrameworkInfo is not valid: " + why};
  const auto unchanged = [&](const char* field) {
    return Answer{400, std::string("FrameworkInfo update is not valid: Updating 'FrameworkInfo.") + field +
                           "' is unsupported"};
  };
  if (info.user() != framework.info.user()) return unchanged("user");
  if (info.checkpoint() != framework.info.checkpoint()) return unchanged("checkpoint");
  if (info.principal() != framework.info.principal()) return unchanged("principal");
  const std::vector<std::string> roles = roles_of(info);
  if (const std::string why = stray_suppressed(update.suppressed_roles(), roles); !why.empty())
    return {400, "'UpdateFramework' call is not valid: " + why};
  if (const std::string why = bad_constraints(update.offer_constraints(), roles); !why.empty())
    return {400, "'UpdateFramework' call is not valid: " + why};
  std::set<std::string> removed;
  for (const std::string& role : framework.roles())
    if (std::find(roles.begin(), roles.end(), role) == roles.end()) removed.insert(role);
  if (!removed.empty()) drop_offers_of_framework(framework.id(), &removed, true);
  framework.info = info;
  const std::set<std::string> suppressed(update.suppressed_roles().begin(), update.suppressed_roles().end());
  std::erase_if(framework.filters, [&](const OfferFilter& filter) {
    return framework.suppressed.contains(filter.role) && !suppressed.contains(filter.role);
  });
  framework.suppressed = suppressed;
  framework.constraints.Clear();
  if (update.has_offer_constraints())
    *framework.constraints.mutable_offer_constraints() = update.offer_constraints();
  for (const auto& [id, agent] : agents_) command(agent, FrameworkChanged{framework.info});
  allocate_by(now);
  return {200, ""};
}

void MasterModel::tick(Instant now) {
  std::vector<std::string> expired;
  for (auto& [id, framework] : frameworks_) {
    if (framework.failover_at <= now) expired.push_back(id);
    if (framework.heartbeat_at <= now) {
      Event heartbeat;
      heartbeat.set_type(Event::HEARTBEAT);
      if (heartbeats_from_ <= now) send(framework, std::move(heartbeat));
      while (framework.heartbeat_at <= now)
        framework.heartbeat_at = framework.heartbeat_at + options_.heartbeat_ms;
    }
    if (std::erase_if(framework.filters, [&](const OfferFilter& filter) { return filter.until <= now; }) > 0)
      allocate_by(now);
  }
  for (const std::string& id : expired) remove_framework(id, now);
  std::vector<std::string> silent;
  for (const auto& [id, agent] : agents_)
    if (agent.heard_at + options_.agent_ping_timeout_ms <= now) silent.push_back(id);
  for (const std::string& id : silent) {
    unreachable_agents_[id] = now;
    remove_agent(id,
                 Loss{mv1::TASK_UNREACHABLE, mv1::TaskStatus::REASON_AGENT_REMOVED, "health check timed out",
                      true, false},
                 now);
  }
  if (recovery_ends_ <= now) {
    for (const std::string& id : recovering_agents_) unreachable_agents_[id] = now;
    recovering_agents_.clear();
    recovery_ends_ = kNever;
    note_agents();
  }
  if (allocate_at_ <= now) allocate(now);
}

Instant MasterModel::wake_at() const {
  Instant at = std::min(allocate_at_, recovery_ends_);
  for (const auto& [id, framework] : frameworks_) {
    at = std::min({at, framework.failover_at, framework.heartbeat_at});
    for (const OfferFilter& filter : framework.filters) at = std::min(at, filter.until);
  }
  for (const auto& [id, agent] : agents_) at = std::min(at, agent.heard_at + options_.agent_ping_timeout_ms);
  return at;
}

std::vector<MasterOutput> MasterModel::take_outputs() { return std::exchange(outputs_, {}); }

}  // namespace mimas::pocket
