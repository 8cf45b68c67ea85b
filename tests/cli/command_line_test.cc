#include "cli/command_line.h"
#include "cli/client_commands.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "cli/cluster_commands.h"
#include "cli/job_text.h"
#include "cli/version.h"
#include "json/value.h"

namespace mimas::cli {
namespace {

using Words = std::vector<std::string>;

// Whoever runs the tests may have these set.
const bool environment_cleared = [] {
  for (const char* name :
       {"MIMAS_SERVER", "MIMAS_LISTEN", "MIMAS_DATA", "MIMAS_MASTER", "MIMAS_ADVERTISE", "MIMAS_MESOS_CODEC",
        "MIMAS_ROLE", "MIMAS_USER", "MIMAS_EXECUTORS", "MIMAS_LOG_LEVEL", "MIMAS_FAILOVER_TIMEOUT",
        "MIMAS_AGENTS", "MIMAS_AGENT_ATTRIBUTES", "MIMAS_AGENT_RESOURCES", "MIMAS_AGENT_RUNNER", "MIMAS_JOIN",
        "MIMAS_AGENT_IP"}) {
    ::unsetenv(name);
  }
  return true;
}();

template <class Wanted>
Wanted parsed(const Words& words) {
  CommandLine line = parse_command_line(words);
  REQUIRE(environment_cleared);
  INFO(line.error);
  REQUIRE(line.command.has_value());
  REQUIRE(std::holds_alternative<Wanted>(*line.command));
  return std::get<Wanted>(*line.command);
}

std::string refused(const Words& words) {
  const CommandLine line = parse_command_line(words);
  CHECK(!line.command.has_value());
  CHECK(line.exit_code == 2);
  CHECK(line.output.empty());
  CHECK(line.error.starts_with("mimas: "));
  return line.error;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("help is printed on stdout, succeeds and ends with the exit codes") {
  const CommandLine line = parse_command_line({"--help"});
  CHECK(line.exit_code == 0);
  CHECK(line.error.empty());
  CHECK(contains(line.output, "serve"));
  CHECK(contains(line.output, "Exit codes:"));
  CHECK(contains(line.output, " 10  not authorised"));
  for (const char* name : {"serve", "dev", "pocket", "run", "jobs", "job", "kill", "scale", "logs", "stats",
                           "agents", "version"}) {
    CAPTURE(name);
    const CommandLine help = parse_command_line({name, "--help"});
    CHECK(help.exit_code == 0);
    CHECK(!help.output.empty());
  }
}

TEST_CASE("flags of the connection may stand before the command, help and version as people ask for them") {
  CHECK(parsed<ListJobs>({"--server", "h:1", "jobs", "--type", "batch"}).client.server.host == "h");
  CHECK(parsed<ListJobs>({"--json", "--server=h:1", "jobs"}).client.json);
  CHECK(parsed<ShowJob>({"--token", "jobs", "job", "mimas-1"}).client.token == "jobs");
  CHECK(std::holds_alternative<Version>(*parse_command_line({"--version"}).command));
  CHECK(std::holds_alternative<Version>(*parse_command_line({"-V"}).command));
  CHECK(parse_command_line({"help"}).output == parse_command_line({"--help"}).output);
  CHECK(parse_command_line({"help", "jobs"}).output == parse_command_line({"jobs", "--help"}).output);
}

TEST_CASE("misspelt commands and flags are guessed") {
  CHECK(contains(refused({"jbos"}), "there is no command 'jbos'; did you mean 'jobs'?"));
  CHECK(contains(refused({"frobnicate"}), "there is no command 'frobnicate'\n"));
  CHECK(contains(refused({"jobs", "--lable", "x"}), "did you mean --label?"));
}

TEST_CASE("run describes what containers and services need") {
  const Run run = parsed<Run>({"run",        "--image",    "nginx:1.25",   "--service",
                               "-e",         "A=1",        "-p",           "80",
                               "--port",     "443",        "--health",     "http:80/health",
                               "--health",   "tcp",        "--health",     "test -f /ok",
                               "--label",    "team=web",   "--app",        "shop",
                               "--volume",   "data:/data", "--volume",     "/srv:/srv:ro",
                               "--run-as",   "www",        "--artifact",   "http://h/a.tgz",
                               "--priority", "7",          "--production", "--wait",
                               "--timeout",  "60"});
  CHECK(run.await_ready);
  const Result<json::Document> body = json::parse(job_body(run.request));
  REQUIRE(body.ok());
  CHECK(body->root().find("ports")->dump() == "[80,443]");
  CHECK(body->root().find("healthChecks")->dump() ==
        R"([{"http":{"port":80,"path":"/health"}},{"tcp":{}},{"command":["/bin/sh","-c","test -f /ok"]}])");
  CHECK(body->root().find("volumes")->dump() ==
        R"([{"source":"data","target":"/data"},{"source":"/srv","target":"/srv","readOnly":true}])");
  CHECK(body->root().find("labels")->dump() == R"({"team":"web"})");
  CHECK(body->root().string_or("appName", "") == "shop");
  CHECK(body->root().string_or("runAs", "") == "www");
  CHECK(body->root().find("artifacts")->dump() == R"([{"uri":"http://h/a.tgz"}])");
  CHECK(body->root().int64_or("priority", 0) == 7);
  CHECK(body->root().bool_or("production", false));
}

TEST_CASE("what of run does not go together is said with the way out") {
  CHECK(contains(refused({"run", "-p", "80", "--", "true"}), "--ports N"));
  CHECK(contains(refused({"run", "--image", "a", "-p", "80", "--ports", "2"}), "does not go with --ports"));
  CHECK(contains(refused({"run", "--image", "a", "-p", "0"}), "--port"));
  CHECK(contains(refused({"run", "--volume", "a:/b", "--", "true"}), "goes with --image"));
  for (const char* volume : {"data", "data:relative", ":/x", "a:/b:rx"})
    CHECK(contains(refused({"run", "--image", "a", "--volume", volume}), "SOURCE:/TARGET"));
  for (const char* check : {"http:0", "http:x/y", "tcp:70000", "tcp:80/x", ""})
    CHECK(contains(refused({"run", "--image", "a", "--health", check}), "--health"));
  CHECK(contains(refused({"run", "--wait", "--follow", "--", "true"}), "--wait"));
  CHECK(contains(refused({"run", "-f", "-", "--label", "a=b"}), "--file"));
  CHECK(contains(refused({"logs", "mimas-1-worker-0-0", "--all"}), "goes with a job"));
}

TEST_CASE("stats takes a task or a job, once or again and again") {
  const ShowStats once = parsed<ShowStats>({"stats", "mimas-7"});
  CHECK(once.id == "mimas-7");
  CHECK_FALSE(once.watch);
  CHECK(parsed<ShowStats>({"stats", "--watch", "mimas-7-worker-0-0"}).watch);
  CHECK(parsed<ShowStats>({"stats", "-w", "--json", "mimas-7"}).client.json);
  refused({"stats"});
}

TEST_CASE("no command, an unknown one and an unknown flag are usage errors") {
  CHECK(contains(refused({}), "mimas --help"));
  refused({"frobnicate"});
  refused({"jobs", "--colour"});
  refused({"jobs", "surplus"});
  refused({"jobs", "agents"});
  refused({""});
}

TEST_CASE("serve takes masters, data and where to listen") {
  const Serve serve = parsed<Serve>({"serve", "--master", "m1:5050,m2", "--data", "/d", "--listen",
                                     "127.0.0.1:0", "--advertise", "mimas:7101", "--mesos-codec", "json",
                                     "--role", "r", "--failover-timeout", "1hrs", "--log-level", "debug"});
  CHECK(serve.options.masters == std::vector<wire::Endpoint>{{"m1", 5050}, {"m2", 5050}});
  CHECK(serve.options.data_directory == "/d");
  CHECK(serve.options.access.listen.front().at == wire::Endpoint{"127.0.0.1", 0});
  CHECK(serve.options.advertise == "mimas:7101");
  CHECK(serve.options.codec == v1::MediaType::json);
  CHECK(serve.options.roles == Words{"r"});
  CHECK(serve.options.failover_timeout_ms == 3'600'000);
  CHECK(serve.options.log_level == "debug");
}

TEST_CASE("serve has the documented defaults") {
  const Serve serve = parsed<Serve>({"serve", "--master", "m:1", "--data", "/d"});
  CHECK(serve.options.access.listen.front().at == wire::Endpoint{"127.0.0.1", 7101});
  CHECK(serve.options.codec == v1::MediaType::protobuf);
  CHECK(serve.options.roles == Words{"*"});
  CHECK(serve.options.abandoned_framework.empty());
  CHECK(serve.options.failover_timeout_ms == 604'800'000);
}

TEST_CASE("every wrong flag of serve is named") {
  const auto with = [](const Words& more) {
    Words words{"serve", "--master", "m:1", "--data", "/d"};
    words.insert(words.end(), more.begin(), more.end());
    return refused(words);
  };
  CHECK(contains(refused({"serve", "--data", "/d"}), "--master"));
  CHECK(contains(refused({"serve", "--master", "m:1"}), "--data"));
  CHECK(contains(refused({"serve", "--master", "zk://z", "--data", "/d"}), "ZooKeeper path"));
  CHECK(contains(refused({"serve", "--master", "m:99999", "--data", "/d"}), "--master"));
  CHECK(contains(with({"--listen", "nowhere:"}), "--listen"));
  CHECK(contains(with({"--advertise", "a b:1"}), "--advertise"));
  CHECK(contains(with({"--mesos-codec", "xml"}), "--mesos-codec"));
  CHECK(contains(with({"--log-level", "loud"}), "--log-level"));
  CHECK(contains(with({"--executor-sharing", "host"}), "--executor-sharing"));
  CHECK(contains(with({"--failover-timeout", "soon"}), "--failover-timeout"));
  CHECK(contains(with({"--failover-timeout", "100000days"}), "--failover-timeout"));
  CHECK(contains(with({"--role", "a b"}), "--role"));
  CHECK(contains(with({"--roles", "a,"}), "--roles"));
  CHECK(contains(with({"--roles", "a,b,a"}), "--roles"));
  CHECK(contains(with({"--roles", "a/../b"}), "--roles"));
  CHECK(contains(with({"--roles", "a", "--role", "b"}), "--role"));
  CHECK(contains(with({"--failover-timeout", "0secs"}), "--allow-zero-failover-timeout"));
  CHECK(contains(with({"--new-framework", "a/b"}), "--new-framework"));
  CHECK(contains(with({"--user", "a\nb"}), "--user"));
  CHECK(contains(with({"--executors", "/no/such/directory"}), "--executors"));
}

TEST_CASE("a flag wins over its environment variable, which wins over the default") {
  ::setenv("MIMAS_LISTEN", "127.0.0.1:1", 1);
  CHECK(parsed<Serve>({"serve", "--master", "m:1", "--data", "/d"}).options.access.listen.front().at.port ==
        1);
  CHECK(parsed<Serve>({"serve", "--master", "m:1", "--data", "/d", "--listen", "127.0.0.1:2"})
            .options.access.listen.front()
            .at.port == 2);
  ::setenv("MIMAS_LISTEN", "garbage garbage", 1);
  CHECK(contains(refused({"serve", "--master", "m:1", "--data", "/d"}), "--listen"));
  ::unsetenv("MIMAS_LISTEN");
}

TEST_CASE("a variable of one command means nothing to the others") {
  ::setenv("MIMAS_SERVER", "10.0.0.1:1", 1);
  ::setenv("MIMAS_EXECUTORS", "/no/such/directory", 1);
  CHECK(parsed<ListJobs>({"jobs"}).client.server == wire::Endpoint{"10.0.0.1", 1});
  CHECK(parsed<ListJobs>({"jobs", "--server", "h:2"}).client.server == wire::Endpoint{"h", 2});
  CHECK(contains(refused({"serve", "--master", "m:1", "--data", "/d"}), "--executors"));
  ::unsetenv("MIMAS_SERVER");
  ::unsetenv("MIMAS_EXECUTORS");
}

TEST_CASE("dev has one agent unless told, and --agent names them one by one") {
  CHECK(parsed<Dev>({"dev", "--data", "/d"}).pocket.agents.size() == 1);
  CHECK(parsed<Dev>({"dev", "--data", "/d", "--agents", "3"}).pocket.agents.size() == 3);
  CHECK(parsed<Dev>({"dev", "--data", "/d", "--agents", "0"}).pocket.agents.empty());
  const Dev dev =
      parsed<Dev>({"dev", "--data", "/d", "--agent",
                   "hostname=pi1;attributes=arch:arm;resources=cpus:4;mem:512", "--agent", "hostname=pi2"});
  REQUIRE(dev.pocket.agents.size() == 2);
  CHECK(dev.pocket.agents[0].hostname == "pi1");
  CHECK(dev.pocket.agents[1].hostname == "pi2");
  CHECK(
      parsed<Dev>({"dev", "--data", "/d", "--agent", "hostname=pi1", "--agents", "2"}).pocket.agents.size() ==
      3);
}

TEST_CASE("dev's agents get the attributes and resources in Mesos's notation") {
  const Dev dev =
      parsed<Dev>({"dev", "--data", "/d", "--agent-attributes", "stack:pi3;arch:arm", "--agent-resources",
                   "cpus:4;mem:1024;ports:[31000-32000]", "--agent-runner", "qemu-arm-static  -cpu max"});
  REQUIRE(dev.pocket.agents.size() == 1);
  CHECK(dev.pocket.agents[0].attributes == "stack:pi3;arch:arm");
  CHECK(dev.pocket.agents[0].resources == "cpus:4;mem:1024;ports:[31000-32000]");
  CHECK(dev.pocket.runner == Words{"qemu-arm-static", "-cpu", "max"});
  CHECK(dev.pocket.listen == wire::Endpoint{"127.0.0.1", 0});
}

TEST_CASE("wrong agents are refused") {
  CHECK(contains(refused({"dev", "--agents", "101"}), "--agents"));
  CHECK(contains(refused({"dev", "--agents", "-1"}), "--agents"));
  CHECK(contains(refused({"dev", "--agents", "many"}), "--agents"));
  CHECK(contains(refused({"dev", "--agent-resources", "cpus:lots"}), "resources"));
  CHECK(contains(refused({"dev", "--agent", "colour=red"}), "--agent"));
}

TEST_CASE("agents of one machine do not give out the same ports") {
  const std::string clash = refused({"dev", "--agent", "hostname=a;resources=ports:[31000-31100]", "--agent",
                                     "hostname=b;resources=ports:[31100-31200]"});
  CHECK(contains(clash, "agents a and b are on one machine and would both give out the ports [31100-31100]"));
  const Dev dev = parsed<Dev>({"dev", "--agents", "2", "--agent-resources", "cpus:1;ports:[31000-31999]"});
  REQUIRE(dev.pocket.agents.size() == 2);
  CHECK(dev.pocket.agents[0].resources == "cpus:1;ports:[31000-31499]");
  CHECK(dev.pocket.agents[1].resources == "cpus:1;ports:[31500-31999]");
  CHECK(contains(refused({"dev", "--agents", "2", "--agent-resources", "ports:[1-1]"}), "--agent-resources"));
}

TEST_CASE("stopping keeps tasks unless --purge is said, for as long as is said") {
  CHECK(!parsed<Dev>({"dev"}).purge);
  CHECK(parsed<Dev>({"dev", "--purge"}).purge);
  CHECK(parsed<PocketOnly>({"pocket", "--data", "/d", "--purge"}).purge);
  CHECK(parsed<Dev>({"dev"}).pocket.executor_recovery_ms == 86'400'000);
  CHECK(parsed<Dev>({"dev", "--executor-recovery-timeout", "2hrs"}).pocket.executor_recovery_ms == 7'200'000);
  CHECK(contains(refused({"dev", "--executor-recovery-timeout", "366days"}), "must be 1secs to 365days"));
}

TEST_CASE("pocket runs alone, or joins a master with agents only") {
  const PocketOnly alone =
      parsed<PocketOnly>({"pocket", "--data", "/d", "--listen", "0.0.0.0:5050", "--agent-ip", "auto"});
  CHECK(alone.options.master);
  CHECK(alone.options.agent_ip == "auto");
  const PocketOnly joined = parsed<PocketOnly>({"pocket", "--data", "/d", "--join", "m,n:5"});
  CHECK(!joined.options.master);
  CHECK(joined.options.join == std::vector<wire::Endpoint>{{"m", 5050}, {"n", 5}});
  CHECK(contains(refused({"pocket"}), "--data"));
  CHECK(contains(refused({"pocket", "--data", "/d", "--join", "a b"}), "--join"));
}

TEST_CASE("several masters take the ports after the first, or any free ones") {
  const PocketOnly three = parsed<PocketOnly>({"pocket", "--data", "/d", "--masters", "3"});
  CHECK(three.options.listen.port == 5050);
  CHECK(three.options.listen_more == std::vector<wire::Endpoint>{{"127.0.0.1", 5051}, {"127.0.0.1", 5052}});
  CHECK(parsed<Dev>({"dev", "--masters", "2"}).pocket.listen_more ==
        std::vector<wire::Endpoint>{{"127.0.0.1", 0}});
  CHECK(contains(refused({"dev", "--masters", "0"}), "--masters"));
  CHECK(contains(refused({"pocket", "--data", "/d", "--join", "m", "--masters", "2"}), "--join"));
  CHECK(contains(refused({"pocket", "--data", "/d", "--listen", "h:65535", "--masters", "2"}), "65535"));
}

TEST_CASE("what follows -- is the command, to the letter") {
  const Run run =
      parsed<Run>({"run", "--name", "n", "--", "sh", "-c", "echo [a,b]", "[x,y]", "--name", "--", ""});
  CHECK(run.request.name == "n");
  CHECK(run.request.command == Words{"sh", "-c", "echo [a,b]", "[x,y]", "--name", "--", ""});
  CHECK(!run.follow);
  CHECK(run.wait);
}

TEST_CASE("a job is named after its command unless told") {
  CHECK(parsed<Run>({"run", "--", "/usr/bin/env"}).request.name == "env");
  CHECK(parsed<Run>({"run", "--", "sleep", "1"}).request.name == "sleep");
}

TEST_CASE("run takes amounts, constraints and environment") {
  const Run run = parsed<Run>({"run", "--cpu",        "0.25",     "--mem",        "64",         "--instances",
                               "3",   "--constraint", "arch=arm", "--constraint", "UniqueHost", "--env",
                               "A=1", "--env",        "B=",       "--follow",     "--no-wait",  "--server",
                               "h:1", "--json",       "--",       "true"});
  CHECK(run.request.cpu == 0.25);
  CHECK(run.request.memory_mib == 64);
  CHECK(run.request.instances == 3);
  CHECK(run.request.constraints == Words{"arch=arm", "UniqueHost"});
  CHECK(run.request.env == std::vector<std::pair<std::string, std::string>>{{"A", "1"}, {"B", ""}});
  CHECK(run.follow);
  CHECK(!run.wait);
  CHECK(run.client.json);
  CHECK(run.client.server == wire::Endpoint{"h", 1});
}

TEST_CASE("wrong flags of run are named") {
  const auto with = [](const Words& more) {
    Words words{"run"};
    words.insert(words.end(), more.begin(), more.end());
    words.insert(words.end(), {"--", "true"});
    return refused(words);
  };
  for (const char* cpu : {"0", "-1", "nan", "inf", "1e3", "1x", "0.001", "200000", "[1]"}) {
    CAPTURE(cpu);
    CHECK(contains(with({"--cpu", cpu}), "--cpu"));
  }
  CHECK(contains(with({"--mem", "-1"}), "--mem"));
  CHECK(contains(with({"--mem", "99999999999999999999"}), "--mem"));
  CHECK(contains(with({"--instances", "0"}), "--instances"));
  CHECK(contains(with({"--env", "=1"}), "--env"));
  CHECK(contains(with({"--env", "A"}), "--env"));
  CHECK(contains(with({"--no-wait"}), "--no-wait"));
  CHECK(contains(with({"--server", "h:0"}), "--server"));
  CHECK(contains(refused({"run"}), "COMMAND"));
  CHECK(contains(refused({"run", "--"}), "COMMAND"));
}

TEST_CASE("a job file stands alone") {
  CHECK(parsed<Run>({"run", "-f", "job.json", "--follow"}).file == "job.json");
  CHECK(parsed<Run>({"run", "-f", "-"}).file == "-");
  CHECK(contains(refused({"run", "-f", "job.json", "--cpu", "1"}), "--file"));
  CHECK(contains(refused({"run", "-f", "job.json", "--", "true"}), "--file"));
}

TEST_CASE("the other client commands take what they need") {
  CHECK(parsed<ListJobs>({"jobs"}).client.server == wire::Endpoint{"127.0.0.1", 7101});
  CHECK(parsed<ListJobs>({"jobs", "--all"}).filter.all);
  CHECK(parsed<ShowJob>({"job", "mimas-1"}).id == "mimas-1");
  CHECK(parsed<Kill>({"kill", "mimas-1", "mimas-2-worker-0-0"}).ids ==
        Words{"mimas-1", "mimas-2-worker-0-0"});
  const Scale scale = parsed<Scale>({"scale", "mimas-1", "5"});
  CHECK(scale.id == "mimas-1");
  CHECK(scale.instances == 5);
  const Logs logs = parsed<Logs>({"logs", "mimas-1", "-f", "--stderr"});
  CHECK(logs.follow);
  CHECK(logs.standard_error);
  CHECK(parsed<ListAgents>({"agents", "--json"}).client.json);
  CHECK(parsed<Version>({"version", "--json"}).json);
  refused({"job"});
  refused({"kill"});
  refused({"scale", "mimas-1"});
  refused({"scale", "mimas-1", "many"});
  refused({"scale", "mimas-1", "-1"});
  refused({"logs"});
}

TEST_CASE("agents advertise the machine's own address, IPv4 before IPv6, loopback never") {
  CHECK(*pick_own_address({"127.0.1.1", "fd00::1", "10.0.0.7"}) == "10.0.0.7");
  CHECK(*pick_own_address({"::1", "fd00::1"}) == "fd00::1");
  CHECK(!pick_own_address({"127.0.0.1", "::1"}).ok());
  CHECK(!pick_own_address({}).ok());
}

TEST_CASE(
    "serve takes several roles, a failover timeout of zero on demand, and the id of a framework to give up") {
  const Serve serve = parsed<Serve>({"serve", "--master", "m:1", "--data", "/d", "--roles", "prod/a,dev",
                                     "--failover-timeout", "0secs", "--allow-zero-failover-timeout",
                                     "--new-framework", "F-1"});
  CHECK(serve.options.roles == Words{"prod/a", "dev"});
  CHECK(serve.options.failover_timeout_ms == 0);
  CHECK(serve.options.abandoned_framework.value == "F-1");
}

TEST_CASE("capacity groups are listed, shown, described or deleted") {
  CHECK(parsed<Groups>({"groups"}).what == "list");
  CHECK(parsed<Groups>({"groups", "show", "web"}).name == "web");
  const Groups set =
      parsed<Groups>({"groups", "set", "web", "--tier", "critical", "--weight", "7", "--guarantee",
                      "cpu=8,fpga=2", "--quota", "memory=64", "--if-version", "3"});
  CHECK(set.if_version == 3);
  const Result<std::string> body = group_body(set);
  REQUIRE(body.ok());
  CHECK(contains(*body, R"("tier":"critical","weight":7,"guarantee":{"cpu":8,"resources":{"fpga":2}},)"));
  CHECK(contains(*body, R"("quota":{"memory":64,"resources":{}}})"));
  CHECK_FALSE(group_body(parsed<Groups>({"groups", "set", "web", "--guarantee", "cpu=many"})).ok());
  CHECK(contains(refused({"groups", "set"}), "needs a NAME"));
  CHECK(contains(refused({"groups", "list", "web"}), "takes no NAME"));
  CHECK(contains(refused({"groups", "delete", "web", "--tier", "flex"}), "takes no settings"));
  CHECK(contains(refused({"groups", "steal"}), "steal"));
}

TEST_CASE("operations are listed, or asked for with their agent") {
  CHECK(parsed<Operations>({"operations"}).what == "list");
  const Operations reserve = parsed<Operations>({"operations", "reserve", "--agent", "S1", "--role", "prod",
                                                 "--cpu", "1.5", "--ports", "31000-31009,31020"});
  CHECK(reserve.agent == "S1");
  CHECK(reserve.ports == std::vector<std::string>{"31000-31009", "31020"});
  const Result<std::string> body = operation_body(reserve);
  REQUIRE(body.ok());
  CHECK(contains(*body, R"("type":"reserve","agentId":"S1","role":"prod")"));
  CHECK(contains(*body, R"("cpu":1.5)"));
  CHECK(contains(*body, R"({"first":31020,"last":31020})"));
  const Operations create = parsed<Operations>(
      {"operations", "create", "--agent", "S1", "--volume", "v1", "--path", "data", "--disk", "64"});
  CHECK(contains(*operation_body(create), R"("volume":{"id":"v1","containerPath":"data","disk":64})"));
  CHECK(contains(refused({"operations", "reserve", "--cpu", "1"}), "needs --agent"));
  CHECK(contains(refused({"operations", "steal"}), "steal"));
  CHECK_FALSE(
      operation_body(parsed<Operations>({"operations", "reserve", "--agent", "S1", "--ports", "9-70000"}))
          .ok());
}

TEST_CASE("orphans are listed, or decided about by their ids or all together") {
  CHECK(parsed<Orphans>({"orphans"}).what == Orphans::What::list);
  CHECK(parsed<Orphans>({"orphans", "list"}).what == Orphans::What::list);
  const Orphans adopt = parsed<Orphans>({"orphans", "adopt", "t1", "t2", "--server", "s:1"});
  CHECK(adopt.what == Orphans::What::adopt);
  CHECK(adopt.ids == std::vector<std::string>{"t1", "t2"});
  CHECK(adopt.client.server == wire::Endpoint{"s", 1});
  CHECK(parsed<Orphans>({"orphans", "kill", "--all"}).all);
  CHECK(contains(refused({"orphans", "kill"}), "either task ids or --all"));
  CHECK(contains(refused({"orphans", "adopt", "t", "--all"}), "either task ids or --all"));
  CHECK(contains(refused({"orphans", "list", "t"}), "neither task ids nor --all"));
  CHECK(contains(refused({"orphans", "hide"}), "hide"));
}

TEST_CASE("teardown asks for --yes") {
  CHECK(contains(refused({"teardown"}), "--yes"));
  CHECK(parsed<Teardown>({"teardown", "--yes", "--server", "s:1"}).client.server == wire::Endpoint{"s", 1});
}

TEST_CASE("run may be checked, keyed and waited for, also under its other name") {
  const Run run = parsed<Run>({"submit", "--dry-run", "--idempotency-key", "k-1", "--", "[a,b]"});
  CHECK(run.dry_run);
  CHECK(run.idempotency_key == "k-1");
  CHECK(run.request.command == Words{"[a,b]"});
  CHECK(parsed<Run>({"run", "--follow", "--timeout", "5", "--", "true"}).timeout_secs == 5);
  CHECK(contains(refused({"run", "--follow", "--detach", "--", "true"}), "--detach"));
  CHECK(contains(refused({"run", "--follow", "--dry-run", "--", "true"}), "--dry-run"));
  CHECK(contains(refused({"run", "--timeout", "5", "--", "true"}), "--timeout"));
  CHECK(contains(refused({"run", "--idempotency-key", "a b", "--", "true"}), "--idempotency-key"));
  CHECK(contains(refused({"run", "-f", "j", "--retries", "1"}), "--file"));
}

TEST_CASE("listings are narrowed down") {
  const ListJobs jobs = parsed<ListJobs>({"jobs", "--app", "web", "--label", "a=1", "--label", "b", "--type",
                                          "service", "--state", "RUNNING", "--limit", "5", "-o", "wide"});
  CHECK(jobs.filter.app == "web");
  CHECK(jobs.filter.labels == Words{"a=1", "b"});
  CHECK(jobs.filter.limit == 5);
  CHECK(jobs.client.output == Output::wide);
  CHECK(contains(refused({"jobs", "--all", "--state", "RUNNING"}), "--all"));
  CHECK(contains(refused({"jobs", "--state", "SLEEPING"}), "--state"));
  CHECK(contains(refused({"jobs", "--limit", "0"}), "--limit"));
  const ListTasks tasks =
      parsed<ListTasks>({"tasks", "--job", "mimas-1", "--host", "pi1", "--agent", "S1", "-q", "-w"});
  CHECK(tasks.filter.job == "mimas-1");
  CHECK(tasks.filter.agent == "S1");
  CHECK(tasks.watch);
  CHECK(tasks.client.output == Output::name);
}

TEST_CASE("kill is strict unless told, and its timeout goes with its waiting") {
  CHECK(parsed<Kill>({"kill", "t"}).strict);
  CHECK_FALSE(parsed<Kill>({"kill", "t", "--no-strict"}).strict);
  CHECK(parsed<Kill>({"kill", "t", "--shrink", "--wait", "--timeout", "9"}).timeout_secs == 9);
  CHECK(contains(refused({"kill", "t", "--timeout", "9"}), "--wait"));
}

TEST_CASE("scale takes a count, bounds or both, that fit together") {
  const Scale bounds = parsed<Scale>({"scale", "j", "--min", "1", "--max", "4", "--if-version", "3"});
  CHECK_FALSE(bounds.instances.has_value());
  CHECK(bounds.max == 4);
  CHECK(bounds.if_version == 3);
  CHECK(contains(refused({"scale", "j", "9", "--max", "4"}), "--max"));
  CHECK(contains(refused({"scale", "j", "--min", "5", "--max", "4"}), "--min"));
}

TEST_CASE("service, processes and change say what they need") {
  CHECK(parsed<SetService>({"service", "j", "--in"}).in);
  CHECK_FALSE(parsed<SetService>({"service", "j", "--out"}).in);
  CHECK(contains(refused({"service", "j"}), "--in"));
  refused({"service", "j", "--in", "--out"});
  const SetProcesses fixed =
      parsed<SetProcesses>({"processes", "j", "--increase", "off", "--decrease", "on"});
  CHECK_FALSE(fixed.increase);
  CHECK(fixed.decrease);
  CHECK(contains(refused({"processes", "j", "--increase", "off"}), "--decrease"));
  CHECK(parsed<Change>({"change", "j", "--set", "a=1", "--set", "b=2", "--dry-run"}).sets ==
        Words{"a=1", "b=2"});
  CHECK(contains(refused({"change", "j"}), "--set"));
  CHECK(contains(refused({"change", "j", "-f", "x", "--set", "a=1"}), "--set"));
}

TEST_CASE("events, logs and requests say what goes together") {
  const Events events = parsed<Events>({"events", "--kind", "job,task", "--job", "j", "--once"});
  CHECK(events.kinds == Words{"job", "task"});
  CHECK(events.once);
  CHECK(events.snapshot);
  CHECK_FALSE(parsed<Events>({"events", "--no-snapshot"}).snapshot);
  refused({"events", "--once", "--no-snapshot"});
  refused({"events", "--once", "--since", "e-1"});
  refused({"events", "--kind", "weather"});
  CHECK(parsed<Logs>({"logs", "t", "-n", "5", "-f"}).tail == 5);
  refused({"logs", "t", "--tail", "5", "--since-start"});
  refused({"logs", "t", "--file", "x", "--stderr"});
  CHECK(parsed<Request>({"api", "/v2/jobs/j", "-X", "DELETE"}).method == "DELETE");
  CHECK(contains(refused({"api", "v2/jobs"}), "TARGET"));
  CHECK(contains(refused({"api", "/v2/a b"}), "TARGET"));
  CHECK(contains(refused({"api", "/v2/jobs", "-f", "x"}), "--file"));
  CHECK(parsed<ShowPage>({"config", "--limits"}).target == "/v2/config/limits");
}

TEST_CASE("what a completion script asks is never parsed as a command line") {
  CHECK(parsed<Complete>({"__complete", "jobs", "--nonsense"}).words == Words{"jobs", "--nonsense"});
  CHECK(parsed<Completion>({"completion", "zsh"}).shell == "zsh");
  CHECK(contains(refused({"completion", "fish"}), "fish"));
  CHECK(parsed<Manual>({"man", "--markdown"}).markdown);
}

}  // namespace mimas::cli
