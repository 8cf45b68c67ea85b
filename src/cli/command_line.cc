#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "cli/data_directory.h"
#include "cli/exit.h"
#include "cli/flags.h"
#include "cli/table.h"

namespace mimas::cli {
namespace {

// Everything CLI11 writes into, alive for one parse.
struct Flags {
  ServerFlags server;
  PocketFlags pocket;
  ClientFlags client;
  RunFlags run;
  bool all = false;
  bool follow = false;
  bool watch = false;
  bool standard_error = false;
  bool yes = false;
  std::string fault_masters = "127.0.0.1:5050";
  std::string id;
  std::vector<std::string> ids;
  std::int64_t instances = 0;
  Operations operations;
};

void add_server_flags(CLI::App& app, ServerFlags& flags) {
  app.add_option("--listen", flags.listen, "where the API listens")
      ->type_name("IP:PORT")
      ->capture_default_str()
      ->envname("MIMAS_LISTEN");
  app.add_option("--advertise", flags.advertise,
                 "where agents reach this server; default: the address it listens on")
      ->type_name("HOST:PORT")
      ->envname("MIMAS_ADVERTISE");
  app.add_option("--mesos-codec", flags.codec, "protobuf or json")
      ->type_name("CODEC")
      ->capture_default_str()
      ->envname("MIMAS_MESOS_CODEC");
  app.add_option("--roles", flags.roles,
                 "the Mesos roles to take offers for; the first one is the jobs' default [*]")
      ->type_name("ROLE[,…]")
      ->envname("MIMAS_ROLES");
  app.add_option("--role", flags.role, "the same for a single role")
      ->type_name("ROLE")
      ->envname("MIMAS_ROLE");
  app.add_option("--user", flags.user, "whom tasks run as; default: who runs this")
      ->type_name("USER")
      ->envname("MIMAS_USER");
  app.add_option("--executors", flags.executors,
                 "holds mimas-executor-<arch>; default: executors/ beside this binary")
      ->type_name("DIR")
      ->envname("MIMAS_EXECUTORS");
  add_executor_flags(app, flags.executor);
  app.add_option(
         "--executor-sharing", flags.executor_sharing,
         "which tasks have one executor together: none (task), those of a job on an agent (job), or all "
         "of an agent (agent)")
      ->type_name("task|job|agent")
      ->capture_default_str()
      ->envname("MIMAS_EXECUTOR_SHARING");
  app.add_flag("--allow-privileged", flags.allow_privileged,
               "jobs may have privileged containers, and capabilities that Docker does not give by itself")
      ->envname("MIMAS_ALLOW_PRIVILEGED");
  app.add_flag("--allow-host-volumes", flags.allow_host_volumes,
               "jobs may mount paths of the agents into their containers")
      ->envname("MIMAS_ALLOW_HOST_VOLUMES");
  app.add_option("--log-level", flags.log_level, "trace, debug, info, warn, error or off")
      ->type_name("LEVEL")
      ->capture_default_str()
      ->envname("MIMAS_LOG_LEVEL");
  app.add_option("--failover-timeout", flags.failover_timeout,
                 "how long Mesos keeps tasks when this server is away")
      ->type_name("DURATION")
      ->capture_default_str()
      ->envname("MIMAS_FAILOVER_TIMEOUT");
  app.add_flag("--allow-zero-failover-timeout", flags.allow_zero_failover_timeout,
               "take a --failover-timeout of 0: tasks end whenever the connection drops");
  app.add_option(
         "--new-framework", flags.new_framework,
         "give up the framework of this id if it is ours, and register anew: its tasks are lost, jobs "
         "start again")
      ->type_name("OLD-ID")
      ->envname("MIMAS_NEW_FRAMEWORK");
}

void add_agent_flags(CLI::App& app, PocketFlags& flags) {
  app.add_option("--masters", flags.masters, "how many masters; one of them leads")
      ->type_name("N")
      ->capture_default_str()
      ->envname("MIMAS_MASTERS");
  app.add_option("--agents", flags.agents, "how many agents [1, or 0 with --agent]")
      ->type_name("N")
      ->envname("MIMAS_AGENTS");
  app.add_option("--agent-attributes", flags.attributes, "of each of them, as in 'stack:pi3;arch:arm'")
      ->type_name("TEXT")
      ->envname("MIMAS_AGENT_ATTRIBUTES");
  app.add_option("--agent-resources", flags.resources,
                 "of each, as in 'cpus:4;mem:1024;disk:8000;ports:[31000-32000]'; default: this machine's "
                 "CPUs, a share of its memory, disk, ports")
      ->type_name("TEXT")
      ->envname("MIMAS_AGENT_RESOURCES");
  app.add_option("--agent", flags.agent,
                 "one more agent: 'hostname=pi1;attributes=arch:arm;resources=cpus:4'")
      ->type_name("SPEC")
      ->allow_extra_args(false);
  app.add_option("--agent-runner", flags.runner,
                 "starts executors built for another processor; none: start them as they are")
      ->type_name("CMD")
      ->envname("MIMAS_AGENT_RUNNER");
  app.add_flag("--executor-auth", flags.executor_auth, "executors must show the token their agent gave them");
  app.add_flag("--executor-domain-sockets", flags.executor_domain_sockets,
               "executors may reach their agent by a unix socket");
  app.add_option("--executor-reregistration-timeout", flags.executor_reregistration_timeout,
                 "how long a restarted agent waits for its executors; Mesos waits 2secs")
      ->type_name("DURATION")
      ->capture_default_str()
      ->envname("MIMAS_EXECUTOR_REREGISTRATION_TIMEOUT");
}

void add_client_flags(CLI::App& app, ClientFlags& flags) {
  app.add_option("--server", flags.server, "the mimas server")
      ->type_name("HOST:PORT")
      ->capture_default_str()
      ->envname("MIMAS_SERVER");
  app.add_flag("--json", flags.json, "print JSON for programs");
}

void add_serve(CLI::App& app, Flags& flags) {
  app.footer(server_exit_code_table());
  add_master_flags(app, flags.server.master);
  app.add_option("--data", flags.server.data, "holds the database")->type_name("DIR")->envname("MIMAS_DATA");
  add_server_flags(app, flags.server);
}

void add_dev(CLI::App& app, Flags& flags) {
  app.footer(server_exit_code_table());
  app.add_option("--data", flags.server.data,
                 "holds everything; started again on it, dev finds its tasks [" +
                     default_data_directory(std::getenv("XDG_DATA_HOME"), std::getenv("HOME")) + "]")
      ->type_name("DIR")
      ->envname("MIMAS_DATA");
  add_server_flags(app, flags.server);
  add_agent_flags(app, flags.pocket);
  add_tls_flags(app, flags.pocket.access);
}

void add_pocket(CLI::App& app, Flags& flags) {
  app.add_option("--listen", flags.pocket.listen, "where its master listens")
      ->type_name("IP:PORT")
      ->capture_default_str()
      ->envname("MIMAS_LISTEN");
  app.add_option("--join", flags.pocket.join, "run agents only and join these masters")
      ->type_name("HOST:PORT[,…]")
      ->envname("MIMAS_JOIN");
  app.add_option("--data", flags.pocket.data, "agents work there")->type_name("DIR")->envname("MIMAS_DATA");
  app.add_option("--agent-ip", flags.pocket.agent_ip, "where agents listen; auto: this machine's own address")
      ->type_name("IP")
      ->capture_default_str()
      ->envname("MIMAS_AGENT_IP");
  add_agent_flags(app, flags.pocket);
  add_tls_flags(app, flags.pocket.access);
  add_pocket_flags(app, flags.pocket.access);
}

void add_run(CLI::App& app, Flags& flags) {
  RunFlags& run = flags.run;
  app.add_option("-f,--file", run.file, "a job description in JSON; '-' reads standard input")
      ->type_name("FILE");
  app.add_flag("--follow", run.follow, "print what happens until the job ends");
  app.add_flag("--no-wait", run.no_wait, "with --follow: stop following when the job cannot be placed");
  app.add_option("--name", run.name, "default: the command's name")->type_name("NAME");
  app.add_flag("--service", run.service, "keep it running; without: run it once");
  app.add_option("--image", run.image, "run it in a Docker container of this image")
      ->type_name("IMAGE[:TAG]");
  app.add_option("--cpu", run.cpu, "CPUs of each instance, as in 0.5")->type_name("X");
  app.add_option("--mem", run.memory_mib, "memory of each instance in MiB")->type_name("M");
  app.add_option("--disk", run.disk_mib, "disk of each instance in MiB")->type_name("M");
  app.add_option("--ports", run.ports, "how many ports each instance gets")->type_name("N");
  app.add_option("--instances", run.instances, "how many")->type_name("N")->capture_default_str();
  app.add_option("--retries", run.retries, "how often a failed instance is started again")->type_name("N");
  app.add_option("--user", run.user, "whom it belongs to")->type_name("USER");
  app.add_option("--constraint", run.constraints,
                 "where it may run: 'arch=arm', 'rack!=r9', UniqueHost; repeatable")
      ->type_name("C")
      ->allow_extra_args(false);
  app.add_option("--env", run.env, "an environment variable; repeatable")
      ->type_name("K=V")
      ->allow_extra_args(false);
  app.footer("mimas run [OPTIONS] -- COMMAND…\nmimas run [--follow] -f job.json");
  add_client_flags(app, flags.client);
}

void add_jobs(CLI::App& app, Flags& flags) {
  app.add_flag("--all", flags.all, "ended ones too");
  add_client_flags(app, flags.client);
}

void add_job(CLI::App& app, Flags& flags) {
  app.add_option("ID", flags.id)->type_name("")->required();
  add_client_flags(app, flags.client);
}

void add_kill(CLI::App& app, Flags& flags) {
  app.add_option("ID", flags.ids, "job or task ids")->type_name("")->required();
  add_client_flags(app, flags.client);
}

void add_scale(CLI::App& app, Flags& flags) {
  app.add_option("ID", flags.id, "a job")->type_name("")->required();
  app.add_option("N", flags.instances, "instances")
      ->type_name("")
      ->required()
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{INT32_MAX}));
  add_client_flags(app, flags.client);
}

void add_logs(CLI::App& app, Flags& flags) {
  app.add_option("TASK", flags.id, "a task, or a job: its newest task")->type_name("")->required();
  app.add_flag("-f,--follow", flags.follow, "go on until the task ends");
  app.add_flag("--stderr", flags.standard_error, "its standard error");
  add_client_flags(app, flags.client);
}

void add_stats(CLI::App& app, Flags& flags) {
  app.add_option("ID", flags.id, "a task, or a job: all its tasks and their sum")->type_name("")->required();
  app.add_flag("-w,--watch", flags.watch, "again every two seconds, until interrupted");
  add_client_flags(app, flags.client);
}

void add_agents(CLI::App& app, Flags& flags) { add_client_flags(app, flags.client); }

void add_orphans(CLI::App& app, Flags& flags) {
  app.add_option("WHAT", flags.id, "list, adopt or kill")
      ->type_name("")
      ->capture_default_str()
      ->check(CLI::IsMember({"list", "adopt", "kill"}));
  app.add_option("TASK", flags.ids, "task ids")->type_name("");
  app.add_flag("--all", flags.all, "adopt: every orphan; kill: every one that is not left alone");
  add_client_flags(app, flags.client);
}

void add_operations(CLI::App& app, Flags& flags) {
  Operations& wanted = flags.operations;
  app.add_option("WHAT", wanted.what, "list, reserve, unreserve, create or destroy")
      ->type_name("")
      ->capture_default_str()
      ->check(CLI::IsMember({"list", "reserve", "unreserve", "create", "destroy"}));
  app.add_option("--agent", wanted.agent, "the agent's id, as `mimas agents` shows it")->type_name("ID");
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
  add_client_flags(app, flags.client);
}

void add_teardown(CLI::App& app, Flags& flags) {
  app.add_flag("--yes", flags.yes, "really: every task of every job ends")->required();
  add_client_flags(app, flags.client);
}

void add_fault(CLI::App& app, Flags& flags) {
  app.add_option("--master", flags.fault_masters, "any master of the pocket")
      ->type_name("HOST:PORT[,…]")
      ->capture_default_str()
      ->envname("MIMAS_MASTER");
  app.add_option("FAULT", flags.id, "kill_leader, drop_streams, restart_agent, …: see docs/pocket.md")
      ->type_name("")
      ->required();
  app.add_option("MEMBER", flags.ids, "its members, as in away_ms=500")->type_name("");
}

void add_version(CLI::App& app, Flags& flags) {
  app.add_flag("--json", flags.client.json, "print JSON for programs");
}

struct SubCommand {
  const char* name;
  const char* what;
  void (*add_flags)(CLI::App&, Flags&);
};
constexpr SubCommand kSubCommands[] = {
    {"dev", "Run a server and a one-machine cluster in one process, to try things out", add_dev},
    {"serve", "Run the server against an Apache Mesos cluster or `mimas pocket`", add_serve},
    {"pocket", "Run the embedded test cluster alone; never for production", add_pocket},
    {"run", "Submit a job: a file with -f, or a command after --", add_run},
    {"jobs", "List jobs", add_jobs},
    {"job", "Show one job and its tasks", add_job},
    {"kill", "End jobs or single tasks", add_kill},
    {"scale", "Change how many instances of a service run", add_scale},
    {"logs", "Print what a task wrote", add_logs},
    {"stats", "Show what tasks use: CPU, memory, disk, network", add_stats},
    {"agents", "List the cluster's agents", add_agents},
    {"orphans", "List, adopt or kill tasks that run unknown to the server's records", add_orphans},
    {"operations", "List or ask for changes of reservations and volumes on agents", add_operations},
    {"teardown", "End every task, remove the framework from the master and stop the server", add_teardown},
    {"fault", "Make a pocket misbehave, to see what happens", add_fault},
    {"version", "Print this program's version", add_version},
};

// Only the chosen sub-command gets flags: CLI11 reads the environment for the flags of every sub-command it
// knows, so that a variable would reach past the flag that was given, or be refused where it does not matter.
void add_sub_commands(CLI::App& app, Flags& flags, const std::string& chosen) {
  for (const SubCommand& command : kSubCommands) {
    CLI::App* added = app.add_subcommand(command.name, command.what);
    if (command.name == chosen) command.add_flags(*added, flags);
  }
}

Result<Command> to_dev(Flags& flags) {
  if (flags.server.data.empty()) {
    flags.server.data = default_data_directory(std::getenv("XDG_DATA_HOME"), std::getenv("HOME"));
  }
  Result<server::ServerOptions> server = to_server_options(flags.server, false);
  if (!server.ok()) return server.error();
  Result<pocket::PocketOptions> pocket = to_pocket_options(flags.pocket, false);
  if (!pocket.ok()) return pocket.error();
  server->master_access = access_to(flags.pocket.access, *pocket);
  return Command(Dev{flags.server.data, std::move(*server), std::move(*pocket)});
}

Result<Command> to_orphans(const Client& client, const Flags& flags) {
  const bool list = flags.id.empty() || flags.id == "list";
  if (list && (flags.all || !flags.ids.empty())) {
    return make_error(Code::invalid_argument, "orphans list takes neither task ids nor --all");
  }
  if (!list && flags.all == !flags.ids.empty()) {
    return make_error(Code::invalid_argument, "orphans " + flags.id + " takes either task ids or --all");
  }
  const auto what =
      list ? Orphans::What::list : (flags.id == "adopt" ? Orphans::What::adopt : Orphans::What::kill);
  return Command(Orphans{client, what, flags.ids, flags.all});
}

Result<Command> to_operations(const Client& client, Operations wanted) {
  if (wanted.what != "list" && wanted.agent.empty()) {
    return make_error(Code::invalid_argument, "operations " + wanted.what + " needs --agent");
  }
  wanted.client = client;
  return Command(std::move(wanted));
}

Result<Command> to_command(const std::string& name, Flags& flags) {
  if (name == "version") return Command(Version{flags.client.json});
  if (name == "dev") return to_dev(flags);
  if (name == "serve") {
    Result<server::ServerOptions> options = to_server_options(flags.server, true);
    if (!options.ok()) return options.error();
    return Command(Serve{std::move(*options)});
  }
  if (name == "pocket") {
    Result<pocket::PocketOptions> options = to_pocket_options(flags.pocket, true);
    if (!options.ok()) return options.error();
    return Command(PocketOnly{flags.pocket.data, std::move(*options)});
  }
  if (name == "fault") {
    Result<std::vector<wire::Endpoint>> masters = wire::parse_endpoints(flags.fault_masters, 5050);
    if (!masters.ok()) return masters.error();
    return Command(OrderFault{std::move(*masters), flags.id, flags.ids});
  }
  Result<Client> client = to_client(flags.client);
  if (!client.ok()) return client.error();
  if (name == "jobs") return Command(ListJobs{*client, flags.all});
  if (name == "job") return Command(ShowJob{*client, flags.id});
  if (name == "kill") return Command(Kill{*client, flags.ids});
  if (name == "scale") return Command(Scale{*client, flags.id, flags.instances});
  if (name == "logs") return Command(Logs{*client, flags.id, flags.follow, flags.standard_error});
  if (name == "stats") return Command(ShowStats{*client, flags.id, flags.watch});
  if (name == "agents") return Command(ListAgents{*client});
  if (name == "orphans") return to_orphans(*client, flags);
  if (name == "operations") return to_operations(*client, flags.operations);
  if (name == "teardown") return Command(Teardown{*client});
  Result<Run> run = to_run(flags.run, *client);
  if (!run.ok()) return run.error();
  return Command(std::move(*run));
}

CommandLine wrong_usage(const std::string& why) {
  CommandLine result;
  result.exit_code = kExitUsage;
  result.error = "mimas: " + printable(why) + "\n";
  return result;
}

// The words after the first "--" of `mimas run` are the job's, to the letter: CLI11 would take a "[a,b]"
// apart.
std::vector<std::string> cut_tail(std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments.front() != "run") return {};
  const auto mark = std::find(arguments.begin(), arguments.end(), "--");
  if (mark == arguments.end()) return {};
  std::vector<std::string> tail(mark + 1, arguments.end());
  arguments.erase(mark, arguments.end());
  return tail;
}

CommandLine parse_with(CLI::App& app, Flags& flags, std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& caught) {
    std::ostringstream out;
    std::ostringstream err;
    CommandLine result;
    result.exit_code = app.exit(caught, out, err) == 0 ? 0 : kExitUsage;
    result.output = out.str();
    if (result.exit_code != 0) {
      result = wrong_usage(caught.what());
      const auto chosen = app.get_subcommands();
      result.error += "Try: mimas " + (chosen.empty() ? "" : chosen.front()->get_name() + " ") + "--help\n";
    }
    return result;
  }
  CommandLine result;
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) {
    result = wrong_usage("which command?");
    result.error += "Try: mimas --help\n";
    return result;
  }
  Result<Command> command = to_command(chosen.front()->get_name(), flags);
  if (!command.ok()) return wrong_usage(command.error().text());
  result.command = std::move(*command);
  return result;
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
  try {
    Flags flags;
    CLI::App app("mimas: a small job scheduler for Apache Mesos", "mimas");
    app.footer("Client commands take --server HOST:PORT, or MIMAS_SERVER from the environment.\n\n" +
               exit_code_table());
    app.require_subcommand(0, 1);
    app.set_help_flag("-h,--help", "Print this help");
    add_sub_commands(app, flags, arguments.empty() ? "" : arguments.front());
    std::vector<std::string> rest = arguments;
    flags.run.command = cut_tail(rest);
    return parse_with(app, flags, std::move(rest));
  } catch (const std::exception& caught) {
    return wrong_usage(caught.what());
  }
}

}  // namespace mimas::cli
