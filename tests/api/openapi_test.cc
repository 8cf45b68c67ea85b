// api/openapi.yaml and api/examples against the code. Runs in the root of the sources.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "api/commands.h"
#include "api/job_limits.h"
#include "json/value.h"

namespace mimas::api {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), "run this test in the root of the sources: cannot read " << path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string number_line(const NumberLimit& limit) {
  return std::string(limit.field) + ": { type: [integer, \"null\"], minimum: " + std::to_string(limit.least) +
         ", maximum: " + std::to_string(limit.most) + ", default: " + std::to_string(limit.fallback);
}

// "name: { …" up to the end of its line, in the schema of the request.
std::string line_of(const std::string& yaml, const std::string& name) {
  const std::size_t schema = yaml.find("    JobSpec:\n");
  const std::size_t at = yaml.find("        " + name + ": ", schema);
  REQUIRE_MESSAGE(at != std::string::npos, "api/openapi.yaml lacks " << name);
  return yaml.substr(at, yaml.find('\n', at) - at);
}

Checked<Submission> parse_example(const std::string& name) {
  return parse_submission(read_file("api/examples/" + name + ".json"), false);
}

}  // namespace

TEST_CASE("the limits in the OpenAPI document are those of the code") {
  const std::string yaml = read_file("api/openapi.yaml");
  for (const NumberLimit& limit : kNumberLimits) {
    INFO(number_line(limit));
    CHECK(has(yaml, number_line(limit)));
  }
  for (const NumberLimit& limit : {kDelayMs, kInitialDelayMs, kMaxDelayIntervalMs})
    CHECK(has(yaml, number_line(limit)));
  CHECK(kCpuMilli.least == 10);
  CHECK(kCpuMilli.most == 1'024'000);
  CHECK(kCpuMilli.fallback == 1'000);
  CHECK(has(yaml, "cpu: { type: [number, \"null\"], minimum: 0.01, maximum: 1024, default: 1,"));
  const auto limited = [&](const char* field, const char* word, auto limit) {
    INFO(field);
    CHECK(has(line_of(yaml, field), std::string(word) + ": " + std::to_string(limit)));
  };
  for (const char* field : {"name", "appName", "user", "jobGroupStack", "jobGroupDetail", "jobGroupSequence",
                            "capacityGroup", "applicationName", "version"}) {
    limited(field, "maxLength", kTextBytesMax);
  }
  limited("labels", "maxProperties", kLabelsMax);
  limited("labels", "maxLength", kLabelValueBytesMax);
  limited("env", "maxProperties", kEnvMax);
  CHECK(has(line_of(yaml, "env"), std::to_string(kEnvBytesMax) + " bytes"));
  limited("entryPoint", "maxLength", kProgramBytesMax);
  limited("command", "maxItems", kCommandArgsMax);
  CHECK(has(line_of(yaml, "command"), std::to_string(kProgramBytesMax) + " bytes"));
  limited("workingDirectory", "maxLength", kPathBytesMax);
  limited("artifacts", "maxItems", kArtifactsMax);
  limited("volumes", "maxItems", kVolumesMax);
  for (const NumberLimit& limit : {kShmMib, kRotateMb}) CHECK(has(yaml, number_line(limit)));
  CHECK(has(yaml, "keep: { type: [integer, \"null\"], minimum: 0, maximum: " + std::to_string(kLogKeepMax) +
                      ", default: 3"));
  CHECK(has(yaml, "capAdd: { type: [array, \"null\"], maxItems: " + std::to_string(kCapabilitiesMax)));
  CHECK(has(yaml, "hostname: { type: [string, \"null\"], maxLength: " + std::to_string(kHostnameBytesMax)));
  CHECK(has(line_of(yaml, "version"), std::to_string(kTagBytesMax) + " bytes"));
  limited("instances", "maximum", kBatchInstancesMax);
  for (const char* field : {"instancesDesired", "instancesMin", "instancesMax"}) {
    limited(field, "maximum", kServiceInstancesMax);
  }
  limited("resources", "maxProperties", kScalarsMax);
  CHECK(has(yaml, "{ type: array, maxItems: " + std::to_string(kConstraintsMax) +
                      ", items: { type: string, maxLength: " + std::to_string(kConstraintBytesMax) + " } }"));
  CHECK(has(yaml, "- { type: integer, minimum: 0, maximum: " + std::to_string(kPortsMax) + " }"));
  CHECK(has(yaml, "- { type: array, maxItems: " + std::to_string(kPortsMax) +
                      ", items: { type: integer, minimum: 0, maximum: " + std::to_string(kPortMax) + " } }"));
  CHECK(has(yaml, "taskIds: { type: [array, \"null\"], maxItems: " + std::to_string(kKillTasksMax)));
  CHECK(has(yaml, "name: limit, in: query, schema: { type: integer, minimum: 0, maximum: " +
                      std::to_string(kPageMax)));
}

TEST_CASE("the limits of health checks in the OpenAPI document are those of the code") {
  const std::string yaml = read_file("api/openapi.yaml");
  const auto seconds = [](std::int64_t ms) {
    return std::to_string(ms / 1000) + (ms % 1000 == 0 ? "" : "." + std::to_string(ms % 1000 / 100));
  };
  for (const SecondsLimit& limit : {kHealthInterval, kHealthTimeout, kHealthGrace}) {
    INFO(limit.field);
    CHECK(has(yaml, std::string(limit.field) +
                        ": { type: [number, \"null\"], minimum: " + seconds(limit.least_ms) +
                        ", maximum: " + seconds(limit.most_ms) + ", default: " + seconds(limit.fallback_ms)));
    CHECK(has(yaml, std::string(limit.alias) +
                        ": { type: [number, \"null\"], description: another word for " +
                        std::string(limit.field)));
  }
  CHECK(has(yaml, number_line(kMaxConsecutiveFailures)));
  CHECK(has(line_of(yaml, "healthChecks"), "maxItems: " + std::to_string(kHealthChecksMax)));
  CHECK(has(yaml, "path: { type: [string, \"null\"], maxLength: " + std::to_string(kHealthPathBytesMax)));
  CHECK(has(yaml, "in its container; at most " + std::to_string(kHealthCommandBytesMax) + " bytes"));
}

TEST_CASE("every field of the documented request is accepted by the code, and no other") {
  const std::string yaml = read_file("api/openapi.yaml");
  const std::size_t schema = yaml.find("    JobSpec:\n");
  std::istringstream lines(
      yaml.substr(schema, yaml.find("      additionalProperties: false", schema) - schema));
  std::string body = "{", line;
  int fields = 0;
  while (std::getline(lines, line)) {
    if (!line.starts_with("        ") || line[8] == ' ' || line[8] == '#' || line[8] == '`' ||
        line.find(':') > 40)
      continue;
    const std::string name = line.substr(8, line.find(':') - 8);
    if (name.find(' ') != std::string::npos) continue;
    body += (fields++ > 0 ? ",\"" : "\"") + name + "\":null";
  }
  CHECK(fields == 64);
  const auto parsed = parse_submission(body + "}", false);
  REQUIRE(parsed.faults.size() == 1);
  CHECK(parsed.faults[0].pointer == "/entryPoint");  // required, but null here: nothing was unknown
}

TEST_CASE("the rocker is Titan's own example with a process to run") {
  const auto parsed = parse_example("rocker");
  REQUIRE(parsed.ok());
  const JobSpec& spec = *parsed.value.command.spec;
  CHECK(spec.name == "rocker");
  CHECK(spec.type == JobType::batch);
  CHECK(spec.runtime == Runtime::process);
  CHECK(spec.application_name == "nf-rocker");
  CHECK(spec.version == "1.06");
  CHECK(spec.request == ResourceRequest{100, 32, 40, 0, 2});
  CHECK(parsed.value.command.instances_desired == 3);
  CHECK(spec.retries == 10);
  CHECK_FALSE(spec.restart_on_success);
  REQUIRE(spec.hard_constraints.size() == 1);
  CHECK(spec.hard_constraints[0].kind == Constraint::Kind::unique_host);
}

TEST_CASE("the other examples are accepted as they stand") {
  const auto hello = parse_example("hello");
  REQUIRE(hello.ok());
  CHECK(hello.value.command.spec->type == JobType::batch);
  const auto service = parse_example("service");
  REQUIRE(service.ok());
  CHECK(service.value.command.spec->type == JobType::service);
  CHECK(service.value.command.instances_desired == 2);
  const auto arm = parse_example("arm");
  REQUIRE(arm.ok());
  REQUIRE(arm.value.command.spec->hard_constraints.size() == 1);
  CHECK(arm.value.command.spec->hard_constraints[0] == *parse_constraint("arch=arm"));
}

TEST_CASE("the container example says all that Docker can be told without an operator's leave") {
  const auto beacon = parse_example("beacon");
  REQUIRE(beacon.ok());
  const JobSpec& spec = *beacon.value.command.spec;
  CHECK(spec.runtime == Runtime::docker);
  CHECK(spec.container_ports == std::vector<std::int32_t>{8080});
  CHECK(spec.container.volumes.size() == 1);
  CHECK(spec.rlimits.contains("nofile"));
}

TEST_CASE("Spinnaker's body with all its keys and nulls is a service of containers") {
  const std::string body = read_file("api/examples/spinnaker.json");
  const auto document = json::parse(body);
  REQUIRE(document.ok());
  CHECK(document->root().size() == 31);
  const auto parsed = parse_submission(body, false);
  REQUIRE(parsed.ok());
  CHECK(parsed.value.ignored.empty());
  CHECK(parsed.value.command.instances_desired == 24);
  CHECK(parsed.value.command.instances_min == 24);
  CHECK(parsed.value.command.in_service);
  const JobSpec& spec = *parsed.value.command.spec;
  CHECK(spec.type == JobType::service);
  CHECK(spec.runtime == Runtime::docker);
  CHECK(spec.application_name == "example/rocker");
  CHECK(spec.version == "1.06");
  CHECK(spec.container == ContainerSettings{});
  CHECK(spec.entry_point.empty());
  CHECK(spec.command.empty());
  CHECK(spec.request == ResourceRequest{1'000, 512, 1'000, 0, 1, {}});
  CHECK(spec.network_mbps == 128);
  CHECK(spec.job_group_sequence == "v000");
  CHECK(spec.labels.at("spinnakerAccount").empty());
  CHECK(spec.container_ports == std::vector<std::int32_t>{7001});
  CHECK(spec.soft_constraints == std::vector<Constraint>{*parse_constraint("ZoneBalance")});
  CHECK(spec.echoed_json == R"({"allocateIpAddress":true})");
}

}  // namespace mimas::api
