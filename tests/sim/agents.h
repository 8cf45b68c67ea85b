// One machine of the simulated cluster: pocket's pure agent with a memory on disk that outlives its process,
// the executors it started, which outlive it too, and its link to the leading master. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "executor.h"
#include "masters.h"
#include "pocket/agent_model.h"

namespace mimas::sim {

enum class Restart { keep, wipe, reboot };

class Agent : public ExecutorHost {
 public:
  Agent(Ground& ground, Masters& masters, std::string hostname, std::int64_t cpus,
        Executor::IsService is_service);

  // --- what befalls it
  void restart(Restart how, std::int64_t away_ms);
  void cut_link();
  void partition(std::int64_t ms);  // nothing reaches the master, or comes from it
  void delay_updates(std::int64_t ms);
  void repeat_updates(int times);
  void crash_an_executor();
  void cut_executors();
  void heal();  // all of the above is over

  const pocket::AgentModel* model() const { return model_.get(); }
  const std::map<std::string, std::shared_ptr<Executor>>& processes() const { return processes_; }
  const std::string& hostname() const { return info_.hostname(); }
  // The executors' resources do not exceed the machine's.
  void check_room() const;

  // ExecutorHost
  bool is_listening() const override { return model_ != nullptr; }
  pocket::Answer subscribe(const ConnectionPtr& connection, const pocket::mexecutor::Call& call,
                           std::function<void(pocket::mexecutor::Event)> listener) override;
  pocket::Answer call(const pocket::mexecutor::Call& call) override;
  void ended(const pocket::ContainerRef& container, int wait_status) override;

 private:
  // What checkpoints leave, by the paths that pocket/checkpoint.h has for them.
  struct Memory {
    std::string agent_id;
    std::map<std::string, pocket::mv1::FrameworkInfo> frameworks;
    struct Run {
      pocket::mv1::ExecutorInfo info;
      std::int64_t pid = 0;
      std::map<std::string, pocket::RecoveredTask> tasks;
    };
    std::map<pocket::ContainerRef, Run> runs;
  };
  struct Subscriber {
    ConnectionPtr connection;
    std::function<void(pocket::mexecutor::Event)> listener;
  };
  void come_up();
  void go_down();
  void after_input();
  void carry_out(const pocket::AgentOutput& output);
  void remember(const pocket::Checkpoint& record);
  void start_container(const pocket::StartContainer& start);
  pocket::RecoveredState recovered() const;
  void arm();

  // The link.
  void connect_soon();
  void connect();
  void link_lost(const ConnectionPtr& link);
  void on_command(const ConnectionPtr& link, const pocket::Command& command);
  void send_reports();
  void ping(std::uint64_t session);

  Ground& ground_;
  Masters& masters_;
  pocket::mv1::AgentInfo info_;
  Executor::IsService is_service_;
  Memory memory_;
  std::unique_ptr<pocket::AgentModel> model_;
  std::uint64_t life_ = 0;  // of its process
  Instant alarm_ = kNever;
  std::map<std::uint64_t, Subscriber> subscribers_;
  std::uint64_t next_stream_ = 1;
  std::map<std::string, std::shared_ptr<Executor>> processes_;  // alive, by container id
  std::int64_t next_pid_ = 100;
  std::int64_t delay_updates_ms_ = 0;
  int repeat_updates_ = 0;

  ConnectionPtr link_;
  wire::Endpoint link_to_;
  std::string session_;
  std::uint64_t sessions_ = 0;
  bool up_ = false;  // registered since it connected
  bool connecting_ = false;
  bool sending_ = false;
  std::int64_t ping_ms_ = 1'000;
  Instant partitioned_until_{};
  std::deque<pocket::Report> reports_;
};

}  // namespace mimas::sim
