// Operators' orders to agents on disk.
#include "store/agent_orders.h"

#include <doctest/doctest.h>

#include "scratch.h"
#include "store/store.h"

namespace mimas::store {
namespace {

engine::Change put(const AgentOrder& order) {
  return engine::PutAgentOrder{std::make_shared<const AgentOrder>(order)};
}

AgentOrder sample(const char* agent, AgentOrder::Kind kind, Instant deadline) {
  return {AgentId(agent), std::string("host of ") + agent, kind, deadline, "ann", Instant{7}, "new disk"};
}

}  // namespace

TEST_CASE("orders to agents come back by agent, as they were put last") {
  const Scratch scratch;
  const AgentOrder drain = sample("b", AgentOrder::Kind::drain, Instant{99});
  const AgentOrder disable = sample("a", AgentOrder::Kind::disable, kNever);
  {
    const auto store = Store::open(scratch.path()).value();
    REQUIRE(store->commit({put(sample("b", AgentOrder::Kind::disable, kNever)), put(disable)}).ok());
    REQUIRE(store->commit({put(sample("c", AgentOrder::Kind::drain, kNever)), put(drain)}).ok());
    REQUIRE(store->commit({engine::RemoveAgentOrder{AgentId("c")}}).ok());
  }
  const auto store = Store::open(scratch.path()).value();
  const Loaded loaded = store->load().value();
  REQUIRE(loaded.agent_orders.size() == 2);
  CHECK(loaded.agent_orders[0] == disable);
  CHECK(loaded.agent_orders[1] == drain);
}

}  // namespace mimas::store
