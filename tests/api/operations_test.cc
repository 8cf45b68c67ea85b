#include "api/operations.h"

#include <doctest/doctest.h>

#include "json/value.h"

namespace mimas::api {
namespace {

std::string faults_of(const std::string& body) {
  std::string text;
  for (const Fault& fault : parse_operation(body).faults) text += fault.pointer + ": " + fault.detail + "\n";
  return text;
}

bool names(const std::string& body, const std::string& pointer) {
  for (const Fault& fault : parse_operation(body).faults) {
    if (fault.pointer == pointer) return true;
  }
  INFO(faults_of(body));
  return false;
}

}  // namespace

TEST_CASE("a reservation is read with its amounts, a volume with its path and size") {
  const auto reserve = parse_operation(R"({"type":"reserve","agentId":"S1","role":"prod","user":"ann",
    "resources":{"cpu":1.5,"memory":64,"disk":100,"gpu":1,"ports":[{"first":31000,"last":31009}]}})");
  INFO(faults_of(R"({})"));
  REQUIRE(reserve.ok());
  CHECK(reserve.value.type == OperationType::reserve);
  CHECK(reserve.value.agent == AgentId("S1"));
  CHECK(reserve.value.role == "prod");
  CHECK(reserve.value.user == "ann");
  CHECK(reserve.value.amounts == Resources{1'500, 64, 100, 1, *Ports::from_ranges({{31'000, 31'009}})});
  const auto create = parse_operation(R"({"type":"create","agentId":"S1",
    "volume":{"id":"v1","containerPath":"data/x","disk":64}})");
  REQUIRE(create.ok());
  CHECK(create.value.volume == "v1");
  CHECK(create.value.path == "data/x");
  CHECK(create.value.amounts.disk_mib == 64);
  CHECK(parse_operation(R"({"type":"destroy","agentId":"S1","volume":{"id":"v1"}})").ok());
}

TEST_CASE("every fault of an operation is named with its place") {
  const auto with = [](const std::string& more) {
    return R"({"type":"reserve","agentId":"S1")" + more + "}";
  };
  CHECK(names("{}", "/type"));
  CHECK(names("{}", "/agentId"));
  CHECK(names(R"({"type":"steal","agentId":"S1"})", "/type"));
  CHECK(names(R"({"type":"reserve","agentId":"a/b","resources":{"cpu":1}})", "/agentId"));
  CHECK(names(with(""), "/resources"));
  CHECK(names(with(R"(,"resources":{})"), "/resources"));
  CHECK(names(with(R"(,"resources":{"cpu":-1})"), "/resources/cpu"));
  CHECK(names(with(R"(,"resources":{"cpu":"1"})"), "/resources/cpu"));
  CHECK(names(with(R"(,"resources":{"memory":1.5})"), "/resources/memory"));
  CHECK(names(with(R"(,"resources":{"ports":[{"first":9,"last":8}]})"), "/resources/ports/0"));
  CHECK(names(with(R"(,"resources":{"ports":[{"first":9}]})"), "/resources/ports/0"));
  CHECK(names(with(R"(,"resources":{"ports":[{"first":9,"last":65536}]})"), "/resources/ports/0/last"));
  CHECK(names(with(R"(,"resources":{"cpu":1},"volume":{"id":"v"})"), "/volume"));
  const auto create = [](const std::string& volume) {
    return R"({"type":"create","agentId":"S1","volume":)" + volume + "}";
  };
  CHECK(names(create(R"({"containerPath":"data","disk":1})"), "/volume/id"));
  CHECK(names(create(R"({"id":"v","disk":1})"), "/volume/containerPath"));
  CHECK(names(create(R"({"id":"v","containerPath":"/data","disk":1})"), "/volume/containerPath"));
  CHECK(names(create(R"({"id":"v","containerPath":"a/../b","disk":1})"), "/volume/containerPath"));
  CHECK(names(create(R"({"id":"v","containerPath":"data"})"), "/volume/disk"));
  CHECK(names(R"({"type":"destroy","agentId":"S1","volume":{"id":"v","disk":3}})", "/volume"));
}

TEST_CASE("an operation is shown with what it is about and how it stands") {
  Operation operation;
  operation.number = 7;
  operation.id = make_operation_id(7);
  operation.agent = AgentId("S1");
  operation.role = "prod";
  operation.amounts.cpu_milli = 500;
  operation.created_at = operation.updated_at = Instant{1'795'262'400'123};
  CHECK(
      render_operation(operation) ==
      R"({"id":"mimas-op-7","type":"reserve","state":"WAITING","message":null,"agentId":"S1","role":"prod",)"
      R"("resources":{"cpu":0.5,"memory":0,"disk":0,"gpu":0,"ports":[]},"user":null,"feedback":true,)"
      R"("attempts":0,"createdAt":"2026-11-21T12:00:00.123Z","sentAt":null,)"
      R"("updatedAt":"2026-11-21T12:00:00.123Z"})");
  operation.type = OperationType::create;
  operation.volume = "v1";
  operation.path = "data";
  operation.amounts = {};
  operation.amounts.disk_mib = 64;
  const auto shown = json::parse(render_operation(operation));
  REQUIRE(shown.ok());
  CHECK(shown->root().find("volume")->dump() == R"({"id":"v1","containerPath":"data","disk":64})");
  CHECK_FALSE(shown->root().find("resources").has_value());
  CHECK(render_operation_accepted(operation.id) ==
        R"({"operationId":"mimas-op-7","operationUri":"/api/v2/operations/mimas-op-7"})");
}

}  // namespace mimas::api
