// An agent over all its lives: starts one, and can end it and begin another, as a restart of the machine or
// of the process would. Faults are for tests and `POST /pocket/fault`; those of one life end with it.
// Thread-safe. Tested in tests/pocket/cluster_test.cc and tests/pocket/rules_agent_test.cc.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "base/result.h"
#include "pocket/agent_life.h"

namespace mimas::pocket {

enum class AgentRestart {
  keep,    // the process: same id, executors run on and are waited for
  wipe,    // the work directory is lost: a new id, the old one's executors are killed
  reboot,  // the machine: same id, no executor survives
};

class Agent {
 public:
  // Errors: the work directory cannot be made or read, its old port is taken while executors look for it
  // there.
  static Result<std::unique_ptr<Agent>> start(AgentSetup setup);
  ~Agent() { stop(); }

  void stop();                           // like a crash: executors go on
  void shutdown(std::int64_t grace_ms);  // executors first

  // Away for that long, then back; returns when it is back. Errors: conflict (being restarted already, or
  // stopped); those of start(), after which there is no agent any more.
  Status restart(AgentRestart how, std::int64_t away_ms = 0);
  std::string id();                     // empty before the first registration, and while it is away
  int tasks();                          // that are alive there; 0 while it is away
  bool idle();                          // no executor lives there; false while it is away
  void lose(std::int64_t ms);           // no contact with the master for that time; connections stay open
  void delay_updates(std::int64_t ms);  // each report of a status update leaves that much later; 0: ends it
  void repeat_updates(int times);       // each is sent that many times more; 0: ends it
  // What executors have open now is neither read nor written any more, nor closed; a new SUBSCRIBE works.
  void half_open_executors();

 private:
  explicit Agent(AgentSetup setup) : setup_(std::move(setup)) {}
  Status end_executors(AgentRestart how, const std::vector<pid_t>& pids) const;

  const AgentSetup setup_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<AgentLife> life_;  // none while it is away
  bool restarting_ = false;
  bool stopped_ = false;
};

}  // namespace mimas::pocket
