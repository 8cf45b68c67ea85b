// One poll loop around the core: it waits for the agent's bytes, for signals, for the runtimes and parts and
// for everybody's deadlines, feeds the core and does what it says. Nothing else decides anything. One per
// process: signal handlers are global. Tested through tests/executor/executor_test.py.
#pragma once

#include <csignal>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "executor/agent_link.h"
#include "executor/assembly.h"
#include "executor/core.h"
#include "executor/sandbox.h"

namespace mimas::executor {

class Loop {
 public:
  // `sandbox`: where the agent has started us, absolute. `about` must outlive the loop.
  Loop(const Surroundings& about, Parts parts, std::string version, std::string sandbox);

  int run();  // until the core says Exit; its code

 private:
  // A task from its StartTask to its TaskOver.
  struct Running {
    std::string id;
    Runtime* runtime;
    TaskOrder order;  // until it has started, for the parts
    bool started = false;
  };

  void catch_signals();
  void wait();
  void turn();
  void act(Actions actions);
  void perform(Action& action);
  void start(TaskOrder& order);
  void over(const TaskOver& over);
  void reap_all();
  void pump_link();
  void pump_runtimes();
  void pump_parts();
  void take(RuntimeNews& news);
  void take(PartNews& news);
  void probe(const ProbeWanted& wanted);
  Result<Runtime*> runtime_for(RuntimeKind kind);
  Running* find(std::string_view task_id);
  Actions refusal(const Refused& refused);

  const Surroundings& about_;
  Core core_;
  AgentLink link_;
  Parts parts_;
  std::unique_ptr<Runtime> runtimes_[2];  // by RuntimeKind, made at the first task of its kind
  Sandboxes sandboxes_;
  std::vector<Running> running_;
  std::deque<Action> todo_;
  bool acting_ = false;
  sigset_t waiting_mask_{};  // what is let through only while we wait
  bool done_ = false;
  int code_ = 0;
};

// One line on stderr, in one write.
void say(std::string_view text);

}  // namespace mimas::executor
