// Operations as rows of the table that schema/0003_operations.sql makes: the statements that write and read
// them, with the order of their columns in one place. Tested in tests/store/operations_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "model/operation.h"
#include "store/connection.h"

namespace mimas::store {

std::string write_operation_sql();  // insert, or update by number
std::string read_operations_sql();  // by number

// Parameters of write_operation_sql. `amounts` and `before` are the JSON of the operation's resources; all
// texts must live until the statement has run.
void put_operation(Statement& statement, const Operation& operation, std::string_view amounts,
                   std::string_view before);

// From the current row. Errors: invalid_argument with "operations/mimas-op-7/state" and the like in `where`.
Result<Operation> take_operation(Statement& statement);

}  // namespace mimas::store
