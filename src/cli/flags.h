// The raw texts of the flags and their way to checked values. Private to the room: command_line.cc binds
// CLI11's options to these members. An Error's `where` names the flag.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/access_flags.h"
#include "cli/commands.h"
#include "cli/executor_flags.h"
#include "cli/master_flags.h"
#include "cli/placement_flags.h"
#include "cli/pocket_flags.h"
#include "cli/policy_flags.h"
#include "cli/retention_flags.h"
#include "cli/scaling_flags.h"

namespace mimas::cli {

struct ServerFlags {
  MasterFlags master;
  std::string data;
  AccessFlags access;
  std::string codec = "protobuf";
  std::string role;  // one of the two; neither: "*"
  std::string roles;
  std::string user;
  std::string executors;
  ExecutorFlags executor;
  std::string log_level = "info";
  std::string failover_timeout = "7days";
  bool allow_zero_failover_timeout = false;
  std::string new_framework;
  RetentionFlags retention;
  ScalingFlags scaling;
  PlacementFlags placement;
  std::string executor_sharing = "task";
  PolicyFlags policy;
};

struct PocketFlags {
  std::string listen = "127.0.0.1:5050";
  std::string join;
  std::string data;
  PocketAccessFlags access;
  std::int64_t masters = 1;
  std::optional<std::int64_t> agents;  // unset: 1, or none when --agent names some
  std::string attributes;
  std::string resources;
  std::vector<std::string> agent;
  std::string agent_ip = "127.0.0.1";
  std::string runner;
  bool executor_auth = false;
  bool executor_domain_sockets = false;
  std::string executor_reregistration_timeout = "10secs";
  std::string executor_recovery_timeout = "1days";
  bool purge = false;
};

struct RunFlags {
  std::string file;
  bool follow = false;
  bool no_wait = false;
  bool detach = false;
  bool dry_run = false;
  std::string idempotency_key;
  std::int64_t timeout_secs = 0;
  bool service = false;
  std::string name;
  std::string image;
  std::string cpu;
  std::int64_t memory_mib = 0;
  std::int64_t disk_mib = 0;
  std::int64_t ports = 0;
  std::vector<std::int64_t> container_ports;
  std::string app, run_as;
  std::vector<std::string> labels, health, volumes, artifacts;
  std::int64_t priority = 0;
  bool production = false;
  bool wait = false, no_output = false;
  std::int64_t instances = 1;
  std::int64_t retries = 0;
  std::string user;
  std::vector<std::string> constraints;
  std::vector<std::string> env;
  std::vector<std::string> command;
};

Result<server::ServerOptions> to_server_options(const ServerFlags& flags, bool needs_master);
// `join` and `listen` are looked at only for `mimas pocket`; `agent_ip` "auto" is left for the start to
// resolve.
Result<pocket::PocketOptions> to_pocket_options(const PocketFlags& flags, bool standalone);
Result<Run> to_run(const RunFlags& flags, const Client& client);

}  // namespace mimas::cli
