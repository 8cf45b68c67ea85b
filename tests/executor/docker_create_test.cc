#include "executor/docker_create.h"

#include <doctest/doctest.h>

namespace mimas::executor {
namespace {

const DockerWho kWho{{42, "9000", "boot-1", "pid:[1]"}, "f-1", "a-1"};

TaskOrder order() {
  TaskOrder out;
  out.task_id = "mimas-1-worker-0-1";
  out.sandbox = "/s";
  out.spec.runtime = RuntimeKind::docker;
  out.spec.container.image = "app:1";
  return out;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("the smallest task becomes the smallest container") {
  CHECK(
      create_body(order(), kWho, 41) ==
      R"({"Image":"app:1","Tty":false,"AttachStdout":true,"AttachStderr":true,)"
      R"("Env":["MESOS_SANDBOX=/mnt/mesos/sandbox"],"Labels":{"mimas.task":"mimas-1-worker-0-1",)"
      R"("mimas.framework":"f-1","mimas.agent":"a-1","mimas.executor.pid":"42","mimas.executor.start":"9000",)"
      R"("mimas.boot":"boot-1","mimas.pidns":"pid:[1]"},"HostConfig":{"Binds":["/s:/mnt/mesos/sandbox"],)"
      R"("NetworkMode":"host","Init":true,"LogConfig":{"Type":"json-file","Config":{"max-size":"10m",)"
      R"("max-file":"2"}},"RestartPolicy":{"Name":"no"}}})");
}

TEST_CASE("everything a task may ask for reaches Docker") {
  TaskOrder full = order();
  full.environment = {"A=1", "MESOS_SANDBOX=/s"};
  full.spec.command = {{"run", "x y"}, {}, "/srv", "7:8"};
  full.spec.limits = {1500, true, 64 << 20, 99, {{"nofile", 10, 20}, {"core", -1, -1}}};
  full.spec.tags = {{"job", "j"}};
  full.spec.kill_signal = 3;
  Container& c = full.spec.container;
  c.entrypoint = {"/init"};
  c.ports = {{80, 31000, false}, {80, 31001, false}, {53, 31002, true}};
  c.volumes = {{"/data", "/d", true}, {"vol", "/v", false}};
  c.labels = {{"team", "t"}, {"mimas.task", "forged"}};
  c.cap_add = {"NET_ADMIN"};
  c.cap_drop = {"ALL"};
  c.hostname = "h";
  c.network = "bridge";
  c.log_driver = "none";
  c.shm_bytes = 1 << 20;
  c.init = false;
  c.read_only_root = c.privileged = true;
  const std::string body = create_body(full, kWho, 41);
  for (
      const char* part :
      {R"("Cmd":["run","x y"])",
       R"("Entrypoint":["/init"])",
       R"("WorkingDir":"/srv")",
       R"("User":"7:8")",
       R"("StopSignal":"3")",
       R"("Hostname":"h")",
       R"("Env":["A=1","MESOS_SANDBOX=/mnt/mesos/sandbox"])",
       R"("Labels":{"team":"t","mimas.tag.job":"j","mimas.task":"mimas-1-worker-0-1")",
       R"("ExposedPorts":{"53/udp":{},"80/tcp":{}})",
       R"("Binds":["/s:/mnt/mesos/sandbox","/data:/d:ro","vol:/v"])",
       R"("NetworkMode":"bridge")",
       R"("PortBindings":{"80/tcp":[{"HostPort":"31000"},{"HostPort":"31001"}],"53/udp":[{"HostPort":"31002"}]})",
       R"("CpuShares":1536)",
       R"("CpuPeriod":100000,"CpuQuota":150000)",
       R"("Memory":67108864,"MemorySwap":67108864)",
       R"("PidsLimit":99)",
       R"("Ulimits":[{"Name":"nofile","Soft":10,"Hard":20},{"Name":"core","Soft":-1,"Hard":-1}])",
       R"("CapAdd":["NET_ADMIN"])",
       R"("CapDrop":["ALL"])",
       R"("ShmSize":1048576)",
       R"("ReadonlyRootfs":true)",
       R"("Privileged":true)",
       R"("Init":false)",
       R"("LogConfig":{"Type":"none"})"}) {
    CHECK_MESSAGE(has(body, part), part);
  }
  CHECK_FALSE(has(body, "forged"));
}

TEST_CASE("an old Docker is not told what it does not know") {
  TaskOrder limited = order();
  limited.spec.limits.pids = 5;
  CHECK(has(create_body(limited, kWho, 23), "PidsLimit"));
  CHECK_FALSE(has(create_body(limited, kWho, 22), "PidsLimit"));
  CHECK_FALSE(has(create_body(limited, kWho, 24), "\"Init\""));
}

TEST_CASE("the smallest shares and the least memory are what Docker takes") {
  TaskOrder tiny = order();
  tiny.spec.limits = {1, true, 1 << 20, 0, {}};
  const std::string body = create_body(tiny, kWho, 41);
  CHECK(has(body, R"("CpuShares":2)"));  // 0 would be read as the default of 1024
  CHECK(has(body, R"("CpuQuota":1000)"));
  CHECK(has(body, R"("Memory":6291456,"MemorySwap":6291456)"));
  tiny.spec.limits.cpu_milli = 500;  // half a processor is half the shares, not none
  CHECK(has(create_body(tiny, kWho, 41), R"("CpuShares":512)"));
}

TEST_CASE("a name is the task's alone, and one that Docker takes") {
  const std::string name = container_name("f-1", "mimas-1-worker-0-1");
  CHECK(name.starts_with("mimas-mimas-1-worker-0-1-"));
  CHECK(name == container_name("f-1", "mimas-1-worker-0-1"));
  CHECK(name != container_name("f-2", "mimas-1-worker-0-1"));
  CHECK(container_name("f", "a b") != container_name("f", "a c"));
  CHECK(container_name("f", "a b").starts_with("mimas-a_b-"));
  CHECK(container_name("f", std::string(255, 'x')).size() <= 120);
}

TEST_CASE("what Docker would misread is refused") {
  CHECK(check_container(order()).ok());
  TaskOrder bad = order();
  bad.spec.container.volumes = {{"/ok", "/ok", false}, {"/a:b", "/c", false}};
  const auto checked = check_container(bad);
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.error().where == "/container/volumes/1");
  bad = order();
  bad.sandbox = "/a:b";
  CHECK_FALSE(check_container(bad).ok());
  bad = order();
  bad.spec.container.image = " ";
  CHECK_FALSE(check_container(bad).ok());
}

TEST_CASE("whose a container is, is known or left alone") {
  const ExecutorMark here{42, "9000", "boot-1", "pid:[1]"};
  CHECK(judge_owner({}, here, true, false) == Owner::foreign);
  CHECK(judge_owner(here, here, true, true) == Owner::self);
  CHECK(judge_owner({42, "9001", "boot-1", "pid:[1]"}, here, true, false) == Owner::dead);  // the pid again
  CHECK(judge_owner({43, "9000", "boot-1", "pid:[1]"}, here, true, true) == Owner::alive);
  CHECK(judge_owner({43, "9000", "boot-1", "pid:[2]"}, here, true, false) == Owner::unsure);
  CHECK(judge_owner({43, "9000", "boot-0", "pid:[2]"}, here, true, true) == Owner::dead);
  CHECK(judge_owner({43, "9000", "boot-0", "pid:[1]"}, here, false, false) == Owner::unsure);  // over TCP
}

TEST_CASE("a mark is read from whole labels only") {
  ContainerState container;
  container.labels = {{"mimas.executor.pid", "42"},
                      {"mimas.executor.start", "9000"},
                      {"mimas.boot", "boot-1"},
                      {"mimas.pidns", "pid:[1]"}};
  CHECK(mark_of(container) == kWho.mark);
  container.labels[0].second = "42x";
  CHECK(mark_of(container).pid == 0);
  container.labels[0].second = "99999999999999999999";
  CHECK(mark_of(container).pid == 0);
  container.labels[0].second = "42";
  container.labels.pop_back();
  CHECK(mark_of(container).pid == 0);
}

}  // namespace
}  // namespace mimas::executor
