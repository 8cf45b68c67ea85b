// What Mesos tells about the connection, offers and agents.
#include <algorithm>

#include "engine/index.h"
#include "engine/orphans.h"
#include "engine/parts.h"
#include "engine/reconcile.h"

namespace mimas::engine {
namespace {

void drop_all_offers(State::Data& data) {
  for (const auto& [offer, agent] : data.offers) data.agents_unpublished.insert(agent);
  for (auto& [id, agent] : data.agents) agent.offers.clear();
  data.offers.clear();
  data.offers_due.clear();
  for (auto& [name, role] : data.roles) role.offers = 0;
  data.inverse_offers.clear();
}

// All that it has, as far as it was ever seen at one time: in offers, and in what ours hold.
void note_total(AgentEntry& agent) {
  Resources now = offered_by(agent);
  now += agent.record.used;
  Resources& total = agent.record.total;
  const Resources before = total;
  total.cpu_milli = std::max(total.cpu_milli, now.cpu_milli);
  total.mem_mib = std::max(total.mem_mib, now.mem_mib);
  total.disk_mib = std::max(total.disk_mib, now.disk_mib);
  total.gpus = std::max(total.gpus, now.gpus);
  for (const auto& [name, amount] : now.scalars) {
    const std::int64_t more = amount - scalar(total.scalars, name);
    if (more > 0) add_scalars(total.scalars, {{name, more}});
  }
  total.ports.add(now.ports);
  if (!(total == before)) agent.described = false;
}

// Two agents cannot answer at one address: the one that was there came back under another id, as it does when
// its work directory was wiped.
void note_address(Turn& turn, const Agent& agent) {
  State::Data& data = turn.data;
  const std::string address = address_of(agent);
  if (address.empty()) return;
  AgentId& there = data.agents_by_address[address];
  const AgentId before = std::exchange(there, agent.id);
  if (before.empty() || before == agent.id) return;
  const auto old = data.agents.find(before);
  if (old == data.agents.end() || address_of(old->second.record) != address) return;
  std::vector<OfferId> offers;
  for (const auto& [id, held] : old->second.offers) offers.push_back(id);
  for (const OfferId& id : offers) drop_offer(data, id);
  old->second.record.state = AgentState::gone;
  old->second.superseded = true;
  data.agents_unpublished.insert(before);
  data.agents_leaving.insert({turn.now, before});
  turn.reason("agent " + before.value + " (" + agent.hostname + ") is " + agent.id.value + " now");
}

void take_offer(Turn& turn, const Offer& offer) {
  State::Data& data = turn.data;
  drop_offer(data, offer.id);  // an id that is held already is replaced (rule 51)
  AgentEntry& agent = agent_at(data, offer.agent);
  Agent& record = agent.record;
  agent.described = agent.described && record.hostname == offer.hostname &&
                    record.attributes == offer.attributes && record.region == offer.region &&
                    record.zone == offer.zone;
  record.hostname = offer.hostname;
  record.endpoint = offer.endpoint;
  record.attributes = offer.attributes;
  record.region = offer.region;
  record.zone = offer.zone;
  record.state = AgentState::active;
  record.seen_at = turn.now;
  agent.superseded = false;
  data.agents_unsure.erase(offer.agent);
  note_address(turn, record);
  set_maintenance(data, agent, offer.unavailability);
  (void)cluster_of(turn, offer.role);
  ++role_entry(data, offer.role).offers;
  HeldOffer held{offer, turn.now + data.policy.offer_hold_ms};
  data.offers_due.insert({held.decline_at, offer.id});
  data.offers[offer.id] = offer.agent;
  agent.offers[offer.id] = std::move(held);
  note_total(agent);
  data.agents_unpublished.insert(offer.agent);
}

}  // namespace

void drop_offer(State::Data& data, const OfferId& id) {
  auto at = data.offers.find(id);
  if (at == data.offers.end()) return;  // used, rescinded twice, or never ours (rule 50)
  AgentEntry& agent = agent_at(data, at->second);
  auto held = agent.offers.find(id);
  ASSERT(held != agent.offers.end());
  data.offers_due.erase({held->second.decline_at, id});
  data.agents_unpublished.insert(at->second);
  --role_entry(data, held->second.offer.role).offers;
  agent.offers.erase(held);
  data.offers.erase(at);
}

void on_input(Turn& turn, const Subscribed& event) {
  State::Data& data = turn.data;
  drop_all_offers(data);
  if (data.framework != event.framework) {
    data.framework = event.framework;
    turn.change(PutFramework{event.framework});
  }
  data.subscribed = true;
  data.master = event.master;
  data.subscribed_at = turn.now;
  data.offers_seen = false;
  // `suppressed` stands: the SUBSCRIBE said so (rule 47).
  for (auto& [name, role] : data.roles) {
    role.long_filters = false;
    role.revive_wanted = role.ready > 0 || role.operations > 0;
    role.revived_at = Instant{};
  }
  data.agents_without_feedback.clear();
  data.operations_stale = true;
  data.placement_stale = data.place_all = true;
  note_subscription(turn);
  turn.change(PutConnection{true, event.master});
  turn.reason("subscribed to " + event.master + " as " + event.framework.value);
  for (auto& [id, agent] : data.agents) {
    for (const TaskKey& key : agent.tasks) {
      JobEntry& job = data.jobs.at(key.job);
      TaskEntry& entry = task_at(job, key);
      entry.launch_asked = false;
      schedule(data, job, key, entry);
      const Task& task = *entry.record;
      // What was asked for while nobody listened; the repeats go on as before.
      if (task.kill_requested) turn.effect(KillOnAgent{task.id, task.agent, job.record->spec->kill_grace_ms});
    }
  }
  if (data.restarted) data.launch_from = turn.now + data.policy.listing_wait_ms;
  for (std::int64_t number : data.operations_open) {
    schedule_operation(data, number, data.operations.at(number));
  }
  ask_everything(turn);
}

void on_input(Turn& turn, const Disconnected& event) {
  State::Data& data = turn.data;
  drop_all_offers(data);
  data.placement_stale = data.place_all = true;
  if (!data.subscribed) return;
  data.subscribed = false;
  turn.change(PutConnection{false, data.master});
  turn.reason("disconnected from " + data.master + ": " + event.reason);
}

void on_input(Turn& turn, const OffersReceived& event) {
  if (!turn.data.subscribed) return;  // of a connection that is no more
  for (const Offer& offer : event.offers) {
    if (!offer.id.empty() && !offer.agent.empty()) take_offer(turn, offer);
  }
  turn.data.offers_seen = true;
  turn.data.placement_stale = turn.data.place_all = turn.data.operations_stale = true;
}

void on_input(Turn& turn, const OfferRescinded& event) { drop_offer(turn.data, event.offer); }

void on_input(Turn& turn, const AgentLost& event) {
  State::Data& data = turn.data;
  auto at = data.agents.find(event.agent);
  if (at == data.agents.end()) return;  // FAILURE may name agents we never used (rule 70)
  std::vector<OfferId> offers;
  for (const auto& [id, held] : at->second.offers) offers.push_back(id);
  for (const OfferId& id : offers) drop_offer(data, id);
  if (at->second.record.state == AgentState::active) at->second.record.state = AgentState::unreachable;
  data.agents_unpublished.insert(event.agent);
  data.agents_leaving.insert({turn.now + kForgetAgentMs, event.agent});
  turn.reason("agent " + event.agent.value + " (" + at->second.record.hostname + ") is lost");
}

}  // namespace mimas::engine
