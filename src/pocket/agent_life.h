// One life of an agent, from a start to a crash: its model on a loop of its own, the HTTP face for executors
// and file viewers, the link to the master, the launcher and the watch over its processes. Ends like a crash:
// executors go on. Thread-safe: everything public. Tested in tests/pocket/cluster_test.cc.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "http/listener.h"
#include "pocket/agent_link.h"
#include "pocket/agent_model.h"
#include "pocket/checkpoint.h"
#include "pocket/files.h"
#include "pocket/launcher.h"
#include "pocket/loop.h"
#include "pocket/process.h"
#include "pocket/stream.h"
#include "v1/codec.h"
#include "wire/endpoint.h"

namespace mimas::pocket {

struct AgentSetup {
  mv1::AgentInfo info;  // without id and port
  std::string dir;      // <work_dir>/agent<N>
  std::string ip;
  std::vector<wire::Endpoint> masters;  // at least one; whoever leads is found
  AgentAccess access;                   // to them
  std::vector<std::string> host_names;  // that it answers to besides its own (http/door.h)
  std::vector<std::string> runner;
  std::int64_t executor_registration_ms = 60'000;
  std::int64_t executor_recovery_ms = 900'000;
  std::int64_t executor_reregistration_ms = 2'000;
  int executors_max = 2'000;
  bool executor_auth = false;   // executors get a bearer token and must show it
  bool domain_sockets = false;  // executors are offered <dir>/agent.sock
  std::function<void(std::string)> log;
};

class AgentLife {
 public:
  // Reads back what an earlier life left in `dir`, listens where it listened, and goes looking for the
  // master.
  static Result<std::unique_ptr<AgentLife>> start(AgentSetup setup);
  ~AgentLife() { stop(); }

  void stop();
  void shutdown(std::int64_t grace_ms);  // executors first
  http::Reply handle(const http::Request& request);
  http::Reply handle_domain(const http::Request& request);  // what came by the unix socket

  std::string id();  // empty before the first registration
  int tasks();       // that have not ended
  bool idle();       // no executor lives, and none that an earlier life left is waited for

  // Faults (pocket/agent.h). They end with this life.
  void lose(std::int64_t ms) { link_->lose(ms); }
  void delay_updates(std::int64_t ms);
  void repeat_updates(int times);
  void half_open_executors();
  std::vector<pid_t> executor_pids() const;  // after stop(): leaders of what is still running

 private:
  struct Subscriber {
    std::shared_ptr<EventStream> stream;
    v1::MediaType type = v1::MediaType::json;
  };
  explicit AgentLife(AgentSetup setup) : setup_(std::move(setup)), checkpoints_(setup_.dir) {}
  Status begin();
  static std::uint16_t random_port();
  Status listen(std::uint16_t port, bool must_have_it);
  Status listen_domain();
  Status take_secret();
  std::string shared_dir_;  // has slaves/ and volumes/
  std::string domain_path() const { return setup_.dir + "/agent.sock"; }
  void adopt(const RecoveredState& state);
  void start_link();
  Instant turn(Instant now);
  void carry_out(const AgentOutput& output);
  void kill(const KillContainer& kill);
  void on_launched(const ContainerRef& container, const Result<pid_t>& pid);
  void on_ended(std::uint64_t key, int wait_status);
  http::Reply executor(const http::Request& request);
  http::Reply subscribe(const mexecutor::Call& call, v1::MediaType type,
                        const std::optional<ContainerRef>& claims);
  bool wait_while_frozen(const std::string& framework_id, const std::string& executor_id);
  void thaw(const std::string& framework_id, const std::string& executor_id);
  http::Reply operate(const http::Request& request);
  http::Reply view(const std::string& path);
  http::Reply files(const std::function<http::Reply(const Files&)>& use);
  void log(const std::string& line) const;

  AgentSetup setup_;
  std::string secret_;           // signs tokens; empty: executors need none
  CheckpointStore checkpoints_;  // loop only, from here…
  std::unique_ptr<AgentModel> model_;
  std::map<std::uint64_t, Subscriber> subscribers_;
  struct Process {
    ContainerRef container;
    pid_t pid = 0;
  };
  std::map<std::uint64_t, Process> processes_;
  std::uint64_t next_stream_ = 1;
  std::uint64_t next_process_ = 1;  // …to here
  Loop loop_;
  std::unique_ptr<http::Listener> listener_;
  std::unique_ptr<http::Listener> domain_listener_;
  std::unique_ptr<AgentLink> link_;
  std::unique_ptr<Launcher> launcher_;
  ProcessWatch watch_;
  bool stopped_ = false;
  std::mutex frozen_mutex_;
  std::condition_variable thawed_;
  std::set<std::pair<std::string, std::string>> frozen_;  // (framework, executor) of half-open connections
};

}  // namespace mimas::pocket
