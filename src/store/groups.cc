#include "store/groups.h"

#include <optional>
#include <utility>

#include "store/spec_json.h"

namespace mimas::store {
namespace {

constexpr const char* kColumns = "name,tier,weight,guarantee,quota,version,updated_at_ms,updated_by";

Error at(const std::string& where, Error error) {
  error.where = where + error.where;
  return error;
}

}  // namespace

std::string write_group_sql() {
  return std::string("INSERT INTO capacity_groups(") + kColumns +
         ") VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(name) DO UPDATE SET "
         "tier=excluded.tier,weight=excluded.weight,"
         "guarantee=excluded.guarantee,quota=excluded.quota,version=excluded.version,"
         "updated_at_ms=excluded.updated_at_ms,updated_by=excluded.updated_by";
}

std::string read_groups_sql() {
  return std::string("SELECT ") + kColumns + " FROM capacity_groups ORDER BY name";
}

Status write_group(Statement& statement, const CapacityGroup& group) {
  const std::string guarantee = render_request(group.guarantee);
  const std::string quota = group.quota ? render_request(*group.quota) : std::string();
  return statement.put(group.name)
      .put(tier_name(group.tier))
      .put(group.weight)
      .put(guarantee)
      .put(quota)
      .put(group.version)
      .put(group.updated_at.ms)
      .put(group.updated_by)
      .run();
}

Result<CapacityGroup> take_group(Statement& statement) {
  CapacityGroup group;
  group.name = statement.take_text();
  const std::string where = "capacity_groups/" + group.name;
  const std::string tier = statement.take_text();
  const std::optional<Tier> known = parse_tier(tier);
  if (!known) {
    return make_error(Code::invalid_argument, "unknown value \"" + tier + "\" in the database",
                      where + "/tier");
  }
  group.tier = *known;
  group.weight = statement.take_integer();
  Result<ResourceRequest> guarantee = parse_request(statement.take_text());
  if (!guarantee) return at(where + "/guarantee", std::move(guarantee).error());
  group.guarantee = std::move(*guarantee);
  if (const std::string quota = statement.take_text(); !quota.empty()) {
    Result<ResourceRequest> parsed = parse_request(quota);
    if (!parsed) return at(where + "/quota", std::move(parsed).error());
    group.quota = std::move(*parsed);
  }
  group.version = statement.take_integer();
  group.updated_at = Instant{statement.take_integer()};
  group.updated_by = statement.take_text();
  return group;
}

}  // namespace mimas::store
