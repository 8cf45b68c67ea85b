// TaskInfo.data and the variables a task finds, by values.
#include "mesos/task_data.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "json/value.h"

using namespace mimas;
using namespace mimas::mesos;

namespace {

JobSpec process_spec() {
  JobSpec spec;
  spec.name = "web";
  spec.entry_point = "exec ./server";
  spec.env = {{"GREETING", "hi"}, {"MIMAS_JOB_ID", "forged"}};
  spec.request = {500, 128, 100, 0, 2};
  spec.container_ports = {8080, 0};
  return spec;
}

JobSpec docker_spec() {
  JobSpec spec = process_spec();
  spec.runtime = Runtime::docker;
  spec.application_name = "team/app";
  spec.version = "1.2";
  spec.entry_point.clear();
  spec.container_ports = {8080, 9090};
  return spec;
}

engine::Launch launch(const JobSpec& spec, std::int64_t number = 0) {
  Task task;
  task.job = JobId("mimas-7");
  task.id = make_task_id(task.job, 2, number);
  task.index = 2;
  task.number = number;
  task.hostname = "pi3";
  task.allocated.ports = *Ports::from_ranges({{31000, 31001}});
  return {std::make_shared<const Task>(task), std::make_shared<const JobSpec>(spec), {}};
}

json::Document data_of(const engine::Launch& launched) {
  auto parsed = json::parse(task_data(launched));
  REQUIRE(parsed.ok());
  return *std::move(parsed);
}

std::string member(const JobSpec& spec, const char* name) {
  const auto data = data_of(launch(spec));
  const auto found = data.root().find(name);
  return found ? found->dump() : "absent";
}

std::string container_member(const JobSpec& spec, const char* name) {
  const auto data = data_of(launch(spec));
  const auto found = data.root().find("container")->find(name);
  return found ? found->dump() : "absent";
}

}  // namespace

TEST_CASE("the orders carry the job's environment and ours, which wins") {
  const auto data = data_of(launch(process_spec(), 3));
  const auto root = data.root();
  CHECK(root.int64_or("v", 0) == 1);
  CHECK(root.string_or("runtime", "") == "process");
  CHECK(root.string_or("shell", "") == "exec ./server");
  CHECK(!root.find("argv"));
  CHECK(!root.find("cwd"));
  CHECK(!root.find("user"));
  CHECK(!root.find("container"));
  CHECK(!root.find("artifacts"));
  const auto env = *root.find("env");
  CHECK(env.string_or("GREETING", "") == "hi");
  CHECK(env.string_or("MIMAS_JOB_ID", "") == "mimas-7");
}

TEST_CASE("a task finds who it is, how much it has, and where it may listen") {
  JobSpec spec = process_spec();
  spec.app_name = "shop";
  spec.job_group_stack = "main";
  spec.job_group_detail = "blue";
  spec.job_group_sequence = "v012";
  spec.user = "ann";
  spec.network_mbps = 128;
  const std::map<std::string, std::string> wanted{
      {"GREETING", "hi"},
      {"MIMAS_HOST", "pi3"},
      {"MIMAS_INSTANCE_INDEX", "2"},
      {"MIMAS_JOB_ID", "mimas-7"},
      {"MIMAS_JOB_NAME", "web"},
      {"MIMAS_STORAGE_INDEX", "2"},
      {"MIMAS_TASK_ID", "mimas-7-worker-2-3"},
      {"MIMAS_TASK_NUMBER", "3"},
      {"NETFLIX_APP", "shop"},
      {"NETFLIX_APPUSER", "ann"},
      {"NETFLIX_AUTO_SCALE_GROUP", "shop-main-blue-v012"},
      {"NETFLIX_CLUSTER", "shop-main-blue"},
      {"NETFLIX_DETAIL", "blue"},
      {"NETFLIX_EXECUTOR", "titus"},
      {"NETFLIX_INSTANCE_ID", "mimas-7-worker-2-3"},
      {"NETFLIX_STACK", "main"},
      {"PORT", "31000"},
      {"PORT0", "31000"},
      {"PORT1", "31001"},
      {"PORT_8080", "31000"},
      {"TITUS_JOB_ID", "mimas-7"},
      {"TITUS_NUM_CPU", "0.5"},
      {"TITUS_NUM_DISK", "100"},
      {"TITUS_NUM_MEM", "128"},
      {"TITUS_NUM_NETWORK_BANDWIDTH", "128"},
      {"TITUS_TASK_ID", "mimas-7-worker-2-3"},
      {"TITUS_TASK_INDEX", "2"},
      {"TITUS_TASK_INSTANCE_ID", "mimas-7-worker-2-3"},
  };
  CHECK(task_environment(launch(spec, 3)) == wanted);
}

TEST_CASE("a cluster is named as Spinnaker names it") {
  const auto name = [](const char* stack, const char* detail, const char* sequence) {
    JobSpec spec = process_spec();
    spec.app_name = "shop";
    spec.job_group_stack = stack;
    spec.job_group_detail = detail;
    spec.job_group_sequence = sequence;
    return task_environment(launch(spec)).at("NETFLIX_AUTO_SCALE_GROUP");
  };
  CHECK(name("", "", "") == "shop-v000");
  CHECK(name("main", "", "v001") == "shop-main-v001");
  CHECK(name("", "blue", "v001") == "shop--blue-v001");
}

TEST_CASE("the image is named by tag, by digest, or as Docker's latest") {
  JobSpec spec = docker_spec();
  const std::string digest = "sha256:" + std::string(64, 'a');
  CHECK(image_reference(spec) == "team/app:1.2");
  CHECK(task_environment(launch(spec)).at("TITUS_IMAGE_TAG") == "1.2");
  spec.version.clear();
  CHECK(image_reference(spec) == "team/app:latest");
  CHECK(task_environment(launch(spec)).at("TITUS_IMAGE_TAG") == "latest");
  spec.container.digest = digest;
  CHECK(image_reference(spec) == "team/app@" + digest);
  CHECK(task_environment(launch(spec)).at("TITUS_IMAGE_DIGEST") == digest);
  CHECK(task_environment(launch(spec)).at("TITUS_IMAGE_NAME") == "team/app");
  CHECK_FALSE(task_environment(launch(spec)).contains("TITUS_IMAGE_TAG"));
  CHECK_FALSE(task_environment(launch(process_spec())).contains("TITUS_IMAGE_NAME"));
}

TEST_CASE("a command is an argument list, and directory and user are said when there are some") {
  JobSpec spec = process_spec();
  spec.entry_point.clear();
  spec.command = {"sleep", "1 2"};
  spec.working_directory = "work";
  spec.run_as = "nobody";
  CHECK(member(spec, "shell") == "absent");
  CHECK(member(spec, "argv") == R"(["sleep","1 2"])");
  CHECK(member(spec, "cwd") == R"("work")");
  CHECK(member(spec, "user") == R"("nobody")");
}

TEST_CASE("a task's limits are what it asked for, without the executor's share") {
  JobSpec spec = process_spec();
  CHECK(member(spec, "limits") == R"({"cpuMilli":500,"memoryBytes":134217728})");
  spec.cpu_quota = true;
  spec.pids_max = 7;
  spec.rlimits = {{"core", {0, 0}}, {"nofile", {10, -1}}};
  CHECK(
      member(spec, "limits") ==
      R"({"cpuMilli":500,"cpuQuota":true,"memoryBytes":134217728,"pids":7,"rlimits":{"core":[0,0],"nofile":[10,-1]}})");
  spec.logs = {2, 0, false};
  CHECK(member(spec, "logs") == R"({"rotateBytes":2097152,"keep":0,"compress":false})");
  CHECK(member(spec, "tags") == R"({"index":"2","job":"mimas-7","name":"web"})");
}

TEST_CASE("a container's line replaces the image's entry point word by word, its command stands beside it") {
  JobSpec spec = docker_spec();
  CHECK(member(spec, "argv") == "absent");
  CHECK(member(spec, "shell") == "absent");
  CHECK(container_member(spec, "entrypoint") == "absent");
  spec.entry_point = "/bin/app --greeting 'a b' $HOME";
  spec.command = {"x"};
  CHECK(member(spec, "shell") == "absent");
  CHECK(member(spec, "argv") == R"(["x"])");
  CHECK(container_member(spec, "entrypoint") == R"(["/bin/app","--greeting","a b","$HOME"])");
}

TEST_CASE("container ports are mapped to the host ports given, unless the container has the host's network") {
  JobSpec spec = docker_spec();
  CHECK(container_member(spec, "network") == R"("bridge")");
  CHECK(container_member(spec, "ports") ==
        R"([{"container":8080,"host":31000},{"container":9090,"host":31001}])");
  spec.container.network = "lan";
  CHECK(container_member(spec, "network") == R"("lan")");
  CHECK(container_member(spec, "ports") != "absent");
  spec.container.network = "host";
  CHECK(container_member(spec, "network") == R"("host")");
  CHECK(container_member(spec, "ports") == "absent");
  spec.container.network.clear();
  spec.container_ports = {0, 0};
  CHECK(container_member(spec, "network") ==
        "absent");  // the host's, or what the agent's operator has chosen
  CHECK(container_member(spec, "ports") == "absent");
  spec.container.network = "bridge";
  CHECK(container_member(spec, "ports") ==
        R"([{"container":31000,"host":31000},{"container":31001,"host":31001}])");
}

TEST_CASE("all a container was asked to be is said, and defaults are left out") {
  JobSpec spec = docker_spec();
  spec.container_ports.clear();
  CHECK(member(spec, "container") == R"({"image":"team/app:1.2","pull":"missing","init":true})");
  CHECK(member(spec, "tags") == R"({"image":"team/app:1.2","index":"2","job":"mimas-7","name":"web"})");
  ContainerSettings& container = spec.container;
  container.pull = ContainerSettings::Pull::always;
  container.volumes = {{"data", "/data", false}, {"/srv", "/srv", true}};
  container.labels = {{"a", "b"}};
  container.cap_add = {"CHOWN"};
  container.cap_drop = {"ALL"};
  container.hostname = "web-1";
  container.log_driver = "journald";
  container.shm_mib = 2;
  container.init = false;
  container.read_only_root = true;
  container.privileged = true;
  CHECK(member(spec, "container") ==
        R"({"image":"team/app:1.2","pull":"always","volumes":[{"source":"data","target":"/data"},)"
        R"({"source":"/srv","target":"/srv","readOnly":true}],"labels":{"a":"b"},"capAdd":["CHOWN"],)"
        R"("capDrop":["ALL"],"hostname":"web-1","logDriver":"journald","shmBytes":2097152,)"
        R"("init":false,"readOnlyRoot":true,"privileged":true})");
}

TEST_CASE("in a shared executor a task is told which files there are its own") {
  JobSpec spec = process_spec();
  spec.artifacts = {{"http://files/a/b.tgz?x=1/2"}, {"/opt/tool"}, {"file:///etc/c.conf#f"}};
  auto shared = launch(spec);
  shared.shared = true;
  const auto data = data_of(shared);
  CHECK(data.root().find("artifacts")->dump() == R"(["b.tgz","tool","c.conf"])");
}
