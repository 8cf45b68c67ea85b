// The steps from an empty file to the newest schema, compiled in from schema/*.sql by scripts/embed.py. Each
// runs once, in a transaction of its own that also sets PRAGMA user_version. A step that was released is
// never edited.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "store/connection.h"

namespace mimas::store {

struct Migration {
  std::int64_t version;  // the user_version it leads to
  const char* sql;
};

std::span<const Migration> migrations();

// "mima" in ASCII, PRAGMA application_id: tells our file from another program's.
inline constexpr std::int64_t kApplicationId = 0x6d696d61;

// Brings the database to the newest of `steps`. Errors: unsupported for a newer schema, invalid_argument for
// a database of another program, otherwise what SQLite says.
Status migrate(Connection& connection, std::span<const Migration> steps);

}  // namespace mimas::store
