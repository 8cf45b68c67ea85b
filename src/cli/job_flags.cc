// The flags of the commands about jobs and tasks, and what they must fulfil together.
#include "cli/command_table.h"
#include "cli/request_parts.h"
#include "cli/usage_error.h"

namespace mimas::cli {
namespace {

constexpr std::int64_t kTimeoutSecsMax = 30LL * 86'400;
constexpr std::int64_t kRowsMax = 100'000;
constexpr std::int64_t kTailMax = 10'000;  // as the server has it

void add_timeout(CLI::App& app, std::int64_t& into) {
  within(app.add_option("--timeout", into, "give up waiting after this many seconds, with exit code 7")
             ->type_name("SECS"),
         1, kTimeoutSecsMax);
}

void add_if_version(CLI::App& app, std::optional<std::int64_t>& into) {
  app.add_option("--if-version", into, "only if the job has this version still; otherwise exit code 5")
      ->type_name("N");
}

void add_job_id(CLI::App& app, std::string& into, Flags& flags) {
  id_of(app.add_option("JOB", into, "a job's id")->type_name("")->required(), Subject::jobs, flags.hints);
}

void add_label_flag(CLI::App& app, std::vector<std::string>& into) {
  app.add_option("--label", into, "that have this label, 'k' or 'k=v'; repeatable, all of them")
      ->type_name("K[=V]")
      ->allow_extra_args(false);
}

void add_row_flags(CLI::App& app, Filter& filter) {
  within(app.add_option("--limit", filter.limit, "at most so many rows")->type_name("N"), 1, kRowsMax);
  app.add_flag("-a,--all", filter.all, "ended ones too");
}

const std::vector<std::string> kStates = {"QUEUED",   "DISPATCHED", "STARTING", "RUNNING",
                                          "FINISHED", "FAILED",     "STOPPED",  "CRASHED"};

void add_state_flag(CLI::App& app, Filter& filter, const char* what, Flags& flags) {
  CLI::Option* option = app.add_option("--state", filter.state, what)->type_name("STATE");
  one_of(option, kStates, flags.hints);
}

}  // namespace

void add_run(CLI::App& app, Flags& flags) {
  RunFlags& run = flags.run;
  app.add_option("-f,--file", run.file, "a job description in JSON; '-' reads standard input")
      ->type_name("FILE");
  app.add_flag("--follow", run.follow, "tell what happens until the job ends");
  app.add_flag("--no-output", run.no_output, "with --follow: do not print what the job's programs write");
  app.add_flag("--wait", run.wait, "until as many instances are ready as are wanted, or the job has ended");
  app.add_flag("-d,--detach", run.detach, "print the job's id and be done, as without --follow");
  app.add_flag("--no-wait", run.no_wait, "with --follow: stop following when the job cannot be placed");
  add_timeout(app, run.timeout_secs);
  app.add_flag("--dry-run", run.dry_run, "check the job and print it as it would be; nothing is started");
  app.add_option("--idempotency-key", run.idempotency_key,
                 "sent again with the same key within a day, the job is not made twice")
      ->type_name("KEY");
  app.add_option("--name", run.name, "default: the command's name")->type_name("NAME");
  app.add_flag("--service", run.service, "keep it running; without: run it once");
  app.add_option("--image", run.image, "run it in a Docker container of this image")
      ->type_name("IMAGE[:TAG]");
  app.add_option("--cpu", run.cpu, "CPUs of each instance, as in 0.5")->type_name("X");
  app.add_option("--mem", run.memory_mib, "memory of each instance in MiB")->type_name("M");
  app.add_option("--disk", run.disk_mib, "disk of each instance in MiB")->type_name("M");
  app.add_option("--ports", run.ports, "how many ports each instance gets")->type_name("N");
  app.add_option("-p,--port", run.container_ports,
                 "a port of the container to publish on a free one; repeatable")
      ->type_name("PORT")
      ->allow_extra_args(false);
  app.add_option("--volume", run.volumes,
                 "what the container sees of the agent or of Docker's volumes; repeatable")
      ->type_name("SOURCE:TARGET[:ro]")
      ->allow_extra_args(false);
  app.add_option(
         "--health", run.health,
         "how to ask an instance whether it is well: http:8080/health, tcp:5432 or a shell line; repeatable")
      ->type_name("CHECK")
      ->allow_extra_args(false);
  app.add_option("--artifact", run.artifacts, "a file to fetch before the start; repeatable")
      ->type_name("URI")
      ->allow_extra_args(false);
  app.add_option("--run-as", run.run_as, "the user it runs as, on the agent or in the container")
      ->type_name("USER[:GROUP]");
  app.add_option("--app", run.app, "the application it belongs to (appName)")->type_name("NAME");
  app.add_option("--label", run.labels, "a label; repeatable")->type_name("K=V")->allow_extra_args(false);
  app.add_option("--priority", run.priority, "0 to 100; higher goes first within its group")->type_name("N");
  app.add_flag("--production", run.production, "work that is not production may have to make room for it");
  app.add_option("--instances", run.instances, "how many")->type_name("N")->capture_default_str();
  app.add_option("--retries", run.retries, "how often a failed instance is started again")->type_name("N");
  app.add_option("--user", run.user, "whom it belongs to")->type_name("USER");
  app.add_option("--constraint", run.constraints,
                 "where it may run: 'arch=arm', 'rack!=r9', UniqueHost; repeatable")
      ->type_name("C")
      ->allow_extra_args(false);
  app.add_option("-e,--env", run.env, "an environment variable; repeatable")
      ->type_name("K=V")
      ->allow_extra_args(false);
  app.footer("mimas run [OPTIONS] -- COMMAND…\nmimas run [OPTIONS] -f job.json");
  add_client_flags(app, flags.client, flags.hints);
}

void add_jobs(CLI::App& app, Flags& flags) {
  Filter& filter = flags.jobs.filter;
  app.add_option("--app", filter.app, "of this application (appName)")->type_name("NAME");
  add_label_flag(app, filter.labels);
  one_of(app.add_option("--type", filter.type, "batch or service")->type_name("TYPE"), {"batch", "service"},
         flags.hints);
  add_state_flag(app, filter, "with a task in this state", flags);
  app.add_option("--name", filter.name, "of this name")->type_name("NAME");
  app.add_option("--user", filter.user, "of this user")->type_name("USER");
  add_row_flags(app, filter);
  app.add_flag("-w,--watch", flags.jobs.watch, "again whenever something changes, until interrupted");
  add_output_flags(app, flags.client, flags.hints);
  add_client_flags(app, flags.client, flags.hints);
}

void add_job(CLI::App& app, Flags& flags) {
  add_job_id(app, flags.job.id, flags);
  app.add_flag("-w,--watch", flags.job.watch, "again whenever something changes, until the job ends");
  add_client_flags(app, flags.client, flags.hints);
}

void add_kill(CLI::App& app, Flags& flags) {
  id_of(app.add_option("ID", flags.kill.ids, "jobs and tasks")->type_name("")->required(),
        Subject::jobs_and_tasks, flags.hints);
  app.add_flag("--shrink", flags.kill.shrink,
               "of tasks: the service wants so many instances less, and none takes their place");
  app.add_flag("--strict,!--no-strict", flags.kill.strict,
               "of tasks: none is killed if one is unknown or has ended; the default, unless --no-strict");
  app.add_flag("--wait", flags.kill.wait, "until they have ended");
  add_timeout(app, flags.kill.timeout_secs);
  add_client_flags(app, flags.client, flags.hints);
}

void add_scale(CLI::App& app, Flags& flags) {
  add_job_id(app, flags.scale.id, flags);
  within(app.add_option("N", flags.scale.instances, "how many instances shall run")->type_name(""), 0,
         INT32_MAX);
  within(app.add_option("--min", flags.scale.min, "the least that may be asked for")->type_name("N"), 0,
         INT32_MAX);
  within(app.add_option("--max", flags.scale.max, "the most that may be asked for")->type_name("N"), 0,
         INT32_MAX);
  add_if_version(app, flags.scale.if_version);
  app.add_flag("--wait", flags.scale.wait, "until as many run as are wanted");
  add_timeout(app, flags.scale.timeout_secs);
  add_client_flags(app, flags.client, flags.hints);
}

void add_service(CLI::App& app, Flags& flags) {
  add_job_id(app, flags.service.id, flags);
  CLI::Option* in = app.add_flag("--in", flags.in, "traffic may go to it");
  app.add_flag("--out", flags.out, "no traffic shall go to it; its tasks run on")->excludes(in);
  add_if_version(app, flags.service.if_version);
  add_client_flags(app, flags.client, flags.hints);
}

void add_processes(CLI::App& app, Flags& flags) {
  add_job_id(app, flags.processes.id, flags);
  one_of(app.add_option("--increase", flags.increase, "on or off: may the count of instances be raised")
             ->type_name("on|off"),
         {"on", "off"}, flags.hints);
  one_of(app.add_option("--decrease", flags.decrease, "on or off: may it be lowered")->type_name("on|off"),
         {"on", "off"}, flags.hints);
  add_if_version(app, flags.processes.if_version);
  add_client_flags(app, flags.client, flags.hints);
}

void add_change(CLI::App& app, Flags& flags) {
  add_job_id(app, flags.change.id, flags);
  app.add_option("-f,--file", flags.change.file,
                 "the members that change, in JSON; null takes one away; '-' reads standard input")
      ->type_name("FILE");
  app.add_option("--set", flags.change.sets, "one member, as in retries=3 or labels.team=web; repeatable")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  add_if_version(app, flags.change.if_version);
  app.add_flag("--dry-run", flags.change.dry_run, "check the change and print the job as it would be");
  add_client_flags(app, flags.client, flags.hints);
}

void add_history(CLI::App& app, Flags& flags) {
  add_job_id(app, flags.history.id, flags);
  within(app.add_option("--limit", flags.history.limit, "at most so many rows")->type_name("N"), 1, kRowsMax);
  add_client_flags(app, flags.client, flags.hints);
}

void add_versions(CLI::App& app, Flags& flags) {
  add_job_id(app, flags.versions.id, flags);
  add_client_flags(app, flags.client, flags.hints);
}

void add_diff(CLI::App& app, Flags& flags) {
  add_job_id(app, flags.diff.id, flags);
  app.add_option("--from", flags.diff.from, "default: the version before")->type_name("VERSION");
  app.add_option("--to", flags.diff.to, "default: the newest version")->type_name("VERSION");
  add_client_flags(app, flags.client, flags.hints);
}

void add_tasks(CLI::App& app, Flags& flags) {
  Filter& filter = flags.tasks.filter;
  id_of(app.add_option("--job", filter.job, "of this job")->type_name("JOB"), Subject::jobs, flags.hints);
  app.add_option("--app", filter.app, "of this application (appName)")->type_name("NAME");
  add_label_flag(app, filter.labels);
  add_state_flag(app, filter, "in this state", flags);
  app.add_option("--host", filter.host, "on this host")->type_name("HOST");
  id_of(app.add_option("--agent", filter.agent, "on this agent")->type_name("ID"), Subject::agents,
        flags.hints);
  add_row_flags(app, filter);
  app.add_flag("-w,--watch", flags.tasks.watch, "again whenever something changes, until interrupted");
  add_output_flags(app, flags.client, flags.hints);
  add_client_flags(app, flags.client, flags.hints);
}

void add_task(CLI::App& app, Flags& flags) {
  id_of(app.add_option("TASK", flags.task.id, "a task's id")->type_name("")->required(), Subject::tasks,
        flags.hints);
  app.add_flag("-w,--watch", flags.task.watch, "again whenever something changes, until the task ends");
  add_client_flags(app, flags.client, flags.hints);
}

void add_logs(CLI::App& app, Flags& flags) {
  id_of(app.add_option("TASK", flags.logs.id, "a task, or a job: its newest task that has files")
            ->type_name("")
            ->required(),
        Subject::jobs_and_tasks, flags.hints);
  CLI::Option* previous =
      app.add_flag("-p,--previous", flags.logs.previous, "of a job: the task before, as after a restart");
  app.add_flag("--all", flags.logs.all, "of a job: every instance, each line with its place")
      ->excludes(previous);
  app.add_flag("-f,--follow", flags.logs.follow, "go on until the task ends");
  CLI::Option* errors = app.add_flag("--stderr", flags.logs.standard_error, "its standard error");
  app.add_option("--file", flags.logs.file, "another file of its directory, as `mimas files` shows it")
      ->type_name("NAME")
      ->excludes(errors);
  CLI::Option* tail = within(
      app.add_option("-n,--tail", flags.logs.tail, "only the last lines")->type_name("LINES"), 1, kTailMax);
  app.add_flag("--since-start", flags.since_start, "everything, as without --tail")->excludes(tail);
  add_client_flags(app, flags.client, flags.hints);
}

void add_files(CLI::App& app, Flags& flags) {
  id_of(
      app.add_option("TASK", flags.files.id, "a task, or a job: its newest task")->type_name("")->required(),
      Subject::jobs_and_tasks, flags.hints);
  add_client_flags(app, flags.client, flags.hints);
}

void add_stats(CLI::App& app, Flags& flags) {
  id_of(app.add_option("ID", flags.stats.id, "a task, or a job: all its tasks and their sum")
            ->type_name("")
            ->required(),
        Subject::jobs_and_tasks, flags.hints);
  app.add_flag("-w,--watch", flags.stats.watch, "again every two seconds, until interrupted");
  add_client_flags(app, flags.client, flags.hints);
}

void add_why(CLI::App& app, Flags& flags) {
  id_of(app.add_option("ID", flags.why.id, "of a job or a task")->type_name("")->required(),
        Subject::jobs_and_tasks, flags.hints);
  add_client_flags(app, flags.client, flags.hints);
}

void add_plan(CLI::App& app, Flags& flags) {
  app.add_option("-f,--file", flags.plan.file, "a job description in JSON; '-' reads standard input")
      ->type_name("FILE")
      ->required();
  add_client_flags(app, flags.client, flags.hints);
}

Result<Command> make_run(Flags& flags) {
  Result<Client> client = to_client(flags.client);
  if (!client.ok()) return client.error();
  Result<Run> run = to_run(flags.run, *client);
  if (!run.ok()) return run.error();
  return Command(*std::move(run));
}

Result<Command> make_jobs(Flags& flags) {
  if (flags.jobs.filter.all && !flags.jobs.filter.state.empty())
    return usage_error("--all", "does not go with --state");
  return with_client(flags.jobs, flags);
}

Result<Command> make_tasks(Flags& flags) {
  if (flags.tasks.filter.all && !flags.tasks.filter.state.empty())
    return usage_error("--all", "does not go with --state");
  return with_client(flags.tasks, flags);
}

Result<Command> make_kill(Flags& flags) {
  if (flags.kill.timeout_secs != 0 && !flags.kill.wait) return usage_error("--timeout", "goes with --wait");
  return with_client(flags.kill, flags);
}

Result<Command> make_scale(Flags& flags) {
  const Scale& scale = flags.scale;
  if (!scale.instances && !scale.min && !scale.max)
    return usage_error("scale", "needs N, the count of instances, or --min or --max");
  if (scale.timeout_secs != 0 && !scale.wait) return usage_error("--timeout", "goes with --wait");
  if (scale.min && scale.max && *scale.min > *scale.max) return usage_error("--min", "is above --max");
  if (scale.instances &&
      ((scale.min && *scale.instances < *scale.min) || (scale.max && *scale.instances > *scale.max)))
    return usage_error("N", "is not between --min and --max");
  return with_client(scale, flags);
}

Result<Command> make_service(Flags& flags) {
  if (flags.in == flags.out) return usage_error("service", "needs either --in or --out");
  flags.service.in = flags.in;
  return with_client(flags.service, flags);
}

Result<Command> make_processes(Flags& flags) {
  if (flags.increase.empty() || flags.decrease.empty())
    return usage_error("processes", "needs both --increase and --decrease, each on or off");
  flags.processes.increase = flags.increase == "on";
  flags.processes.decrease = flags.decrease == "on";
  return with_client(flags.processes, flags);
}

Result<Command> make_change(Flags& flags) {
  if (flags.change.file.empty() == flags.change.sets.empty())
    return usage_error("change", "needs either a file with -f, or one --set or more");
  return with_client(flags.change, flags);
}

Result<Command> make_job(Flags& flags) { return with_client(flags.job, flags); }
Result<Command> make_history(Flags& flags) { return with_client(flags.history, flags); }
Result<Command> make_versions(Flags& flags) { return with_client(flags.versions, flags); }
Result<Command> make_diff(Flags& flags) { return with_client(flags.diff, flags); }
Result<Command> make_task(Flags& flags) { return with_client(flags.task, flags); }
Result<Command> make_logs(Flags& flags) {
  if ((flags.logs.previous || flags.logs.all) && is_task_id(flags.logs.id))
    return usage_error(flags.logs.all ? "--all" : "--previous", "goes with a job, not with a task");
  return with_client(flags.logs, flags);
}
Result<Command> make_files(Flags& flags) { return with_client(flags.files, flags); }
Result<Command> make_stats(Flags& flags) { return with_client(flags.stats, flags); }

Result<Command> make_why(Flags& flags) { return with_client(flags.why, flags); }
Result<Command> make_plan(Flags& flags) { return with_client(flags.plan, flags); }

}  // namespace mimas::cli
