// The executor's decisions as a state machine without clocks, sockets or processes: something happened, here
// is the time, these are the things to do. It covers mesos-protocol §3.3–§3.6 and rules 77–95: update
// bookkeeping, reconnecting, killing with grace, shutting down. The loop (loop.h) performs the actions in
// order and reports what came of them. Core knows tasks by their ids alone; what they are is the runtimes'
// business (runtime.h), what goes on beside them the parts' (part.h).
//
// Always true: an update leaves `updates_` only when it is acknowledged; a task leaves `tasks_` only when its
// terminal update is; a task has exactly one terminal update, and nothing is said of it afterwards; for every
// StartTask there is one TaskOver, just before that update; after Exit nothing more is done. Bounds: 1000
// tasks alive, 1000 ended ones remembered, 4096 updates waiting (twice that of refused launches), of them one
// about a start's progress and one about health for each task. Single thread. Tested by values in
// tests/executor/core_*test.cc; the rules in tests/executor/rules_test.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "base/uuid.h"
#include "executor/environment.h"
#include "executor/messages.h"
#include "executor/part.h"
#include "executor/runtime.h"

namespace mimas::executor {

inline constexpr std::int64_t kKillGraceMs = 3'000;  // nobody named one (§3.6)
inline constexpr std::int64_t kRepostMs = 30'000;    // an update without its acknowledgement (§3.4)
// A call at least this often, so that an agent that is there in name only is found by its silence: the answer
// is due within kAnswerMs (agent_link.h), which makes 40 s altogether (§3.5).
inline constexpr std::int64_t kHeartbeatMs = 30'000;
inline constexpr std::int64_t kLingerMs =
    60'000;  // for the last acknowledgements: room for one repost (§3.4); and for parts that are busy
inline constexpr std::int64_t kRegistrationMs =
    60'000;  // without checkpointing: to the first subscription (§0.3)
inline constexpr std::int64_t kShutdownMarginMs = 1'500;   // between SIGKILL and the end of the grace (§3.6)
inline constexpr std::int64_t kSelfDestructSlackMs = 500;  // past the grace: leaving in order comes first
inline constexpr std::int64_t kSettledMs = 1'000;          // a stream that lived this long is retried at once
inline constexpr std::int64_t kProgressMs = 1'000;         // between two TASK_STARTING of a task
inline constexpr std::int64_t kIdleAgainMs = 200;          // the agent was saying something: wait once more
inline constexpr int kRefusalsMax = 5;  // 400s in a row before we believe the agent (rule 87)
inline constexpr std::size_t kTasksMax = 1000;
inline constexpr std::size_t kEndedIdsMax = 1000;
inline constexpr std::size_t kUpdatesMax = 4096;

struct Now {
  Instant mono;  // for every wait
  Instant wall;  // for timestamps in updates only
};

struct Options {
  bool shared = false;            // more tasks may come after the last one has ended
  std::int64_t idle_ms = 60'000;  // shared: leave when there was none for this long
  std::string version;            // of the executor, said with TASK_RUNNING
};

// Things to do, in order.
struct Subscribe {
  std::string body;  // on a fresh connection; any other is closed
};
struct Post {
  std::string body;
  CallKind kind = CallKind::update;  // a refusal goes to call_, heartbeat_ or message_refused()
};
struct Disconnect {};
struct StartTask {
  TaskOrder order;  // its sandbox and environment are the loop's to fill in; answered with started() or
                    // start_failed()
};
struct SignalTask {
  std::string task_id;
  int signal;  // 0: its runtime's default
};
struct KillTask {
  std::string task_id;  // SIGKILL: all of it
};
struct TaskOver {
  std::string task_id;
  ProcessEnd end;  // meaningless for one that never started
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
using Action = std::variant<Subscribe, Post, Disconnect, StartTask, SignalTask, KillTask, TaskOver,
                            SelfDestruct, Say, Exit>;
using Actions = std::vector<Action>;

class Core {
 public:
  Core(Settings settings, Options options, RandomBytes (*random)());

  Actions start(Now now);

  // From the agent.
  Actions event(Event event, Now now);
  Actions subscribe_refused(int status, std::string_view text, Now now);  // an answer other than 200
  Actions call_refused(int status, std::string_view text, Now now);       // to an UPDATE, other than 2xx
  // Agents before 1.8 know no HEARTBEAT: then there will be none, and all else stays as it is (rule 95).
  Actions heartbeat_refused(int status);
  Actions message_refused(int status, std::string_view text);
  Actions lost(std::string_view why, Now now);  // either connection failed or ended

  // From the runtimes (runtime.h). What does not fit the task's state is ignored.
  Actions progress(std::string_view task_id, std::string_view text, Now now);
  Actions started(std::string_view task_id, RunFacts facts, Now now);
  Actions start_failed(StartFailed fault, Now now);
  Actions ended(std::string_view task_id, ProcessEnd end, bool others, Now now);
  Actions gone(std::string_view task_id, Now now);

  // From the parts (part.h).
  Actions health(HealthNews news, Now now);
  Actions message(std::string_view data, Now now);
  void set_busy(bool busy) { busy_ = busy; }  // something of ended tasks is still to be done; before timer()

  Actions terminate(Now now);  // SIGTERM: as SHUTDOWN
  Actions timer(Now now);
  // A shared executor that has nothing to do leaves here alone. `quiet`: the agent is saying nothing just
  // now; a LAUNCH on its way in must not be lost.
  Actions idle(bool quiet, Now now);
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
    bool ordered = false;    // StartTask went out
    bool container = false;  // its start may take long
    std::int64_t grace_ms = kKillGraceMs;
    int kill_signal = 0;
    std::int64_t completion_ms_max = -1;
    std::int64_t memory_limit_bytes = 0;
    Instant progress_at{0};  // nothing of a start's progress is said before
    Instant complete_by = kNever;
    Instant kill_at = kNever;  // when its grace is over
    bool kill_sent = false;    // SIGKILL
    RunFacts facts;
    ProcessEnd end;
    std::int64_t group = 0;  // of LAUNCH_GROUP; 0: alone
    std::optional<bool> healthy, ready;
    std::string health_text;
    bool health_due = false;  // has changed while the agent had not acknowledged the change before
  };
  enum class Topic { state, progress, health, end };
  struct Update {
    std::string task_id;
    std::string uuid;
    std::string status;
    Topic topic = Topic::state;
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
  void kill_now(Task& task, Now now);
  void kill_siblings(std::int64_t group, Now now);
  void end(Task& task, Now now);
  void finish(Task& task, TaskReport report, Now now);
  void report(TaskReport report, Topic topic, Now now);
  void report_health(Task& task, Now now);
  Update* open_update(std::string_view task_id, Topic topic);
  void post(Update& update, Now now);
  void subscribe(Now now);
  void drop_link(std::string_view why, Now now);
  void retry(Now now, bool at_once);
  void shut_down(int code, Now now);
  void leave_if_done(Now now);
  bool settled() const;
  void leave(int code);
  void remember_ended(std::string id);
  void task_timers(Now now);
  bool any_alive() const;
  bool known(std::string_view id) const;
  Task* find(std::string_view id);
  std::int64_t random_up_to(std::int64_t top);

  Settings settings_;
  Options options_;
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
  Instant linger_by_ = kNever;   // the end of patience for the last acknowledgements, and for busy parts
  Instant idle_by_ = kNever;     // shared: when to leave if nothing comes
  bool busy_ = false;
  bool messages_refused_ = false;

  bool shutting_down_ = false;
  bool exiting_ = false;
  int exit_code_ = 0;
  Instant destroy_at_ = kNever;
};

}  // namespace mimas::executor
