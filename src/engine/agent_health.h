// Agents where starts fail for the agent's own sake, and what follows: a failure score that fades, and above
// a threshold a quarantine. Known only from what is seen, so a restart begins with trust. Private to the
// engine.
//
// What counts: a start that came to nothing (Ending::never_ran: the executor did not start or gave up, Mesos
// could not launch it). A job whose starts come to nothing everywhere is at fault itself, so of a job that
// has not been seen to run elsewhere only one failure per half-life counts. And: tasks of several jobs that
// fail by themselves within a minute count once, whatever each of them says. A task that runs takes a tenth
// of the score away, so that a busy agent is not judged by a rare failure.
//
// Two things follow at once, as preferences: where a start of a job came to nothing twice within a half-life,
// that job goes elsewhere if it can (avoided_by). And host ports of such a start are given out last there for
// Policy::ports_avoid_ms: what has taken them is not ours and says nothing. A process that cannot have its
// port only ends early, so a task with host ports that fails by itself within kEarlyEndMs of its start counts
// for both as well.
//
// Tested in tests/engine/agent_health_test.cc.
#pragma once

#include <vector>

#include "engine/turn.h"

namespace mimas::engine {

inline constexpr std::int64_t kFailureScore = 1'000;       // what one failure counts
inline constexpr std::int64_t kFailedTogetherMs = 60'000;  // failures of several jobs within it are one's …
inline constexpr std::size_t kFailedTogether = 3;          // … if they are of so many
inline constexpr std::int64_t kEarlyEndMs = 10'000;
inline constexpr std::int64_t kFailedStartsAvoided = 2;
inline constexpr std::size_t kFailedOnMax = 16;      // agents remembered for each job; the oldest goes
inline constexpr std::size_t kDoubtedPortsMax = 64;  // … and ports for each agent

// As of now: half as much after every half-life, in integers.
std::int64_t failure_score_at(const Policy& policy, const Agent& agent, Instant now);

// A task ended on its agent, and how that counts for its slot; `last` is as it was before.
void note_end_on_agent(Turn& turn, JobEntry& job, const Task& last, Ending ending, const std::string& what);
void note_run_on_agent(Turn& turn, JobEntry& job, const Task& task);  // it has begun to run
void forgive(Turn& turn, AgentEntry& agent);                          // an operator trusts it

// Where the job's starts came to nothing of late.
std::vector<AgentId> avoided_by(const Policy& policy, const JobEntry& job, Instant now);

void look_at_standings(Turn& turn);  // those that time may have changed
Instant standings_at(const State::Data& data);

}  // namespace mimas::engine
