// A job's health checks as one task's orders.
#include "mesos/task_checks.h"

#include <doctest/doctest.h>

namespace mimas::mesos {
namespace {

std::string written(const JobSpec& spec, const std::vector<PortRange>& ports) {
  Task task;
  task.allocated.ports = *Ports::from_ranges(ports);
  json::Writer out;
  out.begin_object();
  write_checks(out, spec, task);
  out.end_object();
  return out.take();
}

HealthCheck http(std::int32_t port) {
  HealthCheck check;
  check.port = port;
  check.path = "/health";
  return check;
}

TEST_CASE("a job without checks says nothing of them") { CHECK(written({}, {{31'000, 31'000}}) == "{}"); }

TEST_CASE("every kind is written with the times of its own, readiness last and marked") {
  JobSpec spec;
  spec.container_ports = {80};
  spec.health_checks = {http(80), {}, {}};
  spec.health_checks[1].kind = HealthCheck::Kind::tcp;
  spec.health_checks[2].kind = HealthCheck::Kind::command;
  spec.health_checks[2].command = {"pg_isready", "-q"};
  spec.health_checks[2].interval_ms = 500;
  spec.health_checks[2].informational = true;
  spec.readiness = http(80);
  spec.readiness->grace_ms = 0;
  spec.readiness->max_failures = 1;
  CHECK(
      written(spec, {{31'005, 31'005}}) ==
      R"({"checks":[)"
      R"({"kind":"http","port":31005,"path":"/health","intervalMs":10000,"timeoutMs":5000,"graceMs":15000,"failures":3},)"
      R"({"kind":"tcp","port":31005,"intervalMs":10000,"timeoutMs":5000,"graceMs":15000,"failures":3},)"
      R"({"kind":"command","purpose":"informational","argv":["pg_isready","-q"],"intervalMs":500,"timeoutMs":5000,"graceMs":15000,"failures":3},)"
      R"({"kind":"http","purpose":"readiness","port":31005,"path":"/health","intervalMs":10000,"timeoutMs":5000,"graceMs":0,"failures":1}]})");
}

TEST_CASE("a container port is asked at the host port that stands for it, a place at the port there") {
  struct Case {
    std::vector<std::int32_t> ports;
    std::int32_t port;
    std::string host;
  };
  for (const Case& one : {Case{{80, 443}, 80, "31000"},
                          {{80, 443}, 443, "31007"},
                          {{80, 443}, 0, "31000"},
                          {{443, 80}, 80, "31007"},
                          {{0, 0}, 0, "31000"},
                          {{0, 0}, 1, "31007"}}) {
    JobSpec spec;
    spec.container_ports = one.ports;
    spec.health_checks = {http(one.port)};
    CHECK(written(spec, {{31'000, 31'000}, {31'007, 31'007}}).find("\"port\":" + one.host) !=
          std::string::npos);
  }
}

TEST_CASE("a check of a port that the task was not given is left out") {
  JobSpec spec;
  spec.container_ports = {80};
  spec.health_checks = {http(80)};
  CHECK(written(spec, {}) == R"({"checks":[]})");
}

}  // namespace
}  // namespace mimas::mesos
