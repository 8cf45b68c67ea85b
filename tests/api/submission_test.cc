#include <doctest/doctest.h>

#include <string>

#include "api/commands.h"
#include "api/job_limits.h"

namespace mimas::api {
namespace {

Checked<Submission> parse(const std::string& fields, bool lenient = false) {
  return parse_submission("{" + fields + "}", lenient);
}

// A valid body but for what is added.
Checked<Submission> parse_with(const std::string& fields) {
  return parse("\"entryPoint\":\"true\"," + fields);
}

JobSpec spec_of(const std::string& fields) {
  const auto parsed = parse_with(fields);
  REQUIRE_MESSAGE(parsed.ok(), fields << " → " << (parsed.ok() ? "" : parsed.faults[0].detail));
  return *parsed.value.command.spec;
}

// "pointer: detail" of the only fault.
std::string fault_of(const Checked<Submission>& parsed) {
  REQUIRE(parsed.faults.size() == 1);
  return parsed.faults[0].pointer + ": " + parsed.faults[0].detail;
}
std::string fault_with(const std::string& fields) {
  INFO(fields);
  return fault_of(parse_with(fields));
}

}  // namespace

TEST_CASE("the smallest job is a shell line, and everything else has its default") {
  const auto parsed = parse(R"("entryPoint":"echo hi")");
  REQUIRE(parsed.ok());
  const JobSpec& spec = *parsed.value.command.spec;
  CHECK(spec.type == JobType::batch);
  CHECK(spec.runtime == Runtime::process);
  CHECK(spec.entry_point == "echo hi");
  CHECK(spec.request == ResourceRequest{1'000, 512, 1'000, 0, 0});
  CHECK(spec.retries == 0);
  CHECK(spec.kill_grace_ms == 5'000);
  CHECK(spec.unreachable_timeout_ms == 30'000);
  CHECK(spec.runtime_limit_ms == 0);
  CHECK(spec.retry_policy == RetryPolicy{});
  CHECK(spec.echoed_json == "{}");
  CHECK(parsed.value.command.instances_desired == 1);
  CHECK(parsed.value.command.instances_min == 1);
  CHECK(parsed.value.command.instances_max == 1);
  CHECK(parsed.value.command.in_service);
  CHECK(parsed.value.ignored.empty());
}

TEST_CASE("null and empty values mean the default") {
  JobSpec plain = spec_of(R"("name":"x")");
  for (const char* more : {R"("cpu":null)",
                           R"("cpu":0)",
                           R"("cpu":0.0)",
                           R"("memory":0)",
                           R"("disk":null)",
                           R"("ports":null)",
                           R"("ports":0)",
                           R"("ports":[])",
                           R"("env":{})",
                           R"("env":null)",
                           R"("labels":null)",
                           R"("command":[])",
                           R"("type":"")",
                           R"("hardConstraints":[])",
                           R"("hardConstraints":{})",
                           R"("efs":{})",
                           R"("iamProfile":"")",
                           R"("securityGroups":[])",
                           R"("allocateIpAddress":false)",
                           R"("healthChecks":[])",
                           R"("update":{})",
                           R"("schedule":"")",
                           R"("readiness":0)",
                           R"("retryPolicy":{})",
                           R"("artifacts":[])",
                           R"("retries":0)",
                           R"("killGraceSecs":null)",
                           R"("killSignal":null)",
                           R"("killSignal":"")",
                           R"("restartOnFailure":null)",
                           R"("runtime":"")",
                           R"("applicationName":"")",
                           R"("location":null)",
                           R"("priority":0)",
                           R"("startTimeoutSecs":0)",
                           R"("workingDirectory":"")"}) {
    INFO(more);
    CHECK(spec_of(std::string(R"("name":"x",)") + more) == plain);
  }
}

TEST_CASE("the signal that asks an instance to end is named or numbered, and one that a program can act on") {
  for (const char* value : {R"("SIGQUIT")", R"("quit")", R"("3")", "3"}) {
    CAPTURE(value);
    CHECK(spec_of(std::string(R"("killSignal":)") + value).kill_signal == 3);
  }
  CHECK(spec_of(R"("killSignal":"SIGRTMIN+3")").kill_signal == 37);
  for (const auto& [value, why] : {std::pair{R"("SIGQUITE")", "did you mean `SIGQUIT`?"},
                                   {R"("now")", "a name such as SIGQUIT"},
                                   {"0", "1 to 31"},
                                   {"33", "1 to 31"},
                                   {"2.5", "whole number"},
                                   {"true", "the name or the number of a signal"},
                                   {"9", "no program can act on SIGKILL"},
                                   {R"("STOP")", "no program can act on SIGSTOP"}}) {
    CAPTURE(value);
    const auto parsed = parse_submission(
        std::string(R"({"runtime":"process","entryPoint":"true","killSignal":)") + value + "}", false);
    REQUIRE(parsed.faults.size() == 1);
    CAPTURE(parsed.faults[0].detail);
    CHECK(parsed.faults[0].pointer == "/killSignal");
    CHECK(parsed.faults[0].detail.find(why) != std::string::npos);
  }
}

TEST_CASE("cpu is a decimal kept in thousandths") {
  CHECK(spec_of(R"("cpu":0.01)").request.cpu_milli == 10);
  CHECK(spec_of(R"("cpu":1.2345)").request.cpu_milli == 1'235);
  CHECK(spec_of(R"("cpu":1024)").request.cpu_milli == 1'024'000);
  CHECK(spec_of(R"("cpus":0.1)").request.cpu_milli == 100);
  CHECK(spec_of(R"("cpus":2,"cpu":2.0)").request.cpu_milli == 2'000);
  CHECK(spec_of(R"("cpus":0,"cpu":3)").request.cpu_milli == 3'000);
  for (const char* bad : {"-1", "0.0014", "1024.001", "1e300", "-0.5"}) {
    CHECK(fault_with(std::string("\"cpu\":") + bad) == "/cpu: must be a number from 0.01 to 1024");
  }
  CHECK(fault_with(R"("cpus":-1)") == "/cpus: must be a number from 0.01 to 1024");
  CHECK(fault_with(R"("cpu":"2")") == "/cpu: expected a number, found a string");
  CHECK(fault_with(R"("cpu":1,"cpus":2)") == "/cpus: is another word for `cpu`, but the two differ");
}

TEST_CASE("a number out of its range is a fault with the value and the limit") {
  const auto parsed = parse_with(R"("memory":-5)");
  REQUIRE(parsed.faults.size() == 1);
  CHECK(parsed.faults[0] == Fault{"/memory", "must be a whole number from 8 to 1048576", "-5", "8..1048576"});
  for (const NumberLimit& limit : kNumberLimits) {
    INFO(limit.field);
    const std::string name = "\"" + std::string(limit.field) + "\":";
    for (const std::string& bad : {std::to_string(limit.most + 1), std::string("-1"), std::string("1.5"),
                                   std::string("1e30"), std::string("99999999999999999999"),
                                   std::string("\"1\""), std::string("true"), std::string("[1]")}) {
      INFO(bad);
      const auto faulty = parse_with(name + bad);
      REQUIRE(faulty.faults.size() == 1);
      CHECK(faulty.faults[0].pointer == "/" + std::string(limit.field));
      CHECK(faulty.faults[0].limit == std::to_string(limit.least) + ".." + std::to_string(limit.most));
    }
    CHECK(parse_with(name + std::to_string(limit.most)).ok());
    CHECK(parse_with(name + std::to_string(limit.least)).ok());
  }
  CHECK(fault_with(R"("memory":7)") == "/memory: must be a whole number from 8 to 1048576");
}

TEST_CASE("every fault of a body is reported in one answer") {
  const auto parsed = parse(
      R"("name":"a\nb","cpu":-1,"memory":1.5,"disk":"x","instances":1000000000,"entrypoint":"true","env":{"A":1},)"
      R"("hardConstraints":["UniqueHost","rack near x"],"retries":-1,"healthChecks":[{"http":{},"tcp":{}}],"ports":[0,80])");
  std::vector<std::string> pointers;
  for (const Fault& fault : parsed.faults) pointers.push_back(fault.pointer);
  CHECK(pointers == std::vector<std::string>{"/name", "/entryPoint", "/env/A", "/cpu", "/memory", "/disk",
                                             "/ports", "/healthChecks/0", "/hardConstraints/1", "/retries",
                                             "/instances", "/entrypoint"});
  CHECK(parsed.faults.back().detail == "unknown field, did you mean `entryPoint`?");
  CHECK(parsed.faults.back().value == "\"true\"");
}

TEST_CASE("what is not a JSON object is one fault about the whole body") {
  const auto syntax = parse_submission("{\"name\":\"x\",\n \"cpu\": }", false);
  REQUIRE(syntax.faults.size() == 1);
  CHECK(syntax.faults[0].pointer.empty());
  CHECK(syntax.faults[0].detail.find("line 2") != std::string::npos);
  CHECK(syntax.faults[0].detail.find("column") != std::string::npos);
  const std::string deep(100'000, '[');
  for (const std::string& body :
       {std::string(), std::string("  \n"), std::string("["), deep, "{\"a\":" + deep, std::string("[]"),
        std::string("3"), std::string("null"), std::string("\"x\""), std::string("{} x"),
        std::string("{\"a\":NaN}"), std::string("\xff\xfe"), std::string("{\"name\":\"\xff\"}"),
        std::string(2u << 20, ' ') + "{}"}) {
    INFO(body.substr(0, 20));
    const auto parsed = parse_submission(body, false);
    REQUIRE(parsed.faults.size() == 1);
    CHECK(parsed.faults[0].pointer.empty());
    CHECK(parsed.faults[0].value.size() <= kFaultValueBytes);
  }
}

TEST_CASE("a body with very many faults lists some and counts the rest") {
  std::string body = "{\"entryPoint\":\"true\"";
  for (int i = 0; i < 1'000; ++i) body += ",\"zz" + std::to_string(i) + "qqqqqq\":1";
  const auto parsed = parse_submission(body + "}", false);
  CHECK(parsed.faults.size() == kFaultsMax + 1);
  CHECK(parsed.faults.back() == Fault{"", "and 800 more faults", "", ""});
}

TEST_CASE("unknown fields are refused with a guess, or listed when the sender is lenient") {
  CHECK(fault_with(R"("memry":1)") == "/memry: unknown field, did you mean `memory`?");
  CHECK(fault_with(R"("hardconstraints":[])") ==
        "/hardconstraints: unknown field, did you mean `hardConstraints`?");
  CHECK(fault_with(R"("environment":{})") == "/environment: unknown field, did you mean `env`?");
  CHECK(fault_with(R"("somethingElse":1)") == "/somethingElse: unknown field");
  CHECK(fault_with(R"("a/b~c":1)") == "/a~1b~0c: unknown field");
  CHECK(fault_with(R"("xyz":1)") == "/xyz: unknown field");
  CHECK(fault_with(R"("":1)") == "/: unknown field");
  const auto lenient = parse(R"("entryPoint":"true","memry":1,"zzz":null)", true);
  REQUIRE(lenient.ok());
  CHECK(lenient.value.ignored == std::vector<std::string>{"memry", "zzz"});
  const auto spinnaker = parse_with(R"("newThing":{"a":1},"labels":{"source":"spinnaker"})");
  REQUIRE(spinnaker.ok());
  CHECK(spinnaker.value.ignored == std::vector<std::string>{"newThing"});
  CHECK(fault_with(R"("newThing":1,"labels":{"source":"other"})") == "/newThing: unknown field");
}

TEST_CASE("names hold no control characters and have a length") {
  for (const char* field :
       {"name", "appName", "user", "applicationName", "version", "jobGroupStack", "capacityGroup"}) {
    const std::string name = "\"runtime\":\"process\",\"" + std::string(field) + "\":";
    CHECK(fault_with(name + R"("a\nb")") ==
          "/" + std::string(field) + ": must not contain control characters such as line breaks");
    CHECK(fault_with(name + "\"" + std::string(256, 'x') + "\"") ==
          "/" + std::string(field) + ": must not be longer than 255 bytes");
    CHECK(parse_with(name + "\"" + std::string(255, 'x') + "\"").ok());
    CHECK(fault_with(name + "7") == "/" + std::string(field) + ": expected a string, found a number");
  }
  CHECK(spec_of(R"("name":"Größe ^~")").name == "Größe ^~");
}

TEST_CASE("the value in a fault is cut") {
  const auto parsed = parse_with("\"name\":\"" + std::string(100'000, 'x') + "\"");
  REQUIRE(parsed.faults.size() == 1);
  CHECK(parsed.faults[0].value.size() == kFaultValueBytes);
  CHECK(parsed.faults[0].limit == "255");
}

TEST_CASE("labels and environment are maps of text, null reading as empty") {
  const JobSpec spec = spec_of(R"("labels":{"a":null,"b":"c"},"env":{"X":null,"Y":"1\n2"})");
  CHECK(spec.labels == std::map<std::string, std::string>{{"a", ""}, {"b", "c"}});
  CHECK(spec.env == std::map<std::string, std::string>{{"X", ""}, {"Y", "1\n2"}});
  CHECK(fault_with(R"("env":{"PORT":80})") == "/env/PORT: expected a string, found a number");
  CHECK(fault_with(R"("env":["A=1"])") == "/env: expected an object of strings, found an array");
  CHECK(fault_with(R"("env":{"A=B":"1"})") == "/env/A=B: its name must not contain '='");
  CHECK(fault_with(R"("env":{"":"1"})") == "/env/: its name must not be empty");
  CHECK(fault_with(R"("env":{"A":"\u0000"})") == "/env/A: must not contain the character U+0000");
  CHECK(fault_with(R"("labels":{"a":"x\ty"})") ==
        "/labels/a: must not contain control characters such as line breaks");
  const std::string half(20'000, 'x');
  CHECK(fault_with("\"env\":{\"A\":\"" + half + "\",\"B\":\"" + half + "\"}") ==
        "/env: must not be larger than 32768 bytes in all");
  std::string many = "\"env\":{";
  for (int i = 0; i <= 1'000; ++i) many += (i > 0 ? ",\"A" : "\"A") + std::to_string(i) + "\":\"\"";
  CHECK(fault_with(many + "}") == "/env: must not have more than 1000 entries");
}

TEST_CASE("a process job has exactly one of entryPoint and command") {
  CHECK(fault_of(parse(R"("name":"x")")) ==
        "/entryPoint: is required: what to run, a shell line here or a list of arguments in `command`");
  CHECK(fault_of(parse(R"("entryPoint":"","command":[])")).starts_with("/entryPoint: is required"));
  CHECK(fault_with(R"("command":["ls"])") ==
        "/command: a job has either `entryPoint` or `command`, not both");
  const auto list = parse(R"("command":["sh","-c","echo \"a b\"",""])");
  REQUIRE(list.ok());
  CHECK(list.value.command.spec->command == std::vector<std::string>{"sh", "-c", "echo \"a b\"", ""});
  CHECK(list.value.command.spec->entry_point.empty());
  CHECK(fault_of(parse(R"("command":"ls")")).find("`entryPoint`") != std::string::npos);
  CHECK(fault_of(parse(R"("command":["",""])")) == "/command/0: must name a program");
  CHECK(fault_of(parse(R"("command":["ls",5])")) == "/command/1: expected a string, found a number");
  CHECK(fault_of(parse(R"("entryPoint":["ls"])")).find("`command`") != std::string::npos);
  CHECK(fault_of(parse("\"entryPoint\":\"" + std::string(65'537, 'x') + "\"")) ==
        "/entryPoint: must not be longer than 65536 bytes");
  std::string many = R"("command":["ls")";
  for (int i = 0; i < 1'000; ++i) many += ",\"\"";
  CHECK(fault_of(parse(many + "]")) == "/command: must not have more than 1000 elements");
  CHECK(spec_of(R"("workingDirectory":"a/b..c/")").working_directory == "a/b..c/");
  for (const char* bad : {"/tmp", "..", "a/../b", "../x", "a/.."}) {
    CHECK(fault_with("\"workingDirectory\":\"" + std::string(bad) + "\"") ==
          "/workingDirectory: must be a path within the sandbox: relative, and without `..`");
  }
}

TEST_CASE("artifacts are addresses that an agent can fetch") {
  const JobSpec spec = spec_of(
      R"("artifacts":["http://h/x.tgz",{"uri":"/opt/a","executable":true},{"uri":"file:///b","extract":true,"cache":true}])");
  CHECK(spec.artifacts == std::vector<Artifact>{{"http://h/x.tgz", false, false, false},
                                                {"/opt/a", false, true, false},
                                                {"file:///b", true, false, true}});
  for (const char* bad :
       {"\"ftp://h/x\"", "\"hdfs://x\"", "\"x\"", "\"http://\"", "\"\"", "\"/\"", "{\"uri\":\"x\"}"}) {
    CHECK(fault_with("\"artifacts\":[" + std::string(bad) + "]").find("must be an http:// or https://") !=
          std::string::npos);
  }
  CHECK(fault_with(R"("artifacts":["http://h/dir/?x=1"])") == "/artifacts/0: must end in the name of a file");
  CHECK(fault_with(R"("artifacts":[{}])") == "/artifacts/0/uri: is required");
  CHECK(fault_with(R"("artifacts":[{"uri":"/a","checksum":"abc"}])") ==
        "/artifacts/0/checksum: is not supported by this version");
  CHECK(fault_with(R"("artifacts":[{"uri":"/a","extrct":true}])") ==
        "/artifacts/0/extrct: unknown field, did you mean `extract`?");
  CHECK(fault_with(R"("artifacts":["/a b"])") ==
        "/artifacts/0: must not contain blanks, backslashes or single quotes");
  CHECK(fault_with(R"("artifacts":[7])") ==
        "/artifacts/0: expected an object with `uri`, or a string, found a number");
}

TEST_CASE("ports are a number or a list of container ports") {
  CHECK(spec_of(R"("ports":2)").container_ports == std::vector<std::int32_t>{0, 0});
  CHECK(spec_of(R"("ports":2)").request.ports == 2);
  CHECK(spec_of(R"("ports":[7001,80])").container_ports == std::vector<std::int32_t>{7001, 80});
  CHECK(spec_of(R"("ports":[0,0,0])").request.ports == 3);
  CHECK(fault_with(R"("ports":101)") == "/ports: must be a whole number from 0 to 100");
  CHECK(fault_with(R"("ports":-1)") == "/ports: must be a whole number from 0 to 100");
  CHECK(fault_with(R"("ports":[80,80])") == "/ports/1: is listed twice");
  CHECK(fault_with(R"("ports":[65536])") == "/ports/0: must be a whole number from 0 to 65535");
  CHECK(fault_with(R"("ports":[0,1])") == "/ports: 0 stands for any port: either all are 0 or none is");
  CHECK(fault_with(R"("ports":"80")") ==
        "/ports: expected a number of ports or an array of container ports, found a string");
}

TEST_CASE("a batch job counts with instances alone") {
  const auto three = parse_with(R"("instances":3)");
  REQUIRE(three.ok());
  CHECK(three.value.command.instances_desired == 3);
  CHECK(three.value.command.instances_min == 3);
  CHECK(three.value.command.instances_max == 3);
  CHECK(parse_with(R"("instances":0)").value.command.instances_desired == 1);
  CHECK(parse_with(R"("instances":10000)").ok());
  CHECK(fault_with(R"("instances":10001)") == "/instances: must be a whole number from 0 to 10000");
  CHECK(fault_with(R"("instances":1000000000)") == "/instances: must be a whole number from 0 to 10000");
  CHECK(parse_with(R"("instances":2,"instancesDesired":2,"instancesMin":2,"instancesMax":2)").ok());
  CHECK(fault_with(R"("instancesDesired":5)")
            .starts_with("/instancesDesired: a batch job has `instances` alone"));
  const auto spinnaker = parse_with(R"("instancesDesired":5,"labels":{"source":"spinnaker"})");
  REQUIRE(spinnaker.ok());
  CHECK(spinnaker.value.command.instances_desired == 1);
  CHECK(spinnaker.value.ignored == std::vector<std::string>{"instancesDesired"});
}

TEST_CASE("a service has 0 <= min <= desired <= max <= 1000, absent ones follow desired") {
  struct Case {
    const char* fields;
    std::int64_t min, desired, max;
  };
  for (const Case& c : {Case{"", 1, 1, 1}, Case{R"(,"instances":4)", 4, 4, 4},
                        Case{R"(,"instancesDesired":3)", 3, 3, 3}, Case{R"(,"instancesMin":2)", 2, 2, 2},
                        Case{R"(,"instancesMax":7)", 1, 1, 7}, Case{R"(,"instancesMax":0)", 0, 0, 0},
                        Case{R"(,"instancesMin":0,"instancesDesired":0,"instancesMax":0)", 0, 0, 0},
                        Case{R"(,"instances":0,"instancesDesired":3)", 3, 3, 3},
                        Case{R"(,"instancesMin":0,"instancesDesired":2,"instancesMax":1000)", 0, 2, 1000}}) {
    INFO(c.fields);
    const auto parsed = parse_with(std::string(R"("type":"service")") + c.fields);
    REQUIRE(parsed.ok());
    CHECK(parsed.value.command.instances_min == c.min);
    CHECK(parsed.value.command.instances_desired == c.desired);
    CHECK(parsed.value.command.instances_max == c.max);
  }
  CHECK(fault_with(R"("type":"service","instancesDesired":2,"instancesMin":3)") ==
        "/instancesMin: must not be above instancesDesired");
  CHECK(fault_with(R"("type":"service","instancesDesired":2,"instancesMax":1)") ==
        "/instancesMax: must not be below instancesDesired");
  CHECK(fault_with(R"("type":"service","instancesDesired":1001)") ==
        "/instancesDesired: must be a whole number from 0 to 1000");
  CHECK(fault_with(R"("type":"service","instancesDesired":2,"instances":3)") ==
        "/instances: is another word for `instancesDesired`, but the two differ");
  CHECK(fault_with(R"("type":"service","instancesDesired":-1)") ==
        "/instancesDesired: must be a whole number from 0 to 1000");
}

TEST_CASE(
    "0 means the default where Titus's clients send it, and is refused where others mean something by it") {
  const JobSpec open =
      *parse_submission(R"({"entryPoint":"x","cpu":0,"memory":0,"disk":0,"gpu":0,"networkMbps":0,)"
                        R"("retries":0,"runtimeLimitSecs":0,"priority":0,"pids":0})",
                        false)
           .value.command.spec;
  CHECK(open.request.cpu_milli == kCpuMilli.fallback);
  CHECK(open.request.mem_mib == kMemoryMib.fallback);
  CHECK(open.request.disk_mib == kDiskMib.fallback);
  CHECK(open.runtime_limit_ms == 0);
  CHECK(fault_with(R"("killGraceSecs":0)")
            .starts_with("/killGraceSecs: must be a whole number from 1 to 3600; left out it is 5"));
  CHECK(fault_with(R"("unreachableTimeoutSecs":0)") ==
        "/unreachableTimeoutSecs: must be a whole number from 1 to 604800; left out it is 30");
  CHECK(fault_with(R"("logs":{"rotateMb":0})").starts_with("/logs/rotateMb: must be"));
  CHECK(fault_with(R"("retryPolicy":{"delayed":{"delayMs":0}})").find("`immediate` starts again at once") !=
        std::string::npos);
  CHECK(fault_with(R"("retryPolicy":{"exponentialBackOff":{"initialDelayMs":0}})")
            .find("left out it is 1000") != std::string::npos);
}

TEST_CASE(
    "constraints in another scheduler's spelling are refused with a guess, whatever form they come in") {
  CHECK(fault_with(R"("hardConstraints":["rack:r1"])") ==
        "/hardConstraints/0: is written in the way of another scheduler, and would never hold: did you mean "
        "`rack=r1`?");
  for (const char* body :
       {R"("hardConstraints":["hostname:UNIQUE"])", R"("hardConstraints":[["hostname","UNIQUE"]])",
        R"("hardConstraints":["uniquehost"])", R"("hardConstraints":{"distinct_hosts":"true"})",
        R"("softConstraints":["DISTINCT_HOSTS"])"}) {
    CAPTURE(std::string(body));
    CHECK(fault_with(body).find("did you mean `UniqueHost`?") != std::string::npos);
  }
  CHECK(fault_with(R"("hardConstraints":[["rack"]])") ==
        "/hardConstraints/0: expected a string, found an array");
}

TEST_CASE("Titan's words for retries keep their meaning") {
  CHECK(spec_of(R"("numRetries":10)").retries == 10);
  CHECK(spec_of(R"("numRetries":10,"restartOnFailure":true)").retries == 10);
  CHECK(spec_of(R"("restartOnFailure":true)").retries == kRetriesUnlimited);
  CHECK(spec_of(R"("restartOnFailure":true,"retries":0)").retries == kRetriesUnlimited);
  CHECK(spec_of(R"("restartOnFailure":false,"numRetries":10)").retries == 0);
  CHECK(spec_of(R"("retries":2147483647)").retries == kRetriesUnlimited);
  CHECK(spec_of(R"("restartOnSuccess":true)").restart_on_success);
  CHECK(fault_with(R"("retries":1,"numRetries":2)") ==
        "/numRetries: is another word for `retries`, but the two differ");
  CHECK(spec_of(R"("type":"service","retries":3)").retries == kRetriesUnlimited);
  CHECK(fault_with(R"("type":"service","restartOnFailure":false)")
            .starts_with("/restartOnFailure: a service is"));
  CHECK(fault_with(R"("restartOnFailure":"yes")") ==
        "/restartOnFailure: expected true or false, found a string");
}

TEST_CASE("retry policies are Titus's three") {
  CHECK(spec_of(R"("retryPolicy":{"immediate":{"retries":4}})").retries == 4);
  CHECK(spec_of(R"("retryPolicy":{"immediate":{}})").retry_policy == RetryPolicy{0, 0});
  CHECK(spec_of(R"("retryPolicy":{"delayed":{"delayMs":250}})").retry_policy == RetryPolicy{250, 250});
  CHECK(spec_of(R"("retryPolicy":{"exponentialBackOff":{"initialDelayMs":10,"maxDelayIntervalMs":90}})")
            .retry_policy == RetryPolicy{10, 90});
  CHECK(spec_of(R"("retryPolicy":{"exponentialBackOff":{}})").retry_policy == RetryPolicy{1'000, 60'000});
  CHECK(fault_with(R"("retryPolicy":{"immediate":{},"delayed":{}})")
            .starts_with("/retryPolicy: must have only one"));
  CHECK(fault_with(R"("retryPolicy":{"delayd":{}})") ==
        "/retryPolicy/delayd: unknown field, did you mean `delayed`?");
  CHECK(fault_with(R"("retryPolicy":{"exponentialBackOff":{"initialDelayMs":90,"maxDelayIntervalMs":10}})") ==
        "/retryPolicy/exponentialBackOff: maxDelayIntervalMs must not be below initialDelayMs");
  CHECK(fault_with(R"("retries":3,"retryPolicy":{"immediate":{"retries":4}})") ==
        "/retryPolicy/immediate/retries: differs from the job's own `retries`");
  CHECK(fault_with(R"("retryPolicy":"immediate")") == "/retryPolicy: expected an object, found a string");
}

TEST_CASE("resources are amounts by name, in thousandths; the network is none of them") {
  const JobSpec spec = spec_of(
      R"("resources":{"fpga":2,"b.w-x_1":0.001,"none":0},"networkMbps":128,"priority":7,"production":true)");
  CHECK(spec.request.scalars == Scalars{{"b.w-x_1", 1}, {"fpga", 2'000}});
  CHECK(spec.network_mbps == 128);
  CHECK(spec.priority == 7);
  CHECK(spec.production);
  CHECK(fault_with(R"("resources":{"cpus":1})") == "/resources/cpus: has a field of its own: `cpu`");
  CHECK(fault_with(R"("resources":{"network":1})") ==
        "/resources/network: has a field of its own: `networkMbps`");
  CHECK(fault_with(R"("resources":{"fpga":-1})") ==
        "/resources/fpga: must be a number from 0.001 to 1000000");
  CHECK(fault_with(R"("resources":{"fpga":"1"})") == "/resources/fpga: expected a number, found a string");
  CHECK(fault_with(R"("resources":{"f p":1})").starts_with("/resources/f p: must be named in letters"));
  CHECK(fault_with(R"("resources":[1])") ==
        "/resources: expected an object of names and amounts, found an array");
  CHECK(fault_with(R"("priority":101)").starts_with("/priority: "));
  std::string many = R"("resources":{"a":1)";
  for (int i = 1; i <= 16; ++i) many += ",\"a" + std::to_string(i) + "\":1";
  CHECK(fault_with(many + "}") == "/resources: must not name more than 16 resources");
}

TEST_CASE("constraints are expressions or a map") {
  const JobSpec list = spec_of(R"x("hardConstraints":["UniqueHost"," arch = arm ","rack in (a, b)"])x");
  REQUIRE(list.hard_constraints.size() == 3);
  CHECK(list.hard_constraints[0].kind == Constraint::Kind::unique_host);
  CHECK(list.hard_constraints[1].values == std::vector<std::string>{"arm"});
  CHECK(list.hard_constraints[2].kind == Constraint::Kind::in);
  const JobSpec map =
      spec_of(R"("hardConstraints":{"arch":"arm","uniqueHost":"true","ZoneBalance":"false"})");
  REQUIRE(map.hard_constraints.size() == 2);
  CHECK(map.hard_constraints[0] == *parse_constraint("arch=arm"));
  CHECK(map.hard_constraints[1].kind == Constraint::Kind::unique_host);
  const JobSpec soft = spec_of(R"("softConstraints":["zoneBalance","rack=r1 weight 30"])");
  REQUIRE(soft.soft_constraints.size() == 2);
  CHECK(soft.soft_constraints[0] == *parse_constraint("ZoneBalance"));
  CHECK(soft.soft_constraints[1].weight == 30);
  CHECK(spec_of(R"("softConstraints":{"ZoneBalance":"true","arch":"arm"})").soft_constraints.size() == 2);
  CHECK(spec_of(R"("hardConstraints":{"ExclusiveHost":true})").hard_constraints[0].kind ==
        Constraint::Kind::exclusive_host);
  CHECK(spec_of(R"x("hardConstraints":["MaxPer(rack,2)"])x").hard_constraints[0].number == 2);
  CHECK(fault_with(R"("hardConstraints":["arch=arm weight 3"])")
            .starts_with("/hardConstraints/0: a hard constraint has no weight"));
  CHECK(fault_with(R"("softConstraints":["a near b"])")
            .starts_with("/softConstraints/0: a constraint is not understood at column 3: "));
  CHECK(fault_with(R"("hardConstraints":{"a=b":"c"})") ==
        "/hardConstraints/a=b: must be the name of an attribute and its value");
  CHECK(fault_with(R"("hardConstraints":{"a":" c"})") ==
        "/hardConstraints/a: must be the name of an attribute and its value");
  CHECK(fault_with(R"("hardConstraints":"UniqueHost")") ==
        "/hardConstraints: expected an array of expressions or an object, found a string");
  CHECK(fault_with(R"("softConstraints":[""])")
            .starts_with("/softConstraints/0: a constraint is not understood at column 1"));
  std::string many = R"("hardConstraints":["a=0")";
  for (int i = 1; i <= 50; ++i) many += ",\"a=" + std::to_string(i) + "\"";
  CHECK(fault_with(many + "]") == "/hardConstraints: must not have more than 50 constraints");
}

TEST_CASE("fields without a meaning here are echoed, fields that would change the run are refused") {
  CHECK(
      spec_of(
          R"("securityGroups":["b","a"],"iamProfile":"p","allocateIpAddress":true,"location":"dc1:20,dc2:40")")
          .echoed_json ==
      R"({"allocateIpAddress":true,"iamProfile":"p","location":"dc1:20,dc2:40","securityGroups":["b","a"]})");
  CHECK(fault_with(R"("securityGroups":"a")") ==
        "/securityGroups: expected an array of strings, found a string");
  CHECK(fault_with(R"("securityGroups":[1])").starts_with("/securityGroups: expected an array of strings"));
  CHECK(fault_with("\"owner\":{\"team\":\"" + std::string(20'000, 'x') + "\"}").starts_with("/owner: makes"));
  CHECK(fault_with(R"("startTimeoutSecs":5)") == "/startTimeoutSecs: is not supported by this version");
  CHECK(fault_with(R"("schedule":"0 * * * *")") == "/schedule: is not supported by this version");
  CHECK(fault_with(R"("update":{"batchSize":1})") == "/update: is not supported by this version");
  CHECK(fault_with(R"("type":"cron")") == "/type: cron jobs are not supported by this version");
  CHECK(fault_with(R"("type":"system")") == "/type: system jobs are not supported by this version");
  CHECK(fault_with(R"("type":"Service","instancesDesired":3)") ==
        "/type: must be `batch` or `service`, did you mean `service`?");
}

TEST_CASE("what a later version will take is told apart from what is wrong") {
  const auto status = [](const std::string& members) { return faults_status(parse(members).faults); };
  CHECK(status(R"("entryPoint":"true","type":"cron","schedule":"0 * * * *")") == 501);
  CHECK(status(R"("entryPoint":"true","update":{"batchSize":1})") == 501);
  CHECK(status(R"("entryPoint":"true","update":{"batchSize":1},"cpu":-1)") == 400);
  CHECK(status(R"("entryPoint":"true","type":"cronn")") == 400);
  CHECK(faults_status({}) == 400);
}

TEST_CASE("a member that is there twice is refused, however deep") {
  CHECK(fault_with(R"("cpu":1,"cpu":2)") == "/cpu: is given twice in one object");
  CHECK(fault_with(R"("labels":{"a":"1","b":"2","a":"1"})").starts_with("/labels/a: is given twice"));
}

TEST_CASE("an image alone asks for docker, and a process may be said to be of one") {
  const auto image = parse(R"("applicationName":"nginx")");
  REQUIRE(image.ok());
  CHECK(image.value.command.spec->runtime == Runtime::docker);
  CHECK(fault_with(R"("runtime":"docker")") == "/applicationName: is required: the image of the container");
  CHECK(fault_with(R"("runtime":"vm")") == "/runtime: must be `process` or `docker`");
  CHECK(spec_of(R"("runtime":"process","applicationName":"nginx","version":"1")").application_name ==
        "nginx");
}

TEST_CASE("the capacity group is the application unless it is named") {
  CHECK(spec_of(R"("appName":"a")").capacity_group == "a");
  CHECK(spec_of(R"("appName":"a","capacityGroup":"g")").capacity_group == "g");
  CHECK(spec_of(R"("appName":"  ")").app_name.empty());
}

}  // namespace mimas::api
