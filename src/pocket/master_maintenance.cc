// Maintenance windows: what operators announce, and inverse offers that ask frameworks to leave in time
// (mesos-protocol §2.3, §2.4). A machine is known by hostname, ip or both. Frameworks with tasks on an agent
// of a scheduled machine hold one inverse offer for it until they answer; an answer is asked for again when
// its filter has run out.
#include <algorithm>

#include "pocket/master_model.h"

namespace mimas::pocket {
namespace {

using Event = mscheduler::Event;
using Machines = ::google::protobuf::RepeatedPtrField<mv1::MachineID>;

bool same_machine(const mv1::MachineID& a, const mv1::MachineID& b) {
  return a.hostname() == b.hostname() && a.ip() == b.ip();
}

bool runs_on(const MasterAgent& agent, const mv1::MachineID& machine) {
  if (machine.has_hostname() && !machine.hostname().empty() && machine.hostname() != agent.info.hostname())
    return false;
  return !machine.has_ip() || machine.ip().empty() || machine.ip() == agent.ip;
}

bool among(const Machines& machines, const mv1::MachineID& machine) {
  return std::any_of(machines.begin(), machines.end(),
                     [&](const auto& one) { return same_machine(one, machine); });
}

bool scheduled(const mmaintenance::Schedule& schedule, const mv1::MachineID& machine) {
  return std::any_of(schedule.windows().begin(), schedule.windows().end(),
                     [&](const auto& window) { return among(window.machine_ids(), machine); });
}

std::string check_machine(const mv1::MachineID& machine) {
  if (machine.hostname().empty() && machine.ip().empty())
    return "Both 'hostname' and 'ip' for a machine are empty";
  return {};
}

std::string machine_text(const mv1::MachineID& machine) { return machine.hostname() + "/" + machine.ip(); }

// Empty: fine.
std::string check_schedule(const mmaintenance::Schedule& schedule) {
  Machines seen;
  for (const auto& window : schedule.windows()) {
    if (window.machine_ids().empty()) return "List of machines in the maintenance window is empty";
    if (window.unavailability().has_duration() && window.unavailability().duration().nanoseconds() < 0)
      return "Unavailability 'duration' is negative";
    for (const auto& machine : window.machine_ids()) {
      if (const std::string why = check_machine(machine); !why.empty()) return why;
      if (among(seen, machine))
        return "Machine '" + machine_text(machine) + "' appears more than once in the schedule";
      *seen.Add() = machine;
    }
  }
  return {};
}

void unschedule(mmaintenance::Schedule& schedule, const mv1::MachineID& machine) {
  mmaintenance::Schedule left;
  for (const auto& window : schedule.windows()) {
    auto* kept = left.add_windows();
    *kept->mutable_unavailability() = window.unavailability();
    for (const auto& one : window.machine_ids())
      if (!same_machine(one, machine)) *kept->add_machine_ids() = one;
    if (kept->machine_ids().empty()) left.mutable_windows()->RemoveLast();
  }
  schedule = std::move(left);
}

}  // namespace

const mv1::Unavailability* MasterModel::unavailability_of(const MasterAgent& agent) const {
  for (const auto& window : schedule_.windows())
    for (const auto& machine : window.machine_ids())
      if (runs_on(agent, machine)) return &window.unavailability();
  return nullptr;
}

bool MasterModel::machine_down(const mv1::MachineID& machine) const {
  return std::any_of(machines_down_.begin(), machines_down_.end(),
                     [&](const auto& one) { return same_machine(one, machine); });
}

void MasterModel::replace_schedule(mmaintenance::Schedule schedule, Instant now) {
  std::map<std::string, std::string> before;
  const auto text = [&](const MasterAgent& agent) {
    const mv1::Unavailability* away = unavailability_of(agent);
    return away == nullptr ? std::string() : away->SerializeAsString();
  };
  for (const auto& [id, agent] : agents_) before[id] = text(agent);
  schedule_ = std::move(schedule);
  for (const auto& [id, agent] : agents_) {
    if (before.at(id) == text(agent)) continue;
    rescind_offers_of_agent(id);  // they come again, with what is true now
    std::erase_if(inverse_answers_, [&](const auto& one) { return one.first.second == id; });
  }
  allocate_by(now);
}

Answer MasterModel::update_schedule(const mmaintenance::Schedule& schedule, Instant now) {
  if (const std::string why = check_schedule(schedule); !why.empty()) return {400, why};
  for (const auto& machine : machines_down_)
    if (!scheduled(schedule, machine))
      return {400, "Machine '" + machine_text(machine) +
                       "' is deactivated and cannot be removed from the schedule"};
  replace_schedule(schedule, now);
  return {200, ""};
}

Answer MasterModel::start_maintenance(const Machines& machines, Instant now) {
  if (machines.empty()) return {400, "List of machines is empty"};
  for (const auto& machine : machines) {
    if (const std::string why = check_machine(machine); !why.empty()) return {400, why};
    if (!scheduled(schedule_, machine) || machine_down(machine))
      return {400,
              "Machine '" + machine_text(machine) + "' is not in DRAINING mode and cannot be brought down"};
  }
  for (const auto& machine : machines) {
    machines_down_.push_back(machine);
    std::vector<std::string> ids;
    for (const auto& [id, agent] : agents_)
      if (runs_on(agent, machine)) ids.push_back(id);
    for (const std::string& id : ids) {
      command(agents_.at(id), LeaveCluster{});
      remove_agent(id,
                   Loss{mv1::TASK_LOST, mv1::TaskStatus::REASON_AGENT_REMOVED,
                        "Operator initiated 'Machine DOWN'", false, true},
                   now);
    }
  }
  return {200, ""};
}

Answer MasterModel::stop_maintenance(const Machines& machines, Instant now) {
  if (machines.empty()) return {400, "List of machines is empty"};
  for (const auto& machine : machines) {
    if (const std::string why = check_machine(machine); !why.empty()) return {400, why};
    if (!machine_down(machine))
      return {400, "Machine '" + machine_text(machine) + "' is not in DOWN mode and cannot be brought up"};
  }
  mmaintenance::Schedule left = schedule_;
  for (const auto& machine : machines) {
    std::erase_if(machines_down_, [&](const auto& one) { return same_machine(one, machine); });
    unschedule(left, machine);
  }
  replace_schedule(std::move(left), now);
  return {200, ""};
}

bool MasterModel::maintain(const std::string& name, Instant start, std::int64_t ms, Instant now) {
  const auto found = std::find_if(agents_.begin(), agents_.end(), [&](const auto& one) {
    const MasterAgent& agent = one.second;
    return name == one.first || name == agent.info.hostname() ||
           name == agent.info.hostname() + ":" + std::to_string(agent.info.port());
  });
  if (found == agents_.end()) return false;
  mv1::MachineID machine;
  machine.set_hostname(found->second.info.hostname());
  machine.set_ip(found->second.ip);
  mmaintenance::Schedule schedule = schedule_;
  unschedule(schedule, machine);
  auto* window = schedule.add_windows();
  *window->add_machine_ids() = machine;
  window->mutable_unavailability()->mutable_start()->set_nanoseconds(start.ms * 1'000'000);
  if (ms > 0) window->mutable_unavailability()->mutable_duration()->set_nanoseconds(ms * 1'000'000);
  replace_schedule(std::move(schedule), now);
  return true;
}

mmaintenance::ClusterStatus MasterModel::maintenance_status() const {
  mmaintenance::ClusterStatus status;
  for (const auto& machine : machines_down_) *status.add_down_machines() = machine;
  for (const auto& window : schedule_.windows()) {
    for (const auto& machine : window.machine_ids()) {
      if (machine_down(machine)) continue;
      auto* draining = status.add_draining_machines();
      *draining->mutable_id() = machine;
      for (const auto& [key, answer] : inverse_answers_) {
        const auto agent = agents_.find(key.second);
        if (agent == agents_.end() || !runs_on(agent->second, machine)) continue;
        auto* said = draining->add_statuses();
        said->set_status(answer.status);
        said->mutable_framework_id()->set_value(key.first);
        said->mutable_timestamp()->set_nanoseconds(answer.at.ms * 1'000'000);
      }
    }
  }
  return status;
}

mv1::InverseOffer MasterModel::render_inverse_offer(const MasterInverseOffer& offer) const {
  const MasterAgent& agent = agents_.at(offer.agent_id);
  mv1::InverseOffer out;
  out.mutable_id()->set_value(offer.id);
  out.mutable_framework_id()->set_value(offer.framework_id);
  out.mutable_agent_id()->set_value(offer.agent_id);
  auto* url = out.mutable_url();
  url->set_scheme("http");
  url->mutable_address()->set_hostname(agent.info.hostname());
  url->mutable_address()->set_ip(agent.ip);
  url->mutable_address()->set_port(agent.info.port());
  url->set_path("/slave(1)");
  if (const mv1::Unavailability* away = unavailability_of(agent)) *out.mutable_unavailability() = *away;
  return out;
}

void MasterModel::send_inverse_offers(Instant now) {
  if (schedule_.windows().empty()) return;
  std::set<std::pair<std::string, std::string>> held;
  for (const auto& [id, offer] : inverse_offers_) held.insert({offer.framework_id, offer.agent_id});
  for (auto& [framework_id, framework] : frameworks_) {
    if (!framework.connected) continue;
    std::set<std::string> places;
    for (const auto& [task_id, task] : framework.tasks)
      if (!is_terminal(task.state)) places.insert(task.agent_id);
    Event event;
    event.set_type(Event::INVERSE_OFFERS);
    for (const std::string& agent_id : places) {
      const auto agent = agents_.find(agent_id);
      const mv1::Unavailability* away = agent == agents_.end() ? nullptr : unavailability_of(agent->second);
      const auto answered = inverse_answers_.find({framework_id, agent_id});
      if (away == nullptr || held.contains({framework_id, agent_id})) continue;
      if (answered != inverse_answers_.end() && answered->second.silent_until > now) {
        allocate_by(answered->second.silent_until);
        continue;
      }
      const MasterInverseOffer made{options_.master_id + "-O" + std::to_string(next_offer_++), framework_id,
                                    agent_id};
      inverse_offers_[made.id] = made;
      *event.mutable_inverse_offers()->add_inverse_offers() = render_inverse_offer(made);
    }
    if (event.inverse_offers().inverse_offers_size() > 0) send(framework, std::move(event));
  }
}

// Ids that are not held are ignored, as with DECLINE.
void MasterModel::answer_inverse_offers(MasterFramework& framework,
                                        const ::google::protobuf::RepeatedPtrField<mv1::OfferID>& ids,
                                        const mv1::Filters& filters,
                                        mmaintenance::InverseOfferStatus::Status status, Instant now) {
  for (const mv1::OfferID& id : ids) {
    const auto found = inverse_offers_.find(id.value());
    if (found == inverse_offers_.end() || found->second.framework_id != framework.id()) continue;
    inverse_answers_[{framework.id(), found->second.agent_id}] = {status, now, now + refusal_ms(filters)};
    inverse_offers_.erase(found);
    allocate_soon(now);
  }
}

void MasterModel::drop_inverse_offers(const std::string& framework_id, const std::string& agent_id,
                                      bool rescind) {
  std::erase_if(inverse_offers_, [&](const auto& one) {
    const MasterInverseOffer& offer = one.second;
    if (!framework_id.empty() && offer.framework_id != framework_id) return false;
    if (!agent_id.empty() && offer.agent_id != agent_id) return false;
    const auto framework = frameworks_.find(offer.framework_id);
    if (rescind && framework != frameworks_.end()) {
      Event event;
      event.set_type(Event::RESCIND_INVERSE_OFFER);
      event.mutable_rescind_inverse_offer()->mutable_inverse_offer_id()->set_value(offer.id);
      send(framework->second, std::move(event));
    }
    return true;
  });
}

}  // namespace mimas::pocket
