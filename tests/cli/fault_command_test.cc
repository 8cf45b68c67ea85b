#include "cli/fault_command.h"

#include <doctest/doctest.h>

namespace mimas::cli {
namespace {

TEST_CASE("a fault's words become its JSON, numbers where numbers belong") {
  CHECK(*fault_body("kill_leader", {"away_ms=500"}) == R"({"fault":"kill_leader","away_ms":500})");
  CHECK(*fault_body("lose_agent", {"agent=1", "ms=20"}) == R"({"fault":"lose_agent","agent":"1","ms":20})");
  CHECK(*fault_body("heal", {}) == R"({"fault":"heal"})");
}

TEST_CASE("what pocket would not understand is refused before it is sent") {
  CHECK(!fault_body("explode", {}).ok());
  CHECK(fault_body("kill_leader", {"away_ms"}).error().where == "away_ms");
  CHECK(fault_body("kill_leader", {"away_ms=soon"}).error().where == "/away_ms");
}

TEST_CASE("a master that is not there is an error with its address") {
  const Result<int> code = order_fault(OrderFault{{{"127.0.0.1", 1}}, "heal", {}});
  REQUIRE(!code.ok());
  CHECK(code.error().text().find("127.0.0.1:1") != std::string::npos);
}

}  // namespace
}  // namespace mimas::cli
