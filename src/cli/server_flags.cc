#include "cli/server_flags.h"

#include <CLI/CLI.hpp>

#include "cli/exit.h"

namespace mimas::cli {
namespace {

// `alone`: without a pocket, whose flags are here too otherwise.
void add_server_flags(CLI::App& app, ServerFlags& flags, bool alone) {
  add_access_flags(app, flags.access, alone);
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
  add_policy_flags(app, flags.policy);
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
  add_placement_flags(app, flags.placement);
  add_retention_flags(app, flags.retention);
  add_scaling_flags(app, flags.scaling);
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
                 "of each, as in 'cpus:4;mem:1024;disk:8000;ports:[31000-31999]', the ports divided among "
                 "them; default: this machine's CPUs, a share of its memory, disk, ports")
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
  app.add_option("--executor-recovery-timeout", flags.executor_recovery_timeout,
                 "how long executors, and their tasks, go on without an agent; Mesos says 15mins")
      ->type_name("DURATION")
      ->capture_default_str()
      ->envname("MIMAS_EXECUTOR_RECOVERY_TIMEOUT");
  app.add_flag("--purge", flags.purge, "end all tasks when this is stopped; without it they go on running");
}

}  // namespace

void add_serve_flags(CLI::App& app, ServerFlags& server) {
  app.footer(server_exit_code_table());
  add_master_flags(app, server.master);
  app.add_option("--data", server.data, "holds the database")->type_name("DIR")->envname("MIMAS_DATA");
  add_server_flags(app, server, true);
}

void add_dev_flags(CLI::App& app, ServerFlags& server, PocketFlags& pocket) {
  app.footer(server_exit_code_table());
  app.add_option("--data", server.data,
                 "holds everything; started again on it, dev finds its tasks "
                 "[$XDG_DATA_HOME/mimas, or ~/.local/share/mimas]")
      ->type_name("DIR")
      ->envname("MIMAS_DATA");
  add_server_flags(app, server, false);
  add_agent_flags(app, pocket);
  add_tls_flags(app, pocket.access);
}

void add_pocket_command_flags(CLI::App& app, PocketFlags& pocket) {
  app.add_option("--listen", pocket.listen, "where its master listens")
      ->type_name("IP:PORT")
      ->capture_default_str()
      ->envname("MIMAS_LISTEN");
  app.add_option("--join", pocket.join, "run agents only and join these masters")
      ->type_name("HOST:PORT[,…]")
      ->envname("MIMAS_JOIN");
  app.add_option("--data", pocket.data, "agents work there")->type_name("DIR")->envname("MIMAS_DATA");
  app.add_option("--agent-ip", pocket.agent_ip, "where agents listen; auto: this machine's own address")
      ->type_name("IP")
      ->capture_default_str()
      ->envname("MIMAS_AGENT_IP");
  add_agent_flags(app, pocket);
  add_tls_flags(app, pocket.access);
  add_pocket_flags(app, pocket.access);
}

}  // namespace mimas::cli
