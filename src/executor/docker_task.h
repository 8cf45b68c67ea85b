// The life of one task's container as a state machine without sockets or clocks: Docker answered, time went
// by, somebody wants it killed; these are the requests to make and the news to tell. How a container is and
// how it ended is known from inspecting it, never from Docker's events (but they may tell why the kernel
// killed it); waiting only says when to look. An answer that does not come, or a 5xx, is no answer: it is
// looked again until it is known.
//
// Always true: exactly one of Started and StartFailed is said, and after Started exactly one TaskEnded; what
// was created is removed, also when the answer to its creation was lost; of a kind at most one
// request is open, except signals. Bounds: below. Single thread. Tested by values in
// tests/executor/docker_task_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "executor/docker_api.h"
#include "executor/docker_create.h"
#include "executor/runtime.h"
#include "executor/user.h"

namespace mimas::executor {

inline constexpr int kPullTries = 5;
inline constexpr std::int64_t kPullPauseMs = 1'000;  // doubled for each further try: 1, 2, 4, 8 s
inline constexpr int kCreateTries = 4;               // also of taking the place of a dead executor's
inline constexpr std::int64_t kDoubtMs = 300'000;    // how long Docker may be away before a task is given up
inline constexpr std::int64_t kLookPauseMsMax = 5'000;  // between two looks while in doubt
inline constexpr std::int64_t kLostOutputMs = 500;      // from the end of the output to a look
inline constexpr std::int64_t kDrainMs = 10'000;        // for output after the end, as long as some comes
inline constexpr std::int64_t kDrainKilledMs = 2'000;   // the same after a kill
inline constexpr std::int64_t kKillAgainMs = 1'000;     // between two SIGKILLs
inline constexpr std::int64_t kGoneMs = 30'000;         // for Docker to notice the end of a process we killed
inline constexpr std::int64_t kRemoveMs = 60'000;       // of trying to remove it; then it is a reaper's
inline constexpr std::int64_t kPullProgressMs = 1'000;  // between two news of a pull

struct DockerAsk {
  enum class Kind {
    pull,
    create,
    find,
    who,     // whose the container's processes will be
    passwd,  // that user's number, from the image
    users,   // whether such numbers mean the same outside
    attach,
    start,
    look,
    wait,
    record,
    oom,
    signal,
    remove
  };
  Kind kind;
  DockerRequest request;
};
struct DockerDrop {  // close a request without its answer
  DockerAsk::Kind kind;
};
struct KillPid {  // directly, if it is still that container's
  std::int64_t pid;
  std::string container_id;
};
struct HandOver {  // the sandbox
  UserIds to;
};
using DockerAct = std::variant<DockerAsk, DockerDrop, KillPid, HandOver, RuntimeNews>;
using DockerActs = std::vector<DockerAct>;

class DockerTask {
 public:
  DockerTask(TaskOrder order, DockerWho who, int minor);

  void begin(Instant now, DockerActs& acts);
  // `status` 0: no answer, and `body` says why. For attach and record: their head (200) or their refusal.
  void answered(DockerAsk::Kind kind, int status, std::string_view body, Instant now, DockerActs& acts);
  void pulled(std::string_view progress, Instant now, DockerActs& acts);  // so far
  // Whose the container of our name is: after an answer to find.
  void judged(Owner owner, const ContainerState& container, Instant now, DockerActs& acts);
  void output_moved(Instant now);
  void output_over(Instant now, DockerActs& acts);
  void signal(int number, Instant now, DockerActs& acts);
  void kill(Instant now, DockerActs& acts);
  // After a KillPid: there is no such process (any more), and there has been one.
  void process_gone(Instant now);
  void timer(Instant now, DockerActs& acts);
  Instant wake_at() const;

  bool over() const { return phase_ == Phase::over; }  // nothing is left, neither here nor in Docker
  bool told() const { return told_; }                  // its last news is out
  bool running() const { return phase_ == Phase::running; }
  const std::string& task_id() const { return order_.task_id; }
  const std::string& container() const;  // its id, or its name as long as that is not known
  const RunFacts& facts() const { return facts_; }
  const TaskOrder& order() const { return order_; }

 private:
  enum class Phase {
    fresh,
    pulling,
    creating,
    finding,
    clearing,
    owning,
    attaching,
    starting,
    looking,
    running,
    draining,
    removing,
    over
  };
  enum class Output { none, open, lost, over };

  void ask(DockerAsk::Kind kind, DockerActs& acts, std::string query = {});
  void ask_later(DockerAsk::Kind kind, Instant at);
  void tell_failure(std::string message, bool final, DockerActs& acts);
  void nothing_left();
  void find(DockerActs& acts);
  void find_answered(int status, std::string_view body, Instant now, DockerActs& acts);
  void fail(std::string message, bool final, Instant now, DockerActs& acts);
  void pull_answered(int status, std::string_view body, Instant now, DockerActs& acts);
  void created(Instant now, DockerActs& acts);
  void find_owner(DockerActs& acts);
  void owner_answered(DockerAsk::Kind kind, int status, std::string_view body, DockerActs& acts);
  void attach(DockerActs& acts);
  void create_answered(int status, std::string_view body, Instant now, DockerActs& acts);
  void start_answered(int status, std::string_view body, Instant now, DockerActs& acts);
  void looked(int status, std::string_view body, Instant now, DockerActs& acts);
  void see(const ContainerState& container, Instant now, DockerActs& acts);
  bool ask_for_oom(const ContainerState& container, DockerActs& acts);
  void doubt(std::string why, Instant now, DockerActs& acts);
  void follow_output(DockerActs& acts);
  void record_answered(DockerAsk::Kind kind, int status, Instant now, DockerActs& acts);
  void begin_running(const ContainerState& container, Instant now, DockerActs& acts);
  void kill_running(Instant now, DockerActs& acts);
  void ended(ProcessEnd end, Instant now, DockerActs& acts);
  void conclude(Instant now, DockerActs& acts);
  void remove(Instant now, DockerActs& acts);

  TaskOrder order_;
  DockerWho who_;
  int minor_;
  std::string name_;
  std::string id_;
  std::string user_;         // of its processes
  std::string passwd_;       // the image's, if it was asked for
  std::string stop_signal_;  // as Docker takes it
  Phase phase_ = Phase::fresh;
  RunFacts facts_;
  Output output_ = Output::none;
  bool told_ = false;
  bool kill_ = false;       // asked for
  bool waiting_ = false;    // a wait is open
  bool looking_ = false;    // a look is open
  bool wait_lost_ = false;  // a wait has failed: Docker was away
  bool pulled_ = false;
  int tries_ = 0;  // of the phase's request
  int record_tries_ = 0;
  DockerAsk::Kind due_kind_ = DockerAsk::Kind::look;
  Instant due_ = kNever;  // of the next request
  Instant doubt_since_ = kNever;
  std::string doubt_why_;
  Instant kill_due_ = kNever;
  Instant gone_since_ = kNever;
  Instant drain_by_ = kNever;
  Instant remove_by_ = kNever;
  Instant progress_from_{0};
  ProcessEnd end_;
  std::optional<ContainerState> oom_asked_;  // how it was when Docker was asked for the kernel's part
};

// How exit status and the container's state read as an end. Docker says 128 + n for signal n. Only when the
// first process itself was killed, and not by us, is the memory limit to blame.
ProcessEnd process_end(const ContainerState& container, const Limits& limits, bool killed_by_us);

}  // namespace mimas::executor
