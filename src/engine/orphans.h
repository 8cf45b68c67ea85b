// Tasks on agents that we do not want: strays. One whose record has ended is killed until it is gone. One
// without any record is an orphan: killed as well, but only when the master has shown everything that runs
// and few of it is unknown; when more than Policy::stray_kill_share_percent is, the database is more likely
// wrong than the cluster, so nothing is killed, an alert is raised, and people decide (orphan_commands.cc).
// The same, for Policy::orphan_wait_ms, when ids are seen that the records have not given out yet: numbers
// are on disk before the tasks that have them, so the database is a copy from before, and what it does not
// know may well be wanted. Whoever waits for that waits over restarts, too. Facts: mesos-protocol §2.6, rules
// 60, 67. Tested in tests/engine/orphans_test.cc.
#pragma once

#include "engine/turn.h"

namespace mimas::engine {

// An update about a task without a record.
void on_unknown_task(Turn& turn, const StatusUpdate& update);

// A task whose record has ended lives.
void meet_stray(Turn& turn, const StatusUpdate& update, bool revived);
void forget_stray(Turn& turn, const TaskId& id);
void forget_all_strays(Turn& turn);  // they belong to a framework that is over

void kill_due_strays(Turn& turn);
void note_subscription(Turn& turn);  // the kills of an earlier connection may have been lost

// Does an orphan run in this slot that may yet be adopted, or is about to be killed? Then nothing else is
// started.
bool is_slot_held(const State::Data& data, const TaskKey& key);

// From people, or because their wish cannot be done. ASSERTs that it is an orphan.
void decide_orphan(Turn& turn, const TaskId& id, OrphanDecision decision, const std::string& reason);

// At start: what was decided before.
void recover_orphans(State::Data& data, std::vector<Orphan> orphans);

void refresh_alerts(Turn& turn);
void set_alert(Turn& turn, const std::string& name, const std::string& text);  // empty text: it is over

// The record is older than the truth (its database is a copy from before): makes a queued task the one that
// was dispatched to the update's agent.
void catch_up(Turn& turn, const FoundTask& found, const StatusUpdate& update);

// What a task gets of an agent when only its description is known: no ports.
Resources share_of(const JobSpec& spec);

}  // namespace mimas::engine
