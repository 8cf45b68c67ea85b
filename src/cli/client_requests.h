// What the commands that talk to a server asked for, checked: one struct for each of them, and what they have
// in common. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wire/endpoint.h"

namespace mimas::cli {

// How a client command shows what it got.
enum class Output { table, wide, name, json };
enum class Colour { automatic, always, never };

// The server, who asks it, and how the answer is shown.
struct Client {
  wire::Endpoint server;
  bool json = false;  // for programs: the server's JSON instead of tables
  Output output = Output::table;
  Colour colour = Colour::automatic;
  bool tls = false;
  std::string ca_file, certificate_file, key_file;  // PEM; empty: the system's authorities, no certificate
  std::string token, token_file, login_file;        // one of them at most
};

struct HealthRequest {
  std::string kind;  // http, tcp, command
  std::int64_t port = 0;
  std::string path;     // http; empty: the server's default
  std::string command;  // a shell line
};
struct VolumeRequest {
  std::string source, target;
  bool read_only = false;
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
  std::vector<std::int64_t> container_ports;
  std::string app, run_as;
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<HealthRequest> health;
  std::vector<VolumeRequest> volumes;
  std::vector<std::string> artifacts;
  std::int64_t priority = 0;
  bool production = false;
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
  bool output = true;        // with follow: print what its tasks write
  bool await_ready = false;  // until as many are ready as are wanted, or until it ends
  bool wait = true;          // false: give up as soon as the server says why it cannot be placed
  bool dry_run = false;
  std::string idempotency_key;
  std::int64_t timeout_secs = 0;  // 0: none
};
// What a listing of jobs or tasks is narrowed to; empty: not.
struct Filter {
  std::string app, job, type, state, name, user, host, agent;
  std::vector<std::string> labels;  // "k" or "k=v", all of them
  std::int64_t limit = 0;
  bool all = false;  // ended ones too
};
struct ListJobs {
  Client client;
  Filter filter;
  bool watch = false;
};
struct ShowJob {
  Client client;
  std::string id;
  bool watch = false;
};
struct ListTasks {
  Client client;
  Filter filter;
  bool watch = false;
};
struct ShowTask {
  Client client;
  std::string id;
  bool watch = false;
};
struct Kill {
  Client client;
  std::vector<std::string> ids;
  bool shrink = false;
  bool strict = true;
  bool wait = false;
  std::int64_t timeout_secs = 0;
};
struct Scale {
  Client client;
  std::string id;
  std::optional<std::int64_t> instances, min, max;
  std::optional<std::int64_t> if_version;
  bool wait = false;
  std::int64_t timeout_secs = 0;
};
struct SetService {
  Client client;
  std::string id;
  bool in = true;
  std::optional<std::int64_t> if_version;
};
struct SetProcesses {
  Client client;
  std::string id;
  bool increase = true, decrease = true;
  std::optional<std::int64_t> if_version;
};
struct Change {
  Client client;
  std::string id;
  std::string file;               // a merge patch (RFC 7396); "-": standard input
  std::vector<std::string> sets;  // "retries=3", "labels.team=x"
  std::optional<std::int64_t> if_version;
  bool dry_run = false;
};
struct History {
  Client client;
  std::string id;
  std::int64_t limit = 0;
};
struct Versions {
  Client client;
  std::string id;
};
struct Diff {
  Client client;
  std::string id;
  std::optional<std::int64_t> from, to;
};
struct ListAudit {
  Client client;
  std::string job;
  std::int64_t limit = 0;
  std::string before;
};
struct Events {
  Client client;
  std::string job, app, type, since;
  std::vector<std::string> labels, kinds;
  bool snapshot = true;
  bool once = false;  // end with the snapshot
};
struct Logs {
  Client client;
  std::string id;  // of a task, or of a job whose newest task is meant
  bool follow = false;
  bool standard_error = false;
  std::string file;       // another file of the sandbox
  std::int64_t tail = 0;  // only the last lines; 0: from the start
  bool previous = false;  // of a job: the task before the newest one that has files
  bool all = false;       // of a job: the newest task of every instance
};
struct Files {
  Client client;
  std::string id;
};
struct ShowStats {
  Client client;
  std::string id;  // of a task or a job
  bool watch = false;
};
struct ListAgents {
  Client client;
  bool watch = false;
};
struct ShowAgent {
  Client client;
  std::string id;
};
struct OrderAgents {
  Client client;
  std::string what = "list";  // or what the server calls the order: drain, disable, enable
  std::vector<std::string> ids;
  std::string reason;
  std::optional<std::int64_t> deadline_secs;  // drain
  bool wait = false;                          // drain: until nothing of ours is left there
  std::int64_t timeout_secs = 0;
};
struct Why {
  Client client;
  std::string id;  // of a job or a task
};
struct Plan {
  Client client;
  std::string file;  // "-": standard input
};
struct ShowCluster {
  Client client;
};
// A page of the server's own: status, config, limits, queue, openapi, leader.
struct ShowPage {
  Client client;
  std::string target;
};
struct Backup {
  Client client;
};
struct CollectGarbage {
  Client client;
  std::optional<std::int64_t> jobs_kept;
  bool yes = false;  // else a terminal is asked
};
// Any request, for what has no command of its own.
struct Request {
  Client client;
  std::string method = "GET";
  std::string target;
  std::string file;  // the body; "-": standard input; empty: none
  std::optional<std::int64_t> if_version;
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
struct Groups {
  Client client;
  std::string what = "list";  // show, set, delete
  std::string name, tier;
  std::optional<std::int64_t> weight;
  std::vector<std::string> guarantee, quota;  // "cpu=8", "fpga=2"
  std::optional<std::int64_t> if_version;
};
struct Teardown {
  Client client;
};
}  // namespace mimas::cli
