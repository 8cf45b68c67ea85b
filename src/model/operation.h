// A change of what is reserved or kept on an agent, as an operator asked for it and as it went: RESERVE,
// UNRESERVE, CREATE, DESTROY (mesos-protocol §2.2). Plain values; a published record is never changed.
// Bounds: amounts as in model/resources.h; a volume's id is a Mesos id, its path at most 255 bytes. Tested in
// tests/engine/operations_test.cc and tests/store/operations_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "model/resources.h"

namespace mimas {

using OperationId = Id<struct OperationTag>;  // "mimas-op-<n>"

// "mimas-op-7" ↔ 7. parse_operation_number answers -1 for anything that make_operation_id would not write.
OperationId make_operation_id(std::int64_t number);
std::int64_t parse_operation_number(std::string_view id);

enum class OperationType { reserve, unreserve, create, destroy };
std::string_view operation_type_name(OperationType type);  // "reserve", …: REST and database
std::optional<OperationType> parse_operation_type(std::string_view name);

// Ordered as an operation lives. Terminal states are final.
enum class OperationState {
  waiting,      // for an offer of the agent in the role that holds what it needs
  sent,         // intent is on disk, ACCEPT is on its way, nobody has answered
  pending,      // the master has it, the agent has not reported
  recovering,   // its agent is not back since the master changed
  unreachable,  // its agent does not answer the master
  finished,     // terminal: done
  failed,       // terminal: the agent could not do it
  error,        // terminal: the master refused it
  dropped,      // terminal: lost on its way, nothing was changed
  gone,         // terminal: an operator gave its agent up
  expired,      // terminal: no offer came in time that it could be applied to
  unconfirmed,  // terminal: sent to an agent that gives no feedback, and no later offer showed it
};
inline constexpr int kOperationStates = 12;
std::string_view operation_state_name(OperationState state);  // "WAITING", …
std::optional<OperationState> parse_operation_state(std::string_view name);
bool is_terminal(OperationState state);

struct Operation {
  OperationId id;  // make_operation_id(number)
  std::int64_t number = 0;
  OperationType type = OperationType::reserve;
  AgentId agent;
  std::string role;    // whose offers it is applied to
  Resources amounts;   // of RESERVE and UNRESERVE; of CREATE the disk alone
  std::string volume;  // CREATE, DESTROY: its persistence id
  std::string path;    // CREATE: where a container finds it
  std::string user;    // who asked, for people
  OperationState state = OperationState::waiting;
  std::int64_t attempt = 0;   // how many times it was sent; part of the id on the wire
  bool feedback = true;       // its agent is believed to report by operation id
  Resources reserved_before;  // without feedback: what the offers held as reserved when it was sent
  Instant created_at, sent_at, updated_at;
  std::string message;  // for a person
};
using OperationPtr = std::shared_ptr<const Operation>;

// The id on the wire: every attempt has one of its own: "mimas-op-7.2".
OperationId wire_operation_id(const Operation& operation);
struct WireOperation {
  std::int64_t number = -1;  // -1: not one of ours
  std::int64_t attempt = 0;
};
WireOperation parse_wire_operation_id(std::string_view id);

}  // namespace mimas
