// The executor's decisions as a state machine without clocks, sockets or processes: something happened, here
// is the time, these are the things to do. It covers mesos-protocol §3.3–§3.6 and rules 77–95: update
// bookkeeping, reconnecting, killing with grace, shutting down. The loop (loop.h) performs the actions in
// order and reports what came of them.
//
// Always true: an update leaves `updates_` only when it is acknowledged; a task leaves `tasks_` only when its
// terminal update is; a task has exactly one terminal update; after Exit nothing more is done. Bounds: 1000
// tasks alive, 1000 ended ones remembered, 4096 updates waiting. Single thread. Tested by values in
// tests/executor/core_test.cc and core_end_test.cc; the rules in tests/executor/rules_test.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "base/uuid.h"
#include "executor/environment.h"
#include "executor/messages.h"
#include "executor/runtime.h"

namespace mimas::executor {

inline constexpr std::int64_t kKillGraceMs = 3'000;  // nobody named one (§3.6)
inline constexpr std::int64_t kRepostMs = 30'000;    // an update without its acknowledgement (§3.4)
// A call at least this often, so that an agent that is there in name only is found by its silence: the answer
// is due within kAnswerMs (agent_link.h), which makes 40 s altogether (§3.5).
inline constexpr std::int64_t kHeartbeatMs = 30'000;
inline constexpr std::int64_t kLingerMs =
    60'000;  // for the last acknowledgements: room for one repost (§3.4)
inline constexpr std::int64_t kRegistrationMs =
    60'000;  // without checkpointing: to the first subscription (§0.3)
inline constexpr std::int64_t kShutdownMarginMs = 1'500;   // between SIGKILL and the end of the grace (§3.6)
inline constexpr std::int64_t kSelfDestructSlackMs = 500;  // past the grace: leaving in order comes first
inline constexpr std::int64_t kSettledMs = 1'000;          // a stream that lived this long is retried at once
inline constexpr int kRefusalsMax = 5;  // 400s in a row before we believe the agent (rule 87)
inline constexpr std::size_t kTasksMax = 1000;
inline constexpr std::size_t kEndedIdsMax = 1000;
inline constexpr std::size_t kUpdatesMax = 4096;

struct Now {
  Instant mono;  // for every wait
  Instant wall;  // for timestamps in updates only
};

// Things to do, in order.
struct Subscribe {
  std::string body;  // on a fresh connection; any other is closed
};
struct Post {
  std::string body;
  bool heartbeat = false;  // a refusal of it goes to heartbeat_refused()
};
struct Disconnect {};
struct StartProcess {
  std::string task_id;  // answered with started() or start_failed()
  Command command;
};
struct SignalGroup {
  std::int64_t pid;
  int signal;
};
struct KillTree {
  std::int64_t pid;  // SIGKILL: the group, its descendants, and the orphans nobody else can own
};
struct SelfDestruct {
  std::int64_t in_ms;  // whatever hangs then: our process group is killed
};
struct Say {
  std::string text;  // one line on stderr
};
struct Exit {
  int code;  // after killing whatever is left
};
using Action =
    std::variant<Subscribe, Post, Disconnect, StartProcess, SignalGroup, KillTree, SelfDestruct, Say, Exit>;
using Actions = std::vector<Action>;

class Core {
 public:
  Core(Settings settings, RandomBytes (*random)());

  Actions start(Now now);

  // From the agent.
  Actions event(Event event, Now now);
  Actions subscribe_refused(int status, std::string_view text, Now now);  // an answer other than 200
  Actions call_refused(int status, std::string_view text, Now now);       // to an UPDATE, other than 2xx
  // Agents before 1.8 know no HEARTBEAT: then there will be none, and all else stays as it is (rule 95).
  Actions heartbeat_refused(int status);
  Actions lost(std::string_view why, Now now);  // either connection failed or ended

  // From the processes. `group_alive`: others of its group still run.
  Actions started(std::string_view task_id, std::int64_t pid, Now now);
  Actions start_failed(std::string_view task_id, std::string message, Now now);
  Actions exited(std::int64_t pid, ProcessEnd end, bool group_alive, Now now);
  Actions group_gone(std::int64_t pid, Now now);
  std::vector<std::int64_t> lingering_groups() const;  // whose leader ended in its grace, but not everyone

  Actions terminate(Now now);  // SIGTERM: as SHUTDOWN
  Actions timer(Now now);
  Instant wake_at() const;  // monotonic; kNever: nothing to wait for

  bool exiting() const { return exiting_; }

 private:
  enum class Phase { starting, running, killing, lingering, over };
  enum class Cause { none, killed, too_long };
  struct Task {
    std::string id;
    std::string json;  // until any of its updates is acknowledged
    Phase phase = Phase::starting;
    Cause cause = Cause::none;
    std::int64_t pid = 0;
    std::int64_t grace_ms = kKillGraceMs;
    std::int64_t completion_ms_max = -1;
    Instant complete_by = kNever;
    Instant kill_at = kNever;  // when SIGTERM's time is over
    bool kill_sent = false;    // SIGKILL
    ProcessEnd end;
    std::int64_t group = 0;  // of LAUNCH_GROUP; 0: alone
  };
  struct Update {
    std::string task_id;
    std::string uuid;
    std::string status;
    bool terminal = false;
    bool sent = false;  // on this connection, in SUBSCRIBE or by a POST
    Instant repost_at = kNever;
  };

  Actions take();
  void on(Subscribed& event, Now now);
  void on(Launch& event, Now now);
  void on(Kill& event, Now now);
  void on(Acknowledged& event, Now now);
  void on(ShutdownOrder& event, Now now);
  void on(AgentError& event, Now now);
  void on(Ignored&, Now) {}

  void launch(TaskLaunch& launch, std::int64_t group, std::string_view group_fault, Now now);
  void begin_kill(Task& task, std::int64_t grace_ms, Cause cause, Now now);
  void kill_siblings(std::int64_t group, Now now);
  void end(Task& task, Now now);
  void finish(Task& task, TaskReport report, Now now);
  void report(TaskReport report, bool terminal, Now now);
  void post(Update& update, Now now);
  void subscribe(Now now);
  void drop_link(std::string_view why, Now now);
  void retry(Now now, bool at_once);
  void shut_down(int code, Now now);
  void leave_if_done(Now now);
  void leave(int code);
  void remember_ended(std::string id);
  void task_timers(Now now);
  bool any_alive() const;
  bool known(std::string_view id) const;
  Task* find(std::string_view id);
  Task* find(std::int64_t pid);
  std::int64_t random_up_to(std::int64_t top);

  Settings settings_;
  RandomBytes (*random_)();
  Actions out_;
  std::vector<Task> tasks_;
  std::deque<std::string> ended_ids_;
  std::deque<Update> updates_;  // in the order of their creation
  bool ever_busy_ = false;      // was given something to do
  bool killing_state_ = false;
  std::int64_t groups_ = 0;

  bool heartbeats_ = true;
  Instant beat_at_ = kNever;

  bool subscribed_ = false;
  bool ever_subscribed_ = false;
  int refusals_ = 0;
  Instant attempt_at_{0};
  Instant try_at_ = kNever;      // the next SUBSCRIBE
  Instant recover_by_ = kNever;  // the end of patience while the agent is away
  Instant linger_by_ = kNever;   // the end of patience for the last acknowledgements

  bool shutting_down_ = false;
  bool exiting_ = false;
  int exit_code_ = 0;
  Instant destroy_at_ = kNever;
};

}  // namespace mimas::executor
