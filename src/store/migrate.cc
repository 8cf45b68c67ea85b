#include "store/migrations.h"

namespace mimas::store {
namespace {

Status apply(Connection& connection, const Migration& step) {
  const std::string sql = std::string("BEGIN IMMEDIATE;") + step.sql +
                          ";PRAGMA application_id=" + std::to_string(kApplicationId) +
                          ";PRAGMA user_version=" + std::to_string(step.version) + ";COMMIT;";
  Status applied = connection.execute(sql.c_str());
  if (!applied) connection.roll_back();
  return applied;
}

}  // namespace

Status migrate(Connection& connection, std::span<const Migration> steps) {
  const Result<std::int64_t> version = connection.integer("PRAGMA user_version");
  if (!version) return version.error();
  const Result<std::int64_t> owner = connection.integer("PRAGMA application_id");
  if (!owner) return owner.error();
  const Result<std::int64_t> tables = connection.integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();

  const bool empty = *version == 0 && *owner == 0 && *tables == 0;
  if (!empty && *owner != kApplicationId) {
    return make_error(Code::invalid_argument, "this database belongs to another program", connection.path(),
                      "choose another data directory");
  }
  const std::int64_t newest = steps.empty() ? 0 : steps.back().version;
  if (*version > newest) {
    return make_error(Code::unsupported,
                      "the database was written by a newer mimas (schema " + std::to_string(*version) +
                          ", this one knows " + std::to_string(newest) + ")",
                      connection.path(), "run that version, or choose another data directory");
  }
  for (const Migration& step : steps) {
    if (step.version <= *version) continue;
    Status applied = apply(connection, step);
    if (!applied) return applied;
  }
  return Done{};
}

}  // namespace mimas::store
