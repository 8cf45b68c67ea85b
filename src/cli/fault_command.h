// `mimas fault`: an order to `mimas pocket` or `mimas dev` to misbehave (docs/pocket.md). Tested in
// tests/cli/fault_command_test.cc.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands.h"

namespace mimas::cli {

// {"kill_leader", "away_ms=500"} → {"fault":"kill_leader","away_ms":500}; whole numbers become numbers unless
// the member names an agent, a framework, a type or a text. Errors: invalid_argument with the word in
// `where`; what pocket would not understand is refused here already.
Result<std::string> fault_body(const std::string& name, const std::vector<std::string>& members);

Result<int> order_fault(const OrderFault& command);

}  // namespace mimas::cli
