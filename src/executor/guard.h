// Nothing outlives an executor, however it ends. main() splits in two before it does anything else:
//
//   guard      the pid that the agent knows. It sleeps until its one child ends or a signal comes. It passes
//     |        SIGTERM and its kin on, ends with the child's own status or signal, and first kills every
//     |        descendant that is left. If a shutdown hangs, the guard ends it.
//   executor   everything else: loop, agent, tasks. It leads a session of its own, so that a SIGKILL for the
//              guard's process group or session leaves it the time to clean up.
//
// Each watches the other by means that need no privilege and nobody's cooperation:
// - The executor dies (SIGKILL, crash, out of memory): the guard is the subreaper above it, so everyone the
//   executor had, double-forked daemons in sessions of their own too, becomes the guard's child. It kills
//   until it has none left.
// - The guard dies: the kernel sends the executor SIGCONT (PR_SET_PDEATHSIG). That signal wakes even one that
//   was stopped, and is handled at once wherever the executor is; a stray one is told by getppid(). As a
//   subreaper itself it does the same, in the handler, without memory.
// - Both are killed in the same instant: the tasks' first processes go with the executor (PR_SET_PDEATHSIG).
//   What those had forked is left to the next executor beside this one, which finds our cgroups, or to
//   `mimas-executor reap`, which also finds processes without (reap.h).
//
// Neither may hang, either: a task of the same user can stop both or hold one in a debugger, and then nobody
// would hear of a kill. Each has a timer of the kernel whose signal is SIGCONT, so that stopping holds for no
// longer than a tick, and each counts its beats in a page that both see: the executor's loop once a turn, the
// guard once a tick. Who finds the other without a beat for kBeatsMissedMax of its own ticks ends it and all
// below. Own ticks are counted, not time: a machine that slept or a frozen cgroup has missed none. One that
// waits for its disk (state D) could not be killed and may well come back: it has kDiskPatience times as
// long.
//
// Groups noted with guard_group() are killed and removed by whoever is left; a fork bomb that outruns reading
// /proc is caught there. What it costs: docs/performance.md. Linux only. Tested in
// tests/executor/guard_test.py.
#pragma once

#include <cstdint>

namespace mimas::executor {

inline constexpr int kBeatsMissedMax = 6;  // so many ticks make `hang_ms`
inline constexpr int kDiskPatience = 10;

// Returns in the executor alone. The guard lets a shutdown that it was told of by a signal take `shutdown_ms`
// and a second, unless the executor has named a time of its own (guard_deadline); either may be silent for
// `hang_ms`. Without a second process (fork fails) there is no guard, which one line on stderr says.
void start_guard(std::int64_t shutdown_ms, std::int64_t hang_ms);

// The executor goes on: at every turn of its loop, and within whatever may take long.
void guard_beat();

// Who stands for this executor in names (group_name) and labels: the guard, or we when there is none.
std::int64_t guard_pid();

// Whatever hangs in `ms` from now is killed, with the guard's process group if it leads one. False: there is
// no guard.
bool guard_deadline(std::int64_t ms);

// A directory of cgroups that goes with us. At most 16, of 255 bytes; false: it does not fit.
bool guard_group(const char* directory);

// In the executor: kill and remove everything noted and everyone below us, in at most `ms`.
void guard_end_all(std::int64_t ms);

}  // namespace mimas::executor
