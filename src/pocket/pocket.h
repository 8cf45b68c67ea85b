// A pocket-sized Mesos for one machine: a master with the v1 scheduler API and agents with the v1 executor
// API, over real loopback HTTP, forking real executors. For `mimas dev`, tests and trying things out; never
// for production. The decisions are in the pure models (pocket/master_model.h, pocket/agent_model.h), which
// take time as an argument.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "pocket/access.h"
#include "wire/endpoint.h"
#include "wire/master_location.h"

namespace mimas::pocket {

struct AgentOptions {
  std::string attributes;  // "stack:pi3;arch:arm"
  std::string resources;   // "cpus:4;mem:1024;disk:8000;ports:[31000-32000]"; empty: this machine's CPUs
                           // (2 at least), and a share of its memory, disk and ports (agent_ports.h)
  std::string hostname;    // empty: "agent<N>.pocket"
};

// Checks Mesos's own notations; errors name the flag's part that is wrong.
Result<AgentOptions> parse_agent(
    const std::string& text);  // --agent 'hostname=pi1;attributes=arch:arm;resources=cpus:4;…'
Status check_agent(const AgentOptions& options);

struct PocketOptions {
  bool master = true;                        // false: agents only, which join `join`
  wire::Endpoint listen{"127.0.0.1", 5050};  // of the master; port 0: any free one
  std::vector<wire::Endpoint> listen_more;  // of further masters: one of all leads, the others redirect to it
  std::vector<wire::Endpoint> join;         // the masters to join when there are none here
  std::optional<wire::ZooKeeperUrl> zookeeper;  // masters stand for election there; unset: among themselves
  std::string registry;  // the file in which masters keep the ids of known agents; empty: in work_dir.
                         // Masters of several processes share one, as a Mesos cluster shares its registry
  MasterAccess master_access;           // TLS and credentials that the masters ask for
  AgentAccess agent_access;             // and what the agents bring, which has to fit
  std::vector<std::string> host_names;  // that masters and agents answer to besides their own (http/door.h)
  std::vector<AgentOptions> agents;
  std::string agent_ip =
      "127.0.0.1";       // where agents listen (ports: any free, then kept in their work directory)
  std::string work_dir;  // Mesos's layout per agent: <work_dir>/agent<N>/slaves/…, meta/…
  std::vector<std::string>
      runner;  // how to start an executor of a foreign architecture: empty picks qemu-user when it
               // is installed ("qemu-arm-static", "qemu-aarch64-static"); {"none"}: start it as it is
  std::int64_t allocation_interval_ms = 20;
  std::int64_t agent_ping_timeout_ms = 3'000;  // an agent silent this long is unreachable (Mesos: 75 s)
  // Mesos's default is 2 s, as long as an executor's longest pause between two attempts: on a loaded machine
  // that kills executors that were about to come. Nothing waits longer than for the last of them.
  std::int64_t executor_reregistration_ms = 10'000;
  std::int64_t executor_registration_ms = 60'000;
  std::int64_t executor_recovery_ms = 900'000;  // executors go on for so long without an agent, then end
  bool executor_auth = false;                   // executors get a bearer token and must show it
  bool domain_sockets = false;                  // executors are offered a unix socket beside the TCP port
  int executors_max = 2'000;                    // connections are sized by it
  std::function<void(std::string)> log;         // short lines for people; thread-safe
};

class Pocket {
 public:
  static Result<std::unique_ptr<Pocket>> start(PocketOptions options);
  ~Pocket();  // stop()

  wire::Endpoint master() const;                // the first of
  std::vector<wire::Endpoint> masters() const;  // where schedulers subscribe
  int tasks();                                  // that are alive on the agents of this process
  void stop();  // like a crash of master and agents as far as executors see it: they go on and wait to be
                // recovered
  void shutdown(std::int64_t grace_ms);  // ends all executors first, then stop()

 private:
  struct Impl;
  explicit Pocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mimas::pocket
