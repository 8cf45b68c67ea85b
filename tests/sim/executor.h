// One executor's process in the simulated world, by the executor API (mesos-protocol §3): subscribes, runs
// tasks for as long as it likes, reports until acknowledged, comes back when the agent's process restarts,
// and ends after its last task. With faults on it may never subscribe, crash, skip states, say things twice
// or contradict itself. Held by shared_ptr; deeds in the future hold it weakly. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "connection.h"
#include "pocket/agent_model.h"

namespace mimas::sim {

// The agent as an executor sees it: it listens (nothing when its process is away), and notices when processes
// end.
class ExecutorHost {
 public:
  virtual ~ExecutorHost() = default;
  virtual bool is_listening() const = 0;
  // Arrived at the agent: 200 means the stream is the executor's. `listener` hears events through the
  // connection.
  virtual pocket::Answer subscribe(const ConnectionPtr& connection, const pocket::mexecutor::Call& call,
                                   std::function<void(pocket::mexecutor::Event)> listener) = 0;
  virtual pocket::Answer call(const pocket::mexecutor::Call& call) = 0;
  virtual void ended(const pocket::ContainerRef& container, int wait_status) = 0;
};

class Executor : public std::enable_shared_from_this<Executor> {
 public:
  // Whether a task goes on until it is killed.
  using IsService = std::function<bool(const std::string& task_id)>;
  Executor(Ground& ground, ExecutorHost& host, pocket::ContainerRef container, std::int64_t pid,
           IsService is_service);

  void start();
  void kill();   // SIGKILL
  void crash();  // ends by itself, with a status that says so

  const pocket::ContainerRef& container() const { return container_; }
  std::int64_t pid() const { return pid_; }
  bool is_alive() const { return alive_; }
  bool has_open_task(const std::string& task_id) const;
  void lie();  // says something twice, or something that cannot be

 private:
  struct LocalTask {
    pocket::mv1::TaskInfo info;
    pocket::mv1::TaskState state = pocket::mv1::TASK_STAGING;
    bool heard = false;  // an update of it was acknowledged
  };
  void connect();
  void reconnect();
  void on_event(const pocket::mexecutor::Event& event);
  void launch(const pocket::mv1::TaskInfo& info);
  void kill_task(const std::string& id, std::int64_t grace_ms);
  void say(const std::string& id, pocket::mv1::TaskState state);
  void post(const pocket::mv1::TaskStatus& status);
  void end_when_done();
  void end(int wait_status);
  pocket::mexecutor::Call begin(pocket::mexecutor::Call::Type type) const;
  std::string next_uuid();

  template <class Deed>
  auto mine(Deed deed) {
    return [self = weak_from_this(), deed = std::move(deed)](auto&&... args) mutable {
      const auto alive = self.lock();
      if (alive && alive->alive_) deed(std::forward<decltype(args)>(args)...);
    };
  }

  Ground& ground_;
  ExecutorHost& host_;
  pocket::ContainerRef container_;
  std::int64_t pid_;
  IsService is_service_;
  bool alive_ = true;
  bool subscribed_ = false;
  ConnectionPtr connection_;
  std::map<std::string, LocalTask> tasks_;
  std::deque<pocket::mv1::TaskStatus> unacknowledged_;
  Instant lost_since_ = kNever;
};

}  // namespace mimas::sim
