// Reads a task's log on while the executor rotates it (src/executor/log_file.h): `stdout` is the present
// file, `stdout.1`, `stdout.2`, … what was rotated out of it, in this order; a number never comes twice. So
// the number of the newest rotated file tells which generation `stdout` is, and bytes read from it count only
// if that number is the same afterwards. When it has grown, the rest is in the rotated file of that number.
// What was compressed or removed before it could be read is told in the text, never left out silently.
// No thread of its own, no clock. Tested in tests/server/log_reader_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mimas::server {

struct FilePiece {
  std::string bytes;  // at most what was asked for; empty at the end of the file
  std::int64_t file_size = 0;
};

class LogSource {
 public:
  virtual ~LogSource() = default;
  virtual Result<FilePiece> read(std::string_view file, std::int64_t offset, std::int64_t length) const = 0;
  virtual Result<std::vector<std::string>> names() const = 0;  // of all files in the task's folder
};

// True for stdout, stderr and what is rotated out of them: what the executor writes.
bool is_log_name(std::string_view name);

class LogReader {
 public:
  // `offset` into the file as it is at the first read. A file that is not stdout or stderr is read as it is.
  LogReader(const LogSource& source, std::string file, std::int64_t offset);

  struct Round {
    std::string bytes;    // at most `most`, and a line of ours where something is missing
    bool at_end = false;  // nothing more for now
    bool ours = false;    // bytes is such a line
  };
  struct Pinned {
    std::int64_t size = 0;        // of the file as it is now
    std::int64_t generation = 0;  // how many were rotated before it
  };
  // Decides now, instead of at the first next(), which file is meant: what is read afterwards is of this
  // generation. Errors as the source's, and unavailable when it is rotated faster than we can look.
  Result<Pinned> pin();
  void seek(std::int64_t offset) { offset_ = offset; }  // before the first next()

  // `last`: nobody will ask again after an end, so that even a new file of exactly the size we have read up
  // to is looked for. Errors as the source's; the same call may be made again.
  Result<Round> next(std::int64_t most, bool last = false);

  // At the end of the file that was the present one at the first read: where a reader who does not follow
  // stops.
  bool first_is_over() const { return generation_ > first_; }

 private:
  struct Names {
    std::int64_t newest = 0;       // rotated; 0: none
    std::int64_t next = 0;         // the oldest plain one above our generation; 0: none
    bool next_compressed = false;  // the one that we want is there as .gz
  };
  Result<Names> look() const;
  Result<Round> read_present(std::int64_t most, bool last);
  Result<Round> read_rotated(const Names& names, std::int64_t most);
  Result<std::string> read_up_to(const std::string& file, std::int64_t most, std::int64_t& size) const;

  const LogSource& source_;
  std::string file_;
  std::int64_t offset_;
  std::int64_t seen_ = 0;  // the greatest size of this generation's file
  bool rotates_;
  bool behind_ = false;           // our generation is known to be a rotated file by now
  std::int64_t generation_ = -1;  // of the file we read: how many were rotated before it; -1: not looked yet
  std::int64_t first_ = 0;
};

}  // namespace mimas::server
