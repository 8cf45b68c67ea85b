// The one table of commands: names, flags, and how a command is made of them. The parser reads the command
// line against it, and help, manual page, docs/cli.md and completion are written from it (cli/reference.h,
// cli/completion.h), so that none of them can say something else. Private to the room.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/client_flags.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/hints.h"

namespace mimas::cli {

// Everything CLI11 writes into, alive for one parse.
struct Flags {
  ServerFlags server;
  PocketFlags pocket;
  ClientFlags client;
  RunFlags run;
  ListJobs jobs;
  ShowJob job;
  ListTasks tasks;
  ShowTask task;
  Kill kill;
  Scale scale;
  SetService service;
  bool in = false, out = false;
  SetProcesses processes;
  std::string increase, decrease;
  Change change;
  History history;
  Versions versions;
  Diff diff;
  ListAudit audit;
  Events events;
  bool no_snapshot = false;
  Logs logs;
  bool since_start = false;
  Files files;
  ShowStats stats;
  ListAgents agents;
  ShowAgent agent;
  OrderAgents agent_orders;
  Why why;
  Plan plan;
  bool limits = false;
  CollectGarbage garbage;
  Request request;
  Orphans orphans;
  std::string orphans_what = "list";
  Operations operations;
  Groups groups;
  bool yes = false;
  std::string fault_masters = "127.0.0.1:5050";
  OrderFault fault;
  Tokens tokens;
  Completion completion;
  Manual manual;
  Hints hints;
};

struct SubCommand {
  const char* group;
  const char* name;
  const char* alias;  // "": none
  const char* what;
  void (*add_flags)(CLI::App&, Flags&);
  Result<Command> (*make)(Flags&);
};
std::span<const SubCommand> sub_commands();

// The row of this name or alias; nullptr: none.
const SubCommand* find_sub_command(const std::string& name);

// Only the chosen sub-command gets flags when a command line is parsed: CLI11 reads the environment for the
// flags of every sub-command it knows, so that a variable would reach past the flag that was given, or be
// refused where it does not matter. nullptr: every one gets its flags, to be written about and never parsed.
std::unique_ptr<CLI::App> make_app(Flags& flags, const SubCommand* chosen);

// Of the jobs and tasks: job_flags.cc.
void add_run(CLI::App& app, Flags& flags);
void add_jobs(CLI::App& app, Flags& flags);
void add_job(CLI::App& app, Flags& flags);
void add_kill(CLI::App& app, Flags& flags);
void add_scale(CLI::App& app, Flags& flags);
void add_service(CLI::App& app, Flags& flags);
void add_processes(CLI::App& app, Flags& flags);
void add_change(CLI::App& app, Flags& flags);
void add_history(CLI::App& app, Flags& flags);
void add_versions(CLI::App& app, Flags& flags);
void add_diff(CLI::App& app, Flags& flags);
void add_tasks(CLI::App& app, Flags& flags);
void add_task(CLI::App& app, Flags& flags);
void add_logs(CLI::App& app, Flags& flags);
void add_files(CLI::App& app, Flags& flags);
void add_stats(CLI::App& app, Flags& flags);
void add_why(CLI::App& app, Flags& flags);
void add_plan(CLI::App& app, Flags& flags);
Result<Command> make_run(Flags& flags);
Result<Command> make_jobs(Flags& flags);
Result<Command> make_job(Flags& flags);
Result<Command> make_kill(Flags& flags);
Result<Command> make_scale(Flags& flags);
Result<Command> make_service(Flags& flags);
Result<Command> make_processes(Flags& flags);
Result<Command> make_change(Flags& flags);
Result<Command> make_history(Flags& flags);
Result<Command> make_versions(Flags& flags);
Result<Command> make_diff(Flags& flags);
Result<Command> make_tasks(Flags& flags);
Result<Command> make_task(Flags& flags);
Result<Command> make_logs(Flags& flags);
Result<Command> make_files(Flags& flags);
Result<Command> make_stats(Flags& flags);
Result<Command> make_why(Flags& flags);
Result<Command> make_plan(Flags& flags);

// Of the agents: agent_flags.cc.
void add_agents(CLI::App& app, Flags& flags);
Result<Command> make_agents(Flags& flags);

template <class Wanted>
Result<Command> with_client(Wanted wanted, const Flags& flags) {
  Result<Client> client = to_client(flags.client);
  if (!client.ok()) return client.error();
  wanted.client = *std::move(client);
  return Command(std::move(wanted));
}

}  // namespace mimas::cli
