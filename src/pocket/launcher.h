// Turns StartContainer into a running process: sandbox, fetch, environment (mesos-protocol §3.1), runner for
// a foreign architecture, fork. A few worker threads, so that neither a slow download nor two hundred forks
// hold the agent's loop. Thread-safe: launch, stop. Tested in tests/pocket/cluster_test.cc.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "pocket/agent_model.h"
#include "pocket/fetcher.h"

namespace mimas::pocket {

struct LaunchPlace {
  std::string agent_dir;
  std::string shared_dir;  // has slaves/ and volumes/ (pocket/agent_folders.h)
  std::string agent_ip;
  std::uint16_t agent_port = 0;
  std::vector<std::string> runner;
  std::int64_t subscription_backoff_ms = 2'000;
  std::int64_t recovery_timeout_ms = 900'000;
  std::string domain_socket;                              // empty: none is offered
  std::function<std::string(const ContainerRef&)> token;  // none: no authentication
};

// "NAME=value" lines an executor starts with; its own CommandInfo's win.
std::vector<std::string> executor_environment(const StartContainer& start, const LaunchPlace& place,
                                              const std::string& sandbox);
std::string mesos_duration(std::int64_t ms);  // "15mins", "2secs", "1500ms": the largest whole unit

class Launcher {
 public:
  using Launched = std::function<void(const ContainerRef&, const Result<pid_t>&)>;  // on a worker thread
  Launcher(LaunchPlace place, Launched launched);
  ~Launcher() { stop(); }
  void start();
  void launch(StartContainer start);
  void stop();  // what has not begun is dropped; a download under way is given up

 private:
  static constexpr int kWorkers = 4;
  void work();
  Result<pid_t> run(const StartContainer& start);

  LaunchPlace place_;
  Launched launched_;
  Fetcher fetcher_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<StartContainer> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace mimas::pocket
