#include "store/agent_orders.h"

#include <optional>
#include <utility>

namespace mimas::store {
namespace {

constexpr const char* kColumns = "agent,hostname,kind,deadline_ms,requested_by,at_ms,reason";

}  // namespace

std::string write_agent_order_sql() {
  return std::string("INSERT INTO agent_orders(") + kColumns +
         ") VALUES(?,?,?,?,?,?,?) ON CONFLICT(agent) DO UPDATE SET hostname=excluded.hostname,"
         "kind=excluded.kind,deadline_ms=excluded.deadline_ms,requested_by=excluded.requested_by,"
         "at_ms=excluded.at_ms,reason=excluded.reason";
}

std::string read_agent_orders_sql() {
  return std::string("SELECT ") + kColumns + " FROM agent_orders ORDER BY agent";
}

void put_agent_order(Statement& statement, const AgentOrder& order) {
  statement.put(order.agent.value).put(order.hostname).put(agent_order_name(order.kind));
  if (order.deadline == kNever) {
    statement.put_null();
  } else {
    statement.put(order.deadline.ms);
  }
  statement.put(order.user).put(order.at.ms).put(order.reason);
}

Result<AgentOrder> take_agent_order(Statement& statement) {
  AgentOrder order;
  order.agent = AgentId(statement.take_text());
  order.hostname = statement.take_text();
  const std::string kind = statement.take_text();
  const std::optional<AgentOrder::Kind> known = parse_agent_order(kind);
  if (!known) {
    return make_error(Code::invalid_argument, "unknown value \"" + kind + "\" in the database",
                      "agent_orders/" + order.agent.value + "/kind");
  }
  order.kind = *known;
  const bool without = statement.at_null();
  const std::int64_t deadline = statement.take_integer();
  order.deadline = without ? kNever : Instant{deadline};
  order.user = statement.take_text();
  order.at = Instant{statement.take_integer()};
  order.reason = statement.take_text();
  return order;
}

}  // namespace mimas::store
