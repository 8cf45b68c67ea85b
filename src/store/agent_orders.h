// Operators' orders to agents as rows of the table that schema/0006_agent_orders.sql makes: the statements
// that write and read them, with the order of their columns in one place. Tested in
// tests/store/agent_orders_test.cc.
#pragma once

#include <string>

#include "model/agent.h"
#include "store/connection.h"

namespace mimas::store {

std::string write_agent_order_sql();  // insert, or update by agent
std::string read_agent_orders_sql();  // by agent

// The texts of `order` must live until the statement has run.
void put_agent_order(Statement& statement, const AgentOrder& order);

// From the current row. Errors: invalid_argument with "agent_orders/AGENT/kind" in `where`.
Result<AgentOrder> take_agent_order(Statement& statement);

}  // namespace mimas::store
