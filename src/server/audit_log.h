// The record of changes as a file that only grows (--audit-log): one JSON object a line, as GET /v2/audit
// shows it, mode 0600. It outlives what the database keeps, and no number of changes washes a line out of it
// before its time: when a file is full or a month old it becomes FILE.1, the ones before it FILE.2 and so on;
// above `files` or older than `keep_ms` they are removed. Records that a crash kept out of it are written at
// the next start. Written by the loop after the commit and before the reply; not synced. A write that fails
// loses no command: it is said in the log, and the record comes with the next one that can be written.
// Thread-safe. Tested in tests/server/audit_log_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/history.h"

namespace mimas::server {

struct AuditLogOptions {
  std::string file;  // empty: none is kept
  std::int64_t file_bytes_max = 16 << 20;
  std::int64_t files = 10;                 // rotated ones, besides the one that is written
  std::int64_t keep_ms = 31'536'000'000;   // 365 days; 0: as many as `files` says
  std::int64_t rotate_ms = 2'592'000'000;  // 30 days
};

class AuditLog {
 public:
  using Log = std::function<void(const std::string& line)>;
  // Opens or makes the file, and writes those of `known` (by number) that are newer than its last line.
  // Errors: the file cannot be written, is no file, or others may read it.
  static Result<std::unique_ptr<AuditLog>> open(AuditLogOptions options, const std::vector<Audit>& known,
                                                Log log);
  ~AuditLog();

  void write(const Audit& audit, Instant now);
  void reopen();  // by its name: somebody else may have moved it away

 private:
  AuditLog(AuditLogOptions options, Log log) : options_(std::move(options)), log_(std::move(log)) {}
  Status open_file();
  void read_end();
  void rotate(Instant now);
  void remove_old(Instant now) const;
  bool put(const std::string& lines);
  std::string rotated(std::int64_t number) const { return options_.file + "." + std::to_string(number); }

  const AuditLogOptions options_;
  const Log log_;
  std::mutex mutex_;
  int fd_ = -1;
  std::int64_t bytes_ = 0;
  std::int64_t last_number_ = 0;
  Instant first_at_{};     // of the file that is written; 0: it is empty
  std::string unwritten_;  // at most kUnwrittenBytesMax; what is beyond is counted
  std::int64_t lost_ = 0;
  bool failing_ = false;
};

}  // namespace mimas::server
