// `healthChecks` and `readiness` from the body and back, and what answers say of health.
#include <doctest/doctest.h>

#include <string>

#include "api/commands.h"
#include "api/job_health.h"
#include "api/render.h"
#include "json/value.h"
#include "model/readiness.h"

namespace mimas::api {
namespace {

Checked<Submission> parse(const std::string& fields, bool lenient = false) {
  return parse_submission("{\"runtime\":\"process\",\"entryPoint\":\"true\"," + fields + "}", lenient);
}

JobSpec spec_of(const std::string& fields) {
  const auto parsed = parse(fields);
  REQUIRE_MESSAGE(parsed.ok(), fields << " → " << (parsed.ok() ? "" : parsed.faults[0].detail));
  return *parsed.value.command.spec;
}

HealthCheck check_of(const std::string& check) {
  const JobSpec spec = spec_of("\"ports\":[80,443],\"healthChecks\":[" + check + "]");
  REQUIRE(spec.health_checks.size() == 1);
  return spec.health_checks[0];
}

// "pointer: detail" of the only fault.
std::string fault_with(const std::string& fields) {
  INFO(fields);
  const auto parsed = parse(fields);
  REQUIRE(parsed.faults.size() == 1);
  return parsed.faults[0].pointer + ": " + parsed.faults[0].detail;
}
std::string fault_of(const std::string& check) {
  return fault_with("\"ports\":[80,443],\"healthChecks\":[" + check + "]");
}

std::string written(const JobSpec& spec) {
  json::Writer out;
  out.begin_object();
  write_health_checks(out, spec);
  out.end_object();
  return out.take();
}

}  // namespace

TEST_CASE("a check has its defaults") {
  CHECK(check_of(R"({"http":{}})") == HealthCheck{});
  CHECK(check_of(R"({"http":{"port":null,"path":""},"intervalSecs":null,"timeoutSecs":null})") ==
        HealthCheck{});
  HealthCheck tcp;
  tcp.kind = HealthCheck::Kind::tcp;
  CHECK(check_of(R"({"tcp":{}})") == tcp);
  const JobSpec none = spec_of(R"("healthChecks":[],"readiness":{})");
  CHECK(none.health_checks.empty());
  CHECK_FALSE(none.readiness);
}

TEST_CASE("every member of a check is read, in seconds with decimals") {
  const HealthCheck check = check_of(
      R"({"http":{"port":443,"path":"/h?a=1"},"intervalSecs":0.25,"timeoutSecs":1.5,"graceSecs":60,"maxConsecutiveFailures":2})");
  CHECK(check.kind == HealthCheck::Kind::http);
  CHECK(check.port == 443);
  CHECK(check.path == "/h?a=1");
  CHECK(check.interval_ms == 250);
  CHECK(check.timeout_ms == 1'500);
  CHECK(check.grace_ms == 60'000);
  CHECK(check.max_failures == 2);
  const HealthCheck command = check_of(R"({"command":["pg_isready","-q"]})");
  CHECK(command.kind == HealthCheck::Kind::command);
  CHECK(command.command == std::vector<std::string>{"pg_isready", "-q"});
}

TEST_CASE("a check may only inform, and is written so; readiness judges nobody anyway") {
  const JobSpec spec = spec_of(
      R"("ports":[80],"healthChecks":[{"tcp":{}},{"tcp":{},"informational":true}],"readiness":{"tcp":{}})");
  CHECK_FALSE(spec.health_checks[0].informational);
  CHECK(spec.health_checks[1].informational);
  CHECK(written(spec).find(R"("maxConsecutiveFailures":3,"informational":true})") != std::string::npos);
  CHECK(written(spec).ends_with(R"("maxConsecutiveFailures":3}})"));
  CHECK(fault_of(R"({"tcp":{},"informational":"yes"})").starts_with("/healthChecks/0/informational: "));
  CHECK(fault_with(R"("ports":[80],"readiness":{"tcp":{},"informational":true})") ==
        "/readiness/informational: goes with `healthChecks`: this check ends no instance anyway");
  Task task;
  task.state = TaskState::running;
  task.ready = true;
  CHECK_FALSE(is_ready(task, spec));
  task.healthy = true;
  CHECK(is_ready(task, spec));
  task.healthy.reset();
  CHECK(is_ready(task, spec_of(R"("ports":[80],"healthChecks":[{"tcp":{},"informational":true}])")));
}

TEST_CASE("Titus's names of the times are other words for them") {
  const HealthCheck check = check_of(R"({"tcp":{},"interval":2,"timeout":1,"grace":3})");
  CHECK(check.interval_ms == 2'000);
  CHECK(check.timeout_ms == 1'000);
  CHECK(check.grace_ms == 3'000);
  CHECK(fault_of(R"({"tcp":{},"interval":2,"intervalSecs":3})") ==
        "/healthChecks/0/interval: is another word for `intervalSecs`, but the two differ");
}

TEST_CASE("no grace is not the default grace") {
  CHECK(check_of(R"({"tcp":{},"graceSecs":0})").grace_ms == 0);
  CHECK(check_of(R"({"tcp":{}})").grace_ms == 15'000);
}

TEST_CASE("times are bounded") {
  CHECK(fault_of(R"({"tcp":{},"intervalSecs":0.01})") ==
        "/healthChecks/0/intervalSecs: must be a number of seconds from 0.1 to 3600; left out it is 10");
  CHECK(fault_of(R"({"tcp":{},"timeoutSecs":601})") ==
        "/healthChecks/0/timeoutSecs: must be a number of seconds from 0.1 to 600; left out it is 5");
  CHECK(fault_of(R"({"tcp":{},"graceSecs":-1})").starts_with("/healthChecks/0/graceSecs: must be"));
  CHECK(fault_of(R"({"tcp":{},"intervalSecs":"10s"})") ==
        "/healthChecks/0/intervalSecs: expected a number of seconds, found a string");
  CHECK(fault_of(R"({"tcp":{},"maxConsecutiveFailures":101})").find("from 1 to 100") != std::string::npos);
}

TEST_CASE("0 is refused where other schedulers mean never or at once by it") {
  CHECK(
      fault_of(R"({"tcp":{},"maxConsecutiveFailures":0})") ==
      "/healthChecks/0/maxConsecutiveFailures: must be a whole number from 1 to 100; left out it is 3, and a "
      "check that shall never end the task is `readiness`");
  CHECK(fault_of(R"({"tcp":{},"intervalSecs":0})") ==
        "/healthChecks/0/intervalSecs: must be a number of seconds from 0.1 to 3600; left out it is 10");
  CHECK(fault_of(R"({"tcp":{},"timeout":0})").starts_with("/healthChecks/0/timeout: must be"));
}

TEST_CASE("a check has exactly one kind") {
  for (const char* check : {"{}", R"({"http":{},"tcp":{}})", R"({"tcp":{},"command":["true"]})",
                            R"({"command":[]})", R"({"intervalSecs":5})"}) {
    CHECK(fault_of(check) == "/healthChecks/0: must have exactly one of `http`, `tcp` and `command`");
  }
  CHECK(fault_of("7") ==
        "/healthChecks/0: expected an object with `http`, `tcp` or `command`, found a number");
  CHECK(fault_of(R"({"http":80})") == "/healthChecks/0/http: expected an object, found a number");
  CHECK(fault_of(R"({"command":"pg_isready -q"})").find("[\"/bin/sh\",\"-c\"") != std::string::npos);
  CHECK(fault_of(R"({"command":[""]})") == "/healthChecks/0/command/0: must name a program");
  CHECK(fault_of(R"({"http":{"pth":"/"}})") ==
        "/healthChecks/0/http/pth: unknown field, did you mean `path`?");
  CHECK(fault_of(R"({"tcp":{"path":"/"}})").starts_with("/healthChecks/0/tcp/path: unknown field"));
}

TEST_CASE("a port is one of the job's, by number or by place") {
  CHECK(check_of(R"({"tcp":{"port":443}})").port == 443);
  CHECK(
      fault_of(R"({"tcp":{"port":8080}})") ==
      "/healthChecks/0/tcp/port: must be one of the job's `ports`, as the program in the container knows it");
  CHECK(fault_of(R"({"tcp":{"port":70000}})").find("from 0 to 65535") != std::string::npos);
  CHECK(spec_of(R"("ports":2,"healthChecks":[{"tcp":{"port":1}}])").health_checks[0].port == 1);
  CHECK(fault_with(R"("ports":2,"healthChecks":[{"tcp":{"port":2}}])") ==
        "/healthChecks/0/tcp/port: must be the place of one of the job's `ports`, from 0");
  CHECK(fault_with(R"("healthChecks":[{"tcp":{}}])") ==
        "/healthChecks/0/tcp: the job has no port to ask at: name it in the job's `ports`, or use `command`");
  CHECK(spec_of(R"("healthChecks":[{"command":["true"]}])").health_checks.size() == 1);
}

TEST_CASE("a path is what can stand in a request") {
  CHECK(fault_of(R"({"http":{"path":"health"}})") == "/healthChecks/0/http/path: must begin with /");
  for (const char* path : {"/a b", "/ä", "/a\\r\\nX: y"}) {
    const auto parsed =
        parse(R"("ports":1,"healthChecks":[{"http":{"path":")" + std::string(path) + R"("}}])");
    CHECK(parsed.faults.size() == 1);
  }
  CHECK(fault_of(R"({"http":{"path":"/)" + std::string(2'000, 'x') + R"("}})").find("1024 bytes") !=
        std::string::npos);
}

TEST_CASE("all faults of all checks come in one answer") {
  const auto parsed = parse(
      R"("ports":[80],"healthChecks":[{"http":{"port":81,"path":"x"},"interval":-1},{"http":{},"tcp":{}}],)"
      R"("readiness":{"command":[1],"maxConsecutiveFailures":0.5})");
  std::vector<std::string> pointers;
  for (const Fault& fault : parsed.faults) pointers.push_back(fault.pointer);
  CHECK(pointers == std::vector<std::string>{"/healthChecks/0/http/port", "/healthChecks/0/http/path",
                                             "/healthChecks/0/interval", "/healthChecks/1",
                                             "/readiness/command/0", "/readiness/maxConsecutiveFailures"});
  CHECK(fault_with(R"("ports":1,"healthChecks":[)" + [] {
          std::string eleven = R"({"tcp":{}})";
          for (int i = 0; i < 10; ++i) eleven += R"(,{"tcp":{}})";
          return eleven;
        }() + "]") == "/healthChecks: must not have more than 10 elements");
}

TEST_CASE("a lenient sender's unknown members are listed, not refused") {
  const auto parsed = parse(R"("ports":1,"healthChecks":[{"tcp":{"x":1},"y":2}])", true);
  REQUIRE(parsed.ok());
  CHECK(parsed.value.ignored == std::vector<std::string>{"x", "y"});
}

TEST_CASE("an answer has the checks in the form of the body, and reading it gives the same") {
  const JobSpec spec = spec_of(
      R"("ports":[80],"healthChecks":[{"http":{"port":80,"path":"/h"},"intervalSecs":0.5},{"command":["a","b"]}],)"
      R"("readiness":{"tcp":{},"graceSecs":0})");
  const std::string text = written(spec);
  CHECK(
      text ==
      R"({"healthChecks":[{"http":{"port":80,"path":"/h"},"intervalSecs":0.5,"timeoutSecs":5,"graceSecs":15,"maxConsecutiveFailures":3,"informational":false},)"
      R"({"command":["a","b"],"intervalSecs":10,"timeoutSecs":5,"graceSecs":15,"maxConsecutiveFailures":3,"informational":false}],)"
      R"("readiness":{"tcp":{"port":0},"intervalSecs":10,"timeoutSecs":5,"graceSecs":0,"maxConsecutiveFailures":3}})");
  const JobSpec again = spec_of("\"ports\":[80]," + text.substr(1, text.size() - 2));
  CHECK(again.health_checks == spec.health_checks);
  CHECK(again.readiness == spec.readiness);
}

TEST_CASE("what is not known of a task's health is null") {
  Task task;
  json::Writer unknown;
  unknown.begin_object();
  write_task_health(unknown, task);
  CHECK(unknown.end_object().take() == R"({"healthy":null,"ready":null,"lastHealthMessage":null})");
  task.healthy = false;
  task.ready = true;
  task.health_message = "status 500";
  json::Writer known;
  known.begin_object();
  write_task_health(known, task);
  CHECK(known.end_object().take() == R"({"healthy":false,"ready":true,"lastHealthMessage":"status 500"})");
}

TEST_CASE("ready is who runs and has answered well to every check there is") {
  JobSpec plain, checked, both;
  checked.health_checks.resize(1);
  both.health_checks.resize(1);
  both.readiness.emplace();
  Task task;
  CHECK_FALSE(is_ready(task, plain));
  task.state = TaskState::running;
  CHECK(is_ready(task, plain));
  CHECK_FALSE(is_ready(task, checked));
  task.healthy = true;
  CHECK(is_ready(task, checked));
  CHECK_FALSE(is_ready(task, both));
  task.ready = true;
  CHECK(is_ready(task, both));
  task.kill_requested = true;
  CHECK_FALSE(is_ready(task, both));
}

TEST_CASE("a job says how many of its instances are ready") {
  Job job;
  job.id = make_job_id(1);
  job.spec = std::make_shared<const JobSpec>(spec_of(R"("ports":1,"healthChecks":[{"tcp":{}}])"));
  std::vector<TaskPtr> tasks;
  for (int i = 0; i < 3; ++i) {
    Task task;
    task.id = make_task_id(job.id, i, i);
    task.state = TaskState::running;
    task.healthy = i != 1;
    tasks.push_back(std::make_shared<const Task>(task));
  }
  const auto document = json::parse(render_job(job, tasks, ""));
  REQUIRE(document.ok());
  CHECK(document->root().int64_or("instancesReady", -1) == 2);
}

}  // namespace mimas::api
