// SQLite's C API with owners: a connection, prepared statements, and errors as values. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace mimas::store {

class Statement;

class Connection {
 public:
  // Opens or creates the file. It is SQLite's lazy open: that the file is no database shows at the first
  // statement.
  static Result<Connection> open(const std::string& path);
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;
  ~Connection();

  const std::string& path() const { return path_; }
  Status execute(const char* sql);                    // any number of statements, rows discarded
  Result<std::int64_t> integer(const char* sql);      // the first column of the first row
  Result<std::string> text(const char* sql);          // likewise
  Result<Statement> prepare(const std::string& sql);  // to be kept and used often
  void roll_back();                                   // best effort, silent: what failed before is the news
  sqlite3* handle() const { return db_; }             // for what has no words here (backup.cc)
  Error error(int code) const;                        // SQLite's complaint about the last call, in our words

 private:
  Connection(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  sqlite3* db_;
  std::string path_;
};

// A prepared statement: put() the parameters in order, then run() it, or next() through its rows. Texts
// handed to put() must live until then. The Connection must stay where it is while statements live.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  Statement& put(std::int64_t value);
  Statement& put(bool value) { return put(std::int64_t{value}); }
  Statement& put(std::string_view value);
  Statement& put_null();
  Status run();  // to its end, then ready to be used again

  Result<bool> next();  // false: no more rows, ready to be used again
  // Columns of the current row, in order; each call takes the next one.
  std::int64_t take_integer();
  std::string take_text();
  bool take_bool() { return take_integer() != 0; }
  bool at_null() const;  // whether the next one is NULL; take_integer() still passes over it

 private:
  friend class Connection;
  Statement(const Connection* owner, sqlite3_stmt* statement) : owner_(owner), statement_(statement) {}
  void reset();

  const Connection* owner_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
  int parameter_ = 0;
  int column_ = 0;
  int failed_ = 0;  // first result code that was not OK while binding
};

}  // namespace mimas::store
