#include "store/spec_json.h"

#include <doctest/doctest.h>

#include "sample_records.h"

namespace mimas::store {
namespace {

TEST_CASE("parsing what was rendered gives the same spec, for any spec") {
  Prng prng(1);
  for (int i = 0; i < 2'000; ++i) {
    const JobSpec spec = sample_spec(prng);
    const std::string text = render_spec(spec);
    CAPTURE(text);
    const Result<JobSpec> back = parse_spec(text);
    REQUIRE(back.ok());
    REQUIRE(*back == spec);
    REQUIRE(render_spec(*back) == text);
  }
}

TEST_CASE("parsing what was rendered gives the same resources, for any resources") {
  Prng prng(2);
  for (int i = 0; i < 2'000; ++i) {
    const Resources resources = sample_resources(prng);
    const Result<Resources> back = parse_resources(render_resources(resources));
    REQUIRE(back.ok());
    REQUIRE(*back == resources);
  }
}

TEST_CASE("the form on disk does not change by accident") {
  JobSpec spec;
  spec.name = "hello";
  spec.command = {"echo", "hi"};
  spec.artifacts = {{"file:///x", true, false, true}};
  spec.hard_constraints = {*parse_constraint("rack not in (a, b)")};
  spec.soft_constraints = {*parse_constraint("ZoneBalance"), *parse_constraint("!ssd weight 3")};
  spec.request.scalars = {{"fpga", 2500}};
  spec.container_ports = {8080};
  CHECK(
      render_spec(spec) ==
      R"({"type":"batch","runtime":"process","name":"hello","application_name":"","version":"","app_name":"",)"
      R"("user":"","job_group_stack":"","job_group_detail":"","job_group_sequence":"","capacity_group":"","priority":0,"production":false,)"
      R"("labels":{},"entry_point":"","command":["echo","hi"],"env":{},"working_directory":"",)"
      R"("artifacts":[{"uri":"file:///x","extract":true,"executable":false,"cache":true}],)"
      R"("request":{"cpu_milli":0,"mem_mib":0,"disk_mib":0,"gpus":0,"ports":0,"scalars":{"fpga":2500}},"container_ports":[8080],)"
      R"("network_mbps":0,"run_as":"","cpu_quota":false,"pids_max":0,"rlimits":{},)"
      R"("logs":{"rotate_mib":16,"keep":3,"compress":true},)"
      R"j("hard_constraints":["rack not in (a, b)"],"soft_constraints":["ZoneBalance","!ssd weight 3"],)j"
      R"("health_checks":[],"retries":0,"restart_on_success":false,)"
      R"("retry_policy":{"initial_delay_ms":1000,"max_delay_ms":60000},"runtime_limit_ms":0,)"
      R"("kill_grace_ms":5000,"unreachable_timeout_ms":30000,"echoed_json":"{}"})");
  Resources resources;
  resources.cpu_milli = 1500;
  resources.ports = Ports::from_ranges({{31000, 31001}, {31005, 31005}}).value();
  CHECK(render_resources(resources) ==
        R"({"cpu_milli":1500,"mem_mib":0,"disk_mib":0,"gpus":0,"ports":[[31000,31001],[31005,31005]]})");
}

TEST_CASE("members of a newer version are ignored, absent ones keep their defaults") {
  const Result<JobSpec> spec =
      parse_spec(R"({"name":"x","new_thing":{"a":[1]},"retry_policy":{"jitter":1,"max_delay_ms":7}})");
  REQUIRE(spec.ok());
  JobSpec wanted;
  wanted.name = "x";
  wanted.retry_policy.max_delay_ms = 7;
  CHECK(*spec == wanted);
  CHECK(parse_spec("{}").value() == JobSpec{});
  CHECK(parse_resources("{}").value() == Resources{});
}

TEST_CASE("what version 0.1 wrote is read: constraints as objects, soft ones of any text") {
  const Result<JobSpec> spec = parse_spec(
      R"j({"hard_constraints":[{"kind":"in","attribute":"rack","values":["a"],"text":"rack in (a)"}],)j"
      R"("soft_constraints":["anything at all","ZoneBalance"],"request":{"cpu_milli":10}})");
  REQUIRE(spec.ok());
  REQUIRE(spec->hard_constraints.size() == 1);
  CHECK(spec->hard_constraints[0] == *parse_constraint("rack in (a)"));
  CHECK(spec->hard_constraints[0].kind == Constraint::Kind::in);
  REQUIRE(spec->soft_constraints.size() == 1);
  CHECK(spec->soft_constraints[0].attribute == "zone");
}

TEST_CASE("text that is no spec is an error that says where") {
  const struct {
    const char* text;
    const char* where;
  } cases[] = {
      {R"([])", ""},
      {R"({"name":1})", "/name"},
      {R"({"type":"cron"})", "/type"},
      {R"({"labels":{"a":1}})", "/labels/a"},
      {R"({"labels":[]})", "/labels"},
      {R"({"command":["a",null]})", "/command/1"},
      {R"({"artifacts":[{"uri":"x"},{"extract":"yes"}]})", "/artifacts/1/extract"},
      {R"({"artifacts":[7]})", "/artifacts/0"},
      {R"({"hard_constraints":["a near b"]})", "/hard_constraints/0"},
      {R"({"request":{"scalars":{"fpga":"1"}}})", "/request/scalars/fpga"},
      {R"({"request":{"cpu_milli":0.5}})", "/request/cpu_milli"},
      {R"({"container_ports":[2147483648]})", "/container_ports/0"},
      {R"({"restart_on_success":0})", "/restart_on_success"},
      {R"({"rlimits":{"core":{"soft":"0"}}})", "/rlimits/core/soft"},
      {R"({"container":{"pull":"often"}})", "/container/pull"},
      {R"({"health_checks":[{"kind":"grpc"}]})", "/health_checks/0/kind"},
      {R"({"readiness":{"port":"80"}})", "/readiness/port"},
      {R"({"container":{"volumes":[{"target":1}]}})", "/container/volumes/0/target"},
  };
  for (const auto& wanted : cases) {
    CAPTURE(wanted.text);
    const Result<JobSpec> spec = parse_spec(wanted.text);
    REQUIRE_FALSE(spec.ok());
    CHECK(spec.error().code == Code::invalid_argument);
    CHECK(spec.error().where == wanted.where);
  }
  CHECK_FALSE(parse_spec("").ok());
  CHECK_FALSE(parse_spec(R"({"name":"x")").ok());
  CHECK_FALSE(parse_resources(R"({"ports":[[1]]})").ok());
  CHECK_FALSE(parse_resources(R"({"ports":[[2,1]]})").ok());
  CHECK_FALSE(parse_resources(R"({"ports":[[1,"2"]]})").ok());
}

}  // namespace
}  // namespace mimas::store
