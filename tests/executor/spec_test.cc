#include "executor/spec.h"

#include <doctest/doctest.h>

namespace mimas::executor {
namespace {

std::string fault(std::string_view data) {
  const auto spec = parse_spec(data);
  return spec.ok() ? "accepted" : spec.error().text();
}

// A docker task with more members than it needs.
std::string docker(const std::string& container, const std::string& more = "") {
  return R"({"v":1,"runtime":"docker","container":{"image":"i")" + container + "}" + more + "}";
}
std::string process(const std::string& more) { return R"({"v":1,"shell":"x",)" + more + "}"; }

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TEST_CASE("a shell line and an argument list become the same kind of command") {
  const auto shell = parse_spec(R"({"v":1,"shell":"echo hi"})");
  REQUIRE(shell.ok());
  CHECK(shell->runtime == RuntimeKind::process);
  CHECK(shell->command.argv == std::vector<std::string>{"/bin/sh", "-c", "echo hi"});
  const auto argv =
      parse_spec(R"({"v":1,"argv":["sleep","9"],"env":{"A":"1","B":""},"cwd":"data","user":"1:2"})");
  REQUIRE(argv.ok());
  CHECK(argv->command.argv == std::vector<std::string>{"sleep", "9"});
  CHECK(argv->command.env == Variables{{"A", "1"}, {"B", ""}});
  CHECK(argv->command.cwd == "data");
  CHECK(argv->command.user == "1:2");
}

TEST_CASE("what is not said has the default of the schema") {
  TaskSpec plain;
  plain.command.argv = {"a"};
  const auto spec = parse_spec(R"({"v":1,"argv":["a"],"limits":{},"logs":{},"checks":[],"tags":{}})");
  REQUIRE(spec.ok());
  CHECK(*spec == plain);
}

TEST_CASE("every field arrives where it belongs") {
  TaskSpec want;
  want.runtime = RuntimeKind::docker;
  want.command = {{"-v"}, {{"A", "=1"}}, "/work", "nobody"};
  want.limits = {500, true, 64 << 20, 32, {{"nofile", 100, 200}, {"core", 0, -1}}};
  want.container.image = "r:5000/a@sha256:00";
  want.container.pull = Container::Pull::always;
  want.container.entrypoint = {"/e", ""};
  want.container.ports = {{80, 31000, false}, {53, 31001, true}};
  want.container.volumes = {{"/data", "/d", true}, {"named", "/n", false}};
  want.container.labels = {{"l", "v"}};
  want.container.cap_add = {"NET_ADMIN"};
  want.container.cap_drop = {"ALL"};
  want.container.hostname = "h";
  want.container.network = "bridge";
  want.container.log_driver = "none";
  want.container.shm_bytes = 1;
  want.container.init = false;
  want.container.read_only_root = true;
  want.container.privileged = true;
  HealthCheck http;
  http.kind = HealthCheck::Kind::http;
  http.port = 31000;
  http.path = "/ok";
  http.interval_ms = 100;
  http.timeout_ms = 200;
  http.grace_ms = 0;
  http.failures = 7;
  HealthCheck ready;
  ready.kind = HealthCheck::Kind::command;
  ready.purpose = HealthCheck::Purpose::readiness;
  ready.argv = {"test", "-e", "up"};
  HealthCheck told;
  told.purpose = HealthCheck::Purpose::informational;
  told.port = 31'000;
  want.checks = {http, ready, told};
  want.kill_signal = 3;
  want.logs = {65'536, 0, false};
  want.artifacts = {"a.tar"};
  want.tags = {{"job", "j"}};
  const auto spec = parse_spec(
      R"({"v":1,"runtime":"docker","argv":["-v"],"env":{"A":"=1"},"cwd":"/work","user":"nobody",)"
      R"("limits":{"cpuMilli":500,"cpuQuota":true,"memoryBytes":67108864,"pids":32,)"
      R"("rlimits":{"nofile":[100,200],"core":[0,-1]}},)"
      R"("container":{"image":"r:5000/a@sha256:00","pull":"always","entrypoint":["/e",""],)"
      R"("ports":[{"container":80,"host":31000},{"container":53,"host":31001,"protocol":"udp"}],)"
      R"("volumes":[{"source":"/data","target":"/d","readOnly":true},{"source":"named","target":"/n"}],)"
      R"("labels":{"l":"v"},"capAdd":["NET_ADMIN"],"capDrop":["ALL"],"hostname":"h","network":"bridge",)"
      R"("logDriver":"none","shmBytes":1,"init":false,"readOnlyRoot":true,"privileged":true},)"
      R"("checks":[{"kind":"http","port":31000,"path":"/ok","intervalMs":100,"timeoutMs":200,"graceMs":0,)"
      R"("failures":7},{"kind":"command","purpose":"readiness","argv":["test","-e","up"]},)"
      R"({"kind":"tcp","purpose":"informational","port":31000}],"killSignal":3,)"
      R"("logs":{"rotateBytes":65536,"keep":0,"compress":false},"artifacts":["a.tar"],"tags":{"job":"j"}})");
  REQUIRE_MESSAGE(spec.ok(), spec.error().text());
  CHECK(*spec == want);
}

TEST_CASE("data of another version or shape is refused with a clear message") {
  CHECK(contains(fault(R"({"v":2,"shell":"x"})"), "/v: is of version 2"));
  CHECK(contains(fault(R"({"v":"1","shell":"x"})"), "version"));
  CHECK(contains(fault(R"({"shell":"x"})"), "no version"));
  CHECK(contains(fault("not json"), "not JSON"));
  CHECK(contains(fault(""), "not JSON"));
  CHECK(contains(fault("[]"), "object"));
  CHECK(contains(fault(R"({"v":1})"), "exactly one"));
  CHECK(contains(fault(R"({"v":1,"shell":"x","argv":["y"]})"), "exactly one"));
  CHECK(fault(R"({"v":1.0,"shell":"x"})") == "accepted");
  CHECK(fault(docker("")) == "accepted");
  CHECK(contains(fault(docker("", R"(,"shell":"x","argv":["y"])")), "at most one"));
  CHECK(contains(fault(R"({"v":1,"runtime":"docker"})"), "needs container"));
  CHECK(contains(fault(process(R"("container":{"image":"i"})")), "/container: is for the runtime docker"));
}

TEST_CASE("every fault names its place") {
  struct Row {
    std::string data, where;
  };
  for (const Row& row : {
           Row{R"({"v":1,"argv":[]})", "/argv"},
           Row{R"({"v":1,"argv":[""]})", "/argv/0"},
           Row{R"({"v":1,"argv":["a",5]})", "/argv/1"},
           Row{R"({"v":1,"argv":"a"})", "/argv"},
           Row{R"({"v":1,"shell":7})", "/shell"},
           Row{process(R"("killSignal":0)"), "/killSignal"},
           Row{process(R"("killSignal":"TERM")"), "/killSignal"},
           Row{R"({"v":1,"shell":"a\u0000b"})", "/shell"},
           Row{R"({"v":1,"shell":"x","runtime":"podman"})", "/runtime"},
           Row{process(R"("env":{"A=B":"1"})"), "/env/A=B"},
           Row{process(R"("env":{"":"1"})"), "/env/"},
           Row{process(R"("env":{"A":1})"), "/env/A"},
           Row{process(R"("colour":"red")"), "/colour"},
           Row{process(R"("limits":{"cpu":1})"), "/limits/cpu"},
           Row{process(R"("limits":{"cpuMilli":0})"), "/limits/cpuMilli"},
           Row{process(R"("limits":{"memoryBytes":"1"})"), "/limits/memoryBytes"},
           Row{process(R"("limits":{"memoryBytes":9223372036854775807})"), "/limits/memoryBytes"},
           Row{process(R"("limits":{"rlimits":{"files":[1,1]}})"), "/limits/rlimits/files"},
           Row{process(R"("limits":{"rlimits":{"core":[1]}})"), "/limits/rlimits/core"},
           Row{process(R"("limits":{"rlimits":{"core":[2,1]}})"), "/limits/rlimits/core"},
           Row{process(R"("limits":{"rlimits":{"core":[-1,1]}})"), "/limits/rlimits/core"},
           Row{process(R"("limits":{"rlimits":{"core":[-2,1]}})"), "/limits/rlimits/core/0"},
           Row{process(R"("checks":[{"port":1}])"), "/checks/0"},
           Row{process(R"("checks":[{"kind":"tcp"}])"), "/checks/0"},
           Row{process(R"("checks":[{"kind":"command"}])"), "/checks/0"},
           Row{process(R"("checks":[{"kind":"tcp","port":0}])"), "/checks/0/port"},
           Row{process(R"("checks":[{"kind":"http","port":1,"path":"x"}])"), "/checks/0/path"},
           Row{process(R"("checks":[{"kind":"tcp","port":1,"intervalMs":99}])"), "/checks/0/intervalMs"},
           Row{process(R"("checks":[{"kind":"tcp","port":1,"purpose":"readiness"},)"
                       R"({"kind":"tcp","port":2,"purpose":"readiness"}])"),
               "/checks/1"},
           Row{process(R"("logs":{"rotateBytes":1})"), "/logs/rotateBytes"},
           Row{process(R"("logs":{"keep":101})"), "/logs/keep"},
           Row{process(R"("logs":{"compress":"yes"})"), "/logs/compress"},
           Row{process(R"("artifacts":["a","../b"])"), "/artifacts/1"},
           Row{process(R"("tags":{"a":1})"), "/tags/a"},
           Row{docker(R"(,"image":"")"), "/container/image"},
           Row{R"({"v":1,"runtime":"docker","container":{}})", "/container"},
           Row{docker("", R"(,"cwd":"data")"), "/cwd"},
           Row{docker(R"(,"pull":"sometimes")"), "/container/pull"},
           Row{docker(R"(,"ports":[{"container":80}])"), "/container/ports/0"},
           Row{docker(R"(,"ports":[{"container":80,"host":65536}])"), "/container/ports/0/host"},
           Row{docker(R"(,"ports":[{"container":80,"host":1,"protocol":"sctp"}])"),
               "/container/ports/0/protocol"},
           Row{docker(R"(,"volumes":[{"source":"/a"}])"), "/container/volumes/0"},
           Row{docker(R"(,"volumes":[{"source":"/a","target":"b"}])"), "/container/volumes/0/target"},
           Row{docker(R"(,"labels":[])"), "/container/labels"},
       }) {
    CAPTURE(row.data);
    const auto spec = parse_spec(row.data);
    REQUIRE_FALSE(spec.ok());
    CHECK(spec.error().where == row.where);
    CHECK(!spec.error().message.empty());
  }
}

TEST_CASE("lists have their limits") {
  const auto words = [](std::size_t count, const char* word) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text.append(i == 0 ? "" : ",").append(word);
    return text;
  };
  const auto argv = [&](std::size_t count) { return R"({"v":1,"argv":[)" + words(count, R"("a")") + "]}"; };
  CHECK(fault(argv(kWordsMax)) == "accepted");
  CHECK(contains(fault(argv(kWordsMax + 1)), "/argv: has more than 4096 elements"));
  const auto artifacts = [&](std::size_t count) {
    return process(R"("artifacts":[)" + words(count, R"("a")") + "]");
  };
  CHECK(fault(artifacts(kListMax)) == "accepted");
  CHECK(contains(fault(artifacts(kListMax + 1)), "/artifacts: has more than 100 elements"));
  CHECK(contains(fault(std::string(20, '[')), "not JSON"));
}

}  // namespace
}  // namespace mimas::executor
