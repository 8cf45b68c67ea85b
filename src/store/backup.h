// A copy of a database that goes on being written: SQLite's online backup, a few pages at a time, so that
// whoever writes is never held up for long. What is committed while the copy is made is in it, too: it is the
// database as it was when the last step was made. Only a complete copy gets its name; until then, and when it
// fails, there is a file beside it that ends in ".part", which the next backup of that name replaces. Mode
// 0600, in a directory that is made with 0700 if missing. For the thread that owns the store. Tested in
// tests/store/backup_test.cc.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "store/connection.h"

struct sqlite3_backup;

namespace mimas::store {

inline constexpr int kBackupPagesPerStep = 256;  // 1 MiB

class Backup {
 public:
  // Errors: conflict when there is a file of that name, io.
  static Result<std::unique_ptr<Backup>> start(Connection& from, const std::string& path);
  ~Backup();  // what is not complete is removed

  // Copies some pages more. True: the copy is complete and on disk. Errors, which end it: io,
  // resource_exhausted.
  Result<bool> step(int pages = kBackupPagesPerStep);

 private:
  Backup(std::string path, Connection to) : path_(std::move(path)), to_(std::move(to)) {}
  Status finish();

  std::string path_;
  Connection to_;
  sqlite3_backup* copy_ = nullptr;
  bool complete_ = false;
};

}  // namespace mimas::store
