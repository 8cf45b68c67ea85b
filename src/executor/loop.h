// One poll loop around the core: it waits for the agent's bytes, for signals and for the core's deadlines,
// feeds the core and does what it says. Nothing else decides anything. One per process: signal handlers are
// global. Tested through tests/executor/executor_test.py.
#pragma once

#include <csignal>
#include <deque>
#include <string>
#include <vector>

#include "executor/agent_link.h"
#include "executor/core.h"
#include "executor/environment.h"

namespace mimas::executor {

class Loop {
 public:
  // `environment` is our own, for the tasks; it must outlive the loop.
  Loop(Settings settings, const char* const* environment);

  int run();  // until the core says Exit; its code

 private:
  void catch_signals();
  void wait();
  void act(Actions actions);
  void perform(Action& action);
  void start(StartProcess& order);
  void kill(std::int64_t pid);
  void reap_all();
  void take_news();
  Actions refusal(const Refused& refused);

  Core core_;
  AgentLink link_;
  const char* const* environment_;
  std::deque<Action> todo_;
  bool acting_ = false;
  std::vector<std::int64_t> leaders_;  // of running tasks
  sigset_t waiting_mask_{};            // what is let through only while we wait
  bool done_ = false;
  int code_ = 0;
};

// One line on stderr, in one write.
void say(std::string_view text);

}  // namespace mimas::executor
