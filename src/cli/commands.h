// What the command line asked for, checked: one struct for each sub-command. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/client_requests.h"
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
  bool purge = false;  // stopping ends all tasks
};

struct PocketOnly {
  std::string data_directory;
  pocket::PocketOptions options;
  bool purge = false;
};

// The file of who may use the API.
struct Tokens {
  std::string what;  // "new", "list" or "revoke"
  std::string name, role = "viewer", file;
  std::vector<std::string> apps, groups, secrets;
  std::optional<std::int64_t> priority_max;
  std::optional<bool> production;
  std::string password_file;  // "-": standard input; empty: a token is made
  std::string certificate;    // a client's common name; instead of a token
  std::string not_after;
};
struct OrderFault {
  std::vector<wire::Endpoint> masters;  // of a pocket
  std::string name;
  std::vector<std::string> members;  // "away_ms=500"
};
struct Version {
  bool json = false;
};
struct Completion {
  std::string shell;  // "bash" or "zsh"
};
struct Complete {
  std::vector<std::string> words;  // after the program's name; the last one is being typed
};
struct Manual {
  bool markdown = false;
};

using Command = std::variant<Serve, Dev, PocketOnly, Run, ListJobs, ShowJob, ListTasks, ShowTask, Kill, Scale,
                             SetService, SetProcesses, Change, History, Versions, Diff, ListAudit, Events,
                             Logs, Files, ShowStats, ListAgents, ShowAgent, OrderAgents, Why, Plan,
                             ShowCluster, ShowPage, Backup, CollectGarbage, Request, Orphans, Operations,
                             Groups, Teardown, Tokens, OrderFault, Version, Completion, Complete, Manual>;

}  // namespace mimas::cli
