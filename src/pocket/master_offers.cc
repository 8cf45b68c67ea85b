// The allocator: who is offered what, when, and what a decline means (mesos-protocol §2.2, §2.4). All that is
// free on an agent goes as one offer to the eligible (framework, role) that has the smallest dominant share;
// what is reserved for other roles goes to them in their turn.
#include <algorithm>
#include <cmath>

#include "pocket/master_model.h"
#include "pocket/offer_constraints.h"

namespace mimas::pocket {
namespace {

using Event = mscheduler::Event;

constexpr std::int64_t kCpusMilliMin = 10;     // 0.01
constexpr std::int64_t kMemMilliMin = 32'000;  // 32 MB
constexpr double kRefuseSecondsDefault = 5.0;
constexpr double kRefuseSecondsMax = 31'536'000.0;

bool allocatable(const Holdings& free) {
  return free.scalar("cpus") >= kCpusMilliMin || free.scalar("mem") >= kMemMilliMin;
}

// Per mille of the cluster, of whichever of cpus and mem is more.
std::int64_t dominant_share(const Holdings& held, const Holdings& total) {
  std::int64_t share = 0;
  for (const char* name : {"cpus", "mem"}) {
    const std::int64_t all = total.scalar(name);
    if (all > 0) share = std::max(share, held.scalar(name) / std::max<std::int64_t>(1, all / 1000));
  }
  return share;
}

}  // namespace

void MasterModel::allocate_by(Instant at) { allocate_at_ = std::min(allocate_at_, at); }

void MasterModel::allocate_soon(Instant now) {
  allocate_by(std::max(now, allocated_at_ + options_.allocation_interval_ms));
}

std::vector<std::pair<const MasterFramework*, std::string>> MasterModel::by_share() const {
  Holdings total;
  for (const auto& [id, agent] : agents_) total.add(agent.total);
  struct Candidate {
    std::int64_t share;
    const MasterFramework* framework;
    std::string role;
  };
  std::vector<Candidate> candidates;
  for (const auto& [id, framework] : frameworks_) {
    if (!framework.connected) continue;
    Holdings held;
    for (const auto& [task_id, task] : framework.tasks)
      if (task.charged) held.add(task.amounts);
    for (const auto& [offer_id, offer] : offers_)
      if (offer.framework_id == id) held.add(offer.amounts);
    const std::int64_t share = dominant_share(held, total);
    for (const std::string& role : framework.roles())
      if (!framework.suppressed.contains(role)) candidates.push_back({share, &framework, role});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.share < b.share; });
  std::vector<std::pair<const MasterFramework*, std::string>> order;
  for (const Candidate& one : candidates) order.emplace_back(one.framework, one.role);
  return order;
}

bool MasterModel::filtered(const MasterFramework& framework, const std::string& role,
                           const std::string& agent_id, const Holdings& amounts, Instant now) const {
  return std::any_of(framework.filters.begin(), framework.filters.end(), [&](const OfferFilter& filter) {
    return filter.until > now && filter.role == role && filter.agent_id == agent_id &&
           filter.refused.contains(amounts);
  });
}

MasterOffer MasterModel::make_offer(const MasterFramework& framework, const std::string& role,
                                    const MasterAgent& agent, const Holdings& amounts) {
  MasterOffer offer{options_.master_id + "-O" + std::to_string(next_offer_++), framework.id(), agent.id(),
                    role, amounts};
  offers_[offer.id] = offer;
  return offer;
}

void MasterModel::allocate(Instant now) {
  allocate_at_ = kNever;
  allocated_at_ = now;
  std::map<std::string, Event> rounds;
  for (const auto& [agent_id, agent] : agents_) {
    if (!agent.connected || agent.deactivated) continue;
    Holdings free = agent.total;
    free.subtract(agent.used);
    for (const auto& [offer_id, offer] : offers_)
      if (offer.agent_id == agent_id) free.subtract(offer.amounts);
    if (!allocatable(free)) continue;
    for (const auto& [framework, role] : by_share()) {
      const Holdings mine =
          free.for_role(role, framework->has(mv1::FrameworkInfo::Capability::RESERVATION_REFINEMENT));
      if (!allocatable(mine) || filtered(*framework, role, agent_id, mine, now)) continue;
      if (!constraints_allow(framework->constraints.offer_constraints(), role, agent.info)) continue;
      *rounds[framework->id()].mutable_offers()->add_offers() =
          render_offer(make_offer(*framework, role, agent, mine));
      free.subtract(mine);
    }
  }
  for (auto& [framework_id, event] : rounds) {
    event.set_type(Event::OFFERS);
    send(frameworks_.at(framework_id), std::move(event));
  }
  send_inverse_offers(now);
}

mv1::Offer MasterModel::render_offer(const MasterOffer& offer) const {
  const MasterFramework& framework = frameworks_.at(offer.framework_id);
  const MasterAgent& agent = agents_.at(offer.agent_id);
  const bool multi_role = framework.has(mv1::FrameworkInfo::Capability::MULTI_ROLE);
  mv1::Offer out;
  out.mutable_id()->set_value(offer.id);
  out.mutable_framework_id()->set_value(offer.framework_id);
  out.mutable_agent_id()->set_value(offer.agent_id);
  out.set_hostname(agent.info.hostname());
  out.mutable_url()->set_scheme("http");
  auto* address = out.mutable_url()->mutable_address();
  address->set_hostname(agent.info.hostname());
  address->set_ip(agent.ip);
  address->set_port(agent.info.port());
  out.mutable_url()->set_path("/slave(1)");
  Rendering how;
  how.role = offer.role;
  how.allocation_info = multi_role;
  how.role_field = !framework.has(mv1::FrameworkInfo::Capability::RESERVATION_REFINEMENT);
  offer.amounts.render(how, out.mutable_resources());
  *out.mutable_attributes() = agent.info.attributes();
  for (const auto& [key, executor] : agent.executors)
    if (key.first == offer.framework_id) *out.add_executor_ids() = executor.info.executor_id();
  if (multi_role) out.mutable_allocation_info()->set_role(offer.role);
  if (const mv1::Unavailability* away = unavailability_of(agent)) *out.mutable_unavailability() = *away;
  return out;
}

void MasterModel::drop_offers_of_framework(const std::string& framework_id,
                                           const std::set<std::string>* roles, bool rescind) {
  std::erase_if(offers_, [&](const auto& one) {
    const MasterOffer& offer = one.second;
    if (offer.framework_id != framework_id || (roles != nullptr && !roles->contains(offer.role)))
      return false;
    if (rescind) {
      Event event;
      event.set_type(Event::RESCIND);
      event.mutable_rescind()->mutable_offer_id()->set_value(offer.id);
      send(frameworks_.at(framework_id), std::move(event));
    }
    return true;
  });
}

void MasterModel::rescind_offers_of_agent(const std::string& agent_id) {
  drop_inverse_offers("", agent_id, true);
  std::erase_if(offers_, [&](const auto& one) {
    if (one.second.agent_id != agent_id) return false;
    Event event;
    event.set_type(Event::RESCIND);
    event.mutable_rescind()->mutable_offer_id()->set_value(one.second.id);
    send(frameworks_.at(one.second.framework_id), std::move(event));
    return true;
  });
}

std::int64_t MasterModel::refusal_ms(const mv1::Filters& filters) const {
  double seconds = filters.refuse_seconds();
  if (!std::isfinite(seconds) || seconds < 0) seconds = kRefuseSecondsDefault;
  seconds = std::min(seconds, kRefuseSecondsMax);
  if (seconds == 0.0) return 0;
  return std::max(options_.allocation_interval_ms, static_cast<std::int64_t>(seconds * 1000.0));
}

void MasterModel::refuse(MasterFramework& framework, const std::string& role, const std::string& agent_id,
                         const Holdings& amounts, const mv1::Filters& filters, Instant now) {
  const std::int64_t ms = refusal_ms(filters);
  if (ms == 0 || amounts.empty()) return;
  // A shorter refusal of the same or more says nothing new and need not be kept: at most one filter per
  // amount.
  std::erase_if(framework.filters, [&](const OfferFilter& old) {
    return old.role == role && old.agent_id == agent_id && old.until <= now + ms &&
           amounts.contains(old.refused);
  });
  framework.filters.push_back({role, agent_id, amounts, now + ms});
}

void MasterModel::decline(MasterFramework& framework, const mscheduler::Call::Decline& decline, Instant now) {
  for (const mv1::OfferID& id : decline.offer_ids()) {
    const auto found = offers_.find(id.value());
    if (found == offers_.end() || found->second.framework_id != framework.id()) continue;
    const MasterOffer offer = found->second;
    offers_.erase(found);
    refuse(framework, offer.role, offer.agent_id, offer.amounts, decline.filters(), now);
    allocate_soon(now);
  }
}

// One bad role voids the whole call, silently (mesos-protocol §2.2).
void MasterModel::suppress(MasterFramework& framework,
                           const ::google::protobuf::RepeatedPtrField<std::string>& roles) {
  const std::vector<std::string> mine = framework.roles();
  for (const std::string& role : roles)
    if (std::find(mine.begin(), mine.end(), role) == mine.end()) return;
  if (roles.empty()) {
    framework.suppressed.insert(mine.begin(), mine.end());
  } else {
    framework.suppressed.insert(roles.begin(), roles.end());
  }
}

void MasterModel::revive(MasterFramework& framework,
                         const ::google::protobuf::RepeatedPtrField<std::string>& roles, Instant now) {
  const std::vector<std::string> mine = framework.roles();
  for (const std::string& role : roles)
    if (std::find(mine.begin(), mine.end(), role) == mine.end()) return;
  const std::set<std::string> revived = roles.empty() ? std::set<std::string>(mine.begin(), mine.end())
                                                      : std::set<std::string>(roles.begin(), roles.end());
  for (const std::string& role : revived) framework.suppressed.erase(role);
  std::erase_if(framework.filters, [&](const OfferFilter& filter) { return revived.contains(filter.role); });
  for (auto& [key, answer] : inverse_answers_)
    if (key.first == framework.id()) answer.silent_until = now;
  allocate_by(now);
}

}  // namespace mimas::pocket
