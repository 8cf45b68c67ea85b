// A description can be read again, changed by a patch, and compared.
#include "api/description.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "json/value.h"

namespace mimas::api {
namespace {

std::string read_example(const std::string& name) {
  std::ifstream in("api/examples/" + name + ".json", std::ios::binary);
  REQUIRE_MESSAGE(in.good(), "run this test in the root of the sources");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Submission submission_of(const std::string& body) {
  auto parsed = parse_submission(body, false);
  for (const Fault& fault : parsed.faults) INFO(fault.pointer << ": " << fault.detail);
  REQUIRE(parsed.ok());
  return std::move(parsed.value);
}

Wanted wanted_of(const Submission& submission) {
  const engine::SubmitJob& command = submission.command;
  return {*command.spec, command.instances_desired, command.instances_min, command.instances_max,
          command.in_service};
}

// The job that the patch makes of it.
Submission patched(const Submission& submission, const std::string& patch) {
  const auto text = patch_description(wanted_of(submission), patch);
  REQUIRE(text.ok());
  return submission_of(text.value);
}

std::string changes(const Submission& from, const Submission& to) {
  return render_difference(render_description(wanted_of(from)), render_description(wanted_of(to)));
}

constexpr const char* kEverything = R"x({
  "name": "all", "type": "service", "applicationName": "example/all", "digest": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
  "appName": "app", "user": "me", "jobGroupStack": "s", "jobGroupDetail": "d", "jobGroupSequence": "v001",
  "capacityGroup": "other", "entryPoint": "sh -c", "command": ["a", "b c"], "env": {"A": "1", "B": ""}, "secretEnv": {"T": "app/token"},
  "labels": {"x": "y", "z/~": null}, "workingDirectory": "/srv", "runAs": "1000:1000",
  "artifacts": [{"uri": "https://x.example/a.tgz", "extract": true, "cache": true}, "file:///srv/b"],
  "cpu": 0.123, "memory": 77, "disk": 9, "gpu": 1, "networkMbps": 5, "ports": [80, 443], "cpuQuota": true, "pids": 12,
  "rlimits": {"nofile": {"soft": 1, "hard": 2}, "core": -1}, "logs": {"rotateMb": 2, "keep": 0, "compress": false},
  "shmSize": 5, "volumes": [{"source": "/data", "target": "/d", "readOnly": true}, {"source": "v", "target": "/v"}],
  "container": {"pull": "always", "labels": {"a": "b"}, "capAdd": ["NET_ADMIN"], "capDrop": ["ALL"], "hostname": "h",
                "network": "bridge", "init": false, "readOnlyRoot": true, "privileged": true},
  "instancesDesired": 3, "instancesMin": 1, "instancesMax": 7, "inService": false,
  "hardConstraints": ["UniqueHost", "arch=arm", "zone in (a, b)", "rack!=r9"], "softConstraints": ["ZoneBalance", "rack=r1 weight 9"],
  "healthChecks": [{"http": {"port": 80, "path": "/up"}, "intervalSecs": 1.5, "grace": 0}, {"command": ["true"], "informational": true}],
  "readiness": {"tcp": {"port": 443}}, "retryPolicy": {"delayed": {"delayMs": 5}}, "runtimeLimitSecs": 9,
  "killGraceSecs": 7, "killSignal": "quit", "unreachableTimeoutSecs": 8, "allocateIpAddress": true, "securityGroups": ["sg-1"],
  "owner": {"team": "t"}, "priority": 2, "production": true, "resources": {"fpga": 0.5}, "location": "dc1:20"
})x";

}  // namespace

TEST_CASE("a description that was rendered reads as the job it was rendered from, twice alike") {
  std::vector<std::string> bodies{
      kEverything, R"({"entryPoint":"true","retries":3,"retryPolicy":{"immediate":{}}})",
      R"({"command":["a"],"type":"batch","instances":4,"ports":2,"numRetries":1})",
      R"({"entryPoint":"true","type":"service","instancesDesired":0})"};
  for (const char* name : {"arm", "beacon", "hello", "rocker", "service", "spinnaker"})
    bodies.push_back(read_example(name));
  for (const std::string& body : bodies) {
    INFO(body);
    const Submission first = submission_of(body);
    const std::string text = render_description(wanted_of(first));
    INFO(text);
    const Submission again = submission_of(text);
    CHECK(again.ignored.empty());
    CHECK(*again.command.spec == *first.command.spec);
    CHECK(again.command.instances_desired == first.command.instances_desired);
    CHECK(again.command.instances_min == first.command.instances_min);
    CHECK(again.command.instances_max == first.command.instances_max);
    CHECK(again.command.in_service == first.command.in_service);
    CHECK(render_description(wanted_of(again)) == text);
  }
}

TEST_CASE("a merge patch changes what it names, null takes away, and the rest stays") {
  const Submission all = submission_of(kEverything);
  CHECK(changes(all, patched(all, "{}")) == "[]");
  CHECK(
      changes(all, patched(all, R"({"labels":{"x":null,"n":"1"}})")) ==
      R"([{"pointer":"/labels/x","before":"y","after":null},{"pointer":"/labels/n","before":null,"after":"1"}])");
  CHECK(
      changes(all, patched(all, R"({"killGraceSecs":null,"env":{"A":"2"}})")) ==
      R"([{"pointer":"/killGraceSecs","before":7,"after":5},{"pointer":"/env/A","before":"1","after":"2"}])");
  CHECK(patched(all, R"({"hardConstraints":["arch=x86"]})").command.spec->hard_constraints.size() == 1);
}

TEST_CASE("in a patch another word takes the place of a member, and one form that of another") {
  const Submission all = submission_of(kEverything);
  CHECK(patched(all, R"({"cpus":2})").command.spec->request.cpu_milli == 2'000);
  CHECK(patched(all, R"({"instances":5})").command.instances_desired == 5);
  CHECK(patched(all, R"({"instancesDesired":4})").command.instances_desired == 4);
  CHECK(patched(all, R"({"retryPolicy":{"immediate":{}}})").command.spec->retry_policy == RetryPolicy{0, 0});
  CHECK(patched(all, R"({"readiness":{"http":{"port":80}}})").command.spec->readiness->kind ==
        HealthCheck::Kind::http);
  const Submission batch = submission_of(R"({"entryPoint":"true","instances":2,"retries":3})");
  CHECK(patched(batch, R"({"instances":5})").command.instances_max == 5);
  CHECK(patched(batch, R"({"numRetries":7})").command.spec->retries == 7);
  CHECK(patched(batch, R"({"restartOnFailure":false})").command.spec->retries == 0);
}

TEST_CASE("a patch that is no object is refused, and one that makes a bad job is one") {
  const Submission all = submission_of(kEverything);
  CHECK(patch_description(wanted_of(all), "[1]").faults.size() == 1);
  CHECK(patch_description(wanted_of(all), "").faults.size() == 1);
  CHECK(patch_description(wanted_of(all), "{\"a\": 1,}").faults.at(0).detail.find("line 1, column 9") !=
        std::string::npos);
  const auto text = patch_description(wanted_of(all), R"({"memory":-1,"envv":{}})");
  REQUIRE(text.ok());
  CHECK(parse_submission(text.value, false).faults.size() == 2);
}

TEST_CASE("differences go as deep as the objects and take a list as a whole") {
  CHECK(render_difference(R"({"a":{"b":1,"c":[1,2]},"d~/":null})", R"({"a":{"b":1,"c":[1]},"e":2})") ==
        R"([{"pointer":"/a/c","before":[1,2],"after":[1]},{"pointer":"/e","before":null,"after":2}])");
  CHECK(render_difference(R"({"a/b":1})", R"({"a/b":{}})") ==
        R"([{"pointer":"/a~1b","before":1,"after":{}}])");
}

}  // namespace mimas::api
