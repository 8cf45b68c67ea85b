// What the scheduler writes into TaskInfo.data is what the executor reads out of it: both sides of
// schema/executor/task.json, linked together.
#include <doctest/doctest.h>

#include <memory>

#include "executor/spec.h"
#include "mesos/task_data.h"

namespace mimas {
namespace {

executor::TaskSpec through(const JobSpec& spec) {
  Task task;
  task.job = JobId("mimas-7");
  task.id = make_task_id(task.job, 2, 0);
  task.index = 2;
  task.allocated.ports = *Ports::from_ranges({{31000, 31000}});
  const auto parsed = executor::parse_spec(
      mesos::task_data({std::make_shared<const Task>(task), std::make_shared<const JobSpec>(spec), {}}));
  if (!parsed.ok()) FAIL(parsed.error().text());
  return *parsed;
}

TEST_CASE("a process is read by the executor as it was meant") {
  JobSpec spec;
  spec.entry_point = "exec ./server";
  spec.request = {500, 128, 100, 0, 1};
  spec.run_as = "1000:100";
  spec.cpu_quota = true;
  spec.pids_max = 9;
  spec.rlimits = {{"core", {0, 0}}, {"nofile", {10, -1}}};
  spec.logs = {2, 0, false};
  spec.kill_signal = 37;
  const executor::TaskSpec read = through(spec);
  CHECK(read.runtime == executor::RuntimeKind::process);
  CHECK(read.command.argv == std::vector<std::string>{"/bin/sh", "-c", "exec ./server"});
  CHECK(read.command.user == "1000:100");
  CHECK(read.kill_signal == 37);
  CHECK(read.limits.cpu_milli == 500);
  CHECK(read.limits.cpu_quota);
  CHECK(read.limits.memory_bytes == 128 << 20);
  CHECK(read.limits.pids == 9);
  CHECK(read.limits.rlimits == std::vector<executor::ResourceLimit>{{"core", 0, 0}, {"nofile", 10, -1}});
  CHECK(read.logs == executor::LogRules{2 << 20, 0, false});
  CHECK(read.artifacts.empty());
}

TEST_CASE("a container is read by the executor as it was meant") {
  JobSpec spec;
  spec.runtime = Runtime::docker;
  spec.application_name = "team/app";
  spec.version = "1";
  spec.entry_point = "/bin/app 'a b'";
  spec.working_directory = "/srv";
  spec.request = {10, 8, 1, 0, 1};
  spec.container_ports = {8080};
  spec.container.pull = ContainerSettings::Pull::never;
  spec.container.volumes = {{"data", "/data", true}};
  spec.container.labels = {{"a", "b"}};
  spec.container.cap_add = {"CHOWN"};
  spec.container.cap_drop = {"ALL"};
  spec.container.hostname = "h";
  spec.container.log_driver = "journald";
  spec.container.shm_mib = 2;
  spec.container.init = false;
  spec.container.read_only_root = true;
  spec.container.privileged = true;
  const executor::TaskSpec read = through(spec);
  CHECK(read.runtime == executor::RuntimeKind::docker);
  CHECK(read.command.argv.empty());
  CHECK(read.command.cwd == "/srv");
  CHECK(read.kill_signal == 0);
  executor::Container wanted;
  wanted.image = "team/app:1";
  wanted.pull = executor::Container::Pull::never;
  wanted.entrypoint = {"/bin/app", "a b"};
  wanted.ports = {{8080, 31000, false}};
  wanted.volumes = {{"data", "/data", true}};
  wanted.labels = {{"a", "b"}};
  wanted.cap_add = {"CHOWN"};
  wanted.cap_drop = {"ALL"};
  wanted.hostname = "h";
  wanted.network = "bridge";
  wanted.log_driver = "journald";
  wanted.shm_bytes = 2 << 20;
  wanted.init = false;
  wanted.read_only_root = true;
  wanted.privileged = true;
  CHECK(read.container == wanted);
}

}  // namespace
}  // namespace mimas
