#include "store/operations.h"

#include <utility>

#include "store/spec_json.h"

namespace mimas::store {
namespace {

constexpr const char* kColumns =
    "number,id,type,agent,role,amounts,volume,path,requested_by,state,attempt,feedback,reserved_before,"
    "created_at_ms,sent_at_ms,updated_at_ms,message";

Error unknown_value(const std::string& where, const std::string& value) {
  return make_error(Code::invalid_argument, "unknown value \"" + value + "\" in the database", where);
}

Error at(const std::string& where, Error error) {
  error.where = where + error.where;
  return error;
}

}  // namespace

// What never changes after the insert is left alone by the update.
std::string write_operation_sql() {
  return std::string("INSERT INTO operations(") + kColumns +
         ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(number) DO UPDATE SET "
         "state=excluded.state,attempt=excluded.attempt,feedback=excluded.feedback,"
         "reserved_before=excluded.reserved_before,sent_at_ms=excluded.sent_at_ms,"
         "updated_at_ms=excluded.updated_at_ms,message=excluded.message";
}

std::string read_operations_sql() {
  return std::string("SELECT ") + kColumns + " FROM operations ORDER BY number";
}

void put_operation(Statement& statement, const Operation& operation, std::string_view amounts,
                   std::string_view before) {
  statement.put(operation.number)
      .put(operation.id.value)
      .put(operation_type_name(operation.type))
      .put(operation.agent.value)
      .put(operation.role)
      .put(amounts)
      .put(operation.volume)
      .put(operation.path)
      .put(operation.user)
      .put(operation_state_name(operation.state))
      .put(operation.attempt)
      .put(operation.feedback)
      .put(before)
      .put(operation.created_at.ms)
      .put(operation.sent_at.ms)
      .put(operation.updated_at.ms)
      .put(operation.message);
}

Result<Operation> take_operation(Statement& statement) {
  Operation operation;
  operation.number = statement.take_integer();
  operation.id = OperationId(statement.take_text());
  const std::string where = "operations/" + operation.id.value;
  const std::string type = statement.take_text();
  const auto known_type = parse_operation_type(type);
  if (!known_type) return unknown_value(where + "/type", type);
  operation.type = *known_type;
  operation.agent = AgentId(statement.take_text());
  operation.role = statement.take_text();
  Result<Resources> amounts = parse_resources(statement.take_text());
  if (!amounts) return at(where + "/amounts", std::move(amounts).error());
  operation.amounts = std::move(*amounts);
  operation.volume = statement.take_text();
  operation.path = statement.take_text();
  operation.user = statement.take_text();
  const std::string state = statement.take_text();
  const auto known_state = parse_operation_state(state);
  if (!known_state) return unknown_value(where + "/state", state);
  operation.state = *known_state;
  operation.attempt = statement.take_integer();
  operation.feedback = statement.take_bool();
  Result<Resources> before = parse_resources(statement.take_text());
  if (!before) return at(where + "/reserved_before", std::move(before).error());
  operation.reserved_before = std::move(*before);
  operation.created_at = Instant{statement.take_integer()};
  operation.sent_at = Instant{statement.take_integer()};
  operation.updated_at = Instant{statement.take_integer()};
  operation.message = statement.take_text();
  return operation;
}

}  // namespace mimas::store
