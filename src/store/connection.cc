#include "store/connection.h"

#include <sqlite3.h>
#include <utility>

namespace mimas::store {

Result<Connection> Connection::open(const std::string& path) {
  sqlite3* db = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                         SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;
  const int code = sqlite3_open_v2(path.c_str(), &db, kFlags, nullptr);
  Connection connection(db, path);  // SQLite hands out a handle to be closed even when it failed
  if (code != SQLITE_OK) return connection.error(code);
  return connection;
}

Connection::Connection(Connection&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)), path_(std::move(other.path_)) {}

Connection::~Connection() { sqlite3_close_v2(db_); }

Error Connection::error(int code) const {
  const std::string said = db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_NOTADB: return make_error(Code::io, "this is not a database", path_, "move the file away");
    case SQLITE_CORRUPT:
      return make_error(Code::io, "the database is damaged: " + said, path_, "restore it from a backup");
    case SQLITE_FULL: return make_error(Code::resource_exhausted, "no room for the database: " + said, path_);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN: return make_error(Code::io, "the database cannot be written: " + said, path_);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return make_error(Code::conflict, "another program is using the database", path_, "close it");
    case SQLITE_CONSTRAINT:
    case SQLITE_MISUSE:
    case SQLITE_ERROR: return make_error(Code::internal, "the database refused a statement: " + said, path_);
    default: return make_error(Code::io, "the database failed: " + said, path_);
  }
}

Status Connection::execute(const char* sql) {
  const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  return Done{};
}

Result<Statement> Connection::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error(code);
  return Statement(this, statement);
}

Result<std::string> Connection::text(const char* sql) {
  Result<Statement> statement = prepare(sql);
  if (!statement) return std::move(statement).error();
  const Result<bool> row = statement->next();
  if (!row) return row.error();
  return *row ? statement->take_text() : std::string();
}

Result<std::int64_t> Connection::integer(const char* sql) {
  Result<Statement> statement = prepare(sql);
  if (!statement) return std::move(statement).error();
  const Result<bool> row = statement->next();
  if (!row) return row.error();
  return *row ? statement->take_integer() : 0;
}

void Connection::roll_back() {
  if (sqlite3_get_autocommit(db_) == 0) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
}

Statement::Statement(Statement&& other) noexcept
    : owner_(other.owner_), statement_(std::exchange(other.statement_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  owner_ = other.owner_;
  std::swap(statement_, other.statement_);
  return *this;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::put(std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_, ++parameter_, value);
  if (failed_ == SQLITE_OK) failed_ = code;
  return *this;
}

Statement& Statement::put(std::string_view value) {
  // An empty view may have no address, which SQLite would take for NULL.
  const char* bytes = value.empty() ? "" : value.data();
  const int code = sqlite3_bind_text64(statement_, ++parameter_, bytes, value.size(), nullptr, SQLITE_UTF8);
  if (failed_ == SQLITE_OK) failed_ = code;
  return *this;
}

Statement& Statement::put_null() {
  const int code = sqlite3_bind_null(statement_, ++parameter_);
  if (failed_ == SQLITE_OK) failed_ = code;
  return *this;
}

Status Statement::run() {
  for (;;) {
    const Result<bool> row = next();
    if (!row) return row.error();
    if (!*row) return Done{};
  }
}

Result<bool> Statement::next() {
  int code = failed_;
  if (code == SQLITE_OK) code = sqlite3_step(statement_);
  column_ = 0;
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  Error error = owner_->error(code);  // before reset() changes what SQLite says
  reset();
  return error;
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  parameter_ = 0;
  failed_ = SQLITE_OK;
}

std::int64_t Statement::take_integer() { return sqlite3_column_int64(statement_, column_++); }

std::string Statement::take_text() {
  const int column = column_++;
  const unsigned char* bytes = sqlite3_column_text(statement_, column);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::at_null() const { return sqlite3_column_type(statement_, column_) == SQLITE_NULL; }

}  // namespace mimas::store
