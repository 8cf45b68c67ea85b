// Sends complete log files to the archive (--archive): what was rotated, after it was compressed, and at a
// task's end `stdout` and `stderr`. Each under <prefix>/<job>/<task>/<file>, one at a time, by a helper
// process (archive_upload.h); the loop only hears of its end. A file that cannot be sent now is tried again,
// 0.5 s to 30 s later, for as long as it is there; one that was rotated away before is counted. When the
// archive refuses (wrong key, no such bucket), that is said once and this executor sends nothing more.
//
// What is left when the executor has to go stays noted (archive_state.h) for the next one or for `reap`.
// One thread: the loop's. Tested in tests/executor/log_archive_test.cc and tests/e2e/archive_test.py.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "executor/archive_state.h"
#include "executor/config.h"
#include "executor/s3_sign.h"
#include "wire/archive_url.h"
#include "wire/backoff.h"

namespace mimas::executor {

// From our environment: MIMAS_ARCHIVE_ACCESS_KEY, MIMAS_ARCHIVE_SECRET_KEY, MIMAS_ARCHIVE_STATE. No task sees
// them: task_environment() leaves them out, and here they are wiped from our own /proc entry.
struct ArchiveEnvironment {
  S3Keys keys;
  std::string state;  // directory
};
ArchiveEnvironment take_archive_environment(char** environment);

// "job/task", neither with a slash of its own.
std::string archive_key(std::string_view job, std::string_view task);

class LogArchive {
 public:
  LogArchive(wire::ArchiveUrl url, ArchiveEnvironment environment);
  ~LogArchive();

  void begin(const std::string& path, const std::string& key);  // a sandbox whose logs are to be kept
  void add(const std::string& path, const std::string& key, const std::string& name,
           Instant now);                                           // complete
  void removed(const std::string& path, const std::string& name);  // rotated away, compressed or not
  void end(const std::string& path);                               // all of it was added
  void adopt(Instant now);                                         // what dead executors left

  void child_ended(std::int64_t pid, int wait_status, Instant now);
  Instant wake_at() const;
  std::vector<std::string> pump(Instant now);  // lines for stderr
  bool busy() const;

 private:
  struct Item {
    std::string path, key, name;
    bool tried = false;
    bool abort = false;  // the file is gone: what was begun of it is to be forgotten
  };
  struct Folder {
    std::string path;
    bool open = true;
  };

  void start(Instant now);
  void settle();
  [[noreturn]] void work(const Item& item, bool quiet) const;

  wire::ArchiveUrl url_;
  S3Keys keys_;
  ArchiveState state_;
  std::vector<Folder> folders_;
  std::deque<Item> queue_;
  Item current_;
  std::int64_t pid_ = 0;  // of the helper; 0: none
  Instant due_{0};
  wire::Backoff backoff_{500, 30'000, 250, 0};
  Prng prng_;
  bool away_ = false;  // the last attempt has failed
  bool refused_ = false;
  std::int64_t lost_ = 0;  // rotated away unsent, and not said yet
  std::vector<std::string> lines_;
};

// Null, with a line for stderr in `why`: it is switched off (no line), or it cannot work.
std::unique_ptr<LogArchive> make_archive(const Config& config, ArchiveEnvironment environment,
                                         std::string& why);

// `mimas-executor reap`: sends what dead executors left, for at most `ms` (--dry-run: only says so); answers
// how many folders are left.
int reap_archive(const Config& config, ArchiveEnvironment environment, std::int64_t ms);

}  // namespace mimas::executor
