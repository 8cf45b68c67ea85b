// How a job's program is confined and how its image runs: every field by values, its faults, and the way
// back.
#include "api/job_container.h"

#include <doctest/doctest.h>

#include <string>

#include "api/commands.h"
#include "api/render.h"
#include "json/value.h"

namespace mimas::api {
namespace {

Checked<Submission> parse_docker(const std::string& fields) {
  return parse_submission("{\"applicationName\":\"team/app\"" + (fields.empty() ? "" : "," + fields) + "}",
                          false);
}

JobSpec docker_spec(const std::string& fields) {
  const auto parsed = parse_docker(fields);
  REQUIRE_MESSAGE(parsed.ok(), fields << " → " << (parsed.ok() ? "" : parsed.faults[0].detail));
  return *parsed.value.command.spec;
}

JobSpec process_spec(const std::string& fields) {
  const auto parsed = parse_submission("{\"entryPoint\":\"true\"," + fields + "}", false);
  REQUIRE_MESSAGE(parsed.ok(), fields << " → " << (parsed.ok() ? "" : parsed.faults[0].detail));
  return *parsed.value.command.spec;
}

// "pointer: detail" of the only fault.
std::string only_fault(const Checked<Submission>& parsed) {
  REQUIRE(parsed.faults.size() == 1);
  return parsed.faults[0].pointer + ": " + parsed.faults[0].detail;
}
std::string docker_fault(const std::string& fields) {
  INFO(fields);
  return only_fault(parse_docker(fields));
}
std::string process_fault(const std::string& fields) {
  INFO(fields);
  return only_fault(parse_submission("{\"entryPoint\":\"true\"," + fields + "}", false));
}

}  // namespace

TEST_CASE("a container needs no command, and may have both of them") {
  CHECK(docker_spec("").container == ContainerSettings{});
  const JobSpec both = docker_spec(R"("entryPoint":"/bin/app 'a b'","command":["x",""])");
  CHECK(both.entry_point == "/bin/app 'a b'");
  CHECK(both.command == std::vector<std::string>{"x", ""});
  CHECK(docker_fault(R"("entryPoint":"/bin/app 'a b")") == "/entryPoint: has a ' that is not closed");
  CHECK(docker_spec(R"("workingDirectory":"/srv/app")").working_directory == "/srv/app");
  for (const char* bad : {"srv", "/srv/../etc"}) {
    CHECK(docker_fault("\"workingDirectory\":\"" + std::string(bad) + "\"") ==
          "/workingDirectory: must be a path in the container: absolute, and without `..`");
  }
}

TEST_CASE("an image is a name that Docker can take apart again") {
  const auto fault = [](const std::string& image) {
    const auto parsed =
        parse_submission("{\"runtime\":\"docker\",\"applicationName\":\"" + image + "\"}", false);
    CAPTURE(image);
    return parsed.ok() ? std::string() : only_fault(parsed);
  };
  for (const char* good : {"nginx", "example/rocker", "nf-rocker", "registry:5000/team/app",
                           "127.0.0.1:5000/a", "localhost/a", "Registry.example.org/a/b_c.d-e", "a__b"}) {
    CHECK(fault(good).empty());
  }
  CHECK(fault("nginx:1.2") == "/applicationName: names a tag: it goes into `version`");
  CHECK(fault("r:5000/nginx:1.2") == "/applicationName: names a tag: it goes into `version`");
  CHECK(fault("nginx@sha256:aa") == "/applicationName: names a digest: it goes into `digest`");
  CHECK(fault("r:x/nginx") == "/applicationName: has a registry that is not host or host:port");
  for (const char* bad : {"Nginx", "a//b", "/a", "a/", "-a", "a b", "team/App", "a$b"}) {
    CHECK(fault(bad).starts_with("/applicationName: is no image: "));
  }
  CHECK(docker_spec(R"("version":"v1.2_3-x")").version == "v1.2_3-x");
  for (const std::string& bad : {std::string(".1"), std::string("-1"), std::string("a/b"), std::string("a b"),
                                 std::string(128, 'x')}) {
    CHECK(docker_fault("\"version\":\"" + bad + "\"").starts_with("/version: is no tag: "));
  }
  const std::string digest = "sha256:" + std::string(64, 'a');
  CHECK(docker_spec("\"digest\":\"" + digest + "\"").container.digest == digest);
  for (const std::string& bad :
       {std::string("sha256:abc"), "sha256:" + std::string(64, 'A'), "md5:" + digest}) {
    CHECK(docker_fault("\"digest\":\"" + bad + "\"").starts_with("/digest: must be sha256: and 64"));
  }
}

TEST_CASE("limits and users hold for processes and containers alike") {
  for (const bool docker : {false, true}) {
    const auto spec_of = [&](const std::string& fields) {
      return docker ? docker_spec(fields) : process_spec(fields);
    };
    const auto fault = [&](const std::string& fields) {
      return docker ? docker_fault(fields) : process_fault(fields);
    };
    CAPTURE(docker);
    const JobSpec spec = spec_of(
        R"("runAs":"1000:100","cpuQuota":true,"pids":50,"rlimits":{"nofile":{"soft":10,"hard":-1},"core":0,)"
        R"("as":{"hard":7}},"logs":{"rotateMb":1,"keep":0,"compress":false})");
    CHECK(spec.run_as == "1000:100");
    CHECK(spec.cpu_quota);
    CHECK(spec.pids_max == 50);
    CHECK(spec.rlimits ==
          std::map<std::string, ProcessLimit>{{"nofile", {10, -1}}, {"core", {0, 0}}, {"as", {7, 7}}});
    CHECK(spec.logs == LogRules{1, 0, false});
    CHECK(spec_of(R"("logs":{"rotateMb":2})").logs == LogRules{2, 3, true});
    CHECK(spec_of(R"("runAs":"www-data")").run_as == "www-data");
    for (const char* bad : {"a b", "../x", "-u", "1000:", ":1", "a:b:c"}) {
      CHECK(fault("\"runAs\":\"" + std::string(bad) + "\"").starts_with("/runAs: must be a user"));
    }
    CHECK(fault(R"("rlimits":{"nofile":{"soft":10,"hard":5}})") ==
          "/rlimits/nofile: its soft limit is above its hard one (-1 is unlimited)");
    CHECK(fault(R"("rlimits":{"nofile":{"soft":-1,"hard":5}})").starts_with("/rlimits/nofile: its soft"));
    CHECK(fault(R"("rlimits":{"nofiles":1})") == "/rlimits/nofiles: unknown field, did you mean `nofile`?");
    CHECK(fault(R"("rlimits":{"core":"0"})").starts_with("/rlimits/core: expected a number, or an object"));
    CHECK(fault(R"("rlimits":{"core":{}})") == "/rlimits/core: must have `soft` or `hard`");
    CHECK(fault(R"("rlimits":{"core":-2})").starts_with("/rlimits/core: must be a whole number from -1"));
    CHECK(fault(R"("logs":{"rotateMb":1025})") == "/logs/rotateMb: must be a whole number from 1 to 1024");
    CHECK(fault(R"("logs":{"keep":101})") == "/logs/keep: must be a whole number from 0 to 100");
    CHECK(fault(R"("logs":{"rotate":1})") == "/logs/rotate: unknown field, did you mean `rotateMb`?");
    CHECK(fault(R"("pids":4194305)") == "/pids: must be a whole number from 0 to 4194304");
  }
  CHECK(docker_spec(R"("runAs":"app:staff")").run_as == "app:staff");
  CHECK(process_fault(R"("runAs":"app:staff")") == "/runAs: must be a user by name or number, or uid:gid");
}

TEST_CASE("what only a container has is refused for processes, and unset it does no harm") {
  for (const char* field : {R"("digest":"sha256:x")", R"("shmSize":1)", R"("volumes":[{}])",
                            R"("container":{"pull":"always"})"}) {
    CHECK(process_fault(field).find(": is for containers; this job runs processes") != std::string::npos);
  }
  process_spec(R"("digest":"","shmSize":0,"volumes":[],"container":{})");
  process_spec(R"("digest":null,"shmSize":null,"volumes":null,"container":null)");
}

TEST_CASE("volumes name a volume of Docker, or a path of the agent") {
  const JobSpec spec = docker_spec(
      R"("volumes":[{"source":"data","target":"/data"},{"source":"/srv","target":"/srv/x","readOnly":true}])");
  CHECK(spec.container.volumes ==
        std::vector<VolumeMount>{{"data", "/data", false}, {"/srv", "/srv/x", true}});
  const auto fault = [](const std::string& volume) { return docker_fault("\"volumes\":[" + volume + "]"); };
  CHECK(fault(R"({"source":"/a/../b","target":"/x"})") == "/volumes/0/source: must not contain `..` or ':'");
  CHECK(fault(R"({"source":"a/b","target":"/x"})").starts_with("/volumes/0/source: must be an absolute"));
  CHECK(fault(R"({"source":"a","target":"x"})").starts_with("/volumes/0/target: must be an absolute"));
  CHECK(fault(R"({"source":"a","target":"//"})").starts_with("/volumes/0/target: must be an absolute"));
  CHECK(fault(R"({"source":"a","target":"/x:y"})") == "/volumes/0/target: must not contain `..` or ':'");
  CHECK(fault(R"({"target":"/x"})") == "/volumes/0/source: is required");
  CHECK(fault(R"({"source":"a","target":7})") == "/volumes/0/target: expected a string, found a number");
  CHECK(fault(R"({"source":"a","target":"/x"},{"source":"b","target":"/x"})") ==
        "/volumes/1: another volume is mounted there already");
  CHECK(fault("\"a:/b\"") == "/volumes/0: expected an object with `source` and `target`, found a string");
}

TEST_CASE("the container's own settings are read whole") {
  const JobSpec spec = docker_spec(
      R"("memory":64,"shmSize":32,"container":{"pull":"never","labels":{"a":"b","c":null},"capAdd":["SYS_ADMIN"],)"
      R"("capDrop":["ALL"],"hostname":"web-1","network":"lan_2","logDriver":"journald","init":false,)"
      R"("readOnlyRoot":true,"privileged":true})");
  ContainerSettings wanted;
  wanted.pull = ContainerSettings::Pull::never;
  wanted.labels = {{"a", "b"}, {"c", ""}};
  wanted.cap_add = {"SYS_ADMIN"};
  wanted.cap_drop = {"ALL"};
  wanted.hostname = "web-1";
  wanted.network = "lan_2";
  wanted.log_driver = "journald";
  wanted.shm_mib = 32;
  wanted.init = false;
  wanted.read_only_root = true;
  wanted.privileged = true;
  CHECK(spec.container == wanted);
}

TEST_CASE("faults within the container are found all at once") {
  const auto parsed = parse_docker(
      R"("memory":8,"shmSize":9,"container":{"pull":"often","labels":{"mimas.task":"x"},"capAdd":["CAP_CHOWN","x"],)"
      R"("hostname":"-a","network":"container:abc","logDriver":"a b","init":"yes","privilged":true})");
  std::vector<std::string> pointers;
  for (const Fault& fault : parsed.faults) pointers.push_back(fault.pointer);
  CHECK(pointers == std::vector<std::string>{"/shmSize", "/container/pull", "/container/capAdd/0",
                                             "/container/capAdd/1", "/container/init", "/container/hostname",
                                             "/container/network", "/container/logDriver",
                                             "/container/labels/mimas.task", "/container/privilged"});
}

TEST_CASE("what is shown of a container can be sent again and means the same") {
  const JobSpec spec = docker_spec(
      R"("version":"1","entryPoint":"a b","command":["c"],"memory":64,"shmSize":32,"ports":[80],"runAs":"u:g",)"
      R"("rlimits":{"core":0,"nofile":{"soft":1,"hard":-1}},"logs":{"keep":0},"pids":9,"cpuQuota":true,)"
      R"("volumes":[{"source":"v","target":"/v","readOnly":true}],)"
      R"("container":{"labels":{"x":"y"},"capDrop":["ALL"],"network":"n","readOnlyRoot":true})");
  Job job;
  job.id = make_job_id(1);
  job.spec = std::make_shared<const JobSpec>(spec);
  const std::string shown = render_job(job, {}, "");
  const auto document = json::parse(shown);
  REQUIRE(document.ok());
  std::string body;
  for (const char* name :
       {"applicationName", "version", "digest", "entryPoint", "command", "runtime", "cpu", "memory", "disk",
        "ports", "runAs", "rlimits", "logs", "pids", "cpuQuota", "shmSize", "volumes", "container"}) {
    const auto member = document->root().find(name);
    REQUIRE_MESSAGE(member, name);
    body += (body.empty() ? "{\"" : ",\"") + std::string(name) + "\":" + member->dump();
  }
  const auto again = parse_submission(body + "}", false);
  REQUIRE(again.ok());
  CHECK(*again.value.command.spec == spec);
}

}  // namespace mimas::api
