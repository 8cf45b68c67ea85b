// Capacity groups as rows of the table that schema/0007_groups.sql makes: the statements that write and read
// them, with the order of their columns in one place. Tested in tests/store/groups_test.cc.
#pragma once

#include <string>

#include "model/group.h"
#include "store/connection.h"

namespace mimas::store {

std::string write_group_sql();  // insert, or update by name
std::string read_groups_sql();  // by name

Status write_group(Statement& statement, const CapacityGroup& group);  // of write_group_sql

// From the current row. Errors: invalid_argument with "capacity_groups/web/tier" and the like in `where`.
Result<CapacityGroup> take_group(Statement& statement);

}  // namespace mimas::store
