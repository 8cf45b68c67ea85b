// What the command line asked for, checked: one struct for each sub-command. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "pocket/pocket.h"
#include "server/server.h"
#include "wire/endpoint.h"

namespace mimas::cli {

struct Serve {
  server::ServerOptions options;
};

// Server and pocket in one process, both under one data directory.
struct Dev {
  std::string data_directory;
  server::ServerOptions server;  // masters are filled in once pocket's is known
  pocket::PocketOptions pocket;
};

struct PocketOnly {
  std::string data_directory;
  pocket::PocketOptions options;
};

struct Client {
  wire::Endpoint server;
  bool json = false;  // for programs: the server's JSON instead of tables
};

// A job as the flags of `mimas run` describe it. Unset numbers are left to the server's defaults.
struct JobRequest {
  std::string name;
  std::string type = "batch";
  std::string image;  // empty: a process
  double cpu = 0;
  std::int64_t memory_mib = 0;
  std::int64_t disk_mib = 0;
  std::int64_t ports = 0;
  std::int64_t instances = 1;
  std::int64_t retries = 0;
  std::string user;
  std::vector<std::string> constraints;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::string> command;
};

struct Run {
  Client client;
  std::string file;  // "-": standard input; empty: `request` counts
  JobRequest request;
  bool follow = false;
  bool wait = true;  // false: give up as soon as the server says why it cannot be placed
};
struct ListJobs {
  Client client;
  bool all = false;
};
struct ShowJob {
  Client client;
  std::string id;
};
struct Kill {
  Client client;
  std::vector<std::string> ids;
};
struct Scale {
  Client client;
  std::string id;
  std::int64_t instances = 0;
};
struct Logs {
  Client client;
  std::string id;  // of a task, or of a job whose newest task is meant
  bool follow = false;
  bool standard_error = false;
};
struct ShowStats {
  Client client;
  std::string id;  // of a task or a job
  bool watch = false;
};
struct ListAgents {
  Client client;
};
struct Orphans {
  Client client;
  enum class What { list, adopt, kill } what = What::list;
  std::vector<std::string> ids;
  bool all = false;
};
struct Operations {
  Client client;
  std::string what = "list";  // or what the server calls the operation: reserve, unreserve, create, destroy
  std::string agent, role;
  double cpu = 0;
  std::int64_t memory_mib = 0, disk_mib = 0, gpus = 0;
  std::vector<std::string> ports;  // "31000-31009" or "31000"
  std::string volume, path;
};
struct Teardown {
  Client client;
};
struct OrderFault {
  std::vector<wire::Endpoint> masters;  // of a pocket
  std::string name;
  std::vector<std::string> members;  // "away_ms=500"
};
struct Version {
  bool json = false;
};

using Command = std::variant<Serve, Dev, PocketOnly, Run, ListJobs, ShowJob, Kill, Scale, Logs, ShowStats,
                             ListAgents, Orphans, Operations, Teardown, OrderFault, Version>;

}  // namespace mimas::cli
