#include "cli/command_table.h"

#include <algorithm>
#include <cstdlib>

#include "cli/data_directory.h"
#include "cli/exit.h"
#include "cli/server_flags.h"
#include "cli/usage_error.h"

namespace mimas::cli {
namespace {

constexpr const char* kClusters = "Clusters";
constexpr const char* kJobs = "Jobs";
constexpr const char* kTasks = "Tasks";
constexpr const char* kServer = "The server and its agents";
constexpr const char* kProgram = "This program";

void add_serve(CLI::App& app, Flags& flags) { add_serve_flags(app, flags.server); }
void add_dev(CLI::App& app, Flags& flags) { add_dev_flags(app, flags.server, flags.pocket); }
void add_pocket(CLI::App& app, Flags& flags) { add_pocket_command_flags(app, flags.pocket); }

// Commands that have the client's flags alone.
void add_client_only(CLI::App& app, Flags& flags) { add_client_flags(app, flags.client, flags.hints); }

void add_agent(CLI::App& app, Flags& flags) {
  id_of(app.add_option("AGENT", flags.agent.id, "an agent's id, as `mimas agents` shows it")
            ->type_name("")
            ->required(),
        Subject::agents, flags.hints);
  add_client_flags(app, flags.client, flags.hints);
}

void add_events(CLI::App& app, Flags& flags) {
  Events& events = flags.events;
  id_of(app.add_option("--job", events.job, "of this job")->type_name("JOB"), Subject::jobs, flags.hints);
  app.add_option("--app", events.app, "of this application (appName)")->type_name("NAME");
  app.add_option("--label", events.labels, "of jobs that have this label; repeatable, all of them")
      ->type_name("K[=V]")
      ->allow_extra_args(false);
  one_of(app.add_option("--kind", events.kinds,
                        "job, task, agent, audit, connection, alert or scaling; repeatable")
             ->type_name("KIND")
             ->delimiter(',')
             ->allow_extra_args(false),
         {"job", "task", "agent", "audit", "connection", "alert", "scaling"}, flags.hints);
  one_of(app.add_option("--type", events.type, "of batch or of service jobs")->type_name("TYPE"),
         {"batch", "service"}, flags.hints);
  CLI::Option* silent = app.add_flag("--no-snapshot", flags.no_snapshot, "only what changes from now on");
  app.add_option("--since", events.since, "what came after the event of this id")->type_name("ID");
  app.add_flag("--once", events.once, "show how things are now and be done")->excludes(silent);
  add_client_flags(app, flags.client, flags.hints);
}

void add_audit(CLI::App& app, Flags& flags) {
  id_of(app.add_option("--job", flags.audit.job, "about this job")->type_name("JOB"), Subject::jobs,
        flags.hints);
  within(app.add_option("--limit", flags.audit.limit, "at most so many records, the newest")->type_name("N"),
         1, 100'000);
  app.add_option("--before", flags.audit.before, "those before the record of this number")
      ->type_name("NUMBER");
  add_client_flags(app, flags.client, flags.hints);
}

void add_config(CLI::App& app, Flags& flags) {
  app.add_flag("--limits", flags.limits, "the bounds and defaults of job descriptions alone");
  add_client_flags(app, flags.client, flags.hints);
}

void add_gc(CLI::App& app, Flags& flags) {
  within(app.add_option("--keep-jobs", flags.garbage.jobs_kept,
                        "how many ended jobs stay on record; default: none")
             ->type_name("N"),
         0, INT32_MAX);
  app.add_flag("--yes", flags.yes, "really; without it a terminal is asked");
  add_client_flags(app, flags.client, flags.hints);
}

void add_api(CLI::App& app, Flags& flags) {
  app.add_option("TARGET", flags.request.target, "as in /v2/jobs?type=service")->type_name("")->required();
  one_of(app.add_option("-X,--method", flags.request.method, "GET, POST, PUT, PATCH or DELETE")
             ->type_name("METHOD")
             ->capture_default_str(),
         {"GET", "POST", "PUT", "PATCH", "DELETE"}, flags.hints);
  app.add_option("-f,--file", flags.request.file, "the body, in JSON; '-' reads standard input")
      ->type_name("FILE");
  app.add_option("--if-version", flags.request.if_version, "sent as If-Match")->type_name("N");
  add_client_flags(app, flags.client, flags.hints);
}

void add_orphans(CLI::App& app, Flags& flags) {
  one_of(
      app.add_option("WHAT", flags.orphans_what, "list, adopt or kill")->type_name("")->capture_default_str(),
      {"list", "adopt", "kill"}, flags.hints);
  app.add_option("TASK", flags.orphans.ids, "task ids")->type_name("");
  app.add_flag("--all", flags.orphans.all, "adopt: every orphan; kill: every one that is not left alone");
  add_client_flags(app, flags.client, flags.hints);
}

void add_operations(CLI::App& app, Flags& flags) {
  Operations& wanted = flags.operations;
  one_of(app.add_option("WHAT", wanted.what, "list, reserve, unreserve, create or destroy")
             ->type_name("")
             ->capture_default_str(),
         {"list", "reserve", "unreserve", "create", "destroy"}, flags.hints);
  id_of(
      app.add_option("--agent", wanted.agent, "the agent's id, as `mimas agents` shows it")->type_name("ID"),
      Subject::agents, flags.hints);
  app.add_option("--role", wanted.role, "whose reservation; default: the server's first role")
      ->type_name("ROLE");
  app.add_option("--cpu", wanted.cpu, "how many CPUs to reserve or unreserve")->type_name("N");
  app.add_option("--memory", wanted.memory_mib, "how much memory")->type_name("MIB");
  app.add_option("--disk", wanted.disk_mib, "how much disk; of a volume: its size")->type_name("MIB");
  app.add_option("--gpu", wanted.gpus, "how many GPUs")->type_name("N");
  app.add_option("--ports", wanted.ports, "which ports, as in 31000-31009")
      ->type_name("RANGE")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--volume", wanted.volume, "create, destroy: the volume's persistence id")->type_name("ID");
  app.add_option("--path", wanted.path, "create: where a container finds the volume")->type_name("PATH");
  add_client_flags(app, flags.client, flags.hints);
}

void add_groups(CLI::App& app, Flags& flags) {
  Groups& wanted = flags.groups;
  one_of(
      app.add_option("WHAT", wanted.what, "list, show, set or delete")->type_name("")->capture_default_str(),
      {"list", "show", "set", "delete"}, flags.hints);
  app.add_option("NAME", wanted.name, "the capacity group; DEFAULT is that of jobs that name none")
      ->type_name("");
  one_of(app.add_option("--tier", wanted.tier, "set: critical goes before flex [flex]")->type_name("TIER"),
         {"critical", "flex"}, flags.hints);
  within(app.add_option("--weight", wanted.weight, "set: of its share against the others' [100]")
             ->type_name("N"),
         1, 10'000);
  app.add_option("--guarantee", wanted.guarantee,
                 "set: what it has for sure, as in cpu=8,memory=4096; also disk, gpu, networkMbps, and other "
                 "resources by name")
      ->type_name("K=N[,…]")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--quota", wanted.quota, "set: what it never uses more of; default: no bound")
      ->type_name("K=N[,…]")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--if-version", wanted.if_version, "set, delete: only where it has this version")
      ->type_name("N");
  add_client_flags(app, flags.client, flags.hints);
}

void add_teardown(CLI::App& app, Flags& flags) {
  app.add_flag("--yes", flags.yes, "really: every task of every job ends")->required();
  add_client_flags(app, flags.client, flags.hints);
}

void add_fault(CLI::App& app, Flags& flags) {
  app.add_option("--master", flags.fault_masters, "any master of the pocket")
      ->type_name("HOST:PORT[,…]")
      ->capture_default_str()
      ->envname("MIMAS_MASTER");
  app.add_option("FAULT", flags.fault.name, "kill_leader, drop_streams, restart_agent, …: see docs/pocket.md")
      ->type_name("")
      ->required();
  app.add_option("MEMBER", flags.fault.members, "its members, as in away_ms=500")->type_name("");
}

void add_token(CLI::App& app, Flags& flags) {
  Tokens& wanted = flags.tokens;
  one_of(app.add_option("WHAT", wanted.what, "new, list or revoke")->type_name("")->required(),
         {"new", "list", "revoke"}, flags.hints);
  app.add_option("NAME,--name", wanted.name, "whose it is: 1 to 64 letters, digits or any of -._@")
      ->type_name("NAME");
  app.add_option("--file", wanted.file, "the file of --api-credentials; made if it is not there")
      ->type_name("FILE")
      ->envname("MIMAS_API_CREDENTIALS");
  one_of(app.add_option("--role", wanted.role, "viewer, operator or admin")
             ->type_name("ROLE")
             ->capture_default_str(),
         {"viewer", "operator", "admin"}, flags.hints);
  app.add_option("--app", wanted.apps, "may change jobs of this appName alone; repeatable")
      ->type_name("APP")
      ->allow_extra_args(false);
  app.add_option("--group", wanted.groups,
                 "its jobs may name this capacity group; repeatable [with --app: the groups of these names]")
      ->type_name("GROUP")
      ->allow_extra_args(false);
  app.add_option("--secret", wanted.secrets,
                 "its jobs may name shared secrets that begin so; repeatable [with --app: none]")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--priority-max", wanted.priority_max, "the highest priority of its jobs [with --app: 0]")
      ->type_name("N");
  app.add_option("--production", wanted.production,
                 "whether its jobs may be production ones [with --app: false]")
      ->type_name("true|false");
  app.add_option("--not-after", wanted.not_after, "until when, as in 2027-01-31T00:00:00Z")
      ->type_name("DATE");
  CLI::Option* password =
      app.add_option("--password", wanted.password_file,
                     "no token but a password for HTTP Basic, from this file; '-' reads standard input")
          ->type_name("FILE");
  app.add_option("--certificate", wanted.certificate,
                 "no token but a TLS client's certificate of this common name")
      ->type_name("NAME")
      ->excludes(password);
}

void add_completion(CLI::App& app, Flags& flags) {
  one_of(app.add_option("SHELL", flags.completion.shell, "bash or zsh")->type_name("")->required(),
         {"bash", "zsh"}, flags.hints);
  app.footer("As in: source <(mimas completion bash)");
}

void add_man(CLI::App& app, Flags& flags) {
  app.add_flag("--markdown", flags.manual.markdown, "the list of commands and flags, as docs/cli.md has it");
}

void add_version(CLI::App& app, Flags& flags) {
  app.add_flag("--json", flags.client.json, "print JSON for programs");
}

Result<Command> make_serve(Flags& flags) {
  Result<server::ServerOptions> options = to_server_options(flags.server, true);
  if (!options.ok()) return options.error();
  return Command(Serve{*std::move(options)});
}

Result<Command> make_dev(Flags& flags) {
  if (flags.server.data.empty()) {
    flags.server.data = default_data_directory(std::getenv("XDG_DATA_HOME"), std::getenv("HOME"));
  }
  Result<server::ServerOptions> server = to_server_options(flags.server, false);
  if (!server.ok()) return server.error();
  Result<pocket::PocketOptions> pocket = to_pocket_options(flags.pocket, false);
  if (!pocket.ok()) return pocket.error();
  server->master_access = access_to(flags.pocket.access, *pocket);
  return Command(Dev{flags.server.data, *std::move(server), *std::move(pocket), flags.pocket.purge});
}

Result<Command> make_pocket(Flags& flags) {
  Result<pocket::PocketOptions> options = to_pocket_options(flags.pocket, true);
  if (!options.ok()) return options.error();
  return Command(PocketOnly{flags.pocket.data, *std::move(options), flags.pocket.purge});
}

Result<Command> make_fault(Flags& flags) {
  Result<std::vector<wire::Endpoint>> masters = wire::parse_endpoints(flags.fault_masters, 5050);
  if (!masters.ok()) return masters.error();
  flags.fault.masters = *std::move(masters);
  return Command(flags.fault);
}

Result<Command> make_token(Flags& flags) {
  const Tokens& wanted = flags.tokens;
  const auto wrong = [](std::string why) { return make_error(Code::invalid_argument, std::move(why)); };
  if (wanted.file.empty()) return wrong("token " + wanted.what + " needs --file, or MIMAS_API_CREDENTIALS");
  if (wanted.what != "list" && wanted.name.empty()) return wrong("token " + wanted.what + " needs a NAME");
  return Command(wanted);
}

Result<Command> make_orphans(Flags& flags) {
  Orphans& orphans = flags.orphans;
  const std::string& what = flags.orphans_what;
  if (what == "list" && (orphans.all || !orphans.ids.empty())) {
    return make_error(Code::invalid_argument, "orphans list takes neither task ids nor --all");
  }
  if (what != "list" && orphans.all == !orphans.ids.empty()) {
    return make_error(Code::invalid_argument, "orphans " + what + " takes either task ids or --all");
  }
  orphans.what = what == "list"    ? Orphans::What::list
                 : what == "adopt" ? Orphans::What::adopt
                                   : Orphans::What::kill;
  return with_client(orphans, flags);
}

Result<Command> make_operations(Flags& flags) {
  if (flags.operations.what != "list" && flags.operations.agent.empty()) {
    return make_error(Code::invalid_argument, "operations " + flags.operations.what + " needs --agent");
  }
  return with_client(flags.operations, flags);
}

Result<Command> make_groups(Flags& flags) {
  const Groups& wanted = flags.groups;
  const bool settings =
      !wanted.tier.empty() || wanted.weight || !wanted.guarantee.empty() || !wanted.quota.empty();
  if (wanted.what == "list" ? !wanted.name.empty() : wanted.name.empty()) {
    return make_error(Code::invalid_argument,
                      "groups " + wanted.what + (wanted.name.empty() ? " needs a NAME" : " takes no NAME"));
  }
  if (settings && wanted.what != "set") {
    return make_error(Code::invalid_argument, "groups " + wanted.what + " takes no settings");
  }
  return with_client(wanted, flags);
}

Result<Command> make_events(Flags& flags) {
  flags.events.snapshot = !flags.no_snapshot;
  if (flags.events.once && !flags.events.since.empty())
    return usage_error("--once", "shows how things are now, and --since asks for changes");
  return with_client(flags.events, flags);
}

Result<Command> make_api(Flags& flags) {
  Request& request = flags.request;
  if (!request.target.starts_with('/')) return usage_error("TARGET", "begins with a slash, as in /v2/jobs");
  const bool plain =
      std::all_of(request.target.begin(), request.target.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!plain) return usage_error("TARGET", "holds blanks or characters that need percent-encoding");
  if (!request.file.empty() && request.method == "GET") return usage_error("--file", "does not go with GET");
  return with_client(request, flags);
}

Result<Command> make_config(Flags& flags) {
  return with_client(ShowPage{{}, flags.limits ? "/v2/config/limits" : "/v2/config"}, flags);
}
Result<Command> make_status(Flags& flags) { return with_client(ShowPage{{}, "/v2/status"}, flags); }
Result<Command> make_queue(Flags& flags) { return with_client(ShowPage{{}, "/v2/queue"}, flags); }
Result<Command> make_scaling(Flags& flags) { return with_client(ShowPage{{}, "/v2/scaling"}, flags); }
Result<Command> make_openapi(Flags& flags) { return with_client(ShowPage{{}, "/v2/openapi.yaml"}, flags); }
Result<Command> make_audit(Flags& flags) { return with_client(flags.audit, flags); }
Result<Command> make_cluster(Flags& flags) { return with_client(ShowCluster{}, flags); }
Result<Command> make_agent(Flags& flags) { return with_client(flags.agent, flags); }
Result<Command> make_backup(Flags& flags) { return with_client(Backup{}, flags); }
Result<Command> make_gc(Flags& flags) {
  flags.garbage.yes = flags.yes;
  return with_client(flags.garbage, flags);
}
Result<Command> make_teardown(Flags& flags) { return with_client(Teardown{}, flags); }
Result<Command> make_version(Flags& flags) { return Command(Version{flags.client.json}); }
Result<Command> make_completion(Flags& flags) { return Command(flags.completion); }
Result<Command> make_man(Flags& flags) { return Command(flags.manual); }

constexpr SubCommand kSubCommands[] = {
    {kClusters, "dev", "", "Run a server and a one-machine cluster in one process, to try things out",
     add_dev, make_dev},
    {kClusters, "serve", "", "Run the server against an Apache Mesos cluster or `mimas pocket`", add_serve,
     make_serve},
    {kClusters, "pocket", "", "Run the embedded test cluster alone; never for production", add_pocket,
     make_pocket},
    {kClusters, "fault", "", "Make a pocket misbehave, to see what happens", add_fault, make_fault},
    {kJobs, "run", "submit", "Submit a job: a file with -f, or a command after --", add_run, make_run},
    {kJobs, "plan", "", "Show where a job's tasks would go; nothing is started", add_plan, make_plan},
    {kJobs, "why", "", "Show why a job or a task waits, or is where it is", add_why, make_why},
    {kJobs, "jobs", "", "List jobs", add_jobs, make_jobs},
    {kJobs, "job", "", "Show one job and its tasks", add_job, make_job},
    {kJobs, "kill", "", "End jobs or single tasks", add_kill, make_kill},
    {kJobs, "scale", "", "Change how many instances of a service run", add_scale, make_scale},
    {kJobs, "service", "", "Take a service out of service, or back in", add_service, make_service},
    {kJobs, "processes", "", "Forbid or allow a service to grow or to shrink", add_processes, make_processes},
    {kJobs, "change", "", "Change members of a job's description", add_change, make_change},
    {kJobs, "history", "", "Show what was done to a job and what became of its tasks", add_history,
     make_history},
    {kJobs, "versions", "", "List the versions of a job's description", add_versions, make_versions},
    {kJobs, "diff", "", "Show what differs between two versions of a job", add_diff, make_diff},
    {kTasks, "tasks", "", "List tasks", add_tasks, make_tasks},
    {kTasks, "task", "", "Show one task", add_task, make_task},
    {kTasks, "logs", "", "Print what a task wrote", add_logs, make_logs},
    {kTasks, "files", "", "List the files of a task's directory", add_files, make_files},
    {kTasks, "stats", "", "Show what tasks use: CPU, memory, disk, network", add_stats, make_stats},
    {kServer, "events", "", "Print what happens, as it happens", add_events, make_events},
    {kServer, "cluster", "", "Show how much there is, how much is free, and what waits", add_client_only,
     make_cluster},
    {kServer, "agents", "", "List the cluster's agents, or drain, disable or enable some", add_agents,
     make_agents},
    {kServer, "agent", "", "Show one agent", add_agent, make_agent},
    {kServer, "status", "", "Show how the server is", add_client_only, make_status},
    {kServer, "queue", "", "Show the tasks that wait for a place, and why", add_client_only, make_queue},
    {kServer, "scaling", "", "Show how groups of agents grow and shrink, and why", add_client_only,
     make_scaling},
    {kServer, "config", "", "Show what the server's settings are", add_config, make_config},
    {kServer, "audit", "", "Show who changed what", add_audit, make_audit},
    {kServer, "operations", "", "List or ask for changes of reservations and volumes on agents",
     add_operations, make_operations},
    {kServer, "groups", "", "List, describe or delete capacity groups, and show what they use", add_groups,
     make_groups},
    {kServer, "orphans", "", "List, adopt or kill tasks that run unknown to the server's records",
     add_orphans, make_orphans},
    {kServer, "token", "", "Make, list or revoke the credentials of those who may use the API", add_token,
     make_token},
    {kServer, "backup", "", "Write a copy of the records beside them", add_client_only, make_backup},
    {kServer, "gc", "", "Remove ended jobs from the records", add_gc, make_gc},
    {kServer, "teardown", "", "End every task, remove the framework from the master and stop the server",
     add_teardown, make_teardown},
    {kServer, "openapi", "", "Print the description of the REST API", add_client_only, make_openapi},
    {kServer, "api", "", "Send any request to the REST API and print the answer", add_api, make_api},
    {kProgram, "completion", "", "Print a script that completes command lines", add_completion,
     make_completion},
    {kProgram, "man", "", "Print the manual page", add_man, make_man},
    {kProgram, "version", "", "Print this program's version", add_version, make_version},
};

}  // namespace

std::span<const SubCommand> sub_commands() { return kSubCommands; }

const SubCommand* find_sub_command(const std::string& name) {
  if (name.empty()) return nullptr;
  const auto* found =
      std::find_if(std::begin(kSubCommands), std::end(kSubCommands),
                   [&](const SubCommand& one) { return name == one.name || name == one.alias; });
  return found == std::end(kSubCommands) ? nullptr : found;
}

std::unique_ptr<CLI::App> make_app(Flags& flags, const SubCommand* chosen) {
  auto app = std::make_unique<CLI::App>("mimas: a small job scheduler for Apache Mesos", "mimas");
  app->footer("Client commands take --server ADDRESS, or MIMAS_SERVER from the environment.\n\n" +
              exit_code_table());
  app->require_subcommand(0, 1);
  app->set_help_flag("-h,--help", "Print this help");
  for (const SubCommand& command : kSubCommands) {
    CLI::App* added = app->add_subcommand(command.name, command.what)->group(command.group);
    if (*command.alias != '\0') added->alias(command.alias);
    if (chosen == nullptr || chosen == &command) command.add_flags(*added, flags);
  }
  return app;
}

}  // namespace mimas::cli
