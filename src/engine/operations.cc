// Operations from the request to their end (mesos-protocol §2.2, §2.6): each waits for an offer of its agent
// in its role that holds what it needs, leaves in an ACCEPT of its own, and ends by what its agent reports.
// Whether an agent reports operations at all is not written in its offers: the first one is sent with an id,
// and if the master refuses that, it goes again without, and later offers show whether it took place.
#include <algorithm>

#include "base/text.h"
#include "engine/history.h"
#include "engine/parts.h"

namespace mimas::engine {
namespace {

constexpr std::int64_t kAttemptsMax = 10;  // stale offers and agents without feedback are tried again
constexpr std::size_t kMessageBytesMax = 1'024;

// What the offers held for one agent in one role come to.
struct Offered {
  std::vector<OfferId> ids;
  Resources unreserved, reserved;
  std::map<std::string, std::int64_t> volumes;
};

Offered offered_in(const State::Data& data, const AgentId& id, const std::string& role) {
  Offered sum;
  auto agent = data.agents.find(id);
  if (agent == data.agents.end()) return sum;
  for (const auto& [offer_id, held] : agent->second.offers) {
    if (held.offer.role != role) continue;
    sum.ids.push_back(offer_id);
    sum.unreserved += held.offer.unreserved;
    sum.reserved += held.offer.reserved;
    sum.volumes.insert(held.offer.volumes.begin(), held.offer.volumes.end());
  }
  return sum;
}

// Takes what the operation needs out of the sum, so that the next one of the same call sees what is left.
// What an operation makes is not counted on: its result comes with a later offer.
bool take(const Operation& operation, Offered& from) {
  switch (operation.type) {
    case OperationType::reserve:
      if (!operation.amounts.fits(from.unreserved)) return false;
      from.unreserved -= operation.amounts;
      return true;
    case OperationType::unreserve:
      if (!operation.amounts.fits(from.reserved)) return false;
      from.reserved -= operation.amounts;
      return true;
    case OperationType::create:
      if (from.volumes.contains(operation.volume) || !operation.amounts.fits(from.reserved)) return false;
      from.reserved -= operation.amounts;
      return true;
    case OperationType::destroy: return from.volumes.erase(operation.volume) > 0;
  }
  return false;
}

// Of everything the operation names, at least that much less than before.
bool has_shrunk(const Resources& before, const Resources& by, const Resources& now) {
  Resources most = before;
  most -= by;
  const auto is_less = [](std::int64_t asked, std::int64_t is, std::int64_t at_most) {
    return asked == 0 || is <= at_most;
  };
  Ports left = now.ports;
  left.subtract(by.ports);
  return is_less(by.cpu_milli, now.cpu_milli, most.cpu_milli) &&
         is_less(by.mem_mib, now.mem_mib, most.mem_mib) &&
         is_less(by.disk_mib, now.disk_mib, most.disk_mib) && is_less(by.gpus, now.gpus, most.gpus) &&
         left == now.ports;
}

// Do offers that came after it was sent hold what it was to make?
bool is_shown(const Operation& operation, const Offered& now) {
  if (now.ids.empty()) return false;
  Resources more = operation.reserved_before;
  more += operation.amounts;
  switch (operation.type) {
    case OperationType::reserve: return more.fits(now.reserved);
    case OperationType::unreserve:
      return operation.amounts.fits(now.unreserved) &&
             has_shrunk(operation.reserved_before, operation.amounts, now.reserved);
    case OperationType::create: return now.volumes.contains(operation.volume);
    case OperationType::destroy:
      return !now.volumes.contains(operation.volume) &&
             now.reserved.disk_mib > operation.reserved_before.disk_mib;
  }
  return false;
}

std::string told(const Operation& operation) {
  return "operation " + operation.id.value + " (" + std::string(operation_type_name(operation.type)) +
         " on agent " + operation.agent.value + ") " + std::string(operation_state_name(operation.state));
}

void move_to(Turn& turn, OperationEntry& entry, OperationState state, std::string message) {
  turn.change_operation(entry, [&](Operation& operation) {
    operation.state = state;
    operation.message = std::move(message);
  });
  const Operation& now = *entry.record;
  turn.reason(told(now) + (now.message.empty() ? std::string() : ": " + now.message));
}

void send_again(Turn& turn, OperationEntry& entry, std::string message) {
  move_to(turn, entry, OperationState::waiting, std::move(message));
  role_entry(turn.data, entry.record->role).revive_wanted = true;
}

Result<Operation> checked(const State::Data& data, const RequestOperation& command) {
  Operation operation;
  operation.role = command.role;
  if (operation.role.empty() && !data.policy.roles.empty()) operation.role = data.policy.roles.front();
  if (operation.role.empty() || operation.role == "*") {
    return make_error(Code::invalid_argument,
                      "resources cannot be reserved for the role '" + operation.role + "'", "/role",
                      "name one of the server's other roles; GET /v2/config lists them");
  }
  if (!is_ours(data.policy, operation.role)) {
    return make_error(Code::invalid_argument, "the server is not subscribed in the role " + operation.role,
                      "/role", "name one of the server's roles; GET /v2/config lists them");
  }
  if (static_cast<std::int64_t>(data.operations_open.size()) >= data.policy.operations_open_max) {
    return make_error(
        Code::resource_exhausted,
        "there are already " + std::to_string(data.policy.operations_open_max) + " open operations");
  }
  operation.number = data.operations.empty() ? 1 : data.operations.rbegin()->first + 1;
  operation.id = make_operation_id(operation.number);
  operation.type = command.type;
  operation.agent = command.agent;
  operation.amounts = command.amounts;
  operation.volume = command.volume;
  operation.path = command.path;
  operation.user = command.user;
  operation.message = data.agents.contains(command.agent) ? "waits for an offer of the agent"
                                                          : "waits for the agent's first offer";
  return operation;
}

void on_refused(Turn& turn, OperationEntry& entry, const OperationUpdate& update, std::string message) {
  const Operation& operation = *entry.record;
  const bool by_master = update.uuid.empty() && operation.attempt < kAttemptsMax;
  if (by_master && message.find("capabilit") != std::string::npos && operation.feedback) {
    turn.data.agents_without_feedback.insert(operation.agent);
    send_again(turn, entry, "the agent gives no feedback on operations: later offers will show it");
  } else if (by_master && message.find("invalid offers") != std::string::npos) {
    send_again(turn, entry, "its offer was gone before it arrived; waits for the next one");
  } else {
    move_to(turn, entry, OperationState::error, std::move(message));
  }
}

// "I do not know it" is believed when the master has had time to learn of it.
void on_unknown(Turn& turn, OperationEntry& entry) {
  const Operation& operation = *entry.record;
  const bool before = operation.sent_at < turn.data.subscribed_at;
  if (!before && turn.now - operation.sent_at < turn.data.policy.launch_grace_ms) return;
  move_to(turn, entry, OperationState::dropped, "the master does not know it: it was lost on its way");
}

void apply(Turn& turn, OperationEntry& entry, const OperationUpdate& update) {
  std::string message = cut_text(update.message, kMessageBytesMax);
  const auto live = [&](OperationState state) {
    if (entry.record->state != state) move_to(turn, entry, state, std::move(message));
  };
  switch (update.state) {
    case MesosOperationState::unsupported: return;
    case MesosOperationState::pending: return live(OperationState::pending);
    case MesosOperationState::recovering: return live(OperationState::recovering);
    case MesosOperationState::unreachable: return live(OperationState::unreachable);
    case MesosOperationState::unknown: return on_unknown(turn, entry);
    case MesosOperationState::error: return on_refused(turn, entry, update, std::move(message));
    case MesosOperationState::finished: return live(OperationState::finished);
    case MesosOperationState::failed: return live(OperationState::failed);
    case MesosOperationState::dropped: return live(OperationState::dropped);
    case MesosOperationState::gone_by_operator: return live(OperationState::gone);
  }
}

ReconcileOperations::Item question(const Operation& operation) {
  return {wire_operation_id(operation), operation.agent};
}

void look_at(Turn& turn, OperationEntry& entry) {
  const Operation& operation = *entry.record;
  if (operation.state == OperationState::waiting) {
    move_to(turn, entry, OperationState::expired,
            "no offer of the agent in the role " + operation.role + " held what it needs in time");
  } else if (!operation.feedback) {
    move_to(turn, entry, OperationState::unconfirmed, "no later offer of the agent showed it");
  } else {
    entry.asked_at = turn.now;
    turn.effect(ReconcileOperations{{question(operation)}});
    schedule_operation(turn.data, operation.number, entry);
  }
}

}  // namespace

void on_input(Turn& turn, const RequestOperation& command) {
  auto earlier = earlier_answer(turn, command.receipt_key, command.fingerprint);
  if (!earlier.ok()) return turn.reply(command.request, earlier.error());
  if (*earlier) {
    if (parse_operation_number(**earlier) < 0) {
      return turn.reply(command.request, used_otherwise(command.receipt_key));
    }
    return turn.reply(command.request, Answer{OperationAccepted{OperationId(**earlier), true}});
  }
  Result<Operation> made = checked(turn.data, command);
  if (!made.ok()) return turn.reply(command.request, made.error());
  made->created_at = made->updated_at = turn.now;
  const OperationId id = made->id;
  turn.reason(told(*made) + (command.user.empty() ? std::string() : " for " + command.user));
  role_entry(turn.data, made->role).revive_wanted = true;
  put_audit(turn, command.user, command.address,
            {"operation.request",
             id.value + ": " + std::string(operation_type_name(made->type)) + " on agent " +
                 made->agent.value + " in the role " + made->role,
             {},
             {},
             {}});
  keep_receipt(turn, command.receipt_key, command.fingerprint, id.value);
  turn.add_operation(std::move(*made));
  turn.reply(command.request, Answer{OperationAccepted{id}});
}

void on_input(Turn& turn, const OperationUpdate& update) {
  const WireOperation name = parse_wire_operation_id(update.operation.value);
  auto found = turn.data.operations.find(name.number);
  const bool known = found != turn.data.operations.end();
  AgentId agent = update.agent;
  if (agent.empty() && known) agent = found->second.record->agent;
  // Also of one nobody knows any more: its agent would repeat it for ever.
  if (!update.uuid.empty() && !agent.empty() && !update.operation.empty()) {
    turn.effect(AcknowledgeOperation{agent, update.operation, update.uuid});
  }
  if (!known) return;
  OperationEntry& entry = found->second;
  const Operation& operation = *entry.record;
  if (operation.attempt != name.attempt || is_terminal(operation.state)) return;
  if (operation.state == OperationState::waiting) return;  // that attempt was given up
  apply(turn, entry, update);
}

void look_at_operations(Turn& turn) {
  State::Data& data = turn.data;
  if (data.operations_stale) {
    const std::set<std::int64_t> open = data.operations_open;
    for (std::int64_t number : open) {
      OperationEntry& entry = data.operations.at(number);
      const Operation& operation = *entry.record;
      if (operation.state != OperationState::sent || operation.feedback) continue;
      if (is_shown(operation, offered_in(data, operation.agent, operation.role))) {
        move_to(turn, entry, OperationState::finished, "a later offer of the agent shows it");
      }
    }
  }
  while (!data.operations_due.empty() && data.operations_due.begin()->first <= turn.now) {
    look_at(turn, data.operations.at(data.operations_due.begin()->second));
  }
}

void send_operations(Turn& turn) {
  State::Data& data = turn.data;
  if (!std::exchange(data.operations_stale, false) || !data.subscribed) return;
  struct Call {
    Offered offered;
    Resources reserved_before;
    AcceptOffers accept;
  };
  std::map<std::pair<AgentId, std::string>, Call> calls;
  const std::set<std::int64_t> waiting = data.operations_waiting;
  for (std::int64_t number : waiting) {
    OperationEntry& entry = data.operations.at(number);
    const Operation& before = *entry.record;
    auto [at, fresh] = calls.try_emplace({before.agent, before.role});
    Call& call = at->second;
    if (fresh) {
      call.offered = offered_in(data, before.agent, before.role);
      call.reserved_before = call.offered.reserved;
      call.accept.agent = before.agent;
    }
    if (call.offered.ids.empty() || !take(before, call.offered)) continue;
    turn.change_operation(entry, [&](Operation& operation) {
      operation.state = OperationState::sent;
      operation.sent_at = turn.now;
      ++operation.attempt;
      operation.feedback = !data.agents_without_feedback.contains(operation.agent);
      operation.reserved_before = call.reserved_before;
      operation.message.clear();
    });
    turn.reason(told(*entry.record));
    call.accept.operations.push_back(entry.record);
  }
  for (auto& [where, call] : calls) {
    if (call.accept.operations.empty()) continue;
    call.accept.offers = std::move(call.offered.ids);
    for (const OfferId& id : call.accept.offers) drop_offer(data, id);
    turn.effect(std::move(call.accept));
  }
  data.operations_stale = false;  // what was sent is not looked for in the offers it was sent with
}

void ask_operations(Turn& turn) {
  State::Data& data = turn.data;
  ReconcileOperations call;
  for (std::int64_t number : data.operations_open) {
    OperationEntry& entry = data.operations.at(number);
    if (entry.record->state == OperationState::waiting || !entry.record->feedback) continue;
    call.operations.push_back(question(*entry.record));
    entry.asked_at = turn.now;
    schedule_operation(data, number, entry);
  }
  if (!call.operations.empty()) turn.effect(std::move(call));
}

void end_operations(Turn& turn, const std::string& why) {
  const std::set<std::int64_t> open = turn.data.operations_open;
  for (std::int64_t number : open) {
    OperationEntry& entry = turn.data.operations.at(number);
    if (entry.record->state != OperationState::waiting) move_to(turn, entry, OperationState::dropped, why);
  }
}

void remove_old_operations(Turn& turn) {
  State::Data& data = turn.data;
  const auto keep = static_cast<std::size_t>(std::max<std::int64_t>(data.policy.operations_kept, 1));
  for (auto at = data.operations.begin();
       at != data.operations.end() && data.operations.size() - data.operations_open.size() > keep;) {
    const std::int64_t number = at->first;
    const bool ended = is_terminal(at->second.record->state);
    ++at;
    // The newest stays: its number says which comes next.
    if (ended && at != data.operations.end()) turn.remove_operation(number);
  }
}

}  // namespace mimas::engine
