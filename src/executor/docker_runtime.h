// Tasks as Docker containers, over the Engine API on a local socket. Carries out what each task's state
// machine (docker_task.h) asks for, and moves output from Docker to the log keeper; nothing is opened before
// the first task. When the sink takes no more, nothing more is read, and the container waits. Bounds: 1000
// probes at once; those of docker_task.h and docker_link.h. The loop's thread only. Tested against the real
// Docker in tests/executor/docker_runtime_test.cc and tests/executor/docker_executor_test.py.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "executor/config.h"
#include "executor/docker_link.h"
#include "executor/docker_output.h"
#include "executor/docker_probe.h"
#include "executor/docker_reap.h"
#include "executor/docker_task.h"
#include "executor/runtime.h"

namespace mimas::executor {

inline constexpr int kDockerHelloTries = 6;  // before a task is told that Docker is not there: 6 s
inline constexpr std::size_t kDockerProbesMax = 1000;

class DockerRuntime final : public Runtime {
 public:
  // `sink` may be null: then a task's output goes to stdout and stderr in its sandbox.
  DockerRuntime(const Config& config, std::string framework_id, std::string agent_id, OutputSink* sink);
  ~DockerRuntime() override;

  void start(TaskOrder order, Instant now) override;
  void signal(std::string_view task_id, int signal, Instant now) override;
  void kill(std::string_view task_id, Instant now) override;
  void probe(std::string_view task_id, std::uint64_t probe, const std::vector<std::string>& argv,
             std::int64_t timeout_ms, Instant now) override;
  void child_ended(std::int64_t, int, Instant) override {}  // containers are no children of ours
  void add_to(std::vector<pollfd>& polled) const override;
  Instant wake_at() const override;
  void pump(Instant now, std::vector<RuntimeNews>& news) override;
  void end_all(std::int64_t ms) override;

 private:
  struct Open {  // a request on its way
    DockerAsk::Kind kind;
    DockerCall call;
    PullReader pull;
    bool head_told = false;
    bool done = false;
  };
  struct Held {
    explicit Held(DockerTask t) : task(std::move(t)) {}
    DockerTask task;
    std::vector<std::unique_ptr<Open>> open;
    OutputPlace place;
    bool pid_seen = false;  // its process is one of this machine, and was there
    FrameReader frames;
    std::deque<std::pair<bool, std::string>> refused;  // by the sink: on the error stream?, bytes
    int files[2] = {-1, -1};                           // without a sink
  };

  void greet(Instant now);
  void greeted(Instant now);
  void nobody_there(const std::string& why, bool final);
  void begin(TaskOrder order, Instant now);
  Held* find(std::string_view task_id);
  void act(Held& held, DockerActs acts, Instant now);
  void ask(Held& held, DockerAsk ask, Instant now);
  void tell(RuntimeNews news);
  void pump_task(Held& held, Instant now);
  void pump_call(Held& held, Open& open, Instant now);
  void pump_pull(Held& held, Open& open, Instant now);
  void pump_output(Held& held, Open& open, Instant now);
  void answer(Held& held, Open& open, Instant now);
  void move_output(Held& held, Open& open, Instant now);
  bool write_output(Held& held, bool error_stream, std::string_view bytes);
  void retry_refused(Held& held, Instant now);
  void pump_probes(Instant now);

  DockerPlace place_;
  std::string wrong_place_;  // why there is none
  DockerWho who_;
  OutputSink* sink_;
  int minor_ = 0;  // 0: not known yet
  std::unique_ptr<DockerCall> hello_;
  int hello_tries_ = 0;
  Instant hello_due_ = kNever;
  std::vector<TaskOrder> waiting_;  // for the version
  std::unique_ptr<DockerReaper> reaper_;
  bool reaped_ = false;
  std::vector<std::unique_ptr<Held>> tasks_;
  std::vector<std::unique_ptr<DockerProbe>> probes_;
  std::vector<RuntimeNews> news_;
};

}  // namespace mimas::executor
