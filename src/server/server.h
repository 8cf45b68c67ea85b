// The composition root: opens the store, recovers the engine, listens, subscribes, and runs until told to
// stop. Threads: loop (owns engine and store), http workers, mesos reader and writer, and the caller's for
// start/stop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/step.h"
#include "mesos/driver.h"
#include "server/audit_log.h"
#include "server/listeners.h"
#include "server/live_policy.h"
#include "server/master_access.h"
#include "server/scaling_provider.h"
#include "wire/endpoint.h"

namespace mimas::server {

struct ServerOptions {
  std::string data_directory;
  AccessOptions access;
  // "host:port", "http://host:port" or "https://host:port" under which agents reach us; without a scheme that
  // of the listener with this port, or else of the first. Empty: the listener of this index.
  std::string advertise;
  std::size_t advertised_listener = 0;
  std::vector<wire::Endpoint> masters;
  MasterAccess master_access;
  v1::MediaType codec = v1::MediaType::protobuf;
  std::string executors_directory;              // holds mimas-executor-<arch>; empty: beside our binary
  std::vector<std::string> executor_arguments;  // what executors are told on their command line, checked
  std::vector<std::string> roles = {"*"};
  std::string user;  // executors run as; empty: who we run as
  std::int64_t failover_timeout_ms = 604'800'000;
  // If this is the framework id on disk, it is given up and the server registers anew: launched tasks are
  // lost, jobs start again. Any other id changes nothing, so that the option may stay when its work is done.
  FrameworkId abandoned_framework;
  engine::Policy policy;                    // executor_stamp is filled in
  ScalingProviderOptions scaling_provider;  // needed where policy.scaling has rules
  PolicyOptions job_policy;                 // what jobs may ask for
  std::string secrets_directory;            // empty: there are none
  AuditLogOptions audit_log;                // its file is <data>/audit.log unless `audit_log_off`
  bool audit_log_off = false;
  std::size_t mailbox_inputs_max = 10'000;
  std::int64_t command_timeout_ms =
      15'000;  // a command not on disk by then is answered 503; it may still happen
  std::string log_level = "info";
  std::string version = "0";  // of the program, for GET /v2/status
};

class Server {
 public:
  static Result<std::unique_ptr<Server>> start(ServerOptions options);
  ~Server();

  const std::vector<Listeners::At>& listening() const;
  // Blocks until stop() or a fatal end; answers the process's exit code (docs/mesos.md): 0 stopped,
  // or torn down, 3 store failed, 4 framework failed over to another instance, 5 framework removed, 6 refused
  // by the master.
  int wait();
  void reload();  // reads credentials, certificates and the policy again; thread-safe
  void stop();    // thread-safe; tasks go on

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mimas::server
