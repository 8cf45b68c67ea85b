// One function per input of the engine (input.h); step() chooses. Private to the engine.
#pragma once

#include "engine/input.h"
#include "engine/turn.h"

namespace mimas::engine {

// commands.cc
void on_input(Turn& turn, const SubmitJob& command);
void on_input(Turn& turn, const KillJob& command);
void on_input(Turn& turn, const SetInstanceCounts& command);
void on_input(Turn& turn, const KillTasks& command);

// job_changes.cc
void on_input(Turn& turn, const SetInService& command);
void on_input(Turn& turn, const SetJobProcesses& command);
void on_input(Turn& turn, const ChangeJob& command);
void on_input(Turn& turn, const CollectGarbage& command);

// orphan_commands.cc
void on_input(Turn& turn, const AdoptOrphans& command);
void on_input(Turn& turn, const KillOrphans& command);

// operations.cc
void on_input(Turn& turn, const RequestOperation& command);
void on_input(Turn& turn, const OperationUpdate& update);
void look_at_operations(Turn& turn);  // what is due, and what later offers show
void send_operations(Turn& turn);     // waiting ones onto held offers
void ask_operations(Turn& turn);      // all that were sent and have not ended
void end_operations(Turn& turn,
                    const std::string& why);  // those that were sent: nothing is heard of them again
void remove_old_operations(Turn& turn);

// agent_orders.cc
void on_input(Turn& turn, const OrderAgent& command);
void end_drained(Turn& turn);  // what still runs on agents that had to be empty by now

// groups.cc
void on_input(Turn& turn, const SetGroup& command);
void on_input(Turn& turn, const DeleteGroup& command);

// overdue.cc: what does not end though it was killed, or though its time is up
void shut_down_executor(Turn& turn, const Task& task);  // unless it runs what nobody wants to end
void tell_overdue(Turn& turn);                          // the alert

// maintenance.cc
void on_input(Turn& turn, const InverseOffersReceived& event);
void on_input(Turn& turn, const InverseOfferRescinded& event);
void set_maintenance(State::Data& data, AgentEntry& agent, const std::optional<Unavailability>& planned);
bool is_leaving_soon(const Turn& turn, const Agent& agent);  // no new tasks there
// Services are moved away from it, or will be within the hour: by order or by plan.
bool is_to_be_empty(const Turn& turn, const AgentId& agent);
void look_at_maintenance(Turn& turn);                    // moves services
void take_back_moved(Turn& turn, const AgentId& agent);  // what was to be moved from it, and is still there
void answer_inverse_offers(Turn& turn);  // after the placement: what goes there now is there already
Instant maintenance_at(const Turn& turn);

// constraints.cc: offer constraints out of what waits
void constrain_offers(Turn& turn);
Instant constrain_at(const State::Data& data);  // kNever: what was said is right

// cluster.cc
void on_input(Turn& turn, const Subscribed& event);
void on_input(Turn& turn, const Disconnected& event);
void on_input(Turn& turn, const OffersReceived& event);
void on_input(Turn& turn, const OfferRescinded& event);
void on_input(Turn& turn, const AgentLost& event);

// health.cc: what health checks say, and what follows
void note_health(Turn& turn, JobEntry& job, const TaskKey& key, const StatusUpdate& update);
void look_at_health(Turn& turn);
Instant health_at(const Turn& turn);  // when to look again; kNever: all are well

// framework.cc
void on_input(Turn& turn, const ForgetFramework& command);

// updates.cc
void on_input(Turn& turn, const StatusUpdate& update);

// scaling.cc
void on_input(Turn& turn, const ScalingReport& report);
void look_at_scaling(Turn& turn);      // before the placement, which then knows who takes no new work
Instant scaling_at(const Turn& turn);  // kNever: no rules, or nothing to look at

// settle.cc
void on_input(Turn& turn, const Settle& settle);

// launching.cc: waiting tasks onto held offers
void place_waiting(Turn& turn);
Instant explain_at(const State::Data& data);  // when explanations of what waits are renewed; kNever: no need

// offers.cc: what becomes of offers that nothing was placed on
void drop_offer(State::Data& data, const OfferId& id);
// Tasks or operations wait for an offer in the role, or would had this Settle not been cut short.
bool work_waits(const Turn& turn, const RoleEntry& role);
bool is_warm(const Turn& turn, const RoleEntry& role);  // there was work a moment ago
Instant idle_at(const State::Data& data);               // when to send back what is kept; kNever: nothing is
void return_offers(Turn& turn);
void revive_or_suppress(Turn& turn);
Instant revive_at(const Turn& turn);  // kNever: no need

// asking.cc: explicit and implicit reconciliation
void ask_everything(Turn& turn);
void ask_doubtful(Turn& turn);  // what this turn asked for
void ask_when_due(Turn& turn);
void agent_answered(Turn& turn, const StatusUpdate& update);  // kAgentProbe was
void listing_ended(Turn& turn);                               // kListingEnd was answered
void stop_waiting_for_listing(Turn& turn);                    // when it takes too long

}  // namespace mimas::engine
