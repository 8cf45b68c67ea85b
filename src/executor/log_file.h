// One stream of a task's output as files in its sandbox: `stdout`, and what was rotated out of it, `stdout.1`
// the first, `stdout.2` the second and so on, of which the newest `keep` stay. A file never grows above
// rotate_bytes; within its last 4 KiB it is ended at a newline when there is one, else where it is full. A
// new file is begun when there is something to put into it. Nothing is lost at a rotation.
//
// The sandbox may be the task's to rearrange. What it puts in the place of a file of ours is neither read,
// written nor emptied: files are held and compared by what they are (files/folder.h), never by their names.
//
// The numbers only grow: a name means the same bytes for as long as it exists, which is what readers that
// follow and uploads that resume rely on.
//
// When the disk takes no more, output is dropped and counted, tried again every second, and a line in the
// file tells how much is missing. One thread: the loop's. Tested in tests/executor/log_file_test.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "executor/spec.h"
#include "files/folder.h"

namespace mimas::executor {

class LogFile {
 public:
  // The folder outlives us. `own` is the descriptor of ours that the agent may have opened on the same file
  // (1 or 2): it moves on to each new file with us. -1: none.
  LogFile(const files::Folder& folder, std::string name, const LogRules& rules, int own);
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  bool open();  // false, with errno: no such file can be had

  // Moves what a pipe holds, at most `most` bytes, without copying where the kernel can.
  enum class Pipe { more, empty, closed };
  Pipe take(int pipe, std::int64_t most, Instant now);
  void write(std::string_view bytes, Instant now);
  // The last words: a count of what was dropped and could not be said yet.
  void finish(Instant now);
  void close();

  std::int64_t bytes() const { return bytes_; }      // that came in, dropped ones included
  std::int64_t dropped() const { return dropped_; }  // all in all
  const std::string& name() const { return name_; }
  const LogRules& rules() const { return rules_; }

  // What has happened to rotated files since the last call, in order.
  struct Change {
    std::int64_t number = 0;
    bool removed = false;      // else: it is new
    files::Identity identity;  // of a new one
  };
  std::vector<Change> take_changes();
  std::string rotated_name(std::int64_t number) const;  // "stdout.3", without directory

 private:
  std::int64_t highest_number() const;
  std::int64_t room();
  void put(std::string_view bytes, Instant now);
  bool ready(Instant now);
  bool rotate();
  bool put_aside();
  void remove_oldest();
  void follow_own();
  void drop(std::int64_t count, int error, Instant now);
  Pipe discard(int pipe, std::int64_t& most, Instant now);

  const files::Folder& folder_;
  std::string name_;
  LogRules rules_;
  int own_ = -1;
  files::File file_;
  std::int64_t size_ = 0;
  bool full_ = false;   // the next byte begins a new file
  bool splice_ = true;  // until the file system says no
  std::int64_t rotated_ = 0;
  std::int64_t removed_ = 0;
  std::int64_t bytes_ = 0;
  std::int64_t dropped_ = 0;
  std::int64_t unsaid_ = 0;  // dropped, and not said in the file yet
  int error_ = 0;            // why
  Instant retry_at_{0};
  std::vector<Change> changes_;
  std::deque<Change> kept_;  // rotated by us and not removed yet, the oldest first: at most rules_.keep
};

}  // namespace mimas::executor
